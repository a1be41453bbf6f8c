// SPDX-License-Identifier: Apache-2.0
#include "sources/spooled_source.h"

#include <algorithm>
#include <utility>

#include "sources/file_stream.h"
#include "sources/resume.h"

namespace tailgate::sources {
namespace {

constexpr const char* kPath = "stdin";
/// While a window is closed.
constexpr Millis kBlocked{100};

}  // namespace

SpooledSource::SpooledSource(int fd, std::size_t max_line_bytes, SpoolRules rules,
                             state::Spool::Opened opened, SourceContext context)
    : context_(std::move(context)),
      buffer_(max_line_bytes, context_.format),
      spooler_(fd, rules, std::move(opened), context_) {
  const std::vector<state::SpoolInput> held = spooler_.inputs();
  std::vector<state::Checkpoint> records;
  // The source may have had another name when it read them.
  std::vector<std::string> names{context_.name};
  for (const state::SpoolInput& input : held) names.push_back(input.source);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const std::string& name : names) {
    auto more = context_.store->load(name);
    if (!more) {
      context_.log.error("{}; what waits in the spool may be sent again", more.error().what);
      continue;
    }
    for (state::Checkpoint& record : *more) {
      if (record.path == kPath && record.inode == 0) records.push_back(std::move(record));
    }
  }
  std::map<std::int64_t, std::uint64_t> settled;
  for (const state::SpoolInput& input : held) settled[input.id] = resume(input, records);
  for (const state::Checkpoint& record : records) {
    const bool kept = std::any_of(held.begin(), held.end(),
                                  [&](const auto& input) { return input.gen == record.gen; });
    if (!kept) forgotten_.push_back(record.gen);
  }
  spooler_.start(settled);
}

// Up to where it is settled.
std::uint64_t SpooledSource::resume(const state::SpoolInput& input,
                                    const std::vector<state::Checkpoint>& records) {
  const auto record = std::find_if(records.begin(), records.end(),
                                   [&](const auto& known) { return known.gen == input.gen; });
  std::vector<SinkPosition> positions(context_.sinks.size());
  if (record != records.end()) positions = positions_for(*record, context_.sinks);
  // What is not held any more was settled, though a power cut may have taken the note of it.
  for (SinkPosition& position : positions) position.offset = std::max(position.offset, input.begin);
  inputs_[input.id].stream =
      std::make_shared<Stream>(input.gen, context_.name, kPath, std::move(positions));
  const std::uint64_t settled = inputs_[input.id].stream->settled_offset();
  if (input.end > settled)
    context_.log.info("{} of an earlier run wait in the spool", human_bytes(input.end - settled));
  return settled;
}

SpooledSource::Input& SpooledSource::input_of(const state::SpoolRow& row) {
  Input& input = inputs_[row.input];
  if (input.stream == nullptr) {  // it was released whole, and then a row of it came
    input.stream = std::make_shared<Stream>(row.gen, context_.name, kPath,
                                            std::vector<SinkPosition>(context_.sinks.size()));
  }
  return input;
}

bool SpooledSource::window_open() const {
  std::uint64_t open = 0;
  for (const auto& [id, input] : inputs_) {
    if (input.ranges_full) return false;
    open += input.stream->end_offset() - input.stream->settled_offset();
  }
  return open <= kWindowBytes;
}

Wakeup SpooledSource::watch(Tick now) {
  const bool queued = spooler_.ready();
  const bool more = row_at_ < row_.bytes.size() || queued || input_is_over() ||
                    buffer_.overdue(now) || (!finished_ && spooler_.finished());
  if (!more) return {buffer_.due(), false};
  if (!window_open()) return {now + kBlocked, false};
  return {std::nullopt, true};
}

std::optional<Lines> SpooledSource::read(std::size_t max_bytes) {
  while (window_open()) {
    if (row_at_ == row_.bytes.size() && !take_row()) {
      if (buffer_.overdue(context_.clock->now())) return cut(false);
      finished_ = spooler_.finished();
      return finished_ || input_is_over() ? end_input() : std::nullopt;
    }
    if (!turned_) {
      if (std::optional<Lines> lines = turn_to_row()) return lines;
      continue;
    }
    RawBytes& text = buffer_.open();
    const std::size_t size = std::min(max_bytes, row_.bytes.size() - row_at_);
    append(text, std::string_view(row_.bytes.data() + row_at_, size));
    row_at_ += size;
    read_at_ = row_.read_at;
    if (std::optional<Lines> lines = cut_opened(false)) return lines;
  }
  return std::nullopt;
}

bool SpooledSource::take_row() {
  std::optional<state::SpoolRow> row = spooler_.take();
  if (!row) return false;
  row_ = std::move(*row);
  row_at_ = 0;
  turned_ = row_.input == input_ && row_.offset == buffer_.end();
  marks_.push_back({row_.input, row_.offset + row_.bytes.size(), row_.read_at});
  return true;
}

// The row does not continue what was read before: another input begins, or rows between were dropped or damaged.
std::optional<Lines> SpooledSource::turn_to_row() {
  const bool other = row_.input != input_;
  if (other && input_ != 0) {
    if (std::optional<Lines> lines = end_input()) return lines;
  } else if (buffer_.waits()) {
    if (std::optional<Lines> lines = cut(true)) return lines;
  }
  const std::shared_ptr<Stream>& stream = input_of(row_).stream;
  const std::uint64_t settled = stream->settled_offset();
  std::uint64_t from = row_.offset;
  if (other && settled > from) from = std::min(settled, from + row_.bytes.size());  // sent before
  if (from > std::max(settled, stream->end_offset())) stream->skip(from);
  row_at_ = static_cast<std::size_t>(from - row_.offset);
  input_ = row_.input;
  buffer_.begin(from);
  turned_ = true;
  return std::nullopt;
}

bool SpooledSource::input_is_over() const {
  return input_ != 0 && input_ != spooler_.current_input() && row_at_ == row_.bytes.size() &&
         spooler_.caught_up();
}

// Its last line may have no newline, and behind it there may be what is no line.
std::optional<Lines> SpooledSource::end_input() {
  std::optional<Lines> lines;
  if (buffer_.waits()) lines = cut(true);
  for (const state::SpoolInput& input : spooler_.inputs()) {
    if (input.id != input_) continue;
    const std::shared_ptr<Stream>& stream = inputs_[input_].stream;
    if (input.end > std::max(stream->end_offset(), stream->settled_offset()))
      stream->skip(input.end);
  }
  input_ = 0;
  return lines;
}

std::optional<Lines> SpooledSource::cut(bool at_end) {
  (void)buffer_.open();
  return cut_opened(at_end);
}

std::optional<Lines> SpooledSource::cut_opened(bool at_end) {
  if (!buffer_.cut(at_end, context_.clock->now())) return std::nullopt;
  Cut& cut = buffer_.lines();
  return Lines{inputs_[input_].stream->add_chunk(cut.offsets), cut.lines, read_at_, cut.parts};
}

state::Checkpoint SpooledSource::record_of(Input& input) const {
  state::Checkpoint record;
  record.gen = input.stream->gen();
  record.source = context_.name;
  record.path = kPath;
  const std::vector<SinkPosition> positions = input.stream->positions();
  record.fingerprint.offset = input.stream->end_offset();
  input.ranges_full = false;
  for (std::size_t i = 0; i < positions.size() && i < context_.sinks.size(); ++i) {
    record.fingerprint.offset = std::min(record.fingerprint.offset, positions[i].offset);
    input.ranges_full = input.ranges_full || state::ranges_full(positions[i]);
    record.positions.emplace_back(context_.sinks[i], positions[i]);
  }
  return record;
}

void SpooledSource::checkpoint() {
  save();
  count();
}

// The positions first: a row is deleted only when they are on disk.
void SpooledSource::save() {
  if (const std::uint64_t lines = spooler_.dropped_lines(); lines > 0 && !inputs_.empty())
    inputs_.rbegin()->second.stream->count(Settled::filtered, lines);
  for (const Uuid& gen : spooler_.gone()) forgotten_.push_back(gen);
  std::vector<state::Checkpoint> records;
  std::vector<std::pair<std::int64_t, std::uint64_t>> saved;
  for (auto& [id, input] : inputs_) {
    const std::uint64_t version = input.stream->version();
    if (version == input.saved_version) continue;
    records.push_back(record_of(input));
    saved.emplace_back(id, version);
  }
  if (records.empty() && forgotten_.empty()) return;
  if (const Result<void> done = context_.store->save(records, forgotten_); !done) {
    if (!complained_)
      context_.log.error("{}; positions stay behind, so a restart would repeat lines; trying again",
                         done.error().what);
    complained_ = true;
    if (context_.store->lacks_space()) spooler_.lend();
    return;
  }
  complained_ = false;
  if (auto totals = context_.store->totals(context_.name)) totals_ = std::move(*totals);
  for (std::size_t i = 0; i < saved.size(); ++i) {
    inputs_[saved[i].first].saved_version = saved[i].second;
    spooler_.settled(saved[i].first, records[i].fingerprint.offset);
  }
  std::erase_if(inputs_, [&](const auto& entry) {
    return std::find(forgotten_.begin(), forgotten_.end(), entry.second.stream->gen()) !=
           forgotten_.end();
  });
  forgotten_.clear();
}

void SpooledSource::count() {
  while (!marks_.empty()) {
    const auto input = inputs_.find(marks_.front().input);
    if (input != inputs_.end() && input->second.stream->settled_offset() < marks_.front().end)
      break;
    marks_.pop_front();
  }
  Millis lag{0};
  if (!marks_.empty())
    lag = std::chrono::duration_cast<Millis>(context_.clock->wall() - marks_.front().read_at);
  context_.counters->lag_millis.set(static_cast<std::uint64_t>(std::max(lag, Millis{0}).count()));
  context_.counters->lag_bytes.set(status().lag_bytes);
}

SourceStatus SpooledSource::status() const {
  SourceStatus status;
  status.settled = totals_;
  status.watching = true;
  for (const state::SpoolInput& input : spooler_.inputs()) {
    SourceStatus::File entry;
    entry.path = kPath;
    entry.size = input.end;
    const auto known = inputs_.find(input.id);
    if (known != inputs_.end()) {
      entry.read = known->second.stream->end_offset();
      entry.settled = known->second.stream->settled_offset();
    }
    entry.note = "spool, generation " + input.gen.text();
    status.lag_bytes += input.end - std::min(input.end, entry.settled);
    status.files.push_back(std::move(entry));
  }
  return status;
}

}  // namespace tailgate::sources
