// SPDX-License-Identifier: Apache-2.0
#include "settings/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace tailgate::settings {
namespace {

bool is_ip(int family, const std::string& host) {
  in6_addr address{};  // the larger of both
  return ::inet_pton(family, host.c_str(), &address) == 1;
}

// Letters, digits and - between dots (RFC 1123); what ends in a number is an IPv4 address or wrong.
bool is_host(const std::string& host) {
  const std::string last = host.substr(host.rfind('.') + 1);
  if (!last.empty() && last.find_first_not_of("0123456789") == std::string::npos)
    return is_ip(AF_INET, host);
  if (host.empty() || host.front() == '.' || host.find("..") != std::string::npos) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

std::optional<std::uint16_t> port_of(std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return port;
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const bool closed = text.ends_with(']');
  if (colon == std::string_view::npos || closed) {
    return fail(fmt::format("\"{}\" has no port: write host:port, such as 127.0.0.1:9600", text));
  }
  const std::string_view digits = text.substr(colon + 1);
  const std::optional<std::uint16_t> port = port_of(digits);
  if (!port) return fail(fmt::format("\"{}\": a port is a number from 0 to 65535", text));
  std::string host(text.substr(0, colon));
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  if (brackets ? !is_ip(AF_INET6, host) : !is_host(host)) {
    return fail(fmt::format("\"{}\": \"{}\" is neither an address nor a host name", text, host));
  }
  return Address{host, *port};
}

std::string Address::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

}  // namespace tailgate::settings
