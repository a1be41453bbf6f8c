// SPDX-License-Identifier: Apache-2.0
#include "sources/line_reader.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace tailgate::sources {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";
/// What may surround a line's text: a BOM before it, a CR after it.
constexpr std::size_t kSurround = 4;
/// What other outputs may write between the parts of a line, beyond one long line.
constexpr std::size_t kAmongParts = std::size_t{64} << 10;

std::string_view without_leading_nuls(std::string_view text) {
  // A writer without O_APPEND leaves a hole in front after a copytruncate; a power cut leaves NULs
  // too.
  if (text.empty() || text.front() != '\0') return text;
  const std::size_t at = text.find_first_not_of('\0');
  return at == std::string_view::npos ? std::string_view{} : text.substr(at);
}

// So many may be the line's own. More are a hole, which no dead letter should hold.
bool few(std::size_t nuls) {
  return nuls <= std::numeric_limits<decltype(Line::nuls)>::max();
}

Line line_text(std::string_view raw, bool first) {
  if (first && raw.starts_with(kBom)) raw.remove_prefix(kBom.size());
  const std::size_t all = raw.size();
  raw = without_leading_nuls(raw);
  const std::size_t nuls = all - raw.size();
  if (!raw.empty() && raw.back() == '\r') raw.remove_suffix(1);
  if (!raw.empty() && (raw.front() == ' ' || raw.front() == '\t' || raw.front() == '\r') &&
      raw.find_first_not_of(" \t\r") == std::string_view::npos) {
    return {};
  }
  return {raw, Line::Problem::none, few(nuls) ? static_cast<std::uint8_t>(nuls) : std::uint8_t{0}};
}

class Cutter {
 public:
  Cutter(const CutRules& rules, CutPosition& position, Cut& out)
      : rules_(rules), position_(position), out_(out) {}

  /// `raw` ends a line; `size` is what it takes with its newline.
  void end_line(std::string_view raw, std::size_t size) {
    // What nearly every line is, and what of it could ask for a closer look.
    if (raw.starts_with('{') && raw.back() != '\r' && raw.size() <= rules_.max_line_bytes &&
        !position_.too_long && !may_be_part(raw, rules_.format)) [[likely]] {
      position_.scan += size;
      return add(raw);
    }
    const bool first = position_.scan == 0;
    if (position_.too_long && position_.key == 0) {
      position_.scan += size;
      add({}, Line::Problem::too_long);
      return;
    }
    const Line line = line_text(raw, first);
    const std::string_view text = line.text;
    if (!text.empty() && position_.too_long && end_part_of_long(text, size)) return;
    position_.scan += size;
    if (text.empty()) return;
    if (text.size() > rules_.max_line_bytes) {
      add({}, Line::Problem::too_long);
    } else {
      add(text, Line::Problem::none, line.nuls);
      if (may_be_part(text, rules_.format)) follow(part_of(text, rules_.format), text.size());
    }
  }

  /// Behind the last newline. `size`: of everything that was cut.
  void end(std::string_view rest, std::size_t size) {
    if (rules_.at_end) {
      if (!rest.empty() || (position_.too_long && position_.key == 0)) end_line(rest, rest.size());
      if (position_.too_long) add({}, Line::Problem::too_long);
    } else if (open_.empty() || !hold(size)) {
      keep_rest(rest);
    }
  }

 private:
  /// A line of which not all parts came yet.
  struct Open {
    std::uint64_t key;
    std::size_t first;  // of the lines
    std::size_t parts;
    std::size_t bytes;
  };

  void add(std::string_view text, Line::Problem problem = Line::Problem::none,
           std::uint8_t nuls = 0) {
    Line& line = out_.lines.emplace_back();
    line.text = text;
    line.problem = problem;
    line.nuls = position_.hole ? 0 : nuls;
    out_.offsets.push_back(position_.scan);
    position_.line = position_.scan;
    position_.too_long = position_.hole = false;
    position_.key = 0;
  }

  void keep_rest(std::string_view rest) {
    const bool in_parts = position_.key != 0;
    if (position_.too_long && !in_parts) {
      position_.scan += rest.size();
      return;
    }
    const std::string_view text = without_leading_nuls(rest);
    const std::string_view kept = few(rest.size() - text.size()) ? rest : text;
    position_.scan += rest.size() - kept.size();
    position_.hole = position_.hole || kept.size() < rest.size();
    if (text.size() > rules_.max_line_bytes + kSurround) {
      position_.too_long = true;
      position_.key = 0;
      position_.scan += kept.size();
    }
  }

  // True: the line was one more part of the one that is too long. Else another output's line stands between its parts.
  bool end_part_of_long(std::string_view text, std::size_t size) {
    const std::uint64_t key = position_.key;
    const Part part = part_of(text, rules_.format);
    if (part.key != key) {
      add({}, Line::Problem::too_long);
      position_.given_up.push_back({key, Line::Problem::too_long});
      return false;
    }
    position_.scan += size;
    if (!part.partial) add({}, Line::Problem::too_long);
    return true;
  }

  // The line that was added last is this part.
  void follow(Part part, std::size_t bytes) {
    if (part.key == 0) return;
    auto& given_up = position_.given_up;
    const auto gone = std::find_if(given_up.begin(), given_up.end(),
                                   [&](const auto& one) { return one.key == part.key; });
    if (gone != given_up.end()) {
      out_.lines.back().problem = gone->why;
      if (gone->why == Line::Problem::too_long) out_.lines.back().text = {};
      if (!part.partial) given_up.erase(gone);
      return;
    }
    auto open = std::find_if(open_.begin(), open_.end(),
                             [&](const Open& one) { return one.key == part.key; });
    if (open == open_.end()) {
      if (!part.partial) return;
      out_.parts = true;
      open_.push_back({part.key, out_.lines.size() - 1, 0, 0});
      open = open_.end() - 1;
    }
    ++open->parts;
    open->bytes += bytes;
    if (open->bytes > rules_.max_line_bytes) {
      give_up(*open, Line::Problem::too_long, part.partial);
      open_.erase(open);
    } else if (!part.partial) {
      open_.erase(open);
    }
  }

  // One dead letter for all of it, where nothing stands between its parts.
  void give_up(const Open& open, Line::Problem problem, bool goes_on) {
    if (problem == Line::Problem::too_long && open.parts == out_.lines.size() - open.first) {
      position_.line = out_.offsets[open.first];
      out_.lines.resize(open.first);
      out_.offsets.resize(open.first + 1);
      if (!goes_on) return add({}, problem);
      position_.too_long = true;
      position_.key = open.key;
      return;
    }
    for (std::size_t i = open.first; i < out_.lines.size(); ++i) {
      Line& line = out_.lines[i];
      if (line.problem != Line::Problem::none || part_of(line.text, rules_.format).key != open.key)
        continue;
      line.problem = problem;
      if (problem == Line::Problem::too_long) line.text = {};
    }
    if (goes_on) position_.given_up.push_back({open.key, problem});
  }

  bool hold(std::size_t size) {
    const std::size_t first = open_.front().first;  // what opened first stands first
    const std::uint64_t begin = out_.offsets[first];
    // Of two outputs each may be in the middle of a long line.
    const std::uint64_t most = 2 * std::uint64_t{rules_.max_line_bytes} + kAmongParts;
    if (!rules_.hold || out_.offsets.front() + size > begin + most) {
      for (const Open& open : open_) give_up(open, Line::Problem::torn, true);
      return false;
    }
    out_.lines.resize(first);
    out_.offsets.resize(first + 1);
    position_.line = position_.scan = begin;
    out_.held = true;
    return true;
  }

  const CutRules& rules_;
  CutPosition& position_;
  Cut& out_;
  std::vector<Open> open_;
};

}  // namespace

void cut_lines(std::string_view text, const CutRules& rules, CutPosition& position, Cut& out) {
  out.offsets.clear();
  out.offsets.reserve(out.lines.size() +
                      2);  // they went with the last chunk; as many again, it may be
  out.lines.clear();
  out.parts = out.held = false;
  out.offsets.push_back(position.line);
  Cutter cutter(rules, position, out);
  const char* at = text.data();
  const char* const end = at + text.size();
  const char* from = at + rules.searched;
  while (from < end) {
    const auto* newline =
        static_cast<const char*>(std::memchr(from, '\n', static_cast<std::size_t>(end - from)));
    if (newline == nullptr) break;
    const auto size = static_cast<std::size_t>(newline - at);
    cutter.end_line({at, size}, size + 1);
    at = from = newline + 1;
  }
  cutter.end({at, static_cast<std::size_t>(end - at)}, text.size());
}

}  // namespace tailgate::sources
