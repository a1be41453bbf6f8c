// SPDX-License-Identifier: Apache-2.0
#include "core/stream.h"

#include <algorithm>
#include <bit>

namespace tailgate {
namespace {

bool bit(const std::vector<std::uint64_t>& bits, std::uint32_t at) {
  return (bits[at / 64] >> (at % 64) & 1) != 0;
}

// There is always one: the bits are more than the lines.
std::uint32_t first_clear(const std::vector<std::uint64_t>& bits) {
  std::size_t word = 0;
  while (~bits[word] == 0) ++word;
  return static_cast<std::uint32_t>(word * 64) +
         static_cast<std::uint32_t>(std::countr_one(bits[word]));
}

void extend(std::vector<std::pair<std::uint64_t, std::uint64_t>>& ranges, std::uint64_t begin,
            std::uint64_t end) {
  if (!ranges.empty() && ranges.back().second == begin) {
    ranges.back().second = end;
  } else {
    ranges.emplace_back(begin, end);
  }
}

}  // namespace

bool SinkPosition::settled(std::uint64_t line_offset) const {
  if (line_offset < offset) return true;
  return std::any_of(above.begin(), above.end(), [&](const auto& range) {
    return line_offset >= range.first && line_offset < range.second;
  });
}

Stream::Stream(Uuid gen, std::string source, std::string path, std::vector<SinkPosition> positions)
    : gen_(gen),
      source_(std::move(source)),
      path_(std::move(path)),
      positions_(std::move(positions)) {
  end_ = positions_.empty() ? 0 : positions_.front().offset;
  for (const SinkPosition& position : positions_) {
    end_ = std::min(end_, position.offset);
    for (std::size_t kind = 0; kind < kSettledKinds; ++kind) {
      const bool parsed = kind != static_cast<std::size_t>(Settled::dead_at_source);
      if (parsed && position.tally[kind] > 0) trial_ = kTrial + 1;
    }
  }
}

std::shared_ptr<Chunk> Stream::add_chunk(std::vector<std::uint64_t> offsets) {
  const std::lock_guard lock(mutex_);
  const auto state = std::make_shared<ChunkState>(std::move(offsets), positions_.size());
  bool resumed = false;
  end_ = state->offsets.back();
  for (std::size_t sink = 0; sink < positions_.size(); ++sink) {
    const SinkPosition& position = positions_[sink];
    if (state->offsets.front() >= position.offset && position.above.empty()) continue;
    for (std::uint32_t line = 0; line < state->lines(); ++line) {
      if (!position.settled(state->offsets[line])) continue;
      state->mark(sink, line);
      resumed = true;
    }
  }
  chunks_.push_back(state);
  advance_locked();
  return std::shared_ptr<Chunk>(new Chunk(shared_from_this(), state, resumed));
}

void Stream::skip(std::uint64_t end) {
  const std::lock_guard lock(mutex_);
  const auto state =
      std::make_shared<ChunkState>(std::vector<std::uint64_t>{end_, end}, positions_.size());
  for (std::size_t sink = 0; sink < positions_.size(); ++sink) state->mark(sink, 0);
  end_ = end;
  chunks_.push_back(state);
  advance_locked();
}

void Stream::count(Settled as, std::uint64_t lines) {
  const std::lock_guard lock(mutex_);
  for (SinkPosition& position : positions_) position.tally[static_cast<std::size_t>(as)] += lines;
  ++version_;
}

void Stream::advance_locked() {
  ++version_;
  for (std::size_t sink = 0; sink < positions_.size(); ++sink) {
    SinkPosition& position = positions_[sink];
    for (const auto& chunk : chunks_) {
      const ChunkState::PerSink& state = chunk->sinks[sink];
      if (chunk->offsets.back() <= position.offset) continue;
      if (state.settled == chunk->lines()) {
        position.offset = std::max(position.offset, chunk->offsets.back());
        continue;
      }
      position.offset = std::max(position.offset, chunk->offsets[first_clear(state.bits)]);
      break;
    }
    auto& above = position.above;
    above.erase(std::remove_if(above.begin(), above.end(),
                               [&](const auto& range) { return range.second <= position.offset; }),
                above.end());
  }
  const auto done = [&](const std::shared_ptr<ChunkState>& chunk) {
    return std::all_of(
        chunk->sinks.begin(), chunk->sinks.end(),
        [&](const ChunkState::PerSink& state) { return state.settled == chunk->lines(); });
  };
  while (!chunks_.empty() && done(chunks_.front())) chunks_.pop_front();
}

// What every sink has settled beyond the place that all have passed, in order.
std::vector<std::pair<std::uint64_t, std::uint64_t>> Stream::settled_above_locked() const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> above;
  for (const auto& chunk : chunks_) {
    const auto by = [&](std::uint32_t line) {
      return std::all_of(chunk->sinks.begin(), chunk->sinks.end(),
                         [&](const ChunkState::PerSink& state) { return bit(state.bits, line); });
    };
    const bool none = std::any_of(chunk->sinks.begin(), chunk->sinks.end(),
                                  [](const auto& state) { return state.settled == 0; });
    for (std::uint32_t line = 0; line < chunk->lines() && !none; ++line) {
      if (by(line)) extend(above, chunk->offsets[line], chunk->offsets[line + 1]);
    }
  }
  // Of an earlier run, and not read again yet.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> before;
  if (!positions_.empty()) before = positions_.front().above;
  for (const SinkPosition& other : positions_) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> both;
    for (const auto& [begin, end] : before) {
      if (end <= other.offset) both.emplace_back(begin, end);
      for (const auto& range : other.above) {
        const auto from = std::max(begin, range.first);
        if (from < std::min(end, range.second))
          both.emplace_back(from, std::min(end, range.second));
      }
    }
    before = std::move(both);
  }
  for (const auto& [begin, end] : before) {
    if (end > end_) extend(above, std::max(begin, end_), end);
  }
  return above;
}

std::uint64_t Stream::unsettled_before(std::uint64_t end) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t least = end_;
  for (const SinkPosition& position : positions_) least = std::min(least, position.offset);
  std::uint64_t waiting = end > least ? end - least : 0;
  if (waiting == 0) return 0;
  for (const auto& [from, to] : settled_above_locked()) {
    if (to <= least || from >= end) continue;
    waiting -= std::min(to, end) - std::max(from, least);
  }
  return waiting;
}

std::vector<SinkPosition> Stream::positions() const {
  const std::lock_guard lock(mutex_);
  std::vector<SinkPosition> result = positions_;
  for (std::size_t sink = 0; sink < result.size(); ++sink) {
    SinkPosition& position = result[sink];
    std::vector<std::pair<std::uint64_t, std::uint64_t>> above;
    for (const auto& chunk : chunks_) {
      const ChunkState::PerSink& state = chunk->sinks[sink];
      if (state.settled == 0) continue;
      for (std::uint32_t line = 0; line < chunk->lines(); ++line) {
        if (chunk->offsets[line] < position.offset || !bit(state.bits, line)) continue;
        extend(above, chunk->offsets[line], chunk->offsets[line + 1]);
      }
    }
    // Ranges of an earlier run that were not read again yet.
    for (const auto& range : position.above) {
      if (range.first >= end_) extend(above, range.first, range.second);
    }
    position.above = std::move(above);
  }
  return result;
}

std::uint64_t Stream::settled_offset() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t least = end_;
  for (const SinkPosition& position : positions_) least = std::min(least, position.offset);
  return least;
}

std::uint64_t Stream::end_offset() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

std::uint64_t Stream::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

std::uint64_t Stream::forgotten() const {
  const std::lock_guard lock(mutex_);
  return forgotten_;
}

ChunkState::ChunkState(std::vector<std::uint64_t> line_offsets, std::size_t sink_count)
    : offsets(std::move(line_offsets)), sinks(sink_count) {
  for (PerSink& sink : sinks) sink.bits.assign(lines() / 64 + 1, 0);
}

bool ChunkState::mark(std::size_t sink, std::uint32_t line) {
  PerSink& state = sinks[sink];
  const std::uint64_t mask = std::uint64_t{1} << (line % 64);
  if ((state.bits[line / 64] & mask) != 0) return false;
  state.bits[line / 64] |= mask;
  ++state.settled;
  return true;
}

void ChunkState::carry(std::size_t sink, std::span<const std::uint32_t> settled_lines) {
  if (carried.empty()) return;
  for (const std::uint32_t line : settled_lines) {
    auto one = std::lower_bound(carried.begin(), carried.end(), std::pair(line, std::uint32_t{0}));
    for (; one != carried.end() && one->first == line; ++one) mark(sink, one->second);
  }
}

Chunk::Chunk(std::shared_ptr<Stream> stream, std::shared_ptr<ChunkState> state, bool resumed)
    : stream_(std::move(stream)), state_(std::move(state)), resumed_(resumed) {}

bool Chunk::settled(std::uint32_t line, std::size_t sink) const {
  const std::lock_guard lock(stream_->mutex_);
  return bit(state_->sinks[sink].bits, line);
}

void Chunk::settle(std::size_t sink, std::span<const std::uint32_t> lines, Settled as) {
  const std::lock_guard lock(stream_->mutex_);
  std::uint64_t& count = stream_->positions_[sink].tally[static_cast<std::size_t>(as)];
  for (const std::uint32_t line : lines) count += state_->mark(sink, line) ? 1 : 0;
  state_->carry(sink, lines);
  stream_->advance_locked();
}

void Chunk::settle_for_all(std::uint32_t line, Settled as) {
  const std::lock_guard lock(stream_->mutex_);
  for (std::size_t sink = 0; sink < state_->sinks.size(); ++sink) {
    if (state_->mark(sink, line)) ++stream_->positions_[sink].tally[static_cast<std::size_t>(as)];
    state_->carry(sink, {&line, 1});
  }
  stream_->advance_locked();
}

void Chunk::carry(std::uint32_t line, std::span<const std::uint32_t> parts) {
  const std::lock_guard lock(stream_->mutex_);
  for (const std::uint32_t part : parts) state_->carried.emplace_back(line, part);
}

std::uint64_t Chunk::begin(std::uint32_t line) const {
  const std::lock_guard lock(stream_->mutex_);
  const auto first = std::find_if(state_->carried.begin(), state_->carried.end(),
                                  [line](const auto& entry) { return entry.first == line; });
  return state_->offsets[first == state_->carried.end() ? line : first->second];
}

void Chunk::forget(std::uint32_t /*line*/) {
  const std::lock_guard lock(stream_->mutex_);
  ++stream_->forgotten_;
}

}  // namespace tailgate
