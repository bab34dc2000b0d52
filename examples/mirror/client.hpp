#pragma once

#include <atomic>
#include <cstdint>
#include <leash/context.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/net/dialer.hpp>
#include <leash/result.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace mirror {

/// What became of a file.
enum class Outcome : unsigned char { stored, refused, unreadable };

struct Delivery {
  Outcome outcome = Outcome::stored;
  std::uint64_t bytes = 0;
  std::optional<leash::Error> why;  ///< Why a file is unreadable.
};

/// Which of the two versions of the client this is. The leaky one has two bugs, both on its error paths.
enum class Version : unsigned char { mended, leaky };

/// Sends files to a server, a connection each. Any number of threads may send at once.
class Client {
 public:
  /// `files` and `dialer` must outlive the client.
  Client(leash::fs::FileSystem& files, leash::net::Dialer& dialer, std::string server, Version version);

  /// Sends one file, and checks that the server got it as it is. Tries again when the connection breaks. An Error is
  /// one of the network; a file that cannot be read is an `Outcome`.
  leash::Result<Delivery> send_file(const leash::Context& context, const std::string& path);

  /// Ends every exchange that is under way.
  void stop();

  /// How many times a connection broke and a file was sent again.
  std::uint64_t retries() const { return retries_; }

 private:
  leash::Result<Delivery> attempt(const leash::Context& context, const std::string& path, leash::fs::File& file);
  static leash::Result<Delivery> exchange(leash::net::Conn& conn, const std::string& path, leash::fs::File& file);

  leash::fs::FileSystem& files_;
  leash::net::Dialer& dialer_;
  const std::string server_;
  const Version version_;
  std::atomic<std::uint64_t> retries_{0};

  std::mutex mutex_;
  std::uint64_t last_session_ = 0;
  std::map<std::uint64_t, std::unique_ptr<leash::net::Conn>> sessions_;  ///< What `stop` ends.
  std::map<std::string, std::unique_ptr<leash::fs::File>> queue_;        ///< The files that are being sent.
};

}  // namespace mirror
