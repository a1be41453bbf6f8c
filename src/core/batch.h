// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "core/credits.h"
#include "core/stream.h"

namespace tailgate {

/// A piece of a batch's body or notes.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
};

/// One event in a batch: where its bytes are, which line it is, where it goes. Spans without a size are absent.
struct BatchEvent {
  Span body;     // in Batch::body, without framing
  Span id;       // in notes: meta.id, by which answers are matched
  Span group;    // in notes: what shares a fate on the other side: stream and $schema, or the topic
  Span target;   // in notes: topic
  Span key;      // in notes: message key; `has_key` tells an empty key from none
  Span headers;  // in notes: name \0 value \0 …
  Chunk* chunk = nullptr;
  std::uint32_t line = 0;
  std::uint16_t attempts = 0;  // that counted as evidence against this event
  bool has_key = false;
  bool settled = false;
};

/// The bytes around events: `[` `,` `]` for a JSON array, newlines for NDJSON. One byte stands before each event and one
/// after the last, so any contiguous run becomes a body by changing two bytes.
struct Framing {
  char open = '\n';
  char between = '\n';
  char close = '\n';
  bool send_open = false;  // whether the first byte belongs to what is sent
};

/// Encoded events of one sink on their way: the wire body and what is known of each event. Moved from the batcher to the
/// buffer to the lane; used by one thread at a time. Work is settled through it: an event that is destroyed unsettled is
/// reported to its stream as forgotten (it repeats after a restart, it is never lost), and aborts strict builds.
class Batch {
 public:
  Batch(std::size_t sink, Framing framing, Credits& credits);
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;
  ~Batch();

  /// What a batch takes: the next one is likely as large.
  struct Room {
    std::size_t body = 0;
    std::size_t notes = 0;
    std::size_t events = 0;
  };
  /// Room for what is to come, so that it is not moved again and again. Of an empty batch.
  void reserve(const Room& room);
  /// What this one took, and a little more.
  [[nodiscard]] Room room() const;
  /// Writing: a codec appends an event's bytes to body() and its notes between begin_event() and end_event(), and fills in
  /// the event that the former gives: all but its body, chunk and line. That lives until the next one.
  [[nodiscard]] std::string& body() { return body_; }
  Span note(std::string_view text);
  BatchEvent& begin_event(const std::shared_ptr<Chunk>& chunk, std::uint32_t line);
  void end_event();
  /// Takes back what was written since begin_event().
  void cancel_event();
  /// Counts the bytes held against the credits; called after writing.
  void account();

  [[nodiscard]] bool empty() const { return events_.empty(); }
  [[nodiscard]] std::size_t size() const { return events_.size(); }
  [[nodiscard]] std::size_t sink() const { return sink_; }
  [[nodiscard]] std::vector<BatchEvent>& events() { return events_; }
  [[nodiscard]] const std::vector<BatchEvent>& events() const { return events_; }
  /// What goes over the wire.
  [[nodiscard]] std::string_view wire() const {
    const std::string_view body = body_;
    return framing_.send_open || body.empty() ? body : body.substr(1);
  }
  [[nodiscard]] std::string_view text(const BatchEvent& event) const {
    return in(body_, event.body);
  }
  [[nodiscard]] std::string_view note(Span span) const { return in(notes_, span); }

  /// Splits: the events from `at` on leave into a batch of their own.
  [[nodiscard]] Batch split_off(std::size_t at);
  /// The events for which keep[i] is set leave into a batch of their own, in order.
  [[nodiscard]] Batch take(const std::vector<bool>& keep);

  /// Settles one event; or all that are not yet settled, as delivered, with one lock per chunk.
  void settle(std::size_t event, Settled as);
  void settle_all();
  /// The end of the process with work left: it stays before the checkpoint and is read again.
  void abandon();

  Tick opened{};       // when its first event came: for batch.max_wait and the lag
  WallTime read_at{};  // of its first event

 private:
  static std::string_view in(const std::string& text, Span span) {
    return std::string_view(text).substr(span.begin, span.size);
  }
  void copy_event(const Batch& from, const BatchEvent& event);
  void keep_alive(const std::shared_ptr<Chunk>& chunk) {
    if (chunks_.empty() || chunks_.back() != chunk) chunks_.push_back(chunk);
  }
  void forget_rest();
  void give_back();

  std::size_t sink_;
  Framing framing_;
  std::string body_;
  std::string notes_;
  std::vector<BatchEvent> events_;
  std::vector<std::shared_ptr<Chunk>> chunks_;  // of all events; the last event's is the last
  Lease lease_;
  std::size_t mark_notes_ = 0;  // before the event at hand
};

}  // namespace tailgate
