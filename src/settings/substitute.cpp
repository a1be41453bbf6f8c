// SPDX-License-Identifier: Apache-2.0
#include "settings/substitute.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace tailgate::settings {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20;

bool is_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && c != '_' && !(c >= '0' && c <= '9')) return false;
  }
  return true;
}

Result<std::string> file_value(std::string_view path, const std::string& folder) {
  const std::filesystem::path whole = std::filesystem::path(folder) / std::filesystem::path(path);
  std::error_code error;
  if (std::filesystem::is_directory(whole, error))
    return fail(fmt::format("{} is a folder", whole.string()));
  std::ifstream in(whole, std::ios::binary);
  if (!in) return fail(fmt::format("cannot read {}: {}", whole.string(), std::strerror(errno)));
  std::string text(kLargestFile + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad()) return fail(fmt::format("cannot read {}", whole.string()));
  if (text.size() > kLargestFile)
    return fail(fmt::format("{} is over 1 MiB: hardly one value", whole.string()));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

/// What stands between `${` and `}`.
Result<std::string> resolve(std::string_view inside, const Environment& environment, bool& secret) {
  const std::size_t dash = inside.find(":-");
  const std::string name(inside.substr(0, dash));
  if (!is_name(name)) {
    return fail(
        fmt::format("${{{}}} is none of ${{ENV}}, ${{ENV:-default}} and ${{file:PATH}}; write $${{ "
                    "for a plain ${{",
                    inside));
  }
  const std::optional<std::string> found = environment(name);
  if (dash != std::string_view::npos && (!found || found->empty()))
    return std::string(inside.substr(dash + 2));
  if (!found) {
    return fail(fmt::format("the environment has no {}: set it, or write a default as ${{{}:-…}}",
                            name, name));
  }
  secret = true;
  return *found;
}

}  // namespace

Result<Substituted> substitute(std::string_view text, const std::string& folder,
                               const Environment& environment) {
  Substituted out;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    out.text += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar);
    if (text.starts_with("$${")) {
      out.text += "${";
      out.changed = true;
      text.remove_prefix(3);
      continue;
    }
    if (!text.starts_with("${")) {
      out.text += '$';
      text.remove_prefix(1);
      continue;
    }
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos) return fail("this ${ has no }; write $${ for a plain ${");
    const std::string_view inside = text.substr(2, end - 2);
    const bool is_file = inside.starts_with("file:");
    const Result<std::string> value =
        is_file ? file_value(inside.substr(5), folder) : resolve(inside, environment, out.secret);
    if (!value) return tl::unexpected(value.error());
    out.text += *value;
    out.changed = true;
    out.secret = out.secret || is_file;
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace tailgate::settings
