// SPDX-License-Identifier: Apache-2.0
#include "codecs/kafka.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/template.h"

namespace tailgate::codecs {
namespace {

constexpr std::size_t kMaxTopic = 249;

struct Header {
  std::string name;
  Template value;
};

struct Templates {
  Template topic;
  std::vector<std::string> allowed;
  std::optional<Template> key;
  std::vector<Header> headers;
};

class KafkaCodec final : public Codec {
 public:
  explicit KafkaCodec(Templates templates) : templates_(std::move(templates)) {}

  [[nodiscard]] Framing framing() const override { return {}; }

  Result<void> encode(const json::Event& event, std::string_view text, Batch& batch,
                      BatchEvent& out) override {
    if (auto routed = route(event, batch, out); !routed) return routed;
    if (templates_.key) {
      text_.clear();
      out.has_key = templates_.key->expand(event, text_);
      if (out.has_key) out.key = batch.note(text_);
    }
    if (!templates_.headers.empty()) write_headers(event, batch, out);
    batch.body().append(text);
    return {};
  }

  bool fits(const json::Event& /*event*/, const Batch& /*batch*/) override { return true; }

  [[nodiscard]] std::vector<json::Path> reads() const override {
    std::vector<json::Path> paths = templates_.topic.paths();
    const auto add = [&](const Template& more) {
      for (json::Path& path : more.paths()) paths.push_back(std::move(path));
    };
    if (templates_.key) add(*templates_.key);
    for (const Header& header : templates_.headers) add(header.value);
    return paths;
  }

 private:
  Result<void> route(const json::Event& event, Batch& batch, BatchEvent& out) {
    text_.clear();
    if (!templates_.topic.expand(event, text_)) {
      return fail(
          fmt::format("topic `{}`: a field without a default is missing", templates_.topic.text()));
    }
    if (text_.empty() || text_ != checked_) {
      if (auto legal = check(text_); !legal) return legal;
      checked_ = text_;
    }
    // Neighbours mostly share their topic: one note serves all of them.
    const std::size_t before = batch.size() - 1;
    const Span last = before == 0 ? Span{} : batch.events()[before - 1].target;
    if (batch.note(last) == text_) {  // not of the first: no topic is empty
      out.target = last;
    } else {
      out.target = batch.note(text_);
    }
    out.group = out.target;
    return {};
  }

  [[nodiscard]] Result<void> check(const std::string& topic) const {
    if (auto legal = check_topic_name(topic); !legal) return legal;
    const auto matches = [&](const std::string& pattern) { return matches_glob(pattern, topic); };
    if (templates_.allowed.empty() || std::ranges::any_of(templates_.allowed, matches)) return {};
    return fail(fmt::format("topic \"{}\" is none of those that `topics` allows", topic));
  }

  void write_headers(const json::Event& event, Batch& batch, BatchEvent& out) {
    headers_.clear();
    for (const Header& header : templates_.headers) {
      text_.clear();
      if (!header.value.expand(event, text_)) continue;
      // The notes end each text with a NUL.
      std::erase(text_, '\0');
      headers_.append(header.name).push_back('\0');
      headers_.append(text_).push_back('\0');
    }
    if (!headers_.empty()) out.headers = batch.note(headers_);
  }

  Templates templates_;
  std::string checked_;  // the last topic that was found legal
  std::string text_;
  std::string headers_;
};

std::optional<Template> read_template(const settings::Section& options, std::string_view name) {
  auto parsed = Template::parse(options.text(name));
  if (parsed) return std::move(*parsed);
  options.problem(name, parsed.error().what);
  return std::nullopt;
}

bool read_headers(const settings::Section& options, std::vector<Header>& headers) {
  bool fine = true;
  for (auto& [name, text] : options.pairs("headers")) {
    auto value = Template::parse(text);
    if (name.empty() || name.find('\0') != std::string::npos) {
      options.problem("headers", "a header needs a name");
      fine = false;
    } else if (!value) {
      options.problem("headers", fmt::format("{}: {}", name, value.error().what));
      fine = false;
    } else {
      headers.push_back({name, std::move(*value)});
    }
  }
  return fine;
}

}  // namespace

Result<void> check_topic_name(std::string_view topic) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (topic.empty()) return fail("the topic is empty");
  if (topic.size() > kMaxTopic) {
    return fail(
        fmt::format("the topic has {} characters; Kafka takes {}", topic.size(), kMaxTopic));
  }
  if (topic == "." || topic == ".." || !std::ranges::all_of(topic, legal)) {
    return fail(fmt::format(
        "\"{}\" is no topic name: Kafka takes letters, digits, `.`, `_` and `-`", topic));
  }
  return {};
}

bool matches_glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::unique_ptr<Codec> make_kafka(const settings::Section& options) {
  auto topic = read_template(options, "topic");
  if (!topic) return nullptr;
  if (topic->constant()) {
    if (auto legal = check_topic_name(topic->text()); !legal) {
      options.problem("topic", legal.error().what);
      return nullptr;
    }
  }
  Templates templates{std::move(*topic), options.texts("topics"), std::nullopt, {}};
  if (options.given("key")) {
    templates.key = read_template(options, "key");
    if (!templates.key) return nullptr;
  }
  if (!read_headers(options, templates.headers)) return nullptr;
  return std::make_unique<KafkaCodec>(std::move(templates));
}

}  // namespace tailgate::codecs
