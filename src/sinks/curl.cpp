// SPDX-License-Identifier: Apache-2.0
#include "sinks/curl.h"

#include <dlfcn.h>

#include <string>
#include <type_traits>

namespace tailgate::sinks {
namespace {

/// Its interface has had this number since 2006.
constexpr const char* kLibrary = "libcurl.so.4";

std::string reason() {
  const char* const said = ::dlerror();
  return said == nullptr ? "no reason given" : said;
}

}  // namespace

Result<Curl> Curl::open() {
  // It is never closed: OpenSSL, which it uses, cleans up at the end of the process.
  void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail("HTTP needs libcurl, which cannot be opened: " + reason());
  Curl curl;
  std::string missing;
  const auto find = [&](auto& function, const char* name) {
    function =
        reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    if (function == nullptr && missing.empty()) missing = reason();
  };
  find(curl.global_init, "curl_global_init");
  find(curl.global_cleanup, "curl_global_cleanup");
  find(curl.free, "curl_free");
  find(curl.easy_init, "curl_easy_init");
  find(curl.easy_cleanup, "curl_easy_cleanup");
  find(curl.easy_setopt, "curl_easy_setopt");
  find(curl.easy_getinfo, "curl_easy_getinfo");
  find(curl.easy_strerror, "curl_easy_strerror");
  find(curl.multi_init, "curl_multi_init");
  find(curl.multi_cleanup, "curl_multi_cleanup");
  find(curl.multi_add_handle, "curl_multi_add_handle");
  find(curl.multi_remove_handle, "curl_multi_remove_handle");
  find(curl.multi_perform, "curl_multi_perform");
  find(curl.multi_poll, "curl_multi_poll");
  find(curl.multi_wakeup, "curl_multi_wakeup");
  find(curl.multi_info_read, "curl_multi_info_read");
  find(curl.multi_strerror, "curl_multi_strerror");
  find(curl.slist_append, "curl_slist_append");
  find(curl.slist_free_all, "curl_slist_free_all");
  find(curl.url, "curl_url");
  find(curl.url_cleanup, "curl_url_cleanup");
  find(curl.url_get, "curl_url_get");
  find(curl.url_set, "curl_url_set");
  find(curl.url_strerror, "curl_url_strerror");
  if (!missing.empty()) return fail("HTTP needs a newer libcurl: " + missing);
  return curl;
}

}  // namespace tailgate::sinks
