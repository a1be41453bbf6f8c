// SPDX-License-Identifier: Apache-2.0
#include "codecs/registry.h"

#include <array>
#include <string>

#include "codecs/json_codec.h"
#include "codecs/kafka.h"

namespace tailgate::codecs {
namespace {

std::unique_ptr<Codec> make_ndjson(const settings::Section& /*options*/) {
  return std::make_unique<JsonCodec>(Shape::lines, false);
}

std::unique_ptr<Codec> make_eventgate(const settings::Section& /*options*/) {
  return std::make_unique<JsonCodec>(Shape::array, true);
}

/// By the sink's `format`.
std::unique_ptr<Codec> make_http(const settings::Section& options) {
  const std::string format = options.text("format");
  const Shape shape = format == "ndjson"   ? Shape::lines
                      : format == "single" ? Shape::single
                                           : Shape::array;
  return std::make_unique<JsonCodec>(shape, true);
}

}  // namespace

std::span<const Entry> table() {
  static constexpr std::array kTable{
      Entry{"eventgate", make_eventgate},
      Entry{"http", make_http},
      Entry{"kafka", make_kafka},
      Entry{"ndjson", make_ndjson},
  };
  return kTable;
}

}  // namespace tailgate::codecs
