// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>

#include "sinks/eventgate_answer.h"
#include "sinks/http_target.h"
#include "sinks/registry.h"
#include "sinks/status.h"

namespace tailgate::sinks {
namespace {

/// Posts batches to any HTTP server; goes by the status table.
class HttpSink final : public Sink {
 public:
  explicit HttpSink(std::unique_ptr<HttpTarget> target) : target_(std::move(target)) {}

  void send(const Batch& batch, Done done) override {
    target_->post(batch.wire(),
                  [this, &batch, done = std::move(done)](const HttpResponse& response) {
                    done(outcome(response, batch));
                  });
  }
  void stop(Tick deadline) override { target_->stop(deadline); }

 private:
  [[nodiscard]] Outcome outcome(const HttpResponse& response, const Batch& batch) const {
    // An EventGate behind a plain https:// target says which events it took: not to be thrown away.
    if (auto out = read_eventgate_answer(response, batch, target_->where())) return std::move(*out);
    return outcome_by_status(response, target_->where());
  }

  std::unique_ptr<HttpTarget> target_;
};

std::unique_ptr<HttpTarget> make_target(const settings::Section& options,
                                        const SinkContext& context) {
  std::unique_ptr<HttpTarget> target = HttpTarget::make(options, context);
  if (!target) return nullptr;
  target->set_method(options.text("method"));
  target->set_content_type(options.text("format") == "ndjson" ? "application/x-ndjson"
                                                              : "application/json");
  return target;
}

std::unique_ptr<Sink> make(const settings::Section& options, SinkContext context) {
  std::unique_ptr<HttpTarget> target = make_target(options, context);
  if (!target) return nullptr;
  return std::make_unique<HttpSink>(std::move(target));
}

/// Asks by OPTIONS, which changes nothing. Many servers do not know it: only what surely stands in
/// the way is told.
std::string probe(const settings::Section& options, SinkContext context) {
  std::unique_ptr<HttpTarget> target = make_target(options, context);
  if (!target) return options.problems().text();
  const HttpResponse response = target->ask("OPTIONS", {});
  const Outcome outcome = outcome_by_status(response, target->where());
  if (!response.error.empty()) return outcome.reason;
  const int status = response.status;
  const bool is_redirect = status >= 300 && status < 400;
  const bool is_down = status == 500 || status == 502 || status == 503 || status == 504;
  const bool is_closed = status == 401 || status == 403 || status == 407;
  return is_redirect || is_down || is_closed ? outcome.reason : std::string();
}

constexpr std::array kOwnOptions{
    settings::Option{.name = "method",
                     .type = settings::Type::choice,
                     .default_text = "POST",
                     .summary = "How bodies are sent.",
                     .choices = "POST|PUT"},
    settings::Option{.name = "format",
                     .type = settings::Type::choice,
                     .default_text = "array",
                     .summary = "A JSON array, a line per event, or one event per request.",
                     .choices = "array|ndjson|single"},
};
constexpr auto kOptions = joined(kHttpTargetOptions, kOwnOptions);

}  // namespace

extern const SinkEntry http_sink;
constinit const SinkEntry http_sink{
    .type = "http",
    .summary = "Any HTTP server: JSON arrays, NDJSON or single events.",
    .options = kOptions,
    .traits = {.codec = "http"},
    .make = make,
    .probe = probe,
};

}  // namespace tailgate::sinks
