// SPDX-License-Identifier: Apache-2.0
#include "sinks/http_client.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/thread.h"
#include "sinks/curl.h"
#include "sinks/http_transfer.h"

namespace tailgate::sinks {

class HttpClient::Loop {
 public:
  Loop() {
    Result<Curl> curl = Curl::open();
    if (!curl.has_value()) {
      broken_ = curl.error().what;
      return;
    }
    curl_ = *curl;
    curl_.global_init(CURL_GLOBAL_DEFAULT);
    multi_ = curl_.multi_init();
    if (multi_ == nullptr) {
      broken_ = "no memory for the HTTP client";
      return;
    }
    // Made without a free descriptor it cannot be woken: then it looks for orders itself.
    wait_millis_ = curl_.multi_wakeup(multi_) == CURLM_OK ? 3600 * 1000 : 100;
    thread_ = start_thread("tailgate-http", [this] { run(); });
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() {
    if (thread_.joinable()) {
      {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
      }
      curl_.multi_wakeup(multi_);
      thread_.join();
    }
    if (multi_ != nullptr) curl_.multi_cleanup(multi_);
    if (curl_.global_cleanup != nullptr) curl_.global_cleanup();
  }

  void submit(HttpRequest request, Done done) {
    auto transfer = std::make_unique<HttpTransfer>(curl_, std::move(request), std::move(done));
    if (multi_ == nullptr) return transfer->fail(broken_);
    {
      const std::lock_guard lock(mutex_);
      fresh_.push_back(std::move(transfer));
    }
    curl_.multi_wakeup(multi_);
  }

  void cancel(const void* owner) {
    if (multi_ == nullptr) return;
    {
      const std::lock_guard lock(mutex_);
      cancelled_.push_back(owner);
    }
    curl_.multi_wakeup(multi_);
  }

 private:
  void run() {
    while (take_orders()) {
      int running = 0;
      curl_.multi_perform(multi_, &running);
      // Callbacks may have brought new requests: those wake the poll at once.
      finish_done();
      curl_.multi_poll(multi_, nullptr, 0, wait_millis_, nullptr);
    }
    cancel_if([](const HttpTransfer&) { return true; });
  }

  /// False: the end.
  bool take_orders() {
    std::deque<std::unique_ptr<HttpTransfer>> fresh;
    std::vector<const void*> cancelled;
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      fresh.swap(fresh_);
      cancelled.swap(cancelled_);
      stopping = stopping_;
    }
    for (auto& transfer : fresh) start(std::move(transfer));
    if (!cancelled.empty()) {
      cancel_if([&](const HttpTransfer& transfer) {
        return std::find(cancelled.begin(), cancelled.end(), transfer.owner()) != cancelled.end();
      });
    }
    return !stopping;
  }

  void start(std::unique_ptr<HttpTransfer> transfer) {
    if (!transfer->prepare()) return transfer->fail("no memory for a request");
    CURL* handle = transfer->handle();
    const CURLMcode code = curl_.multi_add_handle(multi_, handle);
    if (code != CURLM_OK) return transfer->fail(curl_.multi_strerror(code));
    active_.emplace(handle, std::move(transfer));
  }

  void finish_done() {
    int left = 0;
    while (const CURLMsg* message = curl_.multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      const auto at = active_.find(message->easy_handle);
      if (at == active_.end()) continue;
      // Out of the multi handle first: `done` may take down what the request points to.
      curl_.multi_remove_handle(multi_, at->first);
      const std::unique_ptr<HttpTransfer> transfer = std::move(at->second);
      active_.erase(at);
      transfer->finish(code);
    }
  }

  template <class Which>
  void cancel_if(Which which) {
    for (auto at = active_.begin(); at != active_.end();) {
      if (!which(*at->second)) {
        ++at;
        continue;
      }
      curl_.multi_remove_handle(multi_, at->first);
      const std::unique_ptr<HttpTransfer> transfer = std::move(at->second);
      at = active_.erase(at);
      transfer->cancel();
    }
  }

  Curl curl_;
  std::string broken_;  // why there is no multi_
  CURLM* multi_ = nullptr;
  int wait_millis_ = 0;  // for one poll: wakeups and curl's own timers cut it short
  std::mutex mutex_;
  std::deque<std::unique_ptr<HttpTransfer>> fresh_;  // these three guarded by mutex_
  std::vector<const void*> cancelled_;
  bool stopping_ = false;
  std::unordered_map<CURL*, std::unique_ptr<HttpTransfer>> active_;  // the HTTP thread's own
  std::thread thread_;
};

HttpClient::HttpClient() : loop_(std::make_unique<Loop>()) {}
HttpClient::~HttpClient() = default;

void HttpClient::submit(HttpRequest request, Done done) {
  loop_->submit(std::move(request), std::move(done));
}

void HttpClient::cancel(const void* owner) {
  loop_->cancel(owner);
}

}  // namespace tailgate::sinks
