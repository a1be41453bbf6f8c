// SPDX-License-Identifier: Apache-2.0
#include "core/batch.h"

#include <doctest/doctest.h>

using namespace tailgate;

namespace {

constexpr Framing kArray{'[', ',', ']', true};
constexpr Framing kLines{'\n', '\n', '\n', false};

struct Fixture {
  Credits credits{1 << 20, 0};
  std::shared_ptr<Stream> stream = std::make_shared<Stream>(
      Uuid::random(), "access_log", "/log", std::vector<SinkPosition>{SinkPosition{}});
  std::shared_ptr<Chunk> chunk = stream->add_chunk({0, 10, 20, 30});

  void add(Batch& batch, std::uint32_t line, std::string_view text) {
    BatchEvent& event = batch.begin_event(chunk, line);
    batch.body().append(text);
    event.id = batch.note(text);
    batch.end_event();
    batch.account();
  }
};

}  // namespace

TEST_CASE("a batch frames its events as an array or as lines") {
  Fixture f;
  Batch array(0, kArray, f.credits);
  Batch lines(0, kLines, f.credits);
  for (Batch* batch : {&array, &lines}) {
    f.add(*batch, 0, "{}");
    batch->begin_event(f.chunk, 1);
    batch->body().append("broken");
    batch->cancel_event();
    f.add(*batch, 1, "{\"a\":1}");
  }
  CHECK(array.wire() == "[{},{\"a\":1}]");
  CHECK(lines.wire() == "{}\n{\"a\":1}\n");
  CHECK(array.text(array.events()[1]) == "{\"a\":1}");
  CHECK(array.note(array.events()[1].id) == "{\"a\":1}");
  array.settle_all();
  lines.settle_all();
}

TEST_CASE("a cancelled event does not keep its chunk") {
  Fixture f;
  Batch batch(0, kLines, f.credits);
  f.add(batch, 0, "{}");
  std::weak_ptr<Chunk> other;
  {
    const std::shared_ptr<Chunk> chunk = f.stream->add_chunk({30, 40});
    other = chunk;
    batch.begin_event(chunk, 0);
    batch.cancel_event();
  }
  CHECK(other.expired());
  f.add(batch, 1, "{}");
  CHECK(batch.wire() == "{}\n{}\n");
  batch.settle_all();
  CHECK(f.stream->settled_offset() == 20);
}

TEST_CASE("a cancelled first event leaves nothing") {
  Fixture f;
  Batch batch(0, kArray, f.credits);
  batch.begin_event(f.chunk, 0);
  batch.body().append("x");
  batch.cancel_event();
  CHECK(batch.empty());
  CHECK(batch.wire().empty());
}

TEST_CASE("a split keeps order, notes and framing, and settles each event once") {
  Fixture f;
  Batch batch(0, kArray, f.credits);
  f.add(batch, 0, "0");
  f.add(batch, 1, "1");
  f.add(batch, 2, "2");
  Batch tail = batch.split_off(1);
  CHECK(batch.wire() == "[0]");
  CHECK(tail.wire() == "[1,2]");
  CHECK(tail.note(tail.events()[1].id) == "2");
  Batch odd = tail.take({false, true});
  CHECK(tail.wire() == "[1]");
  CHECK(odd.wire() == "[2]");
  odd.settle_all();
  batch.settle_all();
  CHECK(f.stream->settled_offset() == 10);
  tail.settle(0, Settled::delivered);
  CHECK(f.stream->settled_offset() == 30);
}

TEST_CASE("a batch goes on after its end was split off") {
  Fixture f;
  Batch batch(0, kArray, f.credits);
  for (std::uint32_t line = 0; line < 3; ++line) f.add(batch, line, std::to_string(line));
  Batch tail = batch.split_off(2);
  CHECK(batch.wire() == "[0,1]");
  CHECK(tail.wire() == "[2]");
  CHECK(tail.note(tail.events()[0].id) == "2");
  tail.settle_all();
  f.add(batch, 2, "again");
  CHECK(batch.wire() == "[0,1,again]");
  CHECK(batch.note(batch.events()[2].id) == "again");
  batch.settle_all();
  CHECK(f.stream->settled_offset() == 30);
}

TEST_CASE("credits are counted while a batch lives") {
  Fixture f;
  {
    Batch batch(0, kArray, f.credits);
    f.add(batch, 0, std::string(1000, 'x'));
    CHECK(f.credits.used() >= 1000);
    Batch moved = std::move(batch);
    CHECK(f.credits.used() >= 1000);
    moved.settle_all();
  }
  CHECK(f.credits.used() == 0);
}

TEST_CASE("the body of a batch that is done serves one that wants as much") {
  constexpr std::size_t kSize = 40'000;
  Fixture f;
  const char* place = nullptr;
  {
    Batch batch(0, kLines, f.credits);
    batch.reserve({kSize, 0, 0});
    place = batch.body().data();
    f.add(batch, 0, std::string(kSize / 2, 'x'));
    batch.settle_all();
  }
  Batch small(0, kLines, f.credits);
  small.reserve({kSize / 4, 0, 0});
  CHECK(small.body().capacity() < kSize / 2);  // it would be counted in full
  Batch batch(0, kLines, f.credits);
  batch.reserve({kSize, 0, 0});
  CHECK(batch.empty());
  CHECK(batch.body().data() == place);
  f.add(batch, 1, "{}");
  CHECK(batch.wire() == "{}\n");
  batch.settle_all();
}

TEST_CASE("spare bodies are bounded, and the oldest go first") {
  SpareBodies spare(100'000);
  for (const std::size_t size : {40'000U, 50'000U, 60'000U, 200'000U}) {
    std::string body;
    body.reserve(size);
    spare.give(std::move(body));
  }
  CHECK(spare.take(40'000).capacity() >= 60'000);
  CHECK(spare.take(40'000).capacity() < 40'000);
}
