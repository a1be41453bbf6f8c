// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/id_set.h"
#include "core/codec.h"

namespace tailgate::codecs {

/// How events stand in a body.
enum class Shape {
  array,   // [event,event]
  lines,   // NDJSON: each event ends with a newline
  single,  // one event a body
};

/// Writes events as JSON. With `named`, it notes by what an answer names an event: its id
/// (meta.id), and as its group what shares a fate on the other side (meta.stream and $schema); then
/// no batch holds one id twice.
class JsonCodec final : public Codec {
 public:
  JsonCodec(Shape shape, bool named);

  [[nodiscard]] Framing framing() const override;
  Result<void> encode(const json::Event& event, std::string_view text, Batch& batch,
                      BatchEvent& out) override;
  bool fits(const json::Event& event, const Batch& batch) override;
  [[nodiscard]] std::vector<json::Path> reads() const override;

 private:
  static std::string_view text_at(const json::Event& event, const json::Path& path);
  /// Knows the ids of so many of the batch's first events.
  void follow(const Batch& batch, std::size_t events);

  Shape shape_;
  bool named_;
  json::Path id_;
  json::Path stream_;
  json::Path schema_;
  IdSet ids_;              // of the batch that is being written
  std::size_t known_ = 0;  // how many of its events they are of
  std::string group_;
};

}  // namespace tailgate::codecs
