// SPDX-License-Identifier: Apache-2.0
#include "sinks/http_transfer.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "base/units.h"

namespace tailgate::sinks {
namespace {

// node, and so EventGate, closes a connection that was idle for 5 s: one older than this is not
// used again.
constexpr long kMaxIdleSeconds = 4;
// A connection in steady use is renewed now and then: for renewed certificates and for load
// balancers.
constexpr long kMaxAgeSeconds = 300;
// How long the CA bundle is kept parsed; reading it takes 10 ms and more.
constexpr long kCaCacheSeconds = 60;
constexpr Millis kLongestRetryAfter = std::chrono::hours(1);

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

HttpTransfer::HttpTransfer(const Curl& curl, HttpRequest request, Done done)
    : curl_(curl),
      request_(std::move(request)),
      done_(std::move(done)),
      headers_(nullptr, curl.slist_free_all),
      handle_(nullptr, curl.easy_cleanup) {}

bool HttpTransfer::prepare() {
  handle_.reset(curl_.easy_init());
  if (!handle_) return false;
  // No `Expect: 100-continue`: it costs a second per body over 1 MiB where the server does not know
  // it.
  std::vector<std::string> lines = request_.headers;
  lines.emplace_back("Expect:");
  for (const std::string& line : lines) {
    curl_slist* longer = curl_.slist_append(headers_.get(), line.c_str());
    if (longer == nullptr) return false;
    if (!headers_) headers_.reset(longer);
  }
  set_basics();
  set_body();
  set_security();
  return true;
}

void HttpTransfer::set_basics() {
  CURL* handle = handle_.get();
  curl_.easy_setopt(handle, CURLOPT_URL, request_.url.c_str());
  curl_.easy_setopt(handle, CURLOPT_PRIVATE, this);
  curl_.easy_setopt(handle, CURLOPT_ERRORBUFFER, message_.data());
  curl_.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_.easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_.easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_.easy_setopt(handle, CURLOPT_PROXY, "");  // none, whatever the environment says
  curl_.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_.easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);  // do not wait for a hanging name server
  curl_.easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_.easy_setopt(handle, CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  curl_.easy_setopt(handle, CURLOPT_MAXLIFETIME_CONN, kMaxAgeSeconds);
  curl_.easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
  const Millis connect = std::min(request_.connect_timeout, request_.timeout);
  curl_.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect.count()));
  curl_.easy_setopt(handle, CURLOPT_USERAGENT, "tailgate");
  curl_.easy_setopt(handle, CURLOPT_HTTPHEADER, headers_.get());
  curl_.easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, &HttpTransfer::on_socket);
  curl_.easy_setopt(handle, CURLOPT_OPENSOCKETDATA, this);
  curl_.easy_setopt(handle, CURLOPT_WRITEFUNCTION, &HttpTransfer::on_body);
  curl_.easy_setopt(handle, CURLOPT_WRITEDATA, this);
  curl_.easy_setopt(handle, CURLOPT_HEADERFUNCTION, &HttpTransfer::on_header);
  curl_.easy_setopt(handle, CURLOPT_HEADERDATA, this);
}

void HttpTransfer::set_body() {
  CURL* handle = handle_.get();
  if (request_.method == "HEAD") {
    curl_.easy_setopt(handle, CURLOPT_NOBODY, 1L);
    return;
  }
  const std::string_view body = request_.packed.empty() ? request_.body : request_.packed;
  const bool plain = request_.method == "GET" || request_.method == "OPTIONS";
  if (!plain || !body.empty()) {
    // A view without bytes may be a null pointer, by which curl would mean "ask a read callback".
    curl_.easy_setopt(handle, CURLOPT_POSTFIELDS, body.empty() ? "" : body.data());
    curl_.easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  }
  if (request_.method != "POST") {
    curl_.easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
}

void HttpTransfer::set_security() {
  CURL* handle = handle_.get();
  const TlsSettings& tls = request_.tls;
  curl_.easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
  curl_.easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
  curl_.easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_.easy_setopt(handle, CURLOPT_CA_CACHE_TIMEOUT, kCaCacheSeconds);
  if (!tls.ca_file.empty()) curl_.easy_setopt(handle, CURLOPT_CAINFO, tls.ca_file.c_str());
  if (!tls.cert_file.empty()) {
    const std::string& key = tls.key_file.empty() ? tls.cert_file : tls.key_file;
    curl_.easy_setopt(handle, CURLOPT_SSLCERT, tls.cert_file.c_str());
    curl_.easy_setopt(handle, CURLOPT_SSLKEY, key.c_str());
  }
  const Credentials& who = request_.credentials;
  if (!who.bearer.empty()) {
    curl_.easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_.easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, who.bearer.c_str());
  } else if (!who.user.empty()) {
    curl_.easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_.easy_setopt(handle, CURLOPT_USERNAME, who.user.c_str());
    curl_.easy_setopt(handle, CURLOPT_PASSWORD, who.password.c_str());
  }
}

std::size_t HttpTransfer::on_body(char* data, std::size_t one, std::size_t size, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  std::string& body = transfer.response_.body;
  const std::size_t bytes = one * size;
  const std::size_t room = transfer.request_.max_answer - body.size();
  body.append(data, std::min(bytes, room));
  if (bytes <= room) return bytes;
  transfer.response_.truncated = true;
  return 0;  // ends the transfer: an endless answer would hold the connection until the timeout
}

// As curl does it by itself, but for what it does not tell: why there is none.
curl_socket_t HttpTransfer::on_socket(void* self, curlsocktype /*purpose*/,
                                      curl_sockaddr* address) {
  const int made = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (made < 0) static_cast<HttpTransfer*>(self)->no_socket_ = errno;
  return made < 0 ? CURL_SOCKET_BAD : made;
}

std::size_t HttpTransfer::on_header(char* data, std::size_t one, std::size_t size, void* self) {
  auto& response = static_cast<HttpTransfer*>(self)->response_;
  const std::string_view line = trimmed({data, one * size});
  if (line.starts_with("HTTP/")) {  // `HTTP/1.1 207 1 out of 3 events were accepted`
    const std::size_t code = line.find(' ');
    const std::size_t phrase =
        code == std::string_view::npos ? std::string_view::npos : line.find(' ', code + 1);
    response.phrase = phrase == std::string_view::npos ? "" : line.substr(phrase + 1);
  }
  return one * size;
}

void HttpTransfer::finish(CURLcode code) {
  CURL* handle = handle_.get();
  long status = 0;
  curl_.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  const char* text = nullptr;
  if (curl_.easy_getinfo(handle, CURLINFO_CONTENT_TYPE, &text) == CURLE_OK && text != nullptr) {
    response_.content_type = text;
  }
  text = nullptr;
  if (curl_.easy_getinfo(handle, CURLINFO_REDIRECT_URL, &text) == CURLE_OK && text != nullptr) {
    response_.location = text;
  }
  curl_off_t wait = 0;
  if (curl_.easy_getinfo(handle, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0) {
    const auto longest = std::chrono::duration_cast<std::chrono::seconds>(kLongestRetryAfter);
    response_.retry_after =
        std::chrono::seconds(std::min<curl_off_t>(wait, static_cast<curl_off_t>(longest.count())));
  }
  if (code != CURLE_OK && !response_.truncated) response_.error = explain(code);
  done_(std::move(response_));
}

void HttpTransfer::cancel() {
  response_.cancelled = true;
  fail(request_.where + ": given up before an answer came");
}

void HttpTransfer::fail(std::string why) {
  response_.status = 0;
  response_.error = std::move(why);
  done_(std::move(response_));
}

std::string HttpTransfer::explain(CURLcode code) const {
  const std::string said = message_[0] != '\0' ? message_.data() : curl_.easy_strerror(code);
  const std::string& where = request_.where;
  long system_error = 0;
  curl_.easy_getinfo(handle_.get(), CURLINFO_OS_ERRNO, &system_error);
  if (system_error == 0) system_error = no_socket_;
  curl_off_t connected = 0;
  curl_.easy_getinfo(handle_.get(), CURLINFO_CONNECT_TIME_T, &connected);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return where + ": the host's name cannot be resolved";
    case CURLE_COULDNT_CONNECT:
      return where + ": cannot connect" +
             (system_error != 0 ? std::string(": ") + std::strerror(static_cast<int>(system_error))
                                : std::string());
    case CURLE_OPERATION_TIMEDOUT:
      if (connected == 0) {
        return where + ": no connection within " +
               human_duration(std::min(request_.connect_timeout, request_.timeout));
      }
      return where + ": no whole answer within " + human_duration(request_.timeout);
    case CURLE_PEER_FAILED_VERIFICATION:
      return where + ": the server's certificate is not accepted: " + said;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
      return where + ": TLS failed: " + said;
    case CURLE_GOT_NOTHING:
      return where + ": the connection was closed without an answer";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      return where + ": the connection was lost: " + said;
    case CURLE_PARTIAL_FILE:
      return where + ": the connection was closed in the middle of the answer";
    default:
      return where + ": " + said;
  }
}

}  // namespace tailgate::sinks
