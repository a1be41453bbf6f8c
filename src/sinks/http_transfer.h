// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <functional>
#include <memory>

#include "sinks/curl.h"
#include "sinks/http_message.h"

namespace tailgate::sinks {

/// One request under way: a curl handle and what it has received. Used by the HTTP thread alone
/// once it was started.
class HttpTransfer {
 public:
  using Done = std::function<void(HttpResponse)>;

  /// `curl` outlives it.
  HttpTransfer(const Curl& curl, HttpRequest request, Done done);
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  /// Sets up the handle. False: no memory.
  [[nodiscard]] bool prepare();
  [[nodiscard]] CURL* handle() const { return handle_.get(); }
  [[nodiscard]] const void* owner() const { return request_.owner; }

  /// Tells `done` how it ended.
  void finish(CURLcode code);
  void cancel();
  void fail(std::string why);

 private:
  void set_basics();
  void set_body();
  void set_security();
  [[nodiscard]] std::string explain(CURLcode code) const;
  static std::size_t on_body(char* data, std::size_t one, std::size_t size, void* self);
  static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static std::size_t on_header(char* data, std::size_t one, std::size_t size, void* self);

  const Curl& curl_;
  HttpRequest request_;
  Done done_;
  HttpResponse response_;
  std::array<char, CURL_ERROR_SIZE> message_{};
  int no_socket_ = 0;  // errno of a socket that could not be had
  std::unique_ptr<curl_slist, decltype(Curl::slist_free_all)> headers_;
  std::unique_ptr<CURL, decltype(Curl::easy_cleanup)>
      handle_;  // last: goes first, while what it points to is there
};

}  // namespace tailgate::sinks
