// SPDX-License-Identifier: Apache-2.0
// validate_schema: refuses events that their JSON Schema (draft-07, by valijson) does not allow, before a sink that would
// not check them.
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_map>

// g++ 12 at -O3 takes valijson's std::string::replace for overlapping copies (GCC bug 105651).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wrestrict"
#endif
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include "core/filter.h"
#include "json/write.h"

namespace tailgate::filters {
namespace {

constexpr std::size_t kMaxSchemas = 256;

using SchemaPtr = std::unique_ptr<valijson::Schema>;

// A schema's file: the folder, then $schema's path, as it is or with a suffix.
std::optional<std::string> find_file(const std::string& folder, const std::string& uri) {
  for (const char* suffix : {"", ".json", "/latest"}) {
    const std::string file =
        fmt::format("{}{}{}{}", folder, uri.starts_with('/') ? "" : "/", uri, suffix);
    std::error_code ignored;
    if (std::filesystem::is_regular_file(file, ignored)) return file;
  }
  return std::nullopt;
}

Result<SchemaPtr> load(const std::string& folder, const std::string& uri) {
  if (uri.find("..") != std::string::npos)
    return fail(fmt::format("$schema {}: not a path inside {}", uri, folder));
  const std::optional<std::string> file = find_file(folder, uri);
  if (!file) return fail(fmt::format("$schema {}: no such file in {}", uri, folder));
  std::ifstream in(*file);
  const nlohmann::json document = nlohmann::json::parse(in, nullptr, false);
  if (document.is_discarded()) return fail(fmt::format("{}: not JSON", *file));
  auto schema = std::make_unique<valijson::Schema>();
  try {
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(valijson::adapters::NlohmannJsonAdapter(document), *schema);
  } catch (const std::exception& error) {  // valijson throws; it goes no further
    return fail(fmt::format("{}: not a usable JSON Schema: {}", *file, error.what()));
  }
  return schema;
}

class ValidateSchema final : public Filter {
 public:
  explicit ValidateSchema(std::string folder) : folder_(std::move(folder)) {}

  Result<Verdict> apply(json::Event& event) override {
    const json::Member* uri = event.root().find("$schema");
    if (uri == nullptr || uri->value.kind != json::Kind::string) return fail("$schema is missing");
    const auto schema = find(std::string(json::text_of(uri->value, event.arena())));
    if (!schema.has_value()) return tl::unexpected<Error>(schema.error());
    text_.clear();
    json::write(event, text_);
    const nlohmann::json document = nlohmann::json::parse(text_, nullptr, false);
    if (document.is_discarded()) return fail("the event cannot be read by the validator");
    valijson::ValidationResults results;
    valijson::adapters::NlohmannJsonAdapter adapter(document);
    if (validator_.validate(**schema, adapter, &results)) return Verdict::keep;
    return fail(describe(results));
  }

 private:
  Result<valijson::Schema*> find(const std::string& uri) {
    const auto known = schemas_.find(uri);
    if (known != schemas_.end()) return known->second.get();
    if (schemas_.size() >= kMaxSchemas) schemas_.clear();
    Result<SchemaPtr> loaded = load(folder_, uri);
    if (!loaded.has_value()) return tl::unexpected<Error>(loaded.error());
    return (schemas_[uri] = std::move(*loaded)).get();
  }

  // The innermost errors say most; `<root>[http][status_code]` becomes .http.status_code.
  static std::string describe(valijson::ValidationResults& results) {
    std::string text = "refused by the schema";
    valijson::ValidationResults::Error error;
    std::string deepest;
    std::size_t depth = 0;
    while (results.popError(error)) {
      if (error.context.size() < depth) continue;
      depth = error.context.size();
      std::string path;
      for (const std::string& step : error.context) {
        if (step == "<root>") continue;
        path += '.';
        path += step.size() > 2 && step.front() == '[' ? step.substr(1, step.size() - 2) : step;
      }
      deepest = fmt::format(": {}: {}", path.empty() ? "." : path, error.description);
    }
    return text + deepest;
  }

  std::string folder_;
  std::string text_;
  std::unordered_map<std::string, SchemaPtr> schemas_;
  valijson::Validator validator_;
};

constexpr std::array kOptions = {
    settings::Option{.name = "schemas",
                     .type = settings::Type::text,
                     .summary = "Folder of JSON Schemas (draft-07, as JSON); an event's $schema is "
                                "a path in it. Relative to the settings file.",
                     .required = true},
};

std::unique_ptr<Filter> make(const settings::Section& options) {
  const std::string folder = options.file("schemas");
  std::error_code ignored;
  if (folder.empty()) return nullptr;
  if (!std::filesystem::is_directory(folder, ignored)) {
    options.problem("schemas", fmt::format("{} is not a folder", folder));
    return nullptr;
  }
  return std::make_unique<ValidateSchema>(folder);
}

}  // namespace

extern const FilterEntry kValidateSchemaFilter;
const FilterEntry kValidateSchemaFilter{
    "validate_schema", "Refuses events that their $schema does not allow: dead letters.", kOptions,
    make};

}  // namespace tailgate::filters
