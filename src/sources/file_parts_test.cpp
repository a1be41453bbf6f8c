// SPDX-License-Identifier: Apache-2.0
// Lines that come in parts, as container runtimes write them.
#include "sources/source_fixture.h"

namespace tailgate::sources {
namespace {

using testing::Follower;
using testing::Got;
using testing::Texts;

std::string cri(const std::string& output, char tag, const std::string& text) {
  return "2026-11-23T00:47:27.919Z " + output + " " + tag + " " + text;
}

TEST_CASE("the parts of a line are read when its rest is there, also after a crash") {
  Follower tail({}, {"gateway"}, Format::cri);
  const Texts lines = {cri("stdout", 'F', "{}"), cri("stdout", 'P', "{"), cri("stderr", 'F', "{}"),
                       cri("stdout", 'F', "}")};
  tail.append("access.log", lines[0] + "\n" + lines[1] + "\n" + lines[2] + "\n");
  tail.start();
  CHECK(tail.texts() == Texts{lines[0]});
  CHECK(tail.texts().empty());
  tail.kill();
  tail.append("access.log", lines[3] + "\n");
  tail.start();
  CHECK(tail.texts() == lines);
}

TEST_CASE("a part whose rest does not come holds nothing up for longer than half a minute") {
  Follower tail({}, {"gateway"}, Format::cri);
  const std::string part = cri("stdout", 'P', "{");
  const std::string other = cri("stderr", 'F', "{}");
  tail.append("access.log", part + "\n" + other + "\n");
  tail.start();
  CHECK(tail.texts().empty());
  tail.clock.at += std::chrono::seconds(31);
  CHECK(tail.texts() == Texts{"<torn>" + part, other});
  // Its rest must not pass for a line of its own.
  tail.append("access.log", cri("stdout", 'F', "}") + "\n" + other + "\n");
  CHECK(tail.texts() == Texts{"<torn>" + cri("stdout", 'F', "}"), other});
}

TEST_CASE("the last part of a deleted file is read without its rest") {
  Follower tail({}, {"gateway"}, Format::cri);
  const std::string part = cri("stdout", 'P', "{}");
  tail.append("access.log", part + "\n");
  tail.start();
  CHECK(tail.texts().empty());
  tail.remove("access.log");
  CHECK(tail.texts().empty());
  tail.clock.at += std::chrono::seconds(11);
  CHECK(tail.texts() == Texts{part});
}

TEST_CASE("parts too long together are one line too long, in a bounded space") {
  FileSettings settings;
  settings.max_line_bytes = 10'000;
  Follower tail(settings, {"gateway"}, Format::cri);
  const std::string first = cri("stdout", 'F', "{}") + "\n";
  std::string text = first;
  for (int i = 0; i < 2000; ++i) text += cri("stdout", 'P', std::string(1000, 'x')) + "\n";
  tail.append("access.log", text + cri("stdout", 'F', "x") + "\n" + first);
  tail.start();
  const std::vector<Got> got = tail.read();
  REQUIRE(got.size() == 3);
  CHECK(got[1].text == "<too long>");
  CHECK(got[1].offset == first.size());
  CHECK(got[2].text + "\n" == first);
}

}  // namespace
}  // namespace tailgate::sources
