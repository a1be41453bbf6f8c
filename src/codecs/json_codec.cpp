// SPDX-License-Identifier: Apache-2.0
#include "codecs/json_codec.h"

namespace tailgate::codecs {

JsonCodec::JsonCodec(Shape shape, bool named)
    : shape_(shape),
      named_(named),
      id_(json::Path::of({"meta", "id"})),
      stream_(json::Path::of({"meta", "stream"})),
      schema_(json::Path::of({"$schema"})) {}

Framing JsonCodec::framing() const {
  if (shape_ == Shape::array) {
    return {.open = '[', .between = ',', .close = ']', .send_open = true};
  }
  return {.open = '\n', .between = '\n', .close = '\n', .send_open = false};
}

std::string_view JsonCodec::text_at(const json::Event& event, const json::Path& path) {
  const json::Value* value = event.find(path);
  if (value == nullptr || value->kind != json::Kind::string) return {};
  return json::text_of(*value, event.arena());
}

Result<void> JsonCodec::encode(const json::Event& event, std::string_view text, Batch& batch,
                               BatchEvent& out) {
  batch.body().append(text);
  if (!named_) return {};
  follow(batch, batch.size() - 1);
  known_ = batch.size();
  const std::string_view id = text_at(event, id_);
  if (!id.empty()) {
    ids_.insert(id);
    out.id = batch.note(id);
  }
  const std::string_view stream = text_at(event, stream_);
  const std::string_view schema = text_at(event, schema_);
  if (!stream.empty() || !schema.empty()) {
    group_.assign(stream);
    group_ += ' ';
    group_ += schema;
    out.group = batch.note(group_);
  }
  return {};
}

std::vector<json::Path> JsonCodec::reads() const {
  return named_ ? std::vector{id_, stream_, schema_} : std::vector<json::Path>{};
}

// A batch does not always begin empty: the event that made one too large opens the next.
void JsonCodec::follow(const Batch& batch, std::size_t events) {
  if (events == known_) return;
  ids_.clear();
  for (std::size_t i = 0; i < events; ++i) {
    const Span id = batch.events()[i].id;
    if (id.size > 0) ids_.insert(batch.note(id));
  }
  known_ = events;
}

bool JsonCodec::fits(const json::Event& event, const Batch& batch) {
  if (batch.empty()) return true;
  if (shape_ == Shape::single) return false;
  if (!named_) return true;
  follow(batch, batch.size());
  const std::string_view id = text_at(event, id_);
  return id.empty() || !ids_.contains(id);
}

}  // namespace tailgate::codecs
