#pragma once

#include <atomic>
#include <cstdint>
#include <leash/context.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/net/binder.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mirror {

/// How difficult a server is. The error paths of a client are taken only where something goes wrong.
struct Difficulty {
  std::uint64_t reset_every = 50;         ///< Resets every so-manieth connection before its answer; 0 is never.
  std::uint64_t largest_file = 64 << 10;  ///< Refuses files above this many bytes.
};

/// Receives files over connections, and writes them into a file system.
class Server {
 public:
  /// Listens at `address`, and serves in threads of its own. `files` must outlive the server.
  static leash::Result<std::unique_ptr<Server>> start(const leash::Context& context, leash::net::Binder& binder,
                                                      std::string_view address, leash::fs::FileSystem& files,
                                                      Difficulty difficulty = {});

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Ends what is under way, and waits for it.
  ~Server();

  std::string address() const;

 private:
  Server(const leash::Context& context, std::unique_ptr<leash::net::Listener> listener, leash::fs::FileSystem& files,
         Difficulty difficulty);

  void serve();
  leash::Result<void> answer(leash::net::Conn& conn);
  leash::Result<std::unique_ptr<leash::fs::File>> create(const std::string& path);
  static leash::Result<std::uint64_t> store(leash::net::Conn& conn, leash::fs::File& file, std::uint64_t size);

  leash::Cancellable running_;
  std::unique_ptr<leash::net::Listener> listener_;
  leash::fs::FileSystem& files_;
  const Difficulty difficulty_;
  std::atomic<std::uint64_t> accepted_{0};
  std::vector<std::jthread> threads_;
};

}  // namespace mirror
