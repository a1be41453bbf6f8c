// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/hash.h"
#include "core/condition.h"
#include "core/filter.h"
#include "filters/client_source.h"

namespace tailgate::filters {
namespace {

using settings::Type;

constexpr std::array<settings::Option, 7> kOptions{{
    {"from", Type::any, "",
     "Where the client's name may stand, first come: a path; {field: PATH, claims: [...]} for an "
     "object of claims; {jwt: PATH, claims: [...]}, {basic: PATH} or {oauth1: PATH} for a "
     "credential.",
     "", true},
    {"to", Type::path, "client_id", "Where the name goes."},
    {"default", Type::text, "", "The name of those who have none."},
    {"hash", Type::choice, "none", "What is written instead of the name.", "none|sha256"},
    {"salt", Type::text, "", "Put before the name that is hashed.", "", false, true},
    {"trust_when", Type::condition, "not (http.status_code in [0, 401, 403])",
     "When a credential of the log line is believed: where the gateway accepted the request."},
    {"keep_credentials", Type::boolean, "false",
     "Leave the credentials named in `from` in the event."},
}};

/// Names the client: the first of its sources that yields a value. Credentials in the line (jwt, basic, oauth1) are
/// believed only where the gateway accepted the request, because the log also holds what it refused; a plain field was
/// written by the gateway itself. Credentials never leave, whichever source yielded.
class AddClientId final : public Filter {
 public:
  explicit AddClientId(const settings::Section& options);

  Result<Verdict> apply(json::Event& event) override;
  [[nodiscard]] Reach reach() const override { return Reach::marked; }
  [[nodiscard]] bool rule(KeyPlan& plan) override;
  [[nodiscard]] std::vector<FilterCounter> counters() const override {
    return {{"untrusted", &untrusted_}, {"unnamed", &unnamed_}};
  }

 private:
  struct Found {
    ClientName client;
    const ClientSource* source = nullptr;  // that yielded it
    bool in_place = false;                 // it is what stands there
    bool absent = false;                   // no source has anything, a credential neither
  };
  Found first(const json::Event& event);
  [[nodiscard]] json::Value written(const ClientName& client, json::Arena& arena) const;
  Result<Verdict> put(json::Event& event, const json::Value& value);
  void remove_credentials(json::Event& event, const ClientSource* yielded);

  std::vector<ClientSource> sources_;
  TokenReader tokens_;
  json::Path to_;
  const ClientSource* stays_ = nullptr;  // its name is where it goes, and is written as it is
  std::string default_;
  bool has_default_ = false;
  bool hashed_ = false;
  std::string salt_;
  std::optional<Condition> trust_when_;
  std::vector<json::Path> trust_paths_;
  bool keep_credentials_ = false;
  metrics::Counter untrusted_;
  metrics::Counter unnamed_;
};

AddClientId::AddClientId(const settings::Section& options)
    : sources_(read_client_sources(options)),
      default_(options.text("default")),
      has_default_(options.given("default")),
      hashed_(options.text("hash") == "sha256"),
      salt_(options.text("salt")),
      keep_credentials_(options.flag("keep_credentials")) {
  if (auto to = json::Path::parse(options.text("to"))) {
    to_ = std::move(*to);
  } else {
    options.problem("to", to.error().what);
  }
  if (auto condition = Condition::parse(options.text("trust_when"))) {
    trust_when_ = std::move(*condition);
    // Nobody asks it about a plain field.
    const bool asked = std::any_of(sources_.begin(), sources_.end(),
                                   [](const ClientSource& source) { return source.credential(); });
    if (asked) trust_paths_ = trust_when_->paths();
  } else {
    options.problem("trust_when", condition.error().what);
  }
  // A credential at that place is taken out, whoever yielded.
  const bool taken = std::any_of(sources_.begin(), sources_.end(), [&](const ClientSource& source) {
    return source.credential() && source.path.meets(to_);
  });
  for (const ClientSource& source : sources_) {
    if (source.path == to_ && !taken && !hashed_) stays_ = &source;
  }
  if (!salt_.empty() && !hashed_) options.problem("salt", "says nothing without hash: sha256");
}

AddClientId::Found AddClientId::first(const json::Event& event) {
  std::optional<bool> trusted;
  bool refused = false;
  bool seen = false;
  for (const ClientSource& source : sources_) {
    const json::Value* value = event.find(source.path);
    if (value == nullptr) continue;
    seen = true;
    if (value->kind == json::Kind::null) continue;
    if (source.credential()) {
      if (!trusted) trusted = trust_when_->matches(event);
      refused = refused || !*trusted;
      if (!*trusted) continue;
    }
    const ClientName name = tokens_.read(source, *value, event.arena());
    if (!name.text.empty()) return {name, &source, name.as_it_came == value};
  }
  if (refused) untrusted_.add();
  return {.client = {}, .absent = !seen};
}

Result<Verdict> AddClientId::apply(json::Event& event) {
  const auto [client, source, in_place, absent] = first(event);
  if (!keep_credentials_ && !absent) remove_credentials(event, source);
  if (in_place && source == stays_) return Verdict::keep;
  if (source != nullptr) return put(event, written(client, event.arena()));

  unnamed_.add();
  const json::Value* there = event.find(to_);
  if (there != nullptr && !is_blank(*there, event.arena())) return Verdict::keep;
  if (has_default_) return put(event, json::string_value(default_, event.arena()));
  if (there != nullptr) event.remove(to_);
  return Verdict::keep;
}

// A field that yielded the name was found to hold no credential.
void AddClientId::remove_credentials(json::Event& event, const ClientSource* yielded) {
  for (const ClientSource& source : sources_) {
    if (&source == yielded && !source.credential()) continue;
    const json::Value* value = event.find(source.path);
    if (value == nullptr) continue;
    if (source.credential() || holds_credential(*value, event.arena())) event.remove(source.path);
  }
}

json::Value AddClientId::written(const ClientName& client, json::Arena& arena) const {
  if (!hashed_) {
    return client.as_it_came != nullptr ? *client.as_it_came
                                        : json::string_value(client.text, arena);
  }
  constexpr std::size_t kDigits = 64;
  char* digits = arena.bytes(kDigits);
  write_hex(sha256(salt_, client.text), digits);
  return json::string_value({digits, kDigits}, arena);
}

Result<Verdict> AddClientId::put(json::Event& event, const json::Value& value) {
  const json::Value* there = event.find(to_);
  if (there != nullptr && there->kind == value.kind && there->raw == value.raw)
    return Verdict::keep;
  if (!event.set(to_, value)) {
    return fail(
        fmt::format("add_client_id: {} cannot be set: something that is no object stands in "
                    "the way",
                    to_.text()));
  }
  return Verdict::keep;
}

bool AddClientId::rule(KeyPlan& plan) {
  const auto meets = [&](const json::Path& path) { return path.meets(plan.path); };
  // What stands beside the target says whether there is an object to put it into.
  plan.read = plan.read || plan.path.segments().front() == to_.segments().front() ||
              std::any_of(trust_paths_.begin(), trust_paths_.end(), meets) ||
              std::any_of(sources_.begin(), sources_.end(),
                          [&](const ClientSource& source) { return meets(source.path); });
  return true;
}

}  // namespace

extern const FilterEntry kAddClientIdFilter;
const FilterEntry kAddClientIdFilter{
    "add_client_id", "Names the client, and removes the credentials it is named by.", kOptions,
    [](const settings::Section& options) -> std::unique_ptr<Filter> {
      return std::make_unique<AddClientId>(options);
    }};

}  // namespace tailgate::filters
