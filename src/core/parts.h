// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tailgate {

/// What wraps the JSON of a line: nothing, the container runtime's prefix (Kubernetes CRI logging format), docker's
/// json-file object, or journald's export as JSON (systemd.journal-fields(7): MESSAGE). `automatic` looks at each line.
enum class Format : std::uint8_t { json, cri, docker, journald, automatic };

/// Container runtimes and journald cut a long line into parts, each wrapped as a line of its own. Those of stdout and of
/// stderr, or of several services, may interleave.
struct Part {
  std::uint64_t key = 0;  // of which output; 0: this line has no parts
  bool partial = false;   // the line goes on in the output's next part
};

/// Which part of what a wrapped line is. CRI: the tag P or F. docker: a log without its newline at the end.
/// journald: _LINE_BREAK=line-max, or CONTAINER_PARTIAL_MESSAGE of docker's journald driver; not looked for by `automatic`.
Part part_of(std::string_view text, Format format);

/// Where the message of a CRI line begins, or npos when it is none.
std::size_t cri_message(std::string_view text);
/// How docker's json-file object begins.
inline constexpr std::string_view kDockerBegin = "{\"log\":\"";

/// Whether part_of() can say anything: most lines begin as no wrapper does, and are asked about no further.
inline bool may_be_part(std::string_view text, Format format) {
  if (format != Format::automatic) return format != Format::json;
  return !text.starts_with('{') || text.starts_with(kDockerBegin);
}

}  // namespace tailgate
