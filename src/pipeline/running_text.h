// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "pipeline/key_plans.h"
#include "pipeline/key_text.h"

namespace tailgate::pipeline {

/// The text of an event that is written as its line is read: each member is copied behind the one before it. That works
/// while the members of each object come together, as they nearly always do; where they do not, a call says false, and
/// the line is SlotText's. Same interface as that one. Intake thread.
class RunningText {
 public:
  /// `now`: the number of this event, which no other has.
  void begin(std::size_t line_size, Place& root, std::uint64_t now) {
    // All that is copied stood in the line once; names that are longer than they were, and braces, come on top.
    spare_ = line_size + kSpare;
    const std::size_t need = line_size + spare_ + 2 * Literal::kOver;
    if (size_ < need) grow(need);
    out_ = buffer_.get();
    here_ = &root;
    root.opened = now_ = now;
    separator_ = '{';
    count_ = 0;
  }

  /// `,"name":value` as it stands in the line, but for its first two bytes.
  [[gnu::always_inline]] bool copy(PlannedKey& key, const char* text, std::size_t size) {
    if (key.place != here_ && !enter(*key.place)) return false;
    char* const first = out_;
    out_ = copied(first, text, size);
    first[0] = separator_;
    first[1] = '"';
    separator_ = ',';
    ++count_;
    return true;
  }
  /// A value under the name that it leaves with.
  bool put(PlannedKey& key, std::string_view value);
  /// A member of it was there, and does not leave.
  bool touch(Place& place);
  /// How many members and objects there are, those that do not leave too.
  [[nodiscard]] std::size_t count() const { return count_; }
  /// Whether anything leaves in it.
  [[nodiscard]] bool holds(const Place& place) const { return place.opened == now_; }

  /// Valid until the next begin().
  std::string_view end();

 private:
  static constexpr std::size_t kSpare = 4096;

  void grow(std::size_t size);
  bool enter(Place& place);
  bool leave_to(Place& place);
  bool spend(std::size_t bytes) {
    if (bytes > spare_) return false;
    spare_ -= bytes;
    return true;
  }

  std::unique_ptr<char[]> buffer_;
  std::size_t size_ = 0;
  std::size_t spare_ = 0;
  char* out_ = nullptr;
  Place* here_ = nullptr;  // where the last member went
  std::uint64_t now_ = 0;
  std::size_t count_ = 0;
  char separator_ = '{';
};

}  // namespace tailgate::pipeline
