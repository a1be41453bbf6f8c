// SPDX-License-Identifier: Apache-2.0
// Lines as container runtimes wrap them, with every leniency on: what becomes an event leaves as one line of JSON.
#include "fuzzing.h"
#include "json/diagnose.h"
#include "pipeline/line_parser.h"

namespace tailgate::fuzz {
namespace {

void run(std::string_view text, Format format) {
  pipeline::LineParser parser({.format = format,
                               .skip_prefix = true,
                               .not_json = pipeline::NotJson::pass,
                               .replace_invalid_utf8 = true});
  json::Arena arena;
  json::Event event(arena);
  const Padded line(text);
  const auto inner = parser.unwrap(
      {.text = line.text(), .joined = line.text().find('\n') != std::string_view::npos}, arena);
  const auto parsed =
      inner ? parser.parse(*inner, event)
            : Result<pipeline::LineParser::Parsed>(tl::unexpected<Error>(inner.error()));
  if (!parsed) {
    must(!parsed.error().what.empty(), "a refusal says why");
    return;
  }
  must(*parsed == pipeline::LineParser::Parsed::event, "nothing is skipped", text);
  const std::string out = written(event);
  const auto flaw = json::find_flaw(out, 1000);
  must(!flaw, flaw ? flaw->what : "", out);
  must(out.find('\n') == std::string::npos, "an event is one line", out);
  json::Arena second;
  json::Event again(second);
  json::Parser strict;
  const Padded padded(out);
  must(strict.parse(padded.text(), again).has_value(), "it is accepted again", out);
  must(written(again) == out, "and leaves the same", out);
}

}  // namespace
}  // namespace tailgate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tailgate::Format;
  const std::string_view text = tailgate::fuzz::view(data, size);
  for (const Format format : {Format::automatic, Format::cri, Format::docker, Format::journald})
    tailgate::fuzz::run(text, format);
  return 0;
}
