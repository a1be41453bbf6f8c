// SPDX-License-Identifier: Apache-2.0
// Any bytes as a settings file: they are read, checked and, where building opens nothing, built. What the environment
// held is neither printed nor told in a problem, and what was printed reads back.
#include <algorithm>

#include "app/reference.h"
#include "fuzzing.h"
#include "pipeline/build.h"
#include "settings/print.h"
#include "settings/reader.h"

namespace tailgate::fuzz {
namespace {

using settings::Defaults;
using settings::Node;
using settings::Problems;

constexpr std::string_view kSecret = "hunter2-0f3a";

std::optional<std::string> environment(const std::string& name) {
  if (name == "SECRET") return std::string(kSecret);
  if (name == "EMPTY") return std::string();
  return std::nullopt;
}

/// No file is named anywhere, and neither a file nor the network is read from or written to.
bool opens_nothing(const Node& node) {
  for (const auto& [key, value] : node.members()) {
    if (key.text().find("schema") != std::string::npos) return false;
    if (!opens_nothing(value)) return false;
  }
  return std::all_of(node.items().begin(), node.items().end(), opens_nothing);
}

/// YAML takes no plain key beyond 1024 characters (1.2.2, 7.4.2), and escapes make them longer.
bool keys_are_short(const Node& node) {
  for (const auto& [key, value] : node.members()) {
    if (key.text().size() > 200 || !keys_are_short(value)) return false;
  }
  return std::all_of(node.items().begin(), node.items().end(), keys_are_short);
}

bool all_of_type(const Node& map, std::initializer_list<std::string_view> types) {
  for (const auto& [key, value] : map.members()) {
    const std::string type = value.at("type").text();
    if (std::find(types.begin(), types.end(), type) == types.end()) return false;
  }
  return true;
}

void build(const Node& root, Problems& problems) {
  const pipeline::General general = pipeline::read_general(root, problems);
  if (!opens_nothing(root) || !all_of_type(root.at("sources"), {"stdin", kSecret}) ||
      !all_of_type(root.at("sinks"), {"stdout", "none", kSecret}))
    return;
  pipeline::BuildContext context;
  context.clock = std::make_shared<SystemClock>();
  auto letters = pipeline::DeadLetters::to_stderr(*context.clock, context.log);
  const bool built =
      pipeline::build(root, general, std::move(letters), context, problems).has_value();
  must(built != problems.any(), "either it is built or there is a problem", problems.text());
  pipeline::warn_about(root, problems);
}

void tells_nothing(const std::string& text) {
  must(text.find(kSecret) == std::string::npos, "a secret stays one", text);
}

void print(const Node& root, const settings::SectionDoc& doc, bool good) {
  tells_nothing(settings::print_masked(root, doc, Defaults::show));
  const std::string printed = settings::print_masked(root, doc, Defaults::omit);
  tells_nothing(printed);
  if (!good || !root.is_map() || !keys_are_short(root)) return;
  Problems problems;
  const Node again = settings::read_text(printed, "printed.yaml", environment, problems);
  must(!problems.any(), "what was printed reads back", printed + problems.text());
  const std::string second = settings::print_masked(again, doc, Defaults::omit);
  must(second == printed, "as the same settings", printed + "---\n" + second);
}

void run(std::string_view text) {
  static const settings::SectionDoc doc = app::settings_doc();
  // A ${file:…} would be read; and what holds the secret itself may show it.
  if (text.find("file") != std::string_view::npos) return;
  if (text.find("hunter2") != std::string_view::npos) return;
  Problems problems;
  const Node root = settings::read_text(std::string(text), "tailgate.yaml", environment, problems);
  const bool good = !problems.any();
  build(root, problems);
  print(root, doc, good);
  tells_nothing(problems.text());
  tells_nothing(problems.warnings());
}

}  // namespace
}  // namespace tailgate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tailgate::fuzz::run(tailgate::fuzz::view(data, size));
  return 0;
}
