// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace tailgate::sinks {

/// Who we are and whom we believe. Files are read anew for each connection, so a renewed
/// certificate is taken up.
struct TlsSettings {
  std::string ca_file;    // empty: the system's
  std::string cert_file;  // PEM; empty: none
  std::string key_file;   // PEM; empty: in cert_file
  bool verify = true;
};

/// Never logged.
struct Credentials {
  std::string user;  // basic, when not empty
  std::string password;
  std::string bearer;  // bearer token, when not empty
};

/// One request by HTTP/1.1. Redirects are not followed.
struct HttpRequest {
  std::string method = "POST";
  std::string url;
  std::string where;                 // the URL as it may be shown: no credentials, no query
  std::vector<std::string> headers;  // `Name: value`
  std::string_view body;             // not copied: stays until the answer is there
  std::string packed;                // sent in place of `body` when not empty
  Credentials credentials;
  TlsSettings tls;
  Millis timeout{30000};  // for all of it
  Millis connect_timeout{10000};
  std::size_t max_answer = 1 << 20;  // bytes of the answer's body that are kept
  const void* owner = nullptr;       // for HttpClient::cancel
};

/// What came back.
struct HttpResponse {
  int status = 0;      // 0: no answer, see `error`
  std::string phrase;  // the reason phrase; EventGate counts events there
  std::string content_type;
  std::string location;  // where a redirect points
  std::string body;
  bool truncated = false;  // the body was longer than max_answer
  bool cancelled = false;
  Millis retry_after{0};  // RFC 9110, seconds or date; 0: none; at most an hour
  std::string error;      // why there is no whole answer; one sentence that names host and port
};

}  // namespace tailgate::sinks
