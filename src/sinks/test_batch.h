// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/batch.h"

namespace tailgate::sinks {

/// For tests: a batch of JSON events whose ids are known, as the codec would have written it. Settles what is left, so
/// that a failed check does not end in an abort.
class TestBatch {
 public:
  struct Item {
    std::string id;
    std::string event;
  };
  using Items = std::vector<Item>;

  explicit TestBatch(const Items& items, Framing framing = {.open = '[',
                                                            .between = ',',
                                                            .close = ']',
                                                            .send_open = true})
      : stream_(std::make_shared<Stream>(Uuid::random(), "test", "/test",
                                         std::vector<SinkPosition>{SinkPosition{}})),
        batch_(0, framing, credits_) {
    std::vector<std::uint64_t> offsets;
    for (std::uint64_t i = 0; i <= items.size(); ++i) offsets.push_back(i * 10);
    const std::shared_ptr<Chunk> chunk = stream_->add_chunk(offsets);
    for (std::uint32_t i = 0; i < items.size(); ++i) {
      BatchEvent& event = batch_.begin_event(chunk, i);
      batch_.body().append(items[i].event);
      event.id = batch_.note(items[i].id);
      batch_.end_event();
    }
  }
  /// One event of this many bytes.
  static TestBatch of_size(std::size_t bytes) {
    return TestBatch(Items{{"id-0", "\"" + std::string(bytes - 2, 'x') + "\""}});
  }
  TestBatch(const TestBatch&) = delete;
  TestBatch& operator=(const TestBatch&) = delete;
  ~TestBatch() { batch_.settle_all(); }

  [[nodiscard]] const Batch& get() const { return batch_; }

 private:
  Credits credits_{1 << 20, 0};
  std::shared_ptr<Stream> stream_;
  Batch batch_;
};

}  // namespace tailgate::sinks
