// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/sink.h"
#include "sinks/http_message.h"
#include "sinks/secret_file.h"
#include "sinks/url.h"

namespace tailgate::sinks {

/// The options of every sink that speaks HTTP.
inline constexpr std::array kHttpTargetOptions{
    settings::Option{.name = "url",
                     .summary = "Where to: an http or https URL without credentials.",
                     .required = true},
    settings::Option{.name = "headers",
                     .type = settings::Type::text_map,
                     .summary = "Further request headers.",
                     .secret = true},
    settings::Option{.name = "auth",
                     .type = settings::Type::any,
                     .summary =
                         "{type: basic, user, password | password_file} or {type: bearer, token | "
                         "token_file}; files are read again when they change.",
                     .secret = true},
    settings::Option{.name = "tls",
                     .type = settings::Type::any,
                     .summary = "{ca_file, cert_file, key_file, verify: true}, all PEM."},
    settings::Option{.name = "compression",
                     .type = settings::Type::choice,
                     .default_text = "none",
                     .summary = "Of request bodies.",
                     .choices = "none|gzip"},
    settings::Option{.name = "connect_timeout",
                     .type = settings::Type::duration,
                     .default_text = "10s",
                     .summary = "For the connection alone; `timeout` is for the whole request."},
};

/// Where one sink's requests go, with its credentials, certificates and headers; knows which are
/// under way. Belongs to the sink; post() and stop() by the lane's thread.
class HttpTarget {
 public:
  using Done = std::function<void(HttpResponse)>;

  /// Nothing after a problem was added to the section.
  static std::unique_ptr<HttpTarget> make(const settings::Section& options,
                                          const SinkContext& context);
  ~HttpTarget();
  HttpTarget(const HttpTarget&) = delete;
  HttpTarget& operator=(const HttpTarget&) = delete;

  void set_method(std::string method) { method_ = std::move(method); }
  void set_content_type(std::string_view type);

  /// Sends `body`, which stays until `done` was called: once, from any thread.
  void post(std::string_view body, Done done);
  /// Asks once and waits: for probes.
  HttpResponse ask(std::string method, std::string_view body);
  /// Waits for what is under way until `deadline`, then gives it up.
  void stop(Tick deadline);

  [[nodiscard]] const Url& url() const { return url_; }
  [[nodiscard]] const std::string& where() const { return url_.shown; }

 private:
  explicit HttpTarget(const SinkContext& context);
  bool read_headers(const settings::Section& options);
  bool read_auth(const settings::Section& options);
  bool read_tls(const settings::Section& options);
  Result<HttpRequest> request(std::string_view body);
  void submit(HttpRequest request, Done done);

  std::shared_ptr<Transports> transports_;
  Millis timeout_;
  Millis connect_timeout_{0};
  Url url_;
  std::string method_ = "POST";
  std::vector<std::string> headers_;
  bool has_content_type_ = false;
  bool compress_ = false;
  TlsSettings tls_;
  Credentials credentials_;
  std::optional<SecretFile> token_file_;
  std::optional<SecretFile> password_file_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t under_way_ = 0;  // guarded by mutex_
};

/// An options table made of two.
template <std::size_t A, std::size_t B>
constexpr std::array<settings::Option, A + B> joined(
    const std::array<settings::Option, A>& first, const std::array<settings::Option, B>& second) {
  std::array<settings::Option, A + B> all{};
  for (std::size_t i = 0; i < A; ++i) all[i] = first[i];
  for (std::size_t i = 0; i < B; ++i) all[A + i] = second[i];
  return all;
}

}  // namespace tailgate::sinks
