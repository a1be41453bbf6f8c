// SPDX-License-Identifier: Apache-2.0
// A line through the parser, the filters that most settings have, and the codecs. The parser accepts exactly what the
// plain reading of RFC 8259 finds no flaw in; what nobody touched leaves as it came; and whatever leaves is JSON again.
#include <array>
#include <memory>

#include "codecs/registry.h"
#include "core/batch.h"
#include "filters/registry.h"
#include "fuzzing.h"
#include "json/diagnose.h"
#include "settings/reader.h"

namespace tailgate::fuzz {
namespace {

constexpr std::size_t kDepth = 1000;

struct Step {
  std::string_view name;
  std::string yaml;
};

class Machine {
 public:
  Machine();
  void run(std::string_view line);

 private:
  using Chain = std::vector<std::unique_ptr<Filter>>;
  Chain chain(const std::vector<Step>& steps);
  bool read(const Padded& line, json::Event& event);
  void unchanged(std::string_view line, const json::Event& event);
  void changed(const json::Event& event);
  void encoded(const json::Event& event);

  json::Parser parser_;
  settings::Problems problems_;
  std::array<Chain, 2> chains_;
  std::vector<std::unique_ptr<Codec>> codecs_;
  Credits credits_{1 << 20, 0};
};

Machine::Machine() {
  const std::string client = "{from: [client_id, {jwt: http.authorization}, jwt_claims.sub]}";
  chains_[0] =
      chain({{"unflatten", "{separator: '.'}"}, {"drop_nulls", "{}"}, {"add_client_id", client}});
  chains_[1] = chain({{"unflatten", "{separator: '_', on_conflict: overwrite, arrays: true}"},
                      {"drop_nulls", "{dashes: true, empty_containers: true, arrays: true}"},
                      {"add_client_id", client}});
  for (const codecs::Entry& entry : codecs::table()) {
    if (entry.name != "eventgate" && entry.name != "ndjson") continue;
    codecs_.push_back(entry.make(settings::Section({}, {}, problems_)));
  }
  must(!problems_.any() && codecs_.size() == 2, "the fuzzer's own settings", problems_.text());
}

Machine::Chain Machine::chain(const std::vector<Step>& steps) {
  Chain made;
  const auto none = [](const std::string&) { return std::optional<std::string>(); };
  for (const Step& step : steps) {
    const settings::Node node = settings::read_text(step.yaml, "fuzz.yaml", none, problems_);
    for (const FilterEntry& entry : filters::table()) {
      if (entry.name == step.name)
        made.push_back(entry.make(settings::Section(node, entry.options, problems_)));
    }
  }
  must(made.size() == steps.size(), "every filter is in the table");
  return made;
}

/// JSON without the white space between its tokens.
std::string compact(std::string_view text) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted && text[i] == '\\') out += text[i++];
    if (quoted || std::string_view(" \n\r\t").find(text[i]) == std::string_view::npos)
      out += text[i];
  }
  return out;
}

/// Whether the parser accepts the line, which must be what the plain reading says.
bool Machine::read(const Padded& line, json::Event& event) {
  const std::string_view text = line.text();
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const auto flaw = json::find_flaw(text, kDepth);
  const bool object = first != std::string_view::npos && text[first] == '{';
  const auto parsed = parser_.parse(text, event);
  must(parsed.has_value() || !parsed.error().what.empty(), "a refusal says why");
  must(parsed.has_value() || flaw || !object, "what is JSON is accepted", text);
  must(!parsed.has_value() || (!flaw && object), "what is not JSON is refused",
       flaw ? flaw->what : "no object");
  return parsed.has_value();
}

void Machine::unchanged(std::string_view line, const json::Event& event) {
  const std::string once = written(event);
  if (event.duplicate_keys == 0) must(compact(once) == compact(line), "it leaves as it came", once);
  json::Arena arena;
  json::Event again(arena);
  const Padded text(once);
  must(read(text, again), "what was written is JSON", once);
  must(again.duplicate_keys == 0, "no key leaves twice", once);
  must(written(again) == once, "written again it is the same", once);
}

/// Nesting may have grown beyond what the parser takes.
void Machine::changed(const json::Event& event) {
  const std::string text = written(event);
  const auto flaw = json::find_flaw(text, 2 * kDepth);
  must(!flaw, "what a filter left is JSON", text);
  if (json::find_flaw(text, kDepth)) return;
  json::Arena arena;
  json::Event again(arena);
  const Padded padded(text);
  must(read(padded, again), "what a filter left is accepted", text);
  must(again.duplicate_keys == 0, "no filter leaves a key twice", text);
}

void Machine::encoded(const json::Event& event) {
  for (const auto& codec : codecs_) {
    const auto stream = std::make_shared<Stream>(Uuid{}, "fuzz", "/fuzz",
                                                 std::vector<SinkPosition>{SinkPosition{}});
    const auto chunk = stream->add_chunk({0, 1});
    Batch batch(0, codec->framing(), credits_);
    BatchEvent& notes = batch.begin_event(chunk, 0);
    must(codec->encode(event, written(event), batch, notes).has_value(),
         "JSON can always be encoded");
    batch.end_event();
    must(batch.text(batch.events().front()) == written(event), "the codec adds nothing");
    must(!json::find_flaw(batch.wire(), 2 * kDepth), "a body of one event is JSON", batch.wire());
    batch.settle_all();
  }
}

void Machine::run(std::string_view line) {
  const Padded padded(line);
  json::Arena arena;
  must(parser_.parse_value(line, arena).has_value() == !json::find_flaw(line, kDepth),
       "a value is read as the plain reading reads it", line);
  for (Chain& filters : chains_) {
    arena.reset();
    json::Event event(arena);
    if (!read(padded, event)) return;
    if (&filters == &chains_.front()) unchanged(line, event);
    for (const auto& filter : filters) {
      const bool good = filter->apply(event).has_value();
      changed(event);
      if (!good) break;
    }
    encoded(event);
  }
}

}  // namespace
}  // namespace tailgate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static tailgate::fuzz::Machine machine;
  machine.run(tailgate::fuzz::view(data, size));
  return 0;
}
