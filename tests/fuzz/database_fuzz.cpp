// SPDX-License-Identifier: Apache-2.0
// state.db with its bytes mangled: opening, loading and saving end in an answer or in an error that names the file, and
// what was refused once is refused again in the same words: nobody is left with a program that ends differently each time.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzzing.h"
#include "state/store.h"

namespace tailgate::fuzz {
namespace {

namespace fs = std::filesystem;

class Machine {
 public:
  Machine() {
    file_ = folder_.path + "/state.db";
    auto store = state::Store::open({.directory = folder_.path});
    must(store.has_value(), "the fuzzer's own database");
    const std::vector<state::Checkpoint> records{record("/var/log/a", 700),
                                                 record("/var/log/b", 0)};
    must((*store)->save(records).has_value(), "and its records");
    must((*store)->save({}, {&records[1].gen, 1}).has_value(), "one of them retired");
    store->reset();
    std::ifstream in(file_, std::ios::binary);
    whole_.assign(std::istreambuf_iterator<char>(in), {});
  }

  void run(std::string_view damage) {
    const std::string bytes = mangled(whole_, damage);
    const std::string first = opened(bytes);
    must(opened(bytes) == first, "the same damage has the same answer", first);
  }

 private:
  static state::Checkpoint record(const std::string& path, std::uint64_t offset) {
    state::Checkpoint record;
    record.gen = Uuid::random();
    record.source = "log";
    record.path = path;
    record.fingerprint = {offset, offset, "head", 256, "tail"};
    record.positions = {{"out", {offset, {{800, 900}, {1000, 1100}}}}};
    return record;
  }

  // What is said, empty when all works.
  std::string opened(const std::string& bytes) {
    for (const char* other : {"-wal", "-shm", "-journal"}) fs::remove(file_ + other);
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << bytes;
    auto store = state::Store::open({.directory = folder_.path});
    if (!store) return said(store.error().what);
    auto records = (*store)->load("log");
    if (!records) return said(records.error().what);
    for (const state::Checkpoint& one : *records) {
      for (const auto& [sink, position] : one.positions) {
        std::uint64_t at = position.offset;
        for (const auto& [begin, end] : position.above) {
          must(begin >= at && end >= begin, "settled ranges come in order");
          at = end;
        }
      }
    }
    if (auto totals = (*store)->totals("log"); !totals) return said(totals.error().what);
    const state::Checkpoint fresh = record("/var/log/c", 10);
    if (auto saved = (*store)->save({&fresh, 1}); !saved) return said(saved.error().what);
    return {};
  }

  std::string said(const std::string& what) {
    must(what.find("state.db") != std::string::npos, "a refusal names the file", what);
    return what;
  }

  Folder folder_;
  std::string file_;
  std::string whole_;
};

}  // namespace
}  // namespace tailgate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static tailgate::fuzz::Machine machine;
  machine.run(tailgate::fuzz::view(data, size));
  return 0;
}
