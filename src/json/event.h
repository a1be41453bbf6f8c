// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/uuid.h"
#include "json/arena.h"
#include "json/path.h"

namespace tailgate::json {

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

struct Container;

/// One JSON value. Scalars are their own text (`raw`: a number's lexeme, a string with its quotes and escapes);
/// objects and arrays have `items`, and their text too until something inside is changed. So what no filter touched
/// leaves byte for byte as it came. Lives in an Arena; copied freely.
struct Value {
  Kind kind = Kind::null;
  std::string_view raw = "null";
  Container* items = nullptr;  // objects and arrays only

  [[nodiscard]] bool is_container() const { return kind == Kind::object || kind == Kind::array; }
};

/// One member of an object, or one element of an array (without a key).
struct Member {
  std::string_view key;   // as it stands between the quotes in the line
  std::string_view name;  // decoded: what paths and filters compare
  Value value;
  Member* next = nullptr;
};

/// The members of an object or the elements of an array, in order.
struct Container {
  Member* first = nullptr;
  Member* last = nullptr;
  std::uint32_t size = 0;
  bool changed = false;  // its raw text no longer says what is in it

  [[nodiscard]] Member* find(std::string_view name) const {
    for (Member* member = first; member != nullptr; member = member->next) {
      if (member->name == name) return member;
    }
    return nullptr;
  }
  void append(Member* member) {
    member->next = nullptr;
    (last == nullptr ? first : last->next) = member;
    last = member;
    ++size;
  }
  /// Takes `member` out; `before` is the member in front of it (nullptr when it is the first).
  void remove(Member* before, Member* member);
};

/// Which line an event came from: the name of everything that is derived from it, such as meta.id.
struct Origin {
  Uuid gen;                  // the generation of the file, or the run of a pipe
  std::uint64_t offset = 0;  // of the line's first byte
  WallTime read_at;          // when the line was read
};

/// One access-log line on its way: an ordered tree in an arena. Not thread-safe; lives until its arena is reset.
class Event {
 public:
  explicit Event(Arena& arena) : arena_(&arena) {}

  [[nodiscard]] Container& root() { return root_; }
  [[nodiscard]] const Container& root() const { return root_; }
  [[nodiscard]] Arena& arena() const { return *arena_; }

  /// The value at `path`, or nullptr.
  [[nodiscard]] const Value* find(const Path& path) const;
  /// The same, to change: everything on the way is marked as changed.
  [[nodiscard]] Value* find_to_change(const Path& path);
  /// Sets the value, making objects on the way. False: a value that is not an object stands in the way, or the path
  /// names an array's element that is not there; nothing was changed.
  [[nodiscard]] bool set(const Path& path, const Value& value);
  /// Takes the value out (containers that become empty stay). False: it was not there.
  bool remove(const Path& path);
  /// A copy in the same arena that can be changed on its own.
  [[nodiscard]] Event clone() const;

  Origin origin;
  std::uint32_t duplicate_keys =
      0;  // members of the line that a later one of the same name replaced

 private:
  Arena* arena_;
  Container root_;
};

/// A string's decoded content: a slice of the line where it holds no escape, else decoded into the arena. Lone
/// surrogates become U+FFFD. `value` must be a string.
std::string_view text_of(const Value& value, Arena& arena);
/// A string value for decoded UTF-8 text, escaped as JSON needs.
Value string_value(std::string_view text, Arena& arena);
Value number_value(std::int64_t number, Arena& arena);
Value boolean_value(bool flag);
/// An empty object, marked as changed.
Value object_value(Arena& arena);
/// A member with this decoded name; escapes the key where needed.
Member* make_member(std::string_view name, const Value& value, Arena& arena);

}  // namespace tailgate::json
