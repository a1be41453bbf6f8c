// SPDX-License-Identifier: Apache-2.0
// A segment of the spool with its bytes mangled: it opens, what comes as sound is as it was appended and in order, every
// row that the damage did not touch comes, and what is appended then comes too.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzzing.h"
#include "state/spool.h"

namespace tailgate::fuzz {
namespace {

namespace fs = std::filesystem;

class Machine {
 public:
  Machine() {
    auto opened = open();
    input_.id = 1;
    input_.gen = Uuid::random();
    for (const char* text : {"first\n", "second\nthird\n", "four", "th\n", "", "x\n"}) {
      rows_.push_back(append(*opened.spool, text));
    }
    rows_.push_back(append(*opened.spool, std::string(70'000, 'y') + "\n"));
    rows_.push_back(append(*opened.spool, "last\n"));
    file_ = folder_.path + "/spool/0000000000000001.rows";
    std::ifstream in(file_, std::ios::binary);
    whole_.assign(std::istreambuf_iterator<char>(in), {});
  }

  void run(std::string_view damage) {
    for (const auto& entry : fs::directory_iterator(folder_.path + "/spool"))
      fs::remove(entry.path());
    const std::string bytes = mangled(whole_, damage);
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << bytes;
    auto opened = open();
    const bool gone = !opened.set_aside.empty() || bytes.empty();
    for (const state::Spool::SetAside& aside : opened.set_aside) fs::remove(aside.path);
    check(*opened.spool, bytes, gone);
    input_.id = 2;
    const state::SpoolRow fresh = append(*opened.spool, "fresh\n");
    opened.spool.reset();
    opened = open();
    auto row = opened.spool->next(fresh.id - 1);
    must(row && *row && !(*row)->damaged && (*row)->bytes == "fresh\n", "what is appended comes");
  }

 private:
  state::Spool::Opened open() {
    auto opened = state::Spool::open(folder_.path, Bytes{16} << 20, clock_);
    must(opened.has_value(), "it opens", opened ? "" : opened.error().what);
    return std::move(*opened);
  }

  state::SpoolRow append(state::Spool& spool, std::string text) {
    state::SpoolRow row;
    row.id = spool.last_row() + 1;
    row.offset = input_.end;
    row.bytes = std::move(text);
    must(spool.append(input_, row).has_value(), "there is room");
    input_.end += row.bytes.size();
    return row;
  }

  void check(state::Spool& spool, const std::string& bytes, bool gone) const {
    std::vector<bool> came(rows_.size());
    for (std::int64_t id = 0;;) {
      auto row = spool.next(id);
      must(row.has_value(), "each row is answered", row ? "" : row.error().what);
      if (!*row) break;
      must((*row)->id > id, "rows come in their order");
      id = (*row)->id;
      if ((*row)->damaged) continue;
      must(id >= 1 && id <= static_cast<std::int64_t>(rows_.size()), "a row that was appended");
      const state::SpoolRow& was = rows_[static_cast<std::size_t>(id - 1)];
      must((*row)->bytes == was.bytes && (*row)->offset == was.offset, "a sound row is as it was");
      came[static_cast<std::size_t>(id - 1)] = true;
    }
    std::size_t at = state::SpoolSegment::kHeadBytes;
    for (std::size_t i = 0; i < rows_.size() && !gone; ++i) {
      const std::size_t size = state::SpoolSegment::kRowHeadBytes + rows_[i].bytes.size();
      const bool same = bytes.size() >= at + size && bytes.compare(at, size, whole_, at, size) == 0;
      must(came[i] || !same, "a row that no damage touched comes");
      at += size;
    }
  }

  SystemClock clock_;
  Folder folder_;
  std::string file_;
  std::string whole_;
  state::SpoolInput input_;
  std::vector<state::SpoolRow> rows_;
};

}  // namespace
}  // namespace tailgate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static tailgate::fuzz::Machine machine;
  machine.run(tailgate::fuzz::view(data, size));
  return 0;
}
