// SPDX-License-Identifier: Apache-2.0
// Bitmaps of 64 bytes at a time, after Langdale and Lemire, "Parsing Gigabytes of JSON per Second" (VLDB Journal 28, 2019),
// section 3.1: without its structural characters, because the hot path expects what comes next.
#include "json/scanner.h"

#include <simdjson.h>

#include <algorithm>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace tailgate::json {
namespace {

/// What 64 bytes hold; bit i speaks of byte i.
struct Block {
  std::uint64_t quotes = 0;
  std::uint64_t escapes = 0;
  std::uint64_t controls = 0;  // below 0x20
  std::uint64_t high = 0;      // not ASCII
};

/// What is known of a line once all its blocks were seen. Returned as a copy, so that the loop keeps its own in registers.
struct Summary {
  std::uint64_t escapes = 0;
  std::uint64_t controls = 0;
  std::uint64_t high = 0;
  std::uint64_t carry = 0;  // the next byte is escaped
  bool good = true;         // every escape is one
};

// The bytes that a backslash stands in front of, but for backslashes that are escaped themselves.
inline std::uint64_t escaped(const Block& block, std::uint64_t& carry) {
  constexpr std::uint64_t kEven = 0x5555555555555555;
  const std::uint64_t backslashes = block.escapes & ~carry;
  const std::uint64_t follows = backslashes << 1 | carry;
  // Runs of backslashes that begin at an odd place: adding carries through each to its end.
  const std::uint64_t odd_starts = backslashes & ~kEven & ~follows;
  std::uint64_t even_runs = 0;
  carry = __builtin_add_overflow(odd_starts, backslashes, &even_runs) ? 1 : 0;
  return (kEven ^ (even_runs << 1)) & follows;
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// RFC 8259, section 7, of the bytes that `bits` says are escaped. What is read behind the line is in no string of it.
bool good_escapes(const char* at, std::uint64_t bits) {
  for (; bits != 0; bits &= bits - 1) {
    const char* const byte = at + std::countr_zero(bits);
    if (*byte == 'u') {
      if (!std::all_of(byte + 1, byte + 5, is_hex)) return false;
    } else if (std::string_view("\"\\/bfnrt").find(*byte) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

// The last block holds bytes that are not the line's.
inline Block cut(Block block, std::size_t size) {
  const std::uint64_t ours = size >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << size) - 1;
  return {block.quotes & ours, block.escapes & ours, block.controls & ours, block.high & ours};
}

inline void keep(const Block& block, const char* at, Summary& all, std::uint64_t& quotes,
                 std::uint64_t& escapes) {
  quotes = block.quotes;
  escapes = block.escapes;
  if ((block.escapes | all.carry) != 0) {
    const std::uint64_t bytes = escaped(block, all.carry);
    quotes &= ~bytes;
    all.good = all.good && good_escapes(at, bytes);
  }
  all.escapes |= block.escapes;
  all.controls |= block.controls;
  all.high |= block.high;
}

#if defined(__SSE2__)

inline Block classify(const char* at) {
  Block block;
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * i));
    const auto mask = [i](__m128i lanes) {
      return static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(lanes))) << 16 * i;
    };
    block.quotes |= mask(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
    block.escapes |= mask(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    block.controls |= mask(_mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes));
    block.high |= mask(bytes);
  }
  return block;
}

__attribute__((target("avx2"))) inline Block classify_avx2(const char* at) {
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  const __m256i top = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32));
  const __m256i quote = _mm256_set1_epi8('"');
  const __m256i backslash = _mm256_set1_epi8('\\');
  const __m256i control = _mm256_set1_epi8(0x1f);
  const auto both = [](__m256i a, __m256i b) __attribute__((target("avx2"))) {
    return static_cast<std::uint64_t>(static_cast<unsigned>(_mm256_movemask_epi8(a))) |
           static_cast<std::uint64_t>(static_cast<unsigned>(_mm256_movemask_epi8(b))) << 32;
  };
  return {both(_mm256_cmpeq_epi8(low, quote), _mm256_cmpeq_epi8(top, quote)),
          both(_mm256_cmpeq_epi8(low, backslash), _mm256_cmpeq_epi8(top, backslash)),
          both(_mm256_cmpeq_epi8(_mm256_min_epu8(low, control), low),
               _mm256_cmpeq_epi8(_mm256_min_epu8(top, control), top)),
          both(low, top)};
}

__attribute__((target("avx512bw"))) inline Block classify_avx512(const char* at) {
  const __m512i bytes = _mm512_loadu_si512(at);
  return {_mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"')),
          _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\\')),
          _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20)), _mm512_movepi8_mask(bytes)};
}

__attribute__((target("avx512bw"))) Summary look_avx512(std::string_view line,
                                                        std::uint64_t* quotes,
                                                        std::uint64_t* escapes) {
  Summary all;
  std::size_t at = 0;
  for (; at + 64 <= line.size(); at += 64)
    keep(classify_avx512(line.data() + at), line.data() + at, all, *quotes++, *escapes++);
  keep(cut(classify_avx512(line.data() + at), line.size() - at), line.data() + at, all, *quotes,
       *escapes);
  return Summary(all);
}

// The same loop again: only so does the compiler put each one's classify() into it.
__attribute__((target("avx2"))) Summary look_avx2(std::string_view line, std::uint64_t* quotes,
                                                  std::uint64_t* escapes) {
  Summary all;
  std::size_t at = 0;
  for (; at + 64 <= line.size(); at += 64)
    keep(classify_avx2(line.data() + at), line.data() + at, all, *quotes++, *escapes++);
  keep(cut(classify_avx2(line.data() + at), line.size() - at), line.data() + at, all, *quotes,
       *escapes);
  return Summary(all);
}

#else

inline Block classify(const char* at) {
  Block block;
  for (int i = 0; i < 64; ++i) {
    const auto byte = static_cast<unsigned char>(at[i]);
    const std::uint64_t bit = std::uint64_t{1} << i;
    if (byte == '"') block.quotes |= bit;
    if (byte == '\\') block.escapes |= bit;
    if (byte < 0x20) block.controls |= bit;
    if (byte >= 0x80) block.high |= bit;
  }
  return block;
}

#endif

Summary look(std::string_view line, std::uint64_t* quotes, std::uint64_t* escapes) {
  Summary all;
  std::size_t at = 0;
  for (; at + 64 <= line.size(); at += 64)
    keep(classify(line.data() + at), line.data() + at, all, *quotes++, *escapes++);
  keep(cut(classify(line.data() + at), line.size() - at), line.data() + at, all, *quotes, *escapes);
  return Summary(all);
}

using Look = Summary (*)(std::string_view, std::uint64_t*, std::uint64_t*);

Look best_look() {
#if defined(__SSE2__)
  // As simdjson does: processors before these slow down for vectors of 512 bits.
  if (__builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512bw"))
    return look_avx512;
  if (__builtin_cpu_supports("avx2")) return look_avx2;
#endif
  return look;
}

}  // namespace

Scanner::Scanner() = default;

bool Scanner::index(std::string_view line) {
  static const Look look_best = best_look();
  const std::size_t words = line.size() / 64 + 1;
  if (words + 1 > words_) {
    words_ = std::max<std::size_t>(2 * words, 64);
    memory_.reset(new std::uint64_t[2 * words_]);
    quotes_ = memory_.get();
    escapes_ = quotes_ + words_;
  }
  const Summary all = look_best(line, quotes_, escapes_);
  quotes_[words] = ~std::uint64_t{0};
  any_escape_ = all.escapes != 0;
  if (all.controls != 0 || !all.good) return false;
  return all.high == 0 || simdjson::validate_utf8(line.data(), line.size());
}

bool Scanner::find_escape(std::size_t begin, std::size_t end) const {
  if (begin >= end) return false;
  const std::size_t last = (end - 1) / 64;
  for (std::size_t word = begin / 64; word <= last; ++word) {
    std::uint64_t bits = escapes_[word];
    if (word == begin / 64) bits &= ~std::uint64_t{0} << (begin % 64);
    if (word == last && end % 64 != 0) bits &= (std::uint64_t{1} << (end % 64)) - 1;
    if (bits != 0) return true;
  }
  return false;
}

}  // namespace tailgate::json
