// SPDX-License-Identifier: Apache-2.0
#include "codecs/json_codec.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "codecs/id_set.h"
#include "json/parse.h"
#include "json/write.h"

namespace tailgate::codecs {
namespace {

/// Puts events through a codec as the batcher does; counts what did not fit.
struct Writer {
  explicit Writer(Shape shape, bool named)
      : codec(shape, named), batch(0, codec.framing(), credits) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { batch.settle_all(); }

  bool add(const std::string& text) {
    json::Parser parser;
    json::Event event(arena);
    std::string& line = lines.emplace_back(text + std::string(json::kPadding, '\0'));
    REQUIRE(parser.parse(std::string_view(line).substr(0, text.size()), event));
    if (!codec.fits(event, batch)) return false;
    BatchEvent& out = batch.begin_event(stream->add_chunk({end, end + 1}), 0);
    std::string written;
    json::write(event, written);
    REQUIRE(codec.encode(event, written, batch, out));
    batch.end_event();
    ++end;
    return true;
  }
  std::string note(std::size_t event, Span BatchEvent::*span) {
    return std::string(batch.note(batch.events()[event].*span));
  }

  Credits credits{1 << 20, 0};
  std::shared_ptr<Stream> stream = std::make_shared<Stream>(
      Uuid::random(), "test", "/test", std::vector<SinkPosition>{SinkPosition{}});
  std::uint64_t end = 0;
  json::Arena arena;
  std::vector<std::string> lines;
  JsonCodec codec;
  Batch batch;
};

std::string with_id(const std::string& id) {
  return R"({"meta":{"id":")" + id + R"("}})";
}

TEST_CASE("events stand in an array, in lines, or alone") {
  Writer array(Shape::array, true);
  Writer lines(Shape::lines, false);
  Writer single(Shape::single, true);
  for (Writer* writer : {&array, &lines, &single}) CHECK(writer->add(R"({"a":1.0})"));
  CHECK(array.add(R"({"b": [2]})"));
  CHECK(lines.add("{}"));
  CHECK_FALSE(single.add("{}"));
  CHECK(array.batch.wire() == R"([{"a":1.0},{"b":[2]}])");
  CHECK(lines.batch.wire() == "{\"a\":1.0}\n{}\n");
  CHECK(single.batch.wire() == "{\"a\":1.0}\n");
}

TEST_CASE("what names an event in an answer is noted, as it is after decoding") {
  Writer writer(Shape::array, true);
  CHECK(writer.add(R"({"$schema":"/a/1.0.0","meta":{"stream":"s.t","id":"\u0041-1"}})"));
  CHECK(writer.add(R"({"meta":{"id":7}})"));
  CHECK(writer.note(0, &BatchEvent::id) == "A-1");
  CHECK(writer.note(0, &BatchEvent::group) == "s.t /a/1.0.0");
  CHECK(writer.note(1, &BatchEvent::id).empty());
  CHECK(writer.note(1, &BatchEvent::group).empty());
}

TEST_CASE(
    "ids of a batch that has left are forgotten, also when the next begins with its last event") {
  Writer writer(Shape::array, true);
  for (const char* id : {"a", "b", "c"}) CHECK(writer.add(with_id(id)));
  Batch next = writer.batch.split_off(2);
  writer.batch.settle_all();
  writer.batch = std::move(next);
  CHECK(writer.add(with_id("a")));
  CHECK(writer.add(with_id("b")));
  CHECK_FALSE(writer.add(with_id("c")));
  CHECK_FALSE(writer.add(with_id("a")));
}

TEST_CASE("no batch holds one id twice, but the next may") {
  Writer writer(Shape::array, true);
  CHECK(writer.add(with_id("a")));
  CHECK(writer.add(with_id("b")));
  CHECK_FALSE(writer.add(with_id("a")));
  CHECK_FALSE(writer.add(with_id("\\u0061")));
  CHECK(writer.add("{}"));
  CHECK(writer.add("{}"));
  writer.batch.settle_all();
  writer.batch = Batch(0, writer.codec.framing(), writer.credits);
  CHECK(writer.add(with_id("a")));
  CHECK(writer.add(with_id("b")));
}

TEST_CASE("the set of ids grows and forgets") {
  IdSet set;
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = std::to_string(i);
    CHECK_FALSE(set.contains(id));
    set.insert(id);
    set.insert(id);
  }
  for (int i = 0; i < 10'000; ++i) CHECK(set.contains(std::to_string(i)));
  set.clear();
  CHECK_FALSE(set.contains("1"));
}

}  // namespace
}  // namespace tailgate::codecs
