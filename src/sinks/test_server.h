// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread.h"

namespace tailgate::sinks {

/// For tests: an HTTP server on a loopback port, which answers each whole request as its script says.
class TestServer {
 public:
  struct Reply {
    std::string bytes;
    enum class Then { keep, close, reset } then = Then::keep;
  };
  /// Called on the server's thread with the whole request and its number, from 0.
  using Script = std::function<Reply(const std::string& request, int number)>;

  explicit TestServer(Script script) : script_(std::move(script)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listen_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listen_, 16);
    ::getsockname(listen_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = start_thread("test-server", [this] { run(); });
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer() {
    ::eventfd_write(stop_, 1);
    thread_.join();
    for (const auto& [fd, text] : clients_) ::close(fd);
    ::close(listen_);
    ::close(stop_);
  }
  [[nodiscard]] std::string url(const std::string& path = "/in") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] int requests() const { return requests_; }
  /// The last whole request.
  [[nodiscard]] std::string seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

  static Reply answer(const std::string& status, const std::string& body = "",
                      const std::string& headers = "") {
    return {"HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
            headers + "\r\n" + body};
  }

 private:
  void run() {
    while (true) {
      std::vector<pollfd> fds{{stop_, POLLIN, 0}, {listen_, POLLIN, 0}};
      for (const auto& [fd, text] : clients_) fds.push_back({fd, POLLIN, 0});
      ::poll(fds.data(), fds.size(), -1);
      if (fds[0].revents != 0) return;
      if (fds[1].revents != 0) {
        clients_[::accept(listen_, nullptr, nullptr)] = "";
        ++connections_;
      }
      for (std::size_t i = 2; i < fds.size(); ++i) {
        if (fds[i].revents != 0 && !serve(fds[i].fd)) {
          ::close(fds[i].fd);
          clients_.erase(fds[i].fd);
        }
      }
    }
  }
  /// False: the connection ends.
  bool serve(int fd) {
    std::string& text = clients_[fd];
    std::vector<char> chunk(65536);
    const ssize_t n = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (n <= 0) return false;
    text.append(chunk.data(), static_cast<std::size_t>(n));
    const std::size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos) return true;
    const std::size_t length = text.find("Content-Length: ");
    const std::size_t body = length < head ? std::stoul(text.substr(length + 16)) : 0;
    if (text.size() < head + 4 + body) return true;
    const Reply reply = script_(text, requests_++);
    {
      const std::lock_guard lock(mutex_);
      seen_ = std::exchange(text, "");
    }
    ::send(fd, reply.bytes.data(), reply.bytes.size(), MSG_NOSIGNAL);
    const linger at_once{1, 0};
    if (reply.then == Reply::Then::reset) {
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    return reply.then == Reply::Then::keep;
  }

  Script script_;
  int listen_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int stop_ = ::eventfd(0, EFD_CLOEXEC);
  int port_ = 0;
  std::map<int, std::string> clients_;  // what each has sent so far
  mutable std::mutex mutex_;
  std::string seen_;  // guarded by mutex_
  std::atomic<int> connections_{0};
  std::atomic<int> requests_{0};
  std::thread thread_;
};

}  // namespace tailgate::sinks
