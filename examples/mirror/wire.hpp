#pragma once

#include <cstdint>
#include <leash/net/conn.hpp>
#include <leash/result.hpp>
#include <span>
#include <string>

namespace mirror {

/// What a client asks for: to store `size` bytes as `path`. The server answers `go` or `refused`; after `go` come the
/// bytes, and then the server's second answer, `stored` with the checksum of what it got, or `failed`.
struct Request {
  std::string path;
  std::uint64_t size = 0;
};

enum class Status : unsigned char { go = 'G', refused = 'R', stored = 'S', failed = 'F' };

struct Answer {
  Status status = Status::failed;
  std::uint64_t checksum = 0;
};

leash::Result<void> send(leash::net::Conn& conn, const Request& request);
leash::Result<Request> receive_request(leash::net::Conn& conn);

leash::Result<void> send(leash::net::Conn& conn, Answer answer);
leash::Result<Answer> receive_answer(leash::net::Conn& conn);

/// FNV-1a, 64 bits.
class Checksum {
 public:
  void add(std::span<const std::byte> bytes);
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

}  // namespace mirror
