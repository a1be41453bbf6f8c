// SPDX-License-Identifier: Apache-2.0
#include "pipeline/key_plans.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include "base/checksum.h"

namespace tailgate::pipeline {
namespace {

constexpr std::size_t kMaxPlans = 4096;
constexpr std::size_t kBuckets = 4 * kMaxPlans;  // a power of two
constexpr std::size_t kMaxBytes = std::size_t{2} << 20;

// How much of a key's end, as it stands in a line, is its name as it leaves.
std::uint32_t common_tail(const Literal& match, const Literal& leaf) {
  const std::string_view name(leaf.bytes + 2, leaf.size - 2);
  const bool same = std::string_view(match.bytes, match.size).ends_with(name);
  return same ? leaf.size - 2 : 0;
}

bool nested(const json::Path& path) {
  return path.segments().size() > 1;
}

}  // namespace

KeyText::KeyText(Literal literal) : whole(literal) {
  std::memcpy(first.data(), whole.bytes, kBytes);
  if (whole.size > kBytes) std::memcpy(last.data(), whole.bytes + whole.size - kBytes, kBytes);
  std::array<unsigned char, kBytes> own{};
  std::fill_n(own.begin(), std::min<std::size_t>(whole.size, kBytes), 0xff);
  std::memcpy(mask.data(), own.data(), kBytes);
}

KeyPlans::KeyPlans(std::vector<const Chain::Step*> steps, std::vector<json::Path> reads,
                   std::string_view foreign)
    : steps_(std::move(steps)),
      reads_(std::move(reads)),
      foreign_(foreign),
      seed_(std::random_device{}()) {
  clear();
}

void KeyPlans::clear() {
  buckets_.assign(kBuckets, nullptr);
  cache_ = {};
  plans_.clear();
  names_.assign(steps_.size(), {});
  root_ = std::make_unique<Place>();
  places_ = 0;
  head_.next = nullptr;
  texts_.clear();
  text_bytes_ = 0;
  full_ = false;
}

// Keys come from outside: the seed keeps anybody from choosing such as fall together.
std::size_t KeyPlans::bucket_of(std::string_view key) const {
  return checksum(key, seed_) % kBuckets;
}

PlannedKey* KeyPlans::find(std::string_view key) {
  std::size_t at = bucket_of(key);
  for (; buckets_[at] != nullptr; at = (at + 1) % kBuckets) {
    if (buckets_[at]->key == key) return buckets_[at];
  }
  if (full_) return nullptr;
  PlannedKey& made = make(key);
  buckets_[at] = &made;
  return &made;
}

PlannedKey& KeyPlans::make(std::string_view key) {
  PlannedKey& planned = plans_.emplace_back();
  planned.key = key;
  planned.match = KeyText(literal("\"" + planned.key + "\":"));
  Draft draft;
  planned.general = (!key.empty() && key == foreign_) || !this->draft(key, draft);
  if (!planned.general) fill(planned, draft);
  full_ = plans_.size() >= kMaxPlans || text_bytes_ > kMaxBytes || places_ > kMaxPlans;
  return planned;
}

// Follows the key through the chain. False: what becomes of it is not known from the key alone.
bool KeyPlans::draft(std::string_view key, Draft& out) {
  out.plan.path = json::Path::of({key});
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    if (!refine(*steps_[step], out)) return false;
    if (!out.removed && !claim(names_[step], out.plan.path)) return false;
  }
  for (const json::Path& path : reads_) out.plan.read = out.plan.read || path.meets(out.plan.path);
  return out.plan.path.segments().size() <= kMaxDepth;
}

bool KeyPlans::refine(const Chain::Step& step, Draft& draft) {
  KeyPlan& plan = draft.plan;
  if (step.when) {
    for (const json::Path& path : step.when->paths())
      plan.read = plan.read || path.meets(plan.path);
  }
  const KeyPlan before = plan;
  if (!step.filter->rule(plan)) return false;
  if (draft.removed) {
    // What it left behind is an object that may be empty: dropping nulls would look at that.
    const bool looks = plan.drop_null && !before.drop_null;
    plan = before;
    return !(looks && nested(draft.opens));
  }
  const bool drops = plan.drop_null && !before.drop_null;
  if (before.drop_null) {
    // The object that a null was dropped from must not move, and what else is dropped is dropped there.
    if (nested(draft.opens) && !(plan.path == before.path)) return false;
    if (plan.drop_dash != before.drop_dash || plan.drop_empty_text != before.drop_empty_text)
      return false;
  }
  if (drops) {
    draft.opens = before.path;
    draft.converts_first = before.convert != KeyPlan::Convert::none;
  }
  if (plan.removed) {
    if (before.drop_null && !(draft.opens == before.path)) return false;
    draft.removed = true;
    draft.opens = before.path;
  }
  return true;
}

// False: another key has that place, or needs an object there, or this one needs an object where another key's value is.
// The key that comes second is the one that is not planned: only lines with both are in question.
bool KeyPlans::claim(Names& names, const json::Path& path) {
  std::vector<std::string> objects;
  std::string text;
  const auto& segments = path.segments();
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].index >= 0) return false;
    text += std::to_string(segments[i].name.size());
    text += ':';
    text += segments[i].name;
    if (i + 1 < segments.size()) objects.push_back(text);
  }
  if (names.values.contains(text) || names.objects.contains(text)) return false;
  for (const std::string& object : objects) {
    if (names.values.contains(object)) return false;
  }
  names.values.insert(text);
  for (std::string& object : objects) names.objects.insert(std::move(object));
  return true;
}

void KeyPlans::fill(PlannedKey& planned, const Draft& draft) {
  const auto& segments = draft.plan.path.segments();
  if (nested(draft.opens)) planned.opens = object_of(draft.opens);
  if (!draft.removed) {
    planned.place = object_of(draft.plan.path);
    planned.leaf = literal(",\"" + segments.back().key + "\":");
    planned.tail = common_tail(planned.match.whole, planned.leaf);
    planned.name = segments.back().name;
    planned.read = draft.plan.read;
    planned.member.name = planned.name;
    planned.member.key = {planned.leaf.bytes + 2, planned.leaf.size - 4};
    for (const auto& segment : segments)
      planned.room += static_cast<std::uint32_t>(segment.key.size() + 8);
  }
  planned.plain = planned.place != nullptr && !planned.read && draft.plan.counted == nullptr &&
                  draft.plan.convert == KeyPlan::Convert::none && planned.tail > 0;
  planned.drop_null = draft.plan.drop_null;
  planned.drop_dash = draft.plan.drop_dash;
  planned.drop_empty_text = draft.plan.drop_empty_text;
  planned.drop_short = planned.drop_dash || planned.drop_empty_text;
  planned.plain_text = planned.plain && !planned.drop_short;
  planned.convert = draft.plan.convert;
  planned.converts_first = draft.converts_first;
  planned.counted = draft.plan.counted;
}

Place* KeyPlans::object_of(const json::Path& path) {
  Place* place = root_.get();
  const auto& segments = path.segments();
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    const auto found = place->inside.find(segments[i].name);
    if (found != place->inside.end()) {
      place = found->second.get();
      continue;
    }
    auto made = std::make_unique<Place>();
    made->parent = place;
    made->name = segments[i].name;
    made->opening = literal(",\"" + segments[i].key + "\":");
    made->self.name = made->name;
    made->self.key = {made->opening.bytes + 2, made->opening.size - 4};
    made->self.value = {json::Kind::object, "{}", &made->items};
    ++places_;
    place = place->inside.emplace(segments[i].name, std::move(made)).first->second.get();
  }
  return place;
}

Literal KeyPlans::literal(std::string_view text) {
  const std::size_t room = text.size() + Literal::kOver;
  text_bytes_ += room;
  std::unique_ptr<char[]>& bytes = texts_.emplace_back(std::make_unique<char[]>(room));
  std::memcpy(bytes.get(), text.data(), text.size());
  return {bytes.get(), static_cast<std::uint32_t>(text.size())};
}

}  // namespace tailgate::pipeline
