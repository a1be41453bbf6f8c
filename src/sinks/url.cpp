// SPDX-License-Identifier: Apache-2.0
#include "sinks/url.h"

#include <algorithm>
#include <memory>

#include "sinks/curl.h"

namespace tailgate::sinks {
namespace {

std::string part(const Curl& curl, CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl.url_get(url, which, &text, 0) != CURLUE_OK || text == nullptr) return {};
  std::string copy = text;
  curl.free(text);
  return copy;
}

}  // namespace

bool Url::is_loopback() const {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

bool Url::has_parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    if (pair.substr(0, pair.find('=')) == name) return true;
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
  }
  return false;
}

Result<Url> parse_url(std::string_view text, bool secret_path) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) {
    return fail("a URL starts with https:// or http://");
  }
  const std::string_view scheme = text.substr(0, colon);
  if (scheme != "http" && scheme != "https") {
    return fail("cannot speak \"" + std::string(scheme) +
                "\": the URL must be https:// or http://");
  }
  if (text.find_first_of(" \t\r\n") != std::string_view::npos) {
    return fail("a URL holds no spaces or line ends");
  }
  const Result<Curl> curl = Curl::open();
  if (!curl.has_value()) return tl::unexpected<Error>(curl.error());
  const std::unique_ptr<CURLU, decltype(Curl::url_cleanup)> url(curl->url(), curl->url_cleanup);
  if (!url) return fail("no memory to read the URL");
  const std::string_view authority =
      text.substr(colon + 3, text.find_first_of("/?#", colon + 3) - colon - 3);
  if (authority.find('@') != std::string_view::npos) {
    return fail(
        "user and password do not belong in a URL, which is shown in logs; "
        "write auth: {type: basic, user: …, password: …}");
  }
  if (authority.empty() || authority.front() == ':') return fail("the URL names no host");
  const CURLUcode code = curl->url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), 0);
  if (code != CURLUE_OK) return fail(std::string("not a URL: ") + curl->url_strerror(code));

  Url out;
  out.scheme = part(*curl, url.get(), CURLUPART_SCHEME);
  out.host = part(*curl, url.get(), CURLUPART_HOST);
  out.path = part(*curl, url.get(), CURLUPART_PATH);
  out.query = part(*curl, url.get(), CURLUPART_QUERY);
  curl->url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0);
  out.full = part(*curl, url.get(), CURLUPART_URL);
  curl->url_set(url.get(), CURLUPART_QUERY, nullptr, 0);
  if (secret_path && out.path != "/") curl->url_set(url.get(), CURLUPART_PATH, "/***", 0);
  out.shown = part(*curl, url.get(), CURLUPART_URL);
  if (out.host.empty()) return fail("the URL names no host");
  return out;
}

}  // namespace tailgate::sinks
