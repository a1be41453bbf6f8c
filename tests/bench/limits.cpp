// SPDX-License-Identifier: Apache-2.0
// What the machine gives at best, each as a whole process over the same bytes:
//   limits walk FILE     every field of every line visited with simdjson on-demand, and nothing done
//   limits minify FILE   simdjson::minify of every line
//   limits lines FILE    read and cut into lines
//   limits copy FILE     read, and one memcpy of the bytes
//   limits through FILE OUT   read and written
// All but the last print a number, so that no compiler can leave the work out.
#include <fcntl.h>
#include <simdjson.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kRead = std::size_t{256} << 10;
constexpr std::size_t kPadding = simdjson::SIMDJSON_PADDING;

using Take = std::function<void(std::string_view)>;

/// Reads in pieces of kRead, with readable bytes behind each.
std::uint64_t pieces(const char* path, const Take& take) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    std::perror(path);
    std::exit(1);
  }
  std::vector<char> buffer(kRead + kPadding);
  std::uint64_t bytes = 0;
  for (ssize_t n = 0; (n = ::read(fd, buffer.data(), kRead)) > 0;) {
    bytes += static_cast<std::uint64_t>(n);
    take({buffer.data(), static_cast<std::size_t>(n)});
  }
  ::close(fd);
  return bytes;
}

/// Calls `each` for every line, which is followed by readable bytes.
template <class Each>
void lines(const char* path, Each each) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    std::perror(path);
    std::exit(1);
  }
  std::vector<char> buffer(2 * kRead + kPadding);
  std::size_t held = 0;
  while (true) {
    if (buffer.size() < held + kRead + kPadding) buffer.resize(2 * buffer.size());
    const ssize_t n = ::read(fd, buffer.data() + held, kRead);
    if (n <= 0) break;
    const char* at = buffer.data();
    const char* const end = at + held + n;
    while (at < end) {
      const auto* newline =
          static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
      if (newline == nullptr) break;
      each(std::string_view(at, static_cast<std::size_t>(newline - at)));
      at = newline + 1;
    }
    held = static_cast<std::size_t>(end - at);
    std::memmove(buffer.data(), at, held);
  }
  ::close(fd);
}

/// The walk: keys and scalars as raw tokens, containers entered.
class Walk {
 public:
  void line(std::string_view text) {
    const std::size_t brace = text.find('{');  // behind what a container runtime wrote in front
    text.remove_prefix(brace == std::string_view::npos ? text.size() : brace);
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    if (parser_.iterate(text.data(), text.size(), text.size() + kPadding).get(document) ||
        document.get_object().get(object)) {
      return;
    }
    members(object);
  }
  [[nodiscard]] std::uint64_t fields() const { return fields_; }

 private:
  void members(simdjson::ondemand::object& object) {
    for (auto item : object) {
      simdjson::ondemand::field field;
      if (std::move(item).get(field)) return;
      fields_ += static_cast<unsigned char>(*field.key().raw()) != 0 ? 1 : 0;
      value(field.value());
    }
  }
  void value(simdjson::ondemand::value& value) {
    simdjson::ondemand::json_type type{};
    if (value.type().get(type)) return;
    if (type == simdjson::ondemand::json_type::object) {
      simdjson::ondemand::object object;
      if (!value.get_object().get(object)) members(object);
    } else if (type == simdjson::ondemand::json_type::array) {
      simdjson::ondemand::array array;
      if (value.get_array().get(array)) return;
      for (auto item : array) {
        simdjson::ondemand::value inner;
        if (item.get(inner)) return;
        this->value(inner);
      }
    } else {
      fields_ += value.raw_json_token().empty() ? 1 : 0;
    }
  }

  simdjson::ondemand::parser parser_;
  std::uint64_t fields_ = 0;
};

std::uint64_t walk(const char* path) {
  Walk walker;
  lines(path, [&](std::string_view line) { walker.line(line); });
  return walker.fields();
}

std::uint64_t minify(const char* path) {
  std::vector<char> out(kRead);
  std::uint64_t bytes = 0;
  lines(path, [&](std::string_view line) {
    if (out.size() < line.size() + kPadding) out.resize(2 * line.size() + kPadding);
    std::size_t size = 0;
    if (simdjson::minify(line.data(), line.size(), out.data(), size) == simdjson::SUCCESS)
      bytes += size;
  });
  return bytes;
}

std::uint64_t cut(const char* path) {
  std::uint64_t count = 0;
  lines(path, [&](std::string_view line) { count += line.empty() ? 0 : 1; });
  return count;
}

std::uint64_t copy(const char* path) {
  std::vector<char> to(kRead);
  std::uint64_t sum = 0;
  (void)pieces(path, [&](std::string_view piece) {
    std::memcpy(to.data(), piece.data(), piece.size());
    sum += static_cast<unsigned char>(to[piece.size() / 2]);
  });
  return sum;
}

int through(const char* path, const char* target) {
  const int out = ::open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (out < 0) {
    std::perror(target);
    return 1;
  }
  (void)pieces(path, [&](std::string_view piece) {
    while (!piece.empty()) {
      const ssize_t n = ::write(out, piece.data(), piece.size());
      if (n <= 0) std::exit(1);
      piece.remove_prefix(static_cast<std::size_t>(n));
    }
  });
  return ::close(out);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count > 2 ? arguments[1] : "";
  if (what == "through" && count == 4) return through(arguments[2], arguments[3]);
  std::uint64_t (*const work)(const char*) = what == "walk"     ? walk
                                             : what == "minify" ? minify
                                             : what == "lines"  ? cut
                                             : what == "copy"   ? copy
                                                                : nullptr;
  if (work == nullptr) {
    std::fprintf(stderr, "usage: limits walk|minify|lines|copy FILE, limits through FILE OUT\n");
    return 2;
  }
  std::printf("%llu\n", static_cast<unsigned long long>(work(arguments[2])));
  return 0;
}
