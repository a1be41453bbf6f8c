// SPDX-License-Identifier: Apache-2.0
#include "sources/line_reader.h"

#include <cstring>

namespace tailgate::sources {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";
/// What may surround a line's text: a BOM before it, a CR after it.
constexpr std::size_t kSurround = 4;

std::string_view without_leading_nuls(std::string_view text) {
  // A writer without O_APPEND leaves a hole in front after a copytruncate; a power cut leaves NULs
  // too.
  if (text.empty() || text.front() != '\0') return text;
  const std::size_t at = text.find_first_not_of('\0');
  return at == std::string_view::npos ? std::string_view{} : text.substr(at);
}

std::string_view line_text(std::string_view raw, bool first) {
  if (first && raw.starts_with(kBom)) raw.remove_prefix(kBom.size());
  raw = without_leading_nuls(raw);
  if (!raw.empty() && raw.back() == '\r') raw.remove_suffix(1);
  if (!raw.empty() && (raw.front() == ' ' || raw.front() == '\t' || raw.front() == '\r') &&
      raw.find_first_not_of(" \t\r") == std::string_view::npos) {
    return {};
  }
  return raw;
}

class Cutter {
 public:
  Cutter(std::size_t max_line_bytes, CutPosition& position, Cut& out)
      : max_line_bytes_(max_line_bytes), position_(position), out_(out) {}

  /// `raw` ends a line; `size` is what it takes with its newline.
  void end_line(std::string_view raw, std::size_t size) {
    const bool first = position_.scan == 0;
    position_.scan += size;
    if (position_.too_long) {
      add({{}, Line::Problem::too_long});
      return;
    }
    const std::string_view text = line_text(raw, first);
    if (text.empty()) return;
    if (text.size() > max_line_bytes_) {
      add({{}, Line::Problem::too_long});
    } else {
      add({text, Line::Problem::none});
    }
  }

  void keep_rest(std::string_view rest) {
    if (position_.too_long) {
      position_.scan += rest.size();
      return;
    }
    const std::string_view text = without_leading_nuls(rest);
    position_.scan += rest.size() - text.size();
    if (text.size() > max_line_bytes_ + kSurround) {
      position_.too_long = true;
      position_.scan += text.size();
    }
  }

 private:
  void add(Line line) {
    out_.lines.push_back(line);
    out_.offsets.push_back(position_.scan);
    position_.line = position_.scan;
    position_.too_long = false;
  }

  std::size_t max_line_bytes_;
  CutPosition& position_;
  Cut& out_;
};

}  // namespace

void cut_lines(std::string_view text, std::size_t max_line_bytes, bool at_end,
               CutPosition& position, Cut& out) {
  out.offsets.clear();
  out.offsets.reserve(out.lines.size() +
                      2);  // they went with the last chunk; as many again, it may be
  out.lines.clear();
  out.offsets.push_back(position.line);
  Cutter cutter(max_line_bytes, position, out);
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    const auto* newline =
        static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (newline == nullptr) break;
    const auto size = static_cast<std::size_t>(newline - at);
    cutter.end_line({at, size}, size + 1);
    at = newline + 1;
  }
  const std::string_view rest(at, static_cast<std::size_t>(end - at));
  if (at_end && (!rest.empty() || position.too_long)) {
    cutter.end_line(rest, rest.size());
  } else {
    cutter.keep_rest(rest);
  }
}

}  // namespace tailgate::sources
