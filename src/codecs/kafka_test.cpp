// SPDX-License-Identifier: Apache-2.0
#include "codecs/kafka.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "json/parse.h"
#include "json/write.h"
#include "settings/reader.h"

using namespace tailgate;
using settings::Type;

namespace {

constexpr std::array kTable{
    settings::Option{.name = "topic", .type = Type::text_template},
    settings::Option{.name = "topics", .type = Type::text_or_list},
    settings::Option{.name = "key", .type = Type::text_template},
    settings::Option{.name = "headers", .type = Type::text_map},
};

/// A codec from YAML, and what it writes.
struct Fixture {
  explicit Fixture(const std::string& yaml)
      : section(settings::read_text(yaml, "test.yaml", settings::process_environment(), problems),
                kTable, problems),
        codec(codecs::make_kafka(section)) {}

  Result<void> add(const std::string& line) {
    texts.push_back(line + std::string(json::kPadding, ' '));
    json::Event event(arena);
    REQUIRE(parser.parse(std::string_view(texts.back()).substr(0, line.size()), event));
    BatchEvent& out = batch.begin_event(chunk, next);
    std::string written;
    json::write(event, written);
    auto result = codec->encode(event, written, batch, out);
    if (result) {
      batch.end_event();
      ++next;
    } else {
      batch.cancel_event();
    }
    return result;
  }
  [[nodiscard]] std::string_view note(std::size_t event, Span BatchEvent::*span) const {
    return batch.note(batch.events()[event].*span);
  }
  ~Fixture() { batch.settle_all(); }

  settings::Problems problems;
  settings::Section section;
  std::unique_ptr<Codec> codec;
  Credits credits{1 << 20, 0};
  std::shared_ptr<Stream> stream = std::make_shared<Stream>(
      Uuid::random(), "log", "/log", std::vector<SinkPosition>{SinkPosition{}});
  std::shared_ptr<Chunk> chunk = stream->add_chunk({0, 10, 20, 30});
  std::uint32_t next = 0;
  json::Arena arena;
  json::Parser parser;
  std::deque<std::string> texts;
  Batch batch{0, Framing{}, credits};
};

}  // namespace

TEST_CASE("a templated topic takes its fields from the event, or their defaults") {
  Fixture f("topic: \"staging.{meta.stream|unknown}\"");
  CHECK(f.add(R"({"meta":{"stream":"api.request"}})"));
  CHECK(f.add(R"({"a":1})"));
  CHECK(f.note(0, &BatchEvent::target) == "staging.api.request");
  CHECK(f.note(1, &BatchEvent::target) == "staging.unknown");
  CHECK(f.note(1, &BatchEvent::group) == "staging.unknown");
  CHECK(f.batch.text(f.batch.events()[1]) == R"({"a":1})");
}

TEST_CASE("events that follow each other share the note of their topic") {
  Fixture f("topic: access");
  CHECK(f.add(R"({"a":1})"));
  CHECK(f.add(R"({"a":2})"));
  CHECK(f.batch.events()[0].target.begin == f.batch.events()[1].target.begin);
}

TEST_CASE("an event without its topic's field, or with one that Kafka cannot take, is an error") {
  Fixture f("topic: \"t.{stream}\"");
  CHECK_FALSE(f.add(R"({"a":1})"));
  CHECK_FALSE(f.add(R"({"stream":"a/b"})"));
  CHECK_FALSE(f.add("{\"stream\":\"" + std::string(248, 'x') + "\"}"));
  CHECK(f.add("{\"stream\":\"" + std::string(247, 'x') + "\"}"));
  CHECK(f.batch.size() == 1);
}

TEST_CASE("an empty topic is an error, the first event's too") {
  Fixture f("topic: \"{stream}\"");
  CHECK_FALSE(f.add(R"({"stream":""})"));
  CHECK(f.add(R"({"stream":"a"})"));
  CHECK_FALSE(f.add(R"({"stream":""})"));
}

TEST_CASE("a topic that is not allowed is an error") {
  Fixture f("topic: \"{stream}\"\ntopics: [\"staging.*\", audit]");
  CHECK(f.add(R"({"stream":"staging.x"})"));
  CHECK(f.add(R"({"stream":"audit"})"));
  const auto refused = f.add(R"({"stream":"secret"})");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what == "topic \"secret\" is none of those that `topics` allows");
}

TEST_CASE("a missing key field means no key, an empty one an empty key") {
  Fixture f("topic: t\nkey: \"{client_id}\"");
  CHECK(f.add(R"({"client_id":"abc"})"));
  CHECK(f.add(R"({"client_id":""})"));
  CHECK(f.add(R"({"a":1})"));
  CHECK(f.batch.events()[0].has_key);
  CHECK(f.note(0, &BatchEvent::key) == "abc");
  CHECK(f.batch.events()[1].has_key);
  CHECK_FALSE(f.batch.events()[2].has_key);
}

TEST_CASE("headers are written with their values, and left out where a field is missing") {
  Fixture f("topic: t\nheaders: {source: tailgate, id: \"{id}\"}");
  CHECK(f.add(R"({"id":"a\u0000b"})"));
  CHECK(f.add(R"({"x":1})"));
  CHECK(f.note(0, &BatchEvent::headers) == std::string_view("source\0tailgate\0id\0ab\0", 22));
  CHECK(f.note(1, &BatchEvent::headers) == std::string_view("source\0tailgate\0", 16));
}

TEST_CASE("a constant topic that Kafka cannot take is a problem at start") {
  Fixture bad("topic: \"a b\"");
  CHECK(bad.codec == nullptr);
  CHECK(bad.problems.any());
}

TEST_CASE("topic names follow Kafka's own rule") {
  CHECK(codecs::check_topic_name("a.b_c-1"));
  for (const char* name : {"", ".", "..", "a/b", "\xc3\xa4", "a b"}) {
    CHECK_FALSE(codecs::check_topic_name(name));
  }
}

TEST_CASE("a glob's star stands for any run of characters") {
  CHECK(codecs::matches_glob("staging.*", "staging."));
  CHECK(codecs::matches_glob("*.request", "api.x.request"));
  CHECK(codecs::matches_glob("a*b*c", "aXbYbZc"));
  CHECK(codecs::matches_glob("t?", "t1"));
  CHECK_FALSE(codecs::matches_glob("staging.*", "prod.x"));
  CHECK_FALSE(codecs::matches_glob("a*b", "abc"));
}
