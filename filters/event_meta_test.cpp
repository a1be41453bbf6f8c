// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "filters/filter_fixture.h"

namespace tailgate::filters {

extern const FilterEntry kEventMetaFilter;

namespace {

json::Origin origin() {
  json::Origin origin;
  origin.gen = *Uuid::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  origin.offset = 1234;
  origin.read_at = WallTime(std::chrono::milliseconds(1795394847919));
  return origin;
}

std::string id() {
  return Uuid::named(origin().gen, "1234").text();
}

constexpr const char* kAll =
    "stream: api-gateway.request\nschema: /api-gateway/request/1.0.0\ndomain: "
    "\"{host|unknown}\"\ndt: start\n";

TEST_CASE("event_meta: all that is missing is set") {
  FilterFixture meta(kEventMetaFilter, kAll);
  CHECK(
      meta(R"({"host":"a.test","start":"2026-01-02T03:04:05.006Z"})", origin()) ==
      R"({"host":"a.test","start":"2026-01-02T03:04:05.006Z","$schema":"/api-gateway/request/1.0.0",)"
      R"("meta":{"stream":"api-gateway.request","domain":"a.test","dt":"2026-01-02T03:04:05.006Z","id":")" +
          id() + R"("}})");
  CHECK(meta.counter("event_meta_dt_unusable") == 0);
}

TEST_CASE("event_meta: what the event says of itself stays, null counts as missing") {
  FilterFixture meta(kEventMetaFilter, "stream: x\nschema: /y/1\n");
  const std::string line =
      R"({"$schema":"/z/1","meta":{"id":"mine","dt":"then","stream":"s","domain":"d"}})";
  CHECK(meta(line, origin()) == line);
  CHECK(meta(R"({"$schema":null,"meta":null})", origin()) ==
        R"({"$schema":"/y/1","meta":{"stream":"x","dt":"2026-11-23T00:47:27.919Z","id":")" + id() +
            R"("}})");
}

TEST_CASE("event_meta: without a usable time the line's read time is taken, counted") {
  FilterFixture meta(kEventMetaFilter, "dt: start\n");
  const std::string rest = R"("meta":{"dt":"2026-11-23T00:47:27.919Z","id":")" + id() + R"("}})";
  CHECK(meta(R"({"start":"yesterday"})", origin()) == R"({"start":"yesterday",)" + rest);
  CHECK(meta(R"({"start":5})", origin()) == R"({"start":5,)" + rest);
  CHECK(meta("{}", origin()) == "{" + rest);
  CHECK(meta.counter("event_meta_dt_unusable") == 3);
}

TEST_CASE("event_meta: the id depends on the line's place alone") {
  FilterFixture meta(kEventMetaFilter, "{}\n");
  json::Origin later = origin();
  later.read_at += std::chrono::hours(1);
  CHECK(meta("{}", later).find(id()) != std::string::npos);
  later.offset = 1235;
  CHECK(meta("{}", later).find(id()) == std::string::npos);
}

TEST_CASE("event_meta: a meta that is no object is the event's error") {
  FilterFixture meta(kEventMetaFilter, "stream: x\n");
  CHECK(meta(R"({"meta":"a"})").find("error: event_meta cannot write into meta") == 0);
}

TEST_CASE("event_meta: wrong templates and paths are problems") {
  const FilterFixture meta(kEventMetaFilter, "stream: \"{a\"\ndt: a..b\n");
  CHECK(meta.problems().find("t.yaml:1:9: stream: ") != std::string::npos);
  CHECK(meta.problems().find("t.yaml:2:5: dt: ") != std::string::npos);
}

}  // namespace
}  // namespace tailgate::filters
