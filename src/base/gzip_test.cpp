// SPDX-License-Identifier: Apache-2.0
#include "base/gzip.h"

#include <doctest/doctest.h>
#include <zlib.h>

namespace tailgate {
namespace {

std::string inflated(const std::string& packed, std::size_t size) {
  std::string out(size + 1, '\0');
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, MAX_WBITS + 16) == Z_OK);
  std::string in = packed;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST_CASE("what gzip packed inflates to the same bytes") {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "{\"n\":" + std::to_string(i * 7919) + "}\n";
  const auto packed = gzip(text);
  REQUIRE(packed);
  CHECK(packed->size() < text.size() / 2);
  CHECK(inflated(*packed, text.size()) == text);
}

TEST_CASE("nothing and bytes that do not shrink are packed too") {
  for (const std::string& text : {std::string(), std::string("\0\xff\x01", 3)}) {
    const auto packed = gzip(text);
    REQUIRE(packed);
    CHECK(inflated(*packed, text.size()) == text);
  }
}

}  // namespace
}  // namespace tailgate
