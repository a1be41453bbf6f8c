// SPDX-License-Identifier: Apache-2.0
#include "core/stream.h"

#include <doctest/doctest.h>

using namespace tailgate;

namespace {

std::shared_ptr<Stream> stream_with(std::vector<SinkPosition> positions) {
  return std::make_shared<Stream>(Uuid::random(), "access_log", "/log", std::move(positions));
}

TEST_CASE("the parts of a line are settled with it, and counted once") {
  const auto stream = std::make_shared<Stream>(Uuid{}, "s", "p", std::vector<SinkPosition>(2));
  // Two outputs interleave: lines 0, 2 and 4 are one event, 1 and 3 another.
  const auto chunk = stream->add_chunk({0, 10, 20, 30, 40, 50});
  chunk->carry(3, std::vector<std::uint32_t>{1});
  chunk->carry(4, std::vector<std::uint32_t>{0, 2});
  CHECK(chunk->begin(4) == 0);
  CHECK(chunk->begin(3) == 10);
  CHECK(chunk->begin(1) == 10);
  chunk->settle(0, 4, Settled::delivered);
  CHECK(chunk->settled(0, 0));
  CHECK(chunk->settled(2, 0));
  CHECK_FALSE(chunk->settled(1, 0));
  CHECK_FALSE(chunk->settled(0, 1));
  CHECK(stream->positions()[0].offset == 10);
  chunk->settle_for_all(3, Settled::filtered);
  CHECK(stream->positions()[0].offset == 50);
  CHECK(stream->positions()[1].offset == 0);
  CHECK(stream->positions()[0].tally[static_cast<std::size_t>(Settled::delivered)] == 1);
  CHECK(stream->positions()[0].tally[static_cast<std::size_t>(Settled::filtered)] == 1);
  chunk->settle(1, 4, Settled::delivered);
  CHECK(stream->settled_offset() == 50);
}

}  // namespace

TEST_CASE("a position moves over settled lines only while they are contiguous") {
  const auto stream = stream_with({{}, {}});
  const auto chunk = stream->add_chunk({0, 10, 20, 30, 40});
  chunk->settle(0, 0, Settled::delivered);
  chunk->settle(0, 2, Settled::delivered);
  CHECK(stream->positions()[0].offset == 10);
  CHECK(stream->positions()[0].above ==
        std::vector<std::pair<std::uint64_t, std::uint64_t>>{{20, 30}});
  CHECK(stream->positions()[1].offset == 0);
  CHECK(stream->settled_offset() == 0);
  chunk->settle(0, 1, Settled::delivered);
  CHECK(stream->positions()[0].offset == 30);
  CHECK(stream->positions()[0].above.empty());
  for (std::uint32_t line = 0; line < 4; ++line) chunk->settle_for_all(line, Settled::delivered);
  CHECK(stream->settled_offset() == 40);
}

TEST_CASE("a position is found in a read of any size") {
  for (const std::uint32_t lines : {63U, 64U, 65U, 127U, 128U, 129U}) {
    const auto stream = stream_with({{}});
    std::vector<std::uint64_t> offsets;
    for (std::uint32_t i = 0; i <= lines; ++i) offsets.push_back(std::uint64_t{i} * 10);
    const auto chunk = stream->add_chunk(offsets);
    for (std::uint32_t line = lines; --line > 0;) chunk->settle(0, line, Settled::delivered);
    CHECK(stream->settled_offset() == 0);
    chunk->settle(0, 0, Settled::delivered);
    CHECK(stream->settled_offset() == std::uint64_t{lines} * 10);
    const auto next = stream->add_chunk({lines * 10ULL, lines * 10ULL + 10});
    next->settle(0, 0, Settled::delivered);
    CHECK(stream->settled_offset() == lines * 10ULL + 10);
  }
  const auto stream = stream_with({{}});
  std::vector<std::uint64_t> offsets;
  for (std::uint64_t i = 0; i <= 200; ++i) offsets.push_back(i);
  const auto chunk = stream->add_chunk(offsets);
  for (std::uint32_t line = 0; line < 200; ++line) {
    chunk->settle(0, line, Settled::delivered);
    REQUIRE(stream->settled_offset() == line + 1);
  }
}

TEST_CASE("after a restart lines that one sink had settled start settled for it alone") {
  const auto stream = stream_with({{30, {{40, 50}}}, {10, {}}});
  CHECK(stream->end_offset() == 10);
  const auto chunk = stream->add_chunk({10, 20, 30, 40, 50, 60});
  CHECK(chunk->settled(0, 0));
  CHECK(chunk->settled(1, 0));
  CHECK_FALSE(chunk->settled(2, 0));
  CHECK(chunk->settled(3, 0));
  CHECK_FALSE(chunk->settled(0, 1));
  chunk->settle(0, 2, Settled::delivered);
  CHECK(stream->positions()[0].offset == 50);
}

TEST_CASE("ranges settled in an earlier run are kept until they are read again") {
  const auto stream = stream_with({{0, {{40, 50}}}});
  CHECK(stream->positions()[0].above.size() == 1);
  const auto first = stream->add_chunk({0, 20});
  first->settle(0, 0, Settled::delivered);
  CHECK(stream->positions()[0].offset == 20);
  CHECK(stream->positions()[0].above.size() == 1);
  const auto second = stream->add_chunk({20, 40, 50});
  CHECK(stream->positions()[0].above ==
        std::vector<std::pair<std::uint64_t, std::uint64_t>>{{40, 50}});
  second->settle(0, 0, Settled::delivered);
  CHECK(stream->positions()[0].offset == 50);
}

TEST_CASE("what waits is what some sink has not settled, wherever it lies") {
  const auto stream = std::make_shared<Stream>(Uuid::random(), "s", "p",
                                               std::vector<SinkPosition>(2, SinkPosition{}));
  const auto chunk = stream->add_chunk({0, 10, 20, 30});
  CHECK(stream->unsettled_before(40) == 40);
  chunk->settle(0, 1, Settled::delivered);
  CHECK(stream->unsettled_before(40) == 40);
  chunk->settle(1, 1, Settled::delivered);
  CHECK(stream->unsettled_before(40) == 30);
  CHECK(stream->unsettled_before(15) == 10);
  stream->skip(35);
  CHECK(stream->unsettled_before(40) == 25);
  const auto later = std::make_shared<Stream>(Uuid::random(), "s", "p", stream->positions());
  CHECK(later->unsettled_before(40) == 25);
  chunk->settle_for_all(0, Settled::delivered);
  chunk->settle_for_all(2, Settled::delivered);
  CHECK(stream->unsettled_before(40) == 5);
}

TEST_CASE("chunks may be settled in any order") {
  const auto stream = stream_with({{}});
  const auto first = stream->add_chunk({0, 5, 10});
  const auto second = stream->add_chunk({10, 15, 20});
  second->settle(0, 0, Settled::delivered);
  second->settle(0, 1, Settled::delivered);
  CHECK(stream->settled_offset() == 0);
  first->settle(0, 1, Settled::delivered);
  CHECK(stream->positions()[0].above ==
        std::vector<std::pair<std::uint64_t, std::uint64_t>>{{5, 20}});
  first->settle(0, 0, Settled::delivered);
  CHECK(stream->settled_offset() == 20);
}
