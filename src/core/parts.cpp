// SPDX-License-Identifier: Apache-2.0
#include "core/parts.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace tailgate {
namespace {

constexpr std::uint64_t kStdout = 1;
constexpr std::uint64_t kStderr = 2;

struct CriLine {
  std::size_t message = std::string_view::npos;
  Part part = {};
};

// The `time stream tag ` in front of a CRI line; a tag is P or F, and more may follow it behind a colon.
// Source: Kubernetes design proposal "CRI: dockershim logging", kubelet/cri/streaming log format.
CriLine cri_line(std::string_view text) {
  const std::size_t time_end = text.find(' ');
  if (time_end == std::string_view::npos || time_end < 20 || text[10] != 'T') return {};
  const std::size_t stream_end = text.find(' ', time_end + 1);
  if (stream_end == std::string_view::npos) return {};
  const std::string_view stream = text.substr(time_end + 1, stream_end - time_end - 1);
  if (stream != "stdout" && stream != "stderr") return {};
  const std::size_t tag_end = std::min(text.find(' ', stream_end + 1), text.size());
  const std::string_view tag = text.substr(stream_end + 1, tag_end - stream_end - 1);
  if (tag.empty() || (tag[0] != 'F' && tag[0] != 'P')) return {};
  return {std::min(tag_end + 1, text.size()),
          {stream == "stdout" ? kStdout : kStderr, tag[0] == 'P'}};
}

// The end of the JSON string whose text begins at `at`: its closing quote, or npos.
std::size_t closing_quote(std::string_view text, std::size_t at) {
  for (;;) {
    at = text.find_first_of("\"\\", at);
    if (at == std::string_view::npos || text[at] == '"') return at;
    at += 2;
  }
}

// A newline at the end is written as \n, and its backslash is not itself escaped.
bool ends_with_newline(std::string_view escaped) {
  if (!escaped.ends_with("\\n")) return false;
  const std::size_t last = escaped.find_last_not_of('\\', escaped.size() - 2);
  const std::size_t begin = last == std::string_view::npos ? 0 : last + 1;
  return (escaped.size() - 1 - begin) % 2 == 1;
}

Part docker_part(std::string_view text) {
  if (!text.starts_with(kDockerBegin)) return {};
  const std::size_t end = closing_quote(text, kDockerBegin.size());
  if (end == std::string_view::npos) return {};
  const bool is_stderr = text.find("\"stream\":\"stderr\"", end) != std::string_view::npos;
  const std::string_view log = text.substr(kDockerBegin.size(), end - kDockerBegin.size());
  return {is_stderr ? kStderr : kStdout, !ends_with_newline(log)};
}

// The text of a field that journald writes as a string; inside of another string its quotes would be escaped.
std::string_view journal_field(std::string_view text, std::string_view name_and_quote) {
  const std::size_t at = text.find(name_and_quote);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + name_and_quote.size();
  return text.substr(begin, std::min(text.find('"', begin), text.size()) - begin);
}

Part journald_part(std::string_view text) {
  std::string_view output = journal_field(text, "\"CONTAINER_PARTIAL_ID\":\"");
  if (!output.empty())
    return {std::hash<std::string_view>{}(output) | 1,
            journal_field(text, "\"CONTAINER_PARTIAL_MESSAGE\":\"") == "true"};
  output = journal_field(text, "\"_STREAM_ID\":\"");
  if (output.empty()) return {};
  return {std::hash<std::string_view>{}(output) | 1,
          journal_field(text, "\"_LINE_BREAK\":\"") == "line-max"};
}

}  // namespace

std::size_t cri_message(std::string_view text) {
  return cri_line(text).message;
}

Part part_of(std::string_view text, Format format) {
  switch (format) {
    case Format::cri:
      return cri_line(text).part;
    case Format::docker:
      return docker_part(text);
    case Format::journald:
      return journald_part(text);
    case Format::automatic:
      if (text.empty()) return {};
      return text[0] == '{' ? docker_part(text) : cri_line(text).part;
    default:
      return {};
  }
}

}  // namespace tailgate
