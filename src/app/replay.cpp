// SPDX-License-Identifier: Apache-2.0
#include "app/replay.h"

#include <algorithm>

#include "json/parse.h"

namespace tailgate::app {

ReplaySource::ReplaySource(const std::vector<const StoredLetter*>& letters, std::size_t sinks)
    : letters_(letters), sinks_(sinks) {
  for (const StoredLetter* letter : letters)
    total_ += (letter->event.empty() ? letter->raw : letter->event).size();
}

Wakeup ReplaySource::watch(Tick /*now*/) {
  return {std::nullopt, !finished()};
}

std::optional<Lines> ReplaySource::read(std::size_t /*max_bytes*/) {
  if (finished()) return std::nullopt;
  const StoredLetter& letter = *letters_[next_++];
  text_ = letter.event.empty() ? letter.raw : letter.event;
  const std::size_t size = text_.size();
  text_.append(json::kPadding, '\0');
  line_ = {{text_.data(), size}, Line::Problem::none};
  line_.joined = line_.text.find('\n') != std::string_view::npos;
  const Uuid gen = Uuid::parse(letter.gen).value_or(Uuid{});
  SinkPosition position;
  position.offset = letter.offset;
  streams_.push_back(std::make_shared<Stream>(gen, letter.source, letter.path,
                                              std::vector<SinkPosition>(sinks_, position)));
  return Lines{streams_.back()->add_chunk({letter.offset, letter.offset + size + 1}), {&line_, 1}};
}

SourceStatus ReplaySource::status() const {
  SourceStatus status;
  status.watching = true;
  status.total_bytes = total_;
  return status;
}

ReplaySource::Outcome ReplaySource::outcome(std::size_t letter) const {
  const bool settled = letter < streams_.size() &&
                       streams_[letter]->settled_offset() == streams_[letter]->end_offset();
  if (!settled) return Outcome::waiting;
  const auto any = [positions = streams_[letter]->positions()](Settled kind) {
    return std::any_of(positions.begin(), positions.end(), [kind](const SinkPosition& position) {
      return position.tally[static_cast<std::size_t>(kind)] > 0;
    });
  };
  if (any(Settled::dead_at_source) || any(Settled::dead_lettered)) return Outcome::came_back;
  return any(Settled::delivered) ? Outcome::delivered : Outcome::filtered;
}

}  // namespace tailgate::app
