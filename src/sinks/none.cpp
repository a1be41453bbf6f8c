// SPDX-License-Identifier: Apache-2.0
#include "sinks/registry.h"

namespace tailgate::sinks {
namespace {

/// Takes everything and keeps nothing: for measuring, and for running dry.
class NoneSink final : public Sink {
 public:
  void send(const Batch& /*batch*/, Done done) override {
    Outcome taken;
    taken.kind = Outcome::Kind::answered;
    done(std::move(taken));
  }
  [[nodiscard]] bool waits() const override { return false; }
  void stop(Tick /*deadline*/) override {}
};

std::unique_ptr<Sink> make(const settings::Section& /*options*/, SinkContext /*context*/) {
  return std::make_unique<NoneSink>();
}

std::string probe(const settings::Section& /*options*/, SinkContext /*context*/) {
  return {};
}

}  // namespace

extern const SinkEntry none_sink;
constinit const SinkEntry none_sink{
    .type = "none",
    .summary = "Throws every event away, as delivered.",
    .options = {},
    .traits = {.codec = "ndjson", .network = false},
    .make = make,
    .probe = probe,
};

}  // namespace tailgate::sinks
