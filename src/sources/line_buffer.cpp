// SPDX-License-Identifier: Apache-2.0
#include "sources/line_buffer.h"

#include "json/parse.h"

namespace tailgate::sources {

void LineBuffer::begin(std::uint64_t offset) {
  text_.clear();
  length_ = used_ = searched_ = 0;
  position_ = {offset, offset, false};
  held_.reset();
}

RawBytes& LineBuffer::open() {
  text_.resize(length_);  // without the padding
  text_.erase(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(used_));
  used_ = 0;
  length_ = text_.size();
  return text_;
}

bool LineBuffer::cut(bool at_end, Tick now) {
  length_ = text_.size();
  text_.resize(length_ + json::kPadding);
  const std::uint64_t scan = position_.scan;
  cut_lines({text_.data(), length_},
            {.max_line_bytes = max_line_bytes_,
             .format = format_,
             .at_end = at_end,
             .hold = !held_.over(now),
             .searched = searched_},
            position_, cut_);
  used_ = static_cast<std::size_t>(position_.scan - scan);
  searched_ = cut_.held ? 0 : length_ - used_;
  held_.note(cut_.held, used_ > 0, now);
  return !cut_.lines.empty();
}

}  // namespace tailgate::sources
