// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>

#include "sinks/eventgate_answer.h"
#include "sinks/http_target.h"
#include "sinks/registry.h"
#include "sinks/status.h"

namespace tailgate::sinks {
namespace {

/// Posts arrays of events to EventGate, and reads which of them it took.
class EventgateSink final : public Sink {
 public:
  explicit EventgateSink(std::unique_ptr<HttpTarget> target) : target_(std::move(target)) {
    target_->set_content_type("application/json");
  }

  void send(const Batch& batch, Done done) override {
    target_->post(batch.wire(),
                  [this, &batch, done = std::move(done)](const HttpResponse& response) {
                    done(eventgate_outcome(response, batch, target_->where()));
                  });
  }
  void stop(Tick deadline) override { target_->stop(deadline); }

 private:
  std::unique_ptr<HttpTarget> target_;
};

std::unique_ptr<HttpTarget> make_target(const settings::Section& options,
                                        const SinkContext& context) {
  std::unique_ptr<HttpTarget> target = HttpTarget::make(options, context);
  if (!target) return nullptr;
  const Url& url = target->url();
  if (url.has_parameter("hasty")) {
    options.problems().warn(
        options.node("url"),
        "with ?hasty EventGate answers before it has looked at the events: what "
        "it refuses or cannot store is lost without a word; leave it out");
  }
  if (url.path.empty() || url.path == "/") {
    options.problems().warn(options.node("url"),
                            "the URL has no path; EventGate takes events at /v1/events");
  }
  return target;
}

std::unique_ptr<Sink> make(const settings::Section& options, SinkContext context) {
  std::unique_ptr<HttpTarget> target = make_target(options, context);
  if (!target) return nullptr;
  return std::make_unique<EventgateSink>(std::move(target));
}

/// Posts an array without events: EventGate says `400 Request body was empty` by way of the very
/// path, credentials and content type that events will take, and nothing is produced.
std::string probe(const settings::Section& options, SinkContext context) {
  std::unique_ptr<HttpTarget> target = make_target(options, context);
  if (!target) return options.problems().text();
  target->set_content_type("application/json");
  const HttpResponse response = target->ask("POST", "[]");
  if (response.error.empty()) {
    if (response.status == 400 && response.body.empty()) return {};
    if (rule_for(response.status).kind == Outcome::Kind::answered &&
        !response.content_type.starts_with("text/html")) {
      return {};
    }
  }
  Credits credits(0, 0);
  const Batch none(0, Framing{}, credits);
  return eventgate_outcome(response, none, target->where()).reason;
}

constexpr std::array kOwnOptions{
    settings::Option{.name = "meta_id",
                     .type = settings::Type::choice,
                     .default_text = "set",
                     .summary =
                         "keep: events come with a meta.id of their own, so no event_meta is "
                         "added. One without cannot be told from others in a partial answer.",
                     .choices = "set|keep"},
};
constexpr auto kOptions = joined(kHttpTargetOptions, kOwnOptions);

}  // namespace

extern const SinkEntry eventgate_sink;
constinit const SinkEntry eventgate_sink{
    .type = "eventgate",
    .summary = "Wikimedia's EventGate: arrays of events, answers read event by event.",
    .options = kOptions,
    .traits = {.codec = "eventgate",
               .needs_meta_id = true,
               .batch_bytes = "90KiB",  // stock EventGate takes 100 kB
               .timeout = "65s"},  // one that gives up before the gateway does makes duplicates
    .make = make,
    .probe = probe,
};

}  // namespace tailgate::sinks
