// SPDX-License-Identifier: Apache-2.0
// "No heap allocation per event": batches of many events must take no more of them than batches of few.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "codecs/registry.h"
#include "pipeline/build.h"
#include "pipeline/pipeline.h"
#include "settings/reader.h"
#include "sinks/registry.h"
#include "sources/line_buffer.h"
#include "tests/counting_new.h"

namespace tailgate::pipeline {
namespace {

/// Batches until all is warm, and those that are counted.
constexpr std::size_t kWarm = 8;
constexpr std::size_t kBatches = 24;
constexpr std::size_t kFew = 100;  // events a batch
constexpr std::size_t kMany = 500;
/// Containers of all that is under way grow now and then, and a lane may fall behind. Far less than one a batch.
constexpr std::uint64_t kSlack = kBatches / 2;
/// Of the intake, with one read a batch. The read: its offsets, the chunk, its control block and its state, in this the
/// list of sinks and a bitmap for the one there is. The batch: body, notes, events, chunks, half a block of the buffer.
constexpr std::uint64_t kReadAndBatch = 11;
/// Of the lane: the work and its place among what is in flight, the way back of its outcome and the outcome, two
/// bitmaps of the answers, and the lines to settle.
constexpr std::uint64_t kAttempt = 7;

/// What a thread had allocated at the beginning of each batch.
using Marks = std::vector<std::uint64_t>;

std::uint64_t counted(const Marks& marks) {
  REQUIRE(marks.size() == kWarm + kBatches + 1);
  return marks.back() - marks[kWarm];
}

/// Hands out the same lines at every read.
class SameLines final : public Source {
 public:
  SameLines(std::string text, Format format, Marks& marks)
      : text_(std::move(text)), buffer_(std::size_t{1} << 20, format), marks_(marks) {
    buffer_.begin(0);
  }
  [[nodiscard]] int wait_fd() const override { return -1; }
  Wakeup watch(Tick /*now*/) override { return {std::nullopt, !finished()}; }
  std::optional<Lines> read(std::size_t /*max_bytes*/) override {
    marks_.push_back(testing::allocations());
    RawBytes& text = buffer_.open();
    text.insert(text.end(), text_.begin(), text_.end());
    REQUIRE(buffer_.cut(false, Tick{}));
    sources::Cut& cut = buffer_.lines();
    return Lines{stream_->add_chunk(cut.offsets), cut.lines, {}, cut.parts};
  }
  void checkpoint() override {}
  [[nodiscard]] bool finished() const override { return marks_.size() > kWarm + kBatches; }
  [[nodiscard]] bool rereadable() const override { return true; }
  [[nodiscard]] bool writers_gone() const override { return true; }
  [[nodiscard]] SourceStatus status() const override { return {}; }

 private:
  const std::string text_;
  std::shared_ptr<Stream> stream_ = std::make_shared<Stream>(
      Uuid::random(), "lines", "/lines", std::vector<SinkPosition>{SinkPosition{}});
  sources::LineBuffer buffer_;
  Marks& marks_;
};

/// Reports every event as delivered, at once.
class Taking final : public Sink {
 public:
  Taking(Marks& marks, std::string& event) : marks_(marks), event_(event) {}
  void send(const Batch& batch, Done done) override {
    marks_.push_back(testing::allocations());
    if (event_.empty()) event_ = batch.text(batch.events().front());
    Outcome taken;
    taken.kind = Outcome::Kind::answered;
    done(std::move(taken));
  }
  void stop(Tick /*deadline*/) override {}

 private:
  Marks& marks_;
  std::string& event_;  // the first one of all
};

/// Stands still, so that nothing is done for the time alone.
class StandingClock final : public Clock {
 public:
  [[nodiscard]] Tick now() const override { return start_; }
  [[nodiscard]] WallTime wall() const override { return std::chrono::system_clock::now(); }

 private:
  const Tick start_ = std::chrono::steady_clock::now();
};

/// A pipeline as settings describe it, but for its two ends.
struct Way {
  std::string filters = "[{unflatten: {}}, {drop_nulls: {}}, {add_client_id: {from: client_id}}]";
  std::string codec = "ndjson";
  std::string sink = "{type: none}";  // one whose options are the codec's
  std::string sink_filters = "[]";
  std::string when;
  Format format = Format::json;
};

settings::Node node_of(const std::string& yaml, settings::Problems& problems) {
  const auto none = [](const std::string&) { return std::optional<std::string>(); };
  return settings::read_text("it: " + yaml, "t.yaml", none, problems).at("it");
}

std::unique_ptr<Codec> codec_of(const Way& way, settings::Problems& problems) {
  const settings::Node node = node_of(way.sink, problems);
  for (const SinkEntry& sink : sinks::table()) {
    if (sink.type != node.at("type").text()) continue;
    std::vector<settings::Option> options(sink.options.begin(), sink.options.end());
    options.push_back({.name = "type"});
    for (const codecs::Entry& codec : codecs::table()) {
      if (codec.name == way.codec) return codec.make({node, options, problems});
    }
  }
  return nullptr;
}

/// Of kBatches.
struct Counts {
  std::uint64_t intake = 0;
  std::uint64_t lane = 0;  // from one attempt to the next: its answer, settling, the next batch
  std::string event;       // the first that was delivered
};

Counts run(const Way& way, const std::string& lines, std::size_t events) {
  settings::Problems problems;
  Counts counts;
  Marks read;
  Marks sent;
  for (Marks* marks : {&read, &sent}) marks->reserve(kWarm + kBatches + 1);

  Parts parts;
  parts.clock = std::make_shared<StandingClock>();
  parts.wake = std::make_shared<Wake>();
  parts.credits = std::make_unique<Credits>(Bytes{1} << 40, Bytes{0});
  parts.dead_letters = std::make_unique<DeadLetters>(DeadLetters::to_stderr(*parts.clock, Log()));
  parts.filters = build_chain(node_of(way.filters, problems), problems);
  parts.rules.once = true;
  parts.inlets.push_back({"lines", std::make_unique<SameLines>(lines, way.format, read),
                          LineParser({.format = way.format}), Chain(),
                          std::make_unique<metrics::SourceCounters>()});
  Outlet outlet;
  outlet.name = "taken";
  if (!way.when.empty()) outlet.when = std::move(*Condition::parse(way.when));
  outlet.filters = build_chain(node_of(way.sink_filters, problems), problems);
  outlet.codec = codec_of(way, problems);
  REQUIRE_MESSAGE((outlet.codec != nullptr && !problems.any()), problems.text());
  outlet.counters = std::make_unique<metrics::SinkCounters>();
  SenderRules rules;
  rules.max_in_flight = 1;
  outlet.lane = std::make_unique<Lane>(rules, std::make_unique<Taking>(sent, counts.event),
                                       *parts.dead_letters, *outlet.counters, *parts.clock, Log(),
                                       [wake = parts.wake] { wake->offer(); });
  outlet.batcher =
      std::make_unique<Batcher>(0, *outlet.codec, outlet.lane->buffer(), *parts.credits,
                                BatchLimits{.max_events = events, .max_bytes = Bytes{1} << 30});
  const metrics::SinkCounters& delivered = *outlet.counters;
  parts.outlets.push_back(std::move(outlet));

  Pipeline pipeline(std::move(parts));
  CHECK(pipeline.run().settled);
  CHECK(delivered.delivered.value() == events * (kWarm + kBatches + 1));
  counts.intake = counted(read);
  counts.lane = counted(sent);
  return counts;
}

/// A line of an access log; `more`: its last members.
std::string flat_line(std::size_t number, const std::string& more) {
  return fmt::format(
      R"({{"$schema":"/api-gateway/request/1.0.0","meta.stream":"api-gateway.request",)"
      R"("meta.dt":"2026-11-23T00:47:28.{0:03}Z","meta.uri":"/w/rest.php/v1/page/Earth?n={0}",)"
      R"("http.method":"GET","http.status_code":200,"http.client_ip":"198.51.100.{0}",)"
      R"("http.request_headers.user-agent":"Häuser-Bot \"{0}\" ops\u0040example.org",)"
      R"("http.request_headers.referer":null,"total_time_ms":{0},"backend_time_ms":"{0}",)"
      R"("response_flags":"-",{1}}})",
      number, more);
}

const std::string kNamed = R"("client_id":"mobile-app","jwt_claims":null,"route":"wiki")";

/// With many events a batch no more is allocated than with few. `kept` is in the first event that is delivered.
void no_more_with_more(const Way& way, const std::string& more, std::string_view kept,
                       std::string_view before = {}) {
  const auto lines = [&](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
      text.append(before).append(flat_line(10 + i % 20, more)) += '\n';
    return text;
  };
  const Counts few = run(way, lines(kFew), kFew);
  const Counts many = run(way, lines(kMany), kMany);
  CHECK_MESSAGE(few.event.find(kept) != std::string::npos, few.event);
  CHECK(few.intake <= kBatches * kReadAndBatch);
  CHECK(few.lane <= kBatches * kAttempt + kSlack);
  CHECK(many.intake <= few.intake + kSlack);
  CHECK(many.lane <= few.lane + kSlack);
}

constexpr std::string_view kNested = R"("http":{"method":"GET")";
const std::string kEventgate = "{type: eventgate, url: 'http://localhost/v1/events'}";

}  // namespace

TEST_CASE("allocations: every form of operator new is counted") {
  const std::uint64_t before = testing::allocations();
  constexpr std::align_val_t kAlign{64};
  ::operator delete(::operator new(1));
  ::operator delete[](::operator new[](1));
  ::operator delete(::operator new(1, kAlign), kAlign);
  ::operator delete[](::operator new[](1, kAlign), kAlign);
  ::operator delete(::operator new(1, std::nothrow), std::nothrow);
  ::operator delete[](::operator new[](1, std::nothrow), std::nothrow);
  ::operator delete(::operator new(1, kAlign, std::nothrow), kAlign, std::nothrow);
  ::operator delete[](::operator new[](1, kAlign, std::nothrow), kAlign, std::nothrow);
  CHECK(testing::allocations() - before == 8);
}

TEST_CASE("allocations: none per event of flat lines") {
  no_more_with_more({}, kNamed, kNested);
}

TEST_CASE("allocations: none per event, whichever filters there are") {
  for (const char* filter :
       {"{convert: {types: {backend_time_ms: integer, total_time_ms: string}}}",
        "{rename: {route: r.s, http.method: verb}}", "{keep: {paths: [http, client_id, meta.uri]}}",
        "{remove: {paths: [response_flags, meta]}}", "{where: {condition: 'route =~ \"^w\"'}}",
        "{set: {server: '{route} of {http.request_headers.user-agent}'}, when: exists(route)}",
        "{add_client_id: {from: route, hash: sha256}}"}) {
    CAPTURE(filter);
    Way way;
    way.filters = "[{unflatten: {}}, {drop_nulls: {dashes: true}}, " + std::string(filter) + "]";
    no_more_with_more(way, kNamed, R"("http":{)");
  }
}

TEST_CASE("allocations: none per event of lines with a nested value") {
  no_more_with_more({}, kNamed + R"(,"geo":{"city":"Bern","region":null,"at":[46.9,7.4]})",
                    R"("geo":{"city":"Bern","at":[46.9,7.4]})");
}

TEST_CASE("allocations: none per event of lines with an object of many members") {
  std::string members;
  for (int i = 0; i < 80; ++i) members += fmt::format(R"("k{}":{},)", i, i);
  no_more_with_more({}, kNamed + R"(,"wide":{)" + members + R"("k":null})", R"("k79":79}})");
}

TEST_CASE("allocations: none per event of lines in a wrapper") {
  Way way;
  way.format = Format::cri;
  no_more_with_more(way, kNamed, kNested, "2026-11-23T00:47:28.1Z stdout F ");
}

TEST_CASE("allocations: none per event that is named by a token seen before") {
  Way way;
  way.filters =
      "[{unflatten: {}}, {drop_nulls: {}}, {add_client_id: {from: [{jwt: http.authorization}]}}]";
  no_more_with_more(
      way, R"("http.authorization":"Bearer eyJhbGciOiJub25lIn0.eyJjbGllbnRfaWQiOiJtZSJ9.c2ln")",
      R"("client_id":"me")");
}

TEST_CASE("allocations: none per event in an array with ids") {
  Way way;
  way.filters =
      "[{unflatten: {}}, {drop_nulls: {}}, {add_client_id: {from: client_id}}, {event_meta: {}}]";
  way.codec = "eventgate";
  way.sink = kEventgate;
  no_more_with_more(way, kNamed, R"("id":")");
}

TEST_CASE("allocations: none per event of a sink with filters of its own") {
  Way way;
  way.codec = "eventgate";
  way.sink = kEventgate;
  way.sink_filters = "[{event_meta: {}}]";
  no_more_with_more(way, kNamed, R"("id":")");
}

TEST_CASE("allocations: none per message with a key and a topic template") {
  Way way;
  way.codec = "kafka";
  way.sink =
      "{type: kafka, brokers: ['localhost:9092'], topic: 'staging.{meta.stream|unknown}', "
      "topics: ['staging.*'], key: '{client_id}-{http.method}', headers: {route: '{route}'}}";
  way.when = "http.status_code < 500 and route == \"wiki\"";
  no_more_with_more(way, kNamed, kNested);
}

}  // namespace tailgate::pipeline
