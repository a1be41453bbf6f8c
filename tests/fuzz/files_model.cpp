// SPDX-License-Identifier: Apache-2.0
#include "files_model.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <iterator>
#include <utility>

namespace tailgate::fuzz {

std::string LogModel::next_name() {
  return std::string(kLog) + "." + std::to_string(++names_);
}

// No two lines begin alike, or a file that holds no more than a beginning would be known in the other's.
std::string LogModel::next_beginning() {
  return "{\"n\":" + std::to_string(begun_++) + ",\"p\":\"";
}

void LogModel::append(const std::string& name, const std::string& text) {
  std::ofstream(path(name), std::ios::app | std::ios::binary) << text;
  // Several operations fall into one tick of the file system's clock, and rotated files are put in order by it.
  const std::array<timespec, 2> times{timespec{++time_, 0}, timespec{time_, 0}};
  utimensat(AT_FDCWD, path(name).c_str(), times.data(), 0);
}

void LogModel::add_line(const std::string& name, File& file, std::string text, bool late) {
  append(name, text.substr(file.part.size()) + "\n");
  file.part.clear();
  file.lines.push_back(lines_.size());
  by_text_[text] = lines_.size();
  lines_.push_back({std::move(text), false, false, late});
}

void LogModel::write(unsigned padding) {
  File& file = files_[kLog];
  std::string text = file.part.empty() ? next_beginning() : file.part;
  text += std::string(padding, static_cast<char>('a' + padding % 26)) + "\"}";
  add_line(kLog, file, std::move(text), false);
}

void LogModel::write_part() {
  File& file = files_[kLog];
  if (!file.part.empty()) return;
  file.part = next_beginning();
  parts_.insert(file.part);  // it may be read as a line once nobody can end it any more
  append(kLog, file.part);
}

std::map<std::string, LogModel::File>::iterator LogModel::rotated(unsigned which) {
  std::vector<std::map<std::string, File>::iterator> all;
  for (auto file = files_.begin(); file != files_.end(); ++file) {
    if (file->first != kLog) all.push_back(file);
  }
  return all.empty() ? files_.end() : all[which % all.size()];
}

void LogModel::write_late(unsigned which) {
  const auto file = rotated(which);
  if (file == files_.end() || !file->second.renamed || !file->second.part.empty()) return;
  touched_ = touched_ || (!file->second.seen && !file->second.read);
  add_line(file->first, file->second, "{\"late\":" + std::to_string(lines_.size()) + "}", true);
  if (narrow_ && !file->second.seen && !file->second.read) may_lose(file->second);
}

void LogModel::may_lose(const File& file) {
  // Told as lost, too: what was settled, when a kill came before that was saved.
  if (!file.part.empty() || !file.lines.empty()) ++lost_;
  for (const std::size_t line : file.lines)
    lines_[line].may_be_lost = lines_[line].may_be_lost || !lines_[line].settled;
}

void LogModel::rename() {
  const auto log = files_.find(kLog);
  if (log == files_.end()) return;
  // The pattern will not name it any more, so who has not seen it never will.
  if (narrow_ && !log->second.seen && !log->second.read) may_lose(log->second);
  const std::string name = next_name();
  std::filesystem::rename(path(kLog), path(name));
  log->second.renamed = true;
  files_[name] = std::move(log->second);
  files_.erase(kLog);
}

void LogModel::copy() {
  const auto log = files_.find(kLog);
  if (log == files_.end()) return;
  copied_ = true;
  std::filesystem::copy_file(path(kLog), path(next_name()));
}

void LogModel::copy_truncate() {
  const auto log = files_.find(kLog);
  if (log == files_.end()) return;
  // A copy is known by what was read of the original, and by being the only one.
  if (narrow_ && (copied_ || !log->second.read)) may_lose(log->second);
  // Filled and truncated between two looks: what was written is in a file that has no past.
  touched_ = touched_ || (up_ && !log->second.read);
  // Neither of two equal copies is known to be the one, so what was seen may be told as lost, though it is read.
  if (copied_) ++lost_;
  const std::string name = next_name();
  std::filesystem::copy_file(path(kLog), path(name));
  append(name, "");
  File copy = log->second;
  copy.seen = false;
  files_[name] = std::move(copy);
  std::filesystem::resize_file(path(kLog), 0);
  append(kLog, "");
  log->second = {};
}

void LogModel::truncate() {
  const auto log = files_.find(kLog);
  if (log == files_.end()) return;
  may_lose(log->second);
  std::filesystem::resize_file(path(kLog), 0);
  append(kLog, "");
  log->second = {};
}

void LogModel::drop(std::map<std::string, File>::iterator file) {
  std::filesystem::remove(path(file->first));
  // Only a descriptor that was open before holds its lines.
  if (up_ && file->second.seen) {
    deleted_.push_back(std::move(file->second));
  } else {
    may_lose(file->second);
  }
  files_.erase(file);
}

void LogModel::remove() {
  const auto log = files_.find(kLog);
  if (log != files_.end()) drop(log);
}

void LogModel::remove_rotated(unsigned which) {
  const auto file = rotated(which);
  if (file != files_.end()) drop(file);
}

void LogModel::looked_at() {
  for (auto& [name, file] : files_)
    file.seen = file.seen || !narrow_ || name == kLog || (file.renamed && file.read);
}

void LogModel::ended(bool cleanly) {
  up_ = false;
  for (auto& [name, file] : files_) file.seen = false;
  if (!cleanly) {
    for (const File& file : deleted_) may_lose(file);
  }
  deleted_.clear();
}

bool LogModel::handed_out(const std::string& text) {
  const auto known = by_text_.find(text);
  if (known == by_text_.end()) return parts_.contains(text);
  for (auto& [name, file] : files_) {
    for (const std::size_t line : file.lines) file.read = file.read || line == known->second;
  }
  return true;
}

void LogModel::settled(const std::string& text) {
  const auto known = by_text_.find(text);
  if (known != by_text_.end()) lines_[known->second].settled = true;
}

std::optional<std::size_t> LogModel::place(const std::string& text) const {
  const auto known = by_text_.find(text);
  if (known == by_text_.end() || lines_[known->second].late) return std::nullopt;
  return known->second;
}

std::optional<std::string> LogModel::missing() const {
  for (const Line& line : lines_) {
    if (!line.settled && !line.may_be_lost) return line.text;
  }
  return std::nullopt;
}

}  // namespace tailgate::fuzz
