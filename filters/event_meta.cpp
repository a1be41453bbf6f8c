// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "core/filter.h"
#include "core/formats.h"
#include "core/template.h"
#include "filters/paths.h"

namespace tailgate::filters {
namespace {

using json::Path;
using settings::Option;
using settings::Type;

constexpr Option kOptions[] = {
    {.name = "stream", .type = Type::text_template, .summary = "meta.stream."},
    {.name = "schema",
     .type = Type::text_template,
     .summary = "$schema, such as /api-gateway/request/1.0.0."},
    {.name = "domain", .type = Type::text_template, .summary = "meta.domain."},
    {.name = "dt",
     .type = Type::text,
     .default_text = "now",
     .summary = "meta.dt: the path of a field that holds an RFC 3339 time, or now: when the line "
                "was read. Without "
                "such a time in the field it is when the line was read, too, counted."}};

struct Field {
  Path path;
  Template text;
};

class EventMeta final : public Filter {
 public:
  EventMeta(std::vector<Field> fields, std::optional<Path> dt)
      : fields_(std::move(fields)), dt_from_(std::move(dt)) {
    for (const Field& field : fields_) {
      for (Path& path : field.text.paths()) read_.push_back(std::move(path));
    }
  }

  Result<Verdict> apply(json::Event& event) override {
    // An object is made where the log holds "meta":null.
    const json::Value* meta = event.find(meta_);
    if (meta != nullptr && meta->kind == json::Kind::null) {
      (void)event.set(meta_, json::object_value(event.arena()));
    } else if (meta != nullptr && meta->kind != json::Kind::object) {
      return fail("event_meta cannot write into meta: it is not an object");
    }
    for (const Field& field : fields_) {
      if (!missing(event, field.path)) continue;
      buffer_.clear();
      if (!field.text.expand(event, buffer_)) continue;
      set(event, field.path, json::string_value(buffer_, event.arena()));
    }
    if (missing(event, dt_)) set(event, dt_, time_of(event));
    if (missing(event, id_)) set(event, id_, id_of(event));
    return Verdict::keep;
  }

  [[nodiscard]] Reach reach() const override { return Reach::marked; }
  [[nodiscard]] bool rule(KeyPlan& plan) override {
    const auto& name = plan.path.segments().front().name;
    plan.read = plan.read || name == "meta" || name == "$schema" ||
                (dt_from_ && dt_from_->meets(plan.path)) ||
                std::any_of(read_.begin(), read_.end(),
                            [&](const Path& path) { return path.meets(plan.path); });
    return true;
  }
  [[nodiscard]] std::vector<FilterCounter> counters() const override {
    return {{"event_meta_dt_unusable", &unusable_}};
  }

 private:
  static bool missing(const json::Event& event, const Path& path) {
    const json::Value* value = event.find(path);
    return value == nullptr || value->kind == json::Kind::null;
  }

  // Cannot fail: nothing but meta stands on the way, and that is an object or absent.
  static void set(json::Event& event, const Path& path, const json::Value& value) {
    (void)event.set(path, value);
  }

  json::Value time_of(const json::Event& event) {
    if (dt_from_) {
      const json::Value* value = event.find(*dt_from_);
      if (value != nullptr && value->kind == json::Kind::string &&
          is_date_time(json::text_of(*value, event.arena()))) {
        return *value;
      }
      unusable_.add();
    }
    // Lines of one read share it.
    if (now_.empty() || event.origin.read_at != now_for_) {
      now_for_ = event.origin.read_at;
      now_ = rfc3339(now_for_);
    }
    return json::string_value(now_, event.arena());
  }

  static json::Value id_of(const json::Event& event) {
    std::array<char, 20> name{};
    const auto end = std::to_chars(name.data(), name.data() + name.size(), event.origin.offset).ptr;
    const Uuid id =
        Uuid::named(event.origin.gen, {name.data(), static_cast<std::size_t>(end - name.data())});
    std::array<char, 36> text{};
    id.write(text.data());
    return json::string_value({text.data(), text.size()}, event.arena());
  }

  const std::vector<Field> fields_;
  const std::optional<Path> dt_from_;
  std::vector<Path> read_;  // by the templates
  const Path meta_ = Path::of({"meta"});
  const Path dt_ = Path::of({"meta", "dt"});
  const Path id_ = Path::of({"meta", "id"});
  std::string buffer_;
  WallTime now_for_;
  std::string now_;
  metrics::Counter unusable_;
};

std::unique_ptr<Filter> make(const settings::Section& options) {
  struct Place {
    std::string_view option;
    Path path;
  };
  std::vector<Field> fields;
  for (const Place& place :
       {Place{"schema", Path::of({"$schema"})}, Place{"stream", Path::of({"meta", "stream"})},
        Place{"domain", Path::of({"meta", "domain"})}}) {
    if (!options.given(place.option)) continue;
    auto text = Template::parse(options.text(place.option));
    if (text) {
      fields.push_back({place.path, std::move(*text)});
    } else {
      options.problem(place.option, text.error().what);
    }
  }
  std::optional<Path> dt;
  if (options.text("dt") != "now") dt = read_path(options.node("dt"), options.problems());
  return std::make_unique<EventMeta>(std::move(fields), std::move(dt));
}

}  // namespace

extern const FilterEntry kEventMetaFilter;
const FilterEntry kEventMetaFilter{"event_meta",
                                   "Sets what is missing (absent or null) of $schema, "
                                   "meta.stream, meta.domain, meta.dt and meta.id; the id is the "
                                   "same at every retry and after every crash.",
                                   kOptions, make};

}  // namespace tailgate::filters
