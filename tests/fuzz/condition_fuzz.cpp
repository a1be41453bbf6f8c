// SPDX-License-Identifier: Apache-2.0
// Conditions, templates and paths: what parses, parses again from its own text and then means the same.
#include "core/condition.h"
#include "core/template.h"
#include "fuzzing.h"
#include "json/diagnose.h"
#include "json/path.h"

namespace tailgate::fuzz {
namespace {

constexpr std::string_view kEvent =
    R"({"$schema":"/request/1.0.0","meta":{"stream":"request","dt":"2026-11-23T00:47:28.253Z"},)"
    R"("http":{"method":"GET","status_code":503,"request_headers":{"user-agent":"caf\u00e9 \"1\""}},)"
    R"("tags":["a",{"b":[1,2.50,-0]}],"oslo.message":{"level":"7"},"":null,"gone":null,"on":true})";

/// Readers of languages must also stand a text that is not UTF-8.
class Machine {
 public:
  Machine() : text_(kEvent), event_(arena_) {
    must(parser_.parse(text_.text(), event_).has_value(), "the fuzzer's own event");
  }

  void condition(std::string_view text) {
    const auto first = Condition::parse(text);
    must(first.has_value() || !first.error().what.empty(), "a refusal says why");
    if (!first) return;
    const auto second = Condition::parse(first->text());
    must(second.has_value(), "a condition parses again", first->text());
    must(second->matches(event_) == first->matches(event_), "and matches the same", text);
    must(second->paths() == first->paths(), "and looks at the same", text);
    for (const json::Path& path : first->paths()) reads_back(path);
  }

  void expansion(std::string_view text) {
    const auto first = Template::parse(text);
    if (!first) return;
    const auto second = Template::parse(first->text());
    must(second.has_value(), "a template parses again", first->text());
    std::string one = "before";
    std::string other = "before";
    const bool expanded = first->expand(event_, one);
    must(second->expand(event_, other) == expanded && one == other, "and expands the same", text);
    must(expanded || one == "before", "nothing is left of what did not expand", one);
    must(expanded || !first->constant(), "a constant always expands", text);
    for (const json::Path& path : first->paths()) reads_back(path);
  }

  void path(std::string_view text) {
    const auto path = json::Path::parse(text);
    if (!path) return;
    reads_back(*path);
    json::Event event = event_.clone();
    if (!event.set(*path, json::boolean_value(true))) return;
    const json::Value* set = event.find(*path);
    must(set != nullptr && set->raw == "true", "what was set is there", text);
    const std::string left = written(event);
    must(!json::find_flaw(left, 1U << 20U), "and leaves as JSON", left);
    must(event.remove(*path) && event.find(*path) == nullptr, "and can be removed", text);
    must(written(event_) == kEvent, "a clone's changes are its own");
  }

 private:
  void reads_back(const json::Path& path) {
    const auto again = json::Path::parse(path.text());
    must(again.has_value(), "a path parses again", path.text());
    must(*again == path, "and is the same", path.text());
    must(event_.find(*again) == event_.find(path), "and finds the same", path.text());
  }

  Padded text_;
  json::Arena arena_;
  json::Parser parser_;
  json::Event event_;
};

}  // namespace
}  // namespace tailgate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = tailgate::fuzz::view(data, size);
  tailgate::fuzz::Machine machine;
  machine.condition(text);
  machine.expansion(text);
  machine.path(text);
  return 0;
}
