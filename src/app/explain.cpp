// SPDX-License-Identifier: Apache-2.0
// explain: the event after each filter, and what each sink would get. Sends nothing.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "app/commands.h"
#include "app/session.h"
#include "json/write.h"
#include "settings/reader.h"

namespace tailgate::app {
namespace {

std::string text_of(const json::Event& event) {
  std::string out;
  json::write(event, out);
  return out;
}

// False: the event ends here, and that was said.
bool explain_chain(const pipeline::Chain& chain, json::Event& event, std::string_view whose) {
  for (const pipeline::Chain::Step& step : chain.steps()) {
    if (step.when && !step.when->matches(event)) {
      fmt::print("  {}{}: not for this event (when {})\n", whose, step.name, step.when->text());
      continue;
    }
    const std::string before = text_of(event);
    const Result<Verdict> verdict = step.filter->apply(event);
    if (!verdict.has_value()) {
      fmt::print("  {}{}: error: {}\n", whose, step.name, verdict.error().what);
      if (step.on_error == pipeline::OnError::keep) continue;
      fmt::print("  => {}\n", step.on_error == pipeline::OnError::drop ? "dropped" : "dead letter");
      return false;
    }
    if (*verdict == Verdict::drop) {
      fmt::print("  {}{}: dropped\n", whose, step.name);
      return false;
    }
    const std::string after = text_of(event);
    fmt::print("  {}{}: {}\n", whose, step.name, after == before ? "unchanged" : after);
  }
  return true;
}

// What the codec writes, or why it cannot.
void explain_sink(pipeline::Parts& parts, pipeline::Outlet& outlet, const json::Event& shared,
                  const std::shared_ptr<Chunk>& chunk) {
  if (outlet.when && !outlet.when->matches(shared)) {
    fmt::print("  {}: gets nothing (when {})\n", outlet.name, outlet.when->text());
    return;
  }
  json::Event event = shared.clone();
  if (!explain_chain(outlet.filters, event, outlet.name + "/")) return;
  Batch batch(0, outlet.codec->framing(), *parts.credits);
  BatchEvent& out = batch.begin_event(chunk, 0);
  const Result<void> encoded = outlet.codec->encode(event, text_of(event), batch, out);
  if (!encoded.has_value()) {
    batch.cancel_event();
    fmt::print("  {}: dead letter: {}\n", outlet.name, encoded.error().what);
    return;
  }
  batch.end_event();
  const std::string target(batch.note(out.target));
  fmt::print("  {}: gets {}{}\n", outlet.name, batch.text(out),
             target.empty() ? "" : " on topic " + target);
  batch.abandon();
}

void explain_line(pipeline::Parts& parts, const std::string& line, std::uint64_t offset,
                  int number) {
  fmt::print("line {}:\n", number);
  json::Arena arena;
  pipeline::Inlet& inlet = parts.inlets.front();
  json::Event event(arena);
  const std::string padded = line + std::string(json::kPadding, '\0');
  auto stream = std::make_shared<Stream>(Uuid{}, inlet.name, "stdin",
                                         std::vector<SinkPosition>(parts.outlets.size()));
  const auto chunk = stream->add_chunk({offset, offset + line.size() + 1});
  event.origin = {Uuid{}, offset, std::chrono::system_clock::now()};
  const auto inner =
      inlet.parser.unwrap({{padded.data(), line.size()}, Line::Problem::none}, arena);
  const auto parsed =
      inner.has_value() ? inlet.parser.parse(*inner, event) : tl::unexpected<Error>(inner.error());
  if (!parsed.has_value()) {
    fmt::print("  => dead letter: {}\n", parsed.error().what);
  } else if (*parsed == pipeline::LineParser::Parsed::skipped) {
    fmt::print("  => skipped: not JSON\n");
  } else if (explain_chain(inlet.filters, event, inlet.name + "/") &&
             explain_chain(parts.filters, event, "")) {
    for (pipeline::Outlet& outlet : parts.outlets) explain_sink(parts, outlet, event, chunk);
  }
}

int explain(const std::string& file) {
  settings::Problems problems;
  const settings::Node root = settings::read_file(file, settings::process_environment(), problems);
  const pipeline::General general = pipeline::read_general(root, problems);
  pipeline::BuildContext context;
  context.clock = std::make_shared<SystemClock>();
  context.log = make_log(Log::Level::error);
  std::optional<pipeline::Parts> parts =
      pipeline::build(root, general, pipeline::DeadLetters::to_stderr(*context.clock, context.log),
                      context, problems);
  if (say_problems(problems) || !parts || parts->inlets.empty()) return kUsage;
  std::uint64_t offset = 0;
  int number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty()) explain_line(*parts, line, offset, ++number);
    offset += line.size() + 1;
  }
  return kSettled;
}

}  // namespace

void add_explain(CLI::App& app, int& exit_code) {
  auto file = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "explain", "Show what each filter does to lines from stdin, and what each sink would get.");
  command->add_option("-c,--config", *file, "The YAML settings file.")->required();
  command->callback([file, &exit_code] { exit_code = explain(*file); });
}

}  // namespace tailgate::app
