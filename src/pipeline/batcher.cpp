// SPDX-License-Identifier: Apache-2.0
#include "pipeline/batcher.h"

#include <utility>

namespace tailgate::pipeline {

Batcher::Batcher(std::size_t sink, Codec& codec, Buffer& buffer, Credits& credits,
                 BatchLimits limits)
    : sink_(sink), codec_(codec), buffer_(buffer), credits_(credits), limits_(limits) {}

Result<void> Batcher::add(const json::Event& event, std::string_view text,
                          const std::shared_ptr<Chunk>& chunk, std::uint32_t line, Tick now) {
  const bool full = open_ && open_->body().size() + text.size() > limits_.max_bytes;
  if (open_ && !open_->empty() && (full || !codec_.fits(event, *open_))) flush();
  if (!open_) {
    open_.emplace(sink_, codec_.framing(), credits_);
    open_->reserve(last_);
  }
  Batch& batch = *open_;
  const std::size_t room = batch.body().capacity();
  const std::size_t before = batch.size();
  Result<void> encoded = codec_.encode(event, text, batch, batch.begin_event(chunk, line));
  if (!encoded.has_value()) {
    batch.cancel_event();
    return encoded;
  }
  batch.end_event();
  // Before it is pushed too: a body in the making holds as much memory as one that waits.
  if (before == 0 || batch.body().capacity() != room) batch.account();
  if (before == 0) {
    batch.opened = now;
    batch.read_at = event.origin.read_at;
  }
  if (batch.wire().size() > limits_.max_bytes && before > 0) {
    // The codec made it longer than there was room for: it opens the next batch.
    Batch last = batch.split_off(before);
    flush();
    last.opened = now;
    last.read_at = event.origin.read_at;
    open_.emplace(std::move(last));
    open_->reserve(last_);
    open_->account();
  }
  if (open_->size() >= limits_.max_events || open_->wire().size() >= limits_.max_bytes) flush();
  return {};
}

void Batcher::flush() {
  if (!open_) return;
  Batch batch = std::move(*open_);
  open_.reset();
  if (batch.empty()) return;
  last_ = batch.room();
  batch.account();
  buffer_.push(std::move(batch));
}

void Batcher::flush_old(Tick now) {
  const auto when = due();
  if (when && *when <= now) flush();
}

std::optional<Tick> Batcher::due() const {
  if (!open_ || open_->empty()) return std::nullopt;
  return open_->opened + limits_.max_wait;
}

}  // namespace tailgate::pipeline
