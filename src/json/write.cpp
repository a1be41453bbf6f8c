// SPDX-License-Identifier: Apache-2.0
#include "json/write.h"

#include "json/text.h"

namespace tailgate::json {
namespace {

void write_items(const Container& items, Kind kind, std::string& out) {
  const bool object = kind == Kind::object;
  out.push_back(object ? '{' : '[');
  for (const Member* member = items.first; member != nullptr; member = member->next) {
    if (member != items.first) out.push_back(',');
    if (object) {
      out.push_back('"');
      out.append(member->key);
      out.append("\":", 2);
    }
    const Value& value = member->value;
    if (value.items != nullptr && value.items->changed) {
      write_items(*value.items, value.kind, out);
    } else {
      out.append(value.raw);
    }
  }
  out.push_back(object ? '}' : ']');
}

}  // namespace

void write(const Event& event, std::string& out) {
  write_items(event.root(), Kind::object, out);
}

void write(const Value& value, std::string& out) {
  if (value.items != nullptr && value.items->changed) {
    write_items(*value.items, value.kind, out);
  } else {
    out.append(value.raw);
  }
}

void write_string(std::string_view text, std::string& out) {
  if (!needs_escape(text)) {
    out.push_back('"');
    out.append(text);
    out.push_back('"');
    return;
  }
  Arena arena;
  out.append(encode(text, true, arena));
}

}  // namespace tailgate::json
