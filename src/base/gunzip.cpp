// SPDX-License-Identifier: Apache-2.0
#include "base/gunzip.h"

#include <zlib.h>

#include <stdexcept>
#include <string>

namespace tailgate {
namespace {

constexpr std::size_t kStep = std::size_t{256} << 10;
constexpr int kGzipOnly = 16 + MAX_WBITS;

}  // namespace

struct Gunzip::Impl {
  z_stream stream{};
  bool between_members = true;
};

bool looks_gzipped(std::string_view head) {
  return head.size() >= 2 && head[0] == '\x1f' && head[1] == '\x8b';
}

Gunzip::Gunzip() : impl_(std::make_unique<Impl>()) {
  if (inflateInit2(&impl_->stream, kGzipOnly) != Z_OK)
    throw std::runtime_error("zlib does not start");
}

Gunzip::~Gunzip() {
  inflateEnd(&impl_->stream);
}

Result<void> Gunzip::feed(std::string_view input, RawBytes& out) {
  z_stream& stream = impl_->stream;
  stream.next_in =
      reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));  // zlib's interface; it only reads
  stream.avail_in = static_cast<uInt>(input.size());
  while (true) {
    const std::size_t before = out.size();
    out.resize(before + kStep);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = static_cast<uInt>(kStep);
    const int code = inflate(&stream, Z_NO_FLUSH);
    out.resize(before + kStep - stream.avail_out);
    if (code == Z_STREAM_END) {
      impl_->between_members = true;
      if (stream.avail_in == 0) return {};
      inflateReset(&stream);
    } else if (code == Z_OK || code == Z_BUF_ERROR) {
      impl_->between_members = false;
      if (stream.avail_in == 0 && stream.avail_out > 0) return {};
    } else {
      return fail(std::string("broken gzip: ") +
                  (stream.msg != nullptr ? stream.msg : "wrong data"));
    }
  }
}

Result<void> Gunzip::end() const {
  if (impl_->between_members) return {};
  return fail("broken gzip: it ends too early");
}

}  // namespace tailgate
