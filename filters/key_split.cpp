// SPDX-License-Identifier: Apache-2.0
#include "filters/key_split.h"

#include <fmt/format.h>

#include <algorithm>

#include "settings/readable_file.h"

namespace tailgate::filters {

void KeySplit::read(const settings::Section& options) {
  separator_ = options.text("separator");
  if (separator_.empty()) options.problem("separator", "must not be empty");
  if (const std::string file = settings::readable_file(options, "schema"); !file.empty()) {
    schema_ = Schema::load(file, options.problems());
  }
  for (const auto& [flat, text] : options.pairs("keys")) {
    auto path = json::Path::parse(text);
    if (!path) {
      options.problem("keys", fmt::format("{}: {}", flat, path.error().what));
    } else if (std::any_of(path->segments().begin(), path->segments().end(),
                           [](const auto& segment) { return segment.index >= 0; })) {
      options.problem("keys", fmt::format("{}: {} names an array's element; only objects are made "
                                          "from a key of its own",
                                          flat, text));
    } else {
      keys_.emplace(flat, std::move(*path));
    }
  }
  only_ = options.texts("only");
  except_ = options.texts("except");
  const std::int64_t depth = options.integer("max_depth");
  // Writing nests as deep as the event does, and a key of dots alone must not make it a thousand
  // deep.
  if (depth < 1 || depth > 256) {
    options.problem("max_depth", "is from 1 (nothing is split) to 256");
  } else {
    max_depth_ = static_cast<std::size_t>(depth);
  }
}

KeySplit::Answer KeySplit::split(std::string_view key) const {
  Answer answer;
  if (const auto found = keys_.find(key); found != keys_.end()) {
    const auto& segments = found->second.segments();
    const bool same = segments.size() == 1 && segments.front().name == key;
    if (!same) answer.given = &found->second;
    return answer;
  }
  if (key.find(separator_) == std::string_view::npos || !wanted(key)) return answer;
  if (!schema_) {
    answer.names = split_everywhere(key);
  } else {
    answer.names = schema_->split(key, separator_);
    answer.unplaced = answer.names.empty();
    if (answer.names.size() > max_depth_) {
      // The levels beyond it are one name, as they stand in the key.
      const char* last = answer.names[max_depth_ - 1].data();
      answer.names.resize(max_depth_);
      answer.names.back() = key.substr(static_cast<std::size_t>(last - key.data()));
    }
  }
  if (answer.names.size() < 2) answer.names.clear();
  return answer;
}

bool KeySplit::under(std::string_view key, std::string_view prefix) const {
  if (!key.starts_with(prefix)) return false;
  const std::string_view rest = key.substr(prefix.size());
  return rest.empty() || prefix.ends_with(separator_) || rest.starts_with(separator_);
}

bool KeySplit::wanted(std::string_view key) const {
  const auto holds = [&](const std::string& prefix) { return under(key, prefix); };
  if (!only_.empty() && std::none_of(only_.begin(), only_.end(), holds)) return false;
  return std::none_of(except_.begin(), except_.end(), holds);
}

std::vector<std::string_view> KeySplit::split_everywhere(std::string_view key) const {
  std::vector<std::string_view> names;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = std::min(key.find(separator_, begin), key.size());
    // `.a`, `a..b` and `a.` are no paths.
    if (end == begin) return {};
    if (names.size() < max_depth_) {
      names.push_back(key.substr(begin, end - begin));
    } else {
      const auto last = static_cast<std::size_t>(names.back().data() - key.data());
      names.back() = key.substr(last, end - last);
    }
    if (end == key.size()) return names;
    begin = end + separator_.size();
  }
}

}  // namespace tailgate::filters
