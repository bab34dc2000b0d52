#pragma once

#include <asio/awaitable.hpp>
#include <chrono>
#include <leash/context.hpp>
#include <leash/fs/file.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/net/async_dialer.hpp>
#include <leash/net/async_listener.hpp>
#include <leash/net/stream.hpp>
#include <leash/result.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "file_cache.hpp"
#include "pool.hpp"

namespace service {

/// Answers lines: `page NAME` with the size of a file, `ask TEXT` with what a second server says to the text. A client
/// that says nothing for `idle_time` is sent away. One thread runs all of it.
class Service {
 public:
  static constexpr std::chrono::seconds idle_time{30};
  static constexpr std::chrono::minutes log_time{1};

  /// A leaky one has three bugs, all of which keep something after a failure: where `leaky_` is asked for, here, in
  /// Pool and in FileCache.
  Service(leash::fs::FileSystem& files, leash::net::AsyncDialer& dialer, std::string second_server, bool leaky)
      : files_(files), pages_(files, leaky), pool_(dialer, std::move(second_server), leaky), leaky_(leaky) {}

  /// Serves until the Context is done, and then ends all sessions.
  asio::awaitable<void> run(leash::Context ctx, std::unique_ptr<leash::net::AsyncListener> listener);

  /// Closes the log, the pages and the pool, when `run` and all sessions have ended.
  leash::Result<void> close();

 private:
  struct Session {
    int number;
    leash::net::Stream stream;
  };

  asio::awaitable<void> log_regularly(leash::Context ctx);
  asio::awaitable<void> serve(leash::Context ctx, std::shared_ptr<Session> session);
  asio::awaitable<std::string> answer(leash::Context ctx, std::string verb, std::string subject);
  void end(Session& session);
  void log(std::string_view text);

  leash::fs::FileSystem& files_;
  std::unique_ptr<leash::fs::File> log_;
  FileCache pages_;
  Pool pool_;
  std::map<int, std::shared_ptr<Session>> sessions_;
  int accepted_ = 0;
  const bool leaky_;
};

}  // namespace service
