// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string_view>
#include <thread>

#include "core/sink.h"

namespace tailgate::sinks {

/// A descriptor written to without ever blocking the caller: pipes that are full, terminals that
/// are stopped.
class PatientWriter {
 public:
  /// `fd` stays the caller's.
  explicit PatientWriter(int fd);
  ~PatientWriter();
  PatientWriter(const PatientWriter&) = delete;
  PatientWriter& operator=(const PatientWriter&) = delete;

  /// Bytes written; 0: not now; -1: an error, in errno.
  [[nodiscard]] long write(std::string_view text);
  /// Whether write() may wait all the same: a file on a network.
  [[nodiscard]] bool waits() const { return kind_ == Kind::plain && remote_; }
  [[nodiscard]] int fd() const { return own_fd_ >= 0 ? own_fd_ : fd_; }

 private:
  enum class Kind { plain, unblocked, socket, sips };
  int fd_;
  int own_fd_ = -1;
  Kind kind_ = Kind::plain;
  bool remote_ = false;
};

/// Writes lines to standard output, in order. What does not go out at once is left to a thread that
/// waits, so the lane can be stopped while the reader does not read.
class StdoutSink final : public Sink {
 public:
  explicit StdoutSink(int fd);
  ~StdoutSink() override;
  StdoutSink(const StdoutSink&) = delete;
  StdoutSink& operator=(const StdoutSink&) = delete;

  void send(const Batch& batch, Done done) override;
  [[nodiscard]] bool waits() const override { return writer_.waits(); }
  void stop(Tick deadline) override;

 private:
  struct Pending {
    std::string_view rest;
    Done done;
  };
  void run();
  bool write_some(Pending& pending, Outcome& out);

  PatientWriter writer_;
  int wake_fd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Pending> queue_;  // these two guarded by mutex_; the front is being written
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tailgate::sinks
