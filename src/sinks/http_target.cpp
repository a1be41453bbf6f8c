// SPDX-License-Identifier: Apache-2.0
#include "sinks/http_target.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/gzip.h"
#include "settings/readable_file.h"
#include "sinks/transports.h"

namespace tailgate::sinks {
namespace {

using settings::Option;
using settings::Type;

constexpr std::array kAuthOptions{
    Option{.name = "type",
           .type = Type::choice,
           .summary = "How to log in.",
           .choices = "basic|bearer",
           .required = true},
    Option{.name = "user", .summary = "basic: the name."},
    Option{.name = "password", .summary = "basic: the password.", .secret = true},
    Option{.name = "password_file", .summary = "basic: the file that holds the password."},
    Option{.name = "token", .summary = "bearer: the token.", .secret = true},
    Option{.name = "token_file", .summary = "bearer: the file that holds the token."},
};

constexpr std::array kTlsOptions{
    Option{.name = "ca_file",
           .summary = "Whom to believe; the system's authorities when not given."},
    Option{.name = "cert_file", .summary = "Our certificate, with its chain."},
    Option{.name = "key_file", .summary = "Its key; may also stand in cert_file."},
    Option{.name = "verify",
           .type = Type::boolean,
           .default_text = "true",
           .summary = "Whether the server's certificate is checked."},
};

bool is_header_name(std::string_view name) {
  constexpr std::string_view kToken = "!#$%&'*+-.^_`|~";  // RFC 9110, 5.6.2
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kToken.find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view value) {
  return value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

HttpTarget::HttpTarget(const SinkContext& context)
    : transports_(context.transports), timeout_(context.timeout) {}

HttpTarget::~HttpTarget() {
  stop(Tick{});
}

std::unique_ptr<HttpTarget> HttpTarget::make(const settings::Section& options,
                                             const SinkContext& context) {
  std::unique_ptr<HttpTarget> target(new HttpTarget(context));
  bool fine = target->read_headers(options);
  fine = target->read_auth(options) && fine;
  fine = target->read_tls(options) && fine;
  target->compress_ = options.text("compression") == "gzip";
  target->connect_timeout_ = options.duration("connect_timeout");
  const std::string text = options.text("url");
  if (text.empty()) return nullptr;  // said already: it is required
  // Substituted from the environment or a file: a webhook's path is its password.
  Result<Url> url = parse_url(text, options.node("url").secret());
  if (!url) {
    options.problem("url", url.error().what);
    return nullptr;
  }
  target->url_ = std::move(*url);
  if (target->url_.scheme == "http" && options.given("auth") && !target->url_.is_loopback()) {
    options.problems().warn(options.node("url"),
                            "the credentials go over the network unencrypted; use https://");
  }
  return fine ? std::move(target) : nullptr;
}

bool HttpTarget::read_headers(const settings::Section& options) {
  bool fine = true;
  for (const auto& [name, value] : options.pairs("headers")) {
    const std::string key = lower(name);
    if (!is_header_name(name) || !is_header_value(value)) {
      options.problem("headers",
                      "\"" + name + "\" is not a header: a name is a token, a value one line");
      fine = false;
    } else if (key == "content-length" || key == "transfer-encoding" || key == "content-encoding" ||
               key == "expect" || key == "connection") {
      options.problem("headers", name + " is set by the sink itself; leave it out");
      fine = false;
    } else {
      has_content_type_ = has_content_type_ || key == "content-type";
      std::string line = name;
      line += value.empty() ? ";" : ": ";  // curl's form for an empty value
      headers_.push_back(line.append(value));
    }
  }
  return fine;
}

bool HttpTarget::read_auth(const settings::Section& options) {
  if (!options.given("auth")) return true;
  const settings::Section auth(options.node("auth"), kAuthOptions, options.problems());
  const bool basic = auth.text("type") == "basic";
  const std::string_view secret = basic ? "password" : "token";
  const std::string_view file = basic ? "password_file" : "token_file";
  if (auth.text("type").empty()) return false;
  if (!auth.given(secret) && !auth.given(file)) {
    auth.problem("type", std::string(basic ? "basic" : "bearer") + " needs " + std::string(secret) +
                             " or " + std::string(file));
    return false;
  }
  if (basic && auth.text("user").empty()) {
    auth.problem("type", "basic needs a user");
    return false;
  }
  const std::string secret_file = settings::readable_file(auth, file);
  if (auth.given(file) && secret_file.empty()) return false;
  credentials_.user = basic ? auth.text("user") : "";
  std::string text = auth.text(secret);
  text.erase(text.find_last_not_of("\r\n") + 1);  // as files that hold secrets end
  if (!is_header_value(text)) {
    auth.problem(secret, "holds a line end");
    return false;
  }
  (basic ? credentials_.password : credentials_.bearer) = text;
  if (auth.given(file)) (basic ? password_file_ : token_file_).emplace(secret_file);
  return true;
}

bool HttpTarget::read_tls(const settings::Section& options) {
  const settings::Section tls(options.node("tls"), kTlsOptions, options.problems());
  tls_ = {.ca_file = settings::readable_file(tls, "ca_file"),
          .cert_file = settings::readable_file(tls, "cert_file"),
          .key_file = settings::readable_file(tls, "key_file"),
          .verify = tls.flag("verify")};
  bool fine = tls.given("ca_file") != tls_.ca_file.empty() &&
              tls.given("cert_file") != tls_.cert_file.empty() &&
              tls.given("key_file") != tls_.key_file.empty();
  if (tls.given("key_file") && !tls.given("cert_file")) {
    tls.problem("key_file", "a key without its certificate; give cert_file too");
    fine = false;
  }
  if (!tls_.verify) {
    tls.problems().warn(tls.node("verify"),
                        "verify: false: whoever answers is believed to be the server; give its "
                        "ca_file instead");
  }
  return fine;
}

void HttpTarget::set_content_type(std::string_view type) {
  if (!has_content_type_) headers_.push_back("Content-Type: " + std::string(type));
  has_content_type_ = true;
}

Result<HttpRequest> HttpTarget::request(std::string_view body) {
  constexpr std::size_t kAnswerExtra = std::size_t{1} << 20;
  HttpRequest request;
  request.method = method_;
  request.url = url_.full;
  request.where = url_.shown;
  request.headers = headers_;
  request.body = body;
  request.credentials = credentials_;
  request.tls = tls_;
  request.timeout = timeout_;
  request.connect_timeout = connect_timeout_;
  // EventGate echoes every event that it did not take, with defaults filled in.
  request.max_answer = 2 * body.size() + kAnswerExtra;
  request.owner = this;
  if (compress_ && !body.empty()) {
    Result<std::string> packed = gzip(body);
    if (!packed) return tl::unexpected(packed.error());
    request.packed = std::move(*packed);
    request.headers.emplace_back("Content-Encoding: gzip");
  }
  for (auto* file : {&token_file_, &password_file_}) {
    if (!*file) continue;
    Result<std::string> secret = (*file)->read();
    if (!secret) return tl::unexpected(secret.error());
    if (!is_header_value(*secret)) return fail(where() + ": the token's file holds several lines");
    (file == &token_file_ ? request.credentials.bearer : request.credentials.password) = *secret;
  }
  return request;
}

void HttpTarget::post(std::string_view body, Done done) {
  Result<HttpRequest> ready = request(body);
  if (!ready) {
    HttpResponse none;
    none.error = where() + ": nothing was sent: " + ready.error().what;
    return done(std::move(none));
  }
  submit(std::move(*ready), std::move(done));
}

void HttpTarget::submit(HttpRequest request, Done done) {
  {
    const std::lock_guard lock(mutex_);
    ++under_way_;
  }
  transports_->http().submit(std::move(request),
                             [this, done = std::move(done)](HttpResponse answer) {
                               done(std::move(answer));
                               // Notified under the lock: whoever waits may destroy this as soon as
                               // the lock is free.
                               const std::lock_guard lock(mutex_);
                               --under_way_;
                               changed_.notify_all();
                             });
}

HttpResponse HttpTarget::ask(std::string method, std::string_view body) {
  Result<HttpRequest> ready = request(body);
  if (!ready) {
    HttpResponse none;
    none.error = where() + ": nothing was sent: " + ready.error().what;
    return none;
  }
  ready->method = std::move(method);
  std::promise<HttpResponse> answer;
  submit(std::move(*ready), [&](HttpResponse got) { answer.set_value(std::move(got)); });
  return answer.get_future().get();
}

void HttpTarget::stop(Tick deadline) {
  std::unique_lock lock(mutex_);
  const auto none = [this] { return under_way_ == 0; };
  if (changed_.wait_until(lock, deadline, none)) return;
  transports_->http().cancel(this);
  changed_.wait(lock, none);
}

}  // namespace tailgate::sinks
