#pragma once

#include <cstddef>
#include <leash/net/conn.hpp>
#include <leash/result.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// What precedes a body in HTTP/1.1 (RFC 9112).
struct HttpHead {
  /// Of its lines, each of which ends with CRLF.
  static HttpHead parse(std::string_view text);

  std::string first_line;
  std::map<std::string, std::string> fields;  ///< By names in lower case.

  /// Empty if there is none.
  std::string field(const std::string& name) const;

  /// 0 if it is not said.
  std::size_t content_length() const;
};

/// Reads the messages of a connection, one after the other.
class HttpReader {
 public:
  explicit HttpReader(leash::net::Conn& conn) : conn_(conn) {}

  /// The next head. None where the stream ends, be it in the middle of a head.
  leash::Result<std::optional<HttpHead>> head();

  /// What follows: `size` bytes, or fewer where the stream ends before.
  leash::Result<std::string> body(std::size_t size);

 private:
  leash::net::Conn& conn_;
  std::string rest_;  ///< Was read, and is not part of what was returned.
};

/// Bytes that are not all alike, so that one sees if some are lost or in another order.
std::string patterned(std::size_t size);
