#include <algorithm>
#include <cstdint>
#include <leash/net/conformance/transfers.hpp>
#include <span>
#include <utility>

namespace LEASH_NAMESPACE::net::conformance {

Result<std::string> read_some(Conn& conn) {
  std::string text(1024, '\0');
  const Result<std::size_t> count = conn.read(std::as_writable_bytes(std::span(text)));
  if (!count) return std::unexpected(count.error());
  text.resize(*count);
  return text;
}

Result<std::string> read_up_to(Conn& conn, std::size_t size) {
  std::string text(size, '\0');
  std::size_t count = 0;
  while (count < size) {
    const Result<std::size_t> more = conn.read(std::as_writable_bytes(std::span(text).subspan(count)));
    if (!more) return std::unexpected(more.error());
    if (*more == 0) break;
    count += *more;
  }
  text.resize(count);
  return text;
}

Result<std::string> read_all(Conn& conn) {
  std::string text;
  for (;;) {
    const Result<std::string> more = read_up_to(conn, std::size_t{64} * 1024);
    if (!more) return more;
    if (more->empty()) return text;
    text += *more;
  }
}

void drain(Conn& conn) {
  std::string buffer(std::size_t{64} * 1024, '\0');
  for (;;) {
    const Result<std::size_t> count = conn.read(std::as_writable_bytes(std::span(buffer)));
    if (!count || *count == 0) return;
  }
}

std::string name_of(const Conn& conn) {
  return to_string(conn.local_address()) + " -> " + to_string(conn.remote_address());
}

std::string pattern(std::size_t size) {
  // Marsaglia's xorshift, and then the same again: of a prime length, so that no buffer's size is a multiple of it.
  constexpr std::size_t period = 65521;
  std::uint32_t state = 2463534242;
  std::string text(size, '\0');
  for (char& byte : std::span(text).first(std::min(size, period))) {
    state ^= state << 13U;
    state ^= state >> 17U;
    state ^= state << 5U;
    byte = static_cast<char>(state);
  }
  for (std::size_t done = period; done < size; done += std::min(done, size - done)) {
    std::copy_n(text.begin(), std::min(done, size - done), text.begin() + static_cast<std::ptrdiff_t>(done));
  }
  return text;
}

}  // namespace LEASH_NAMESPACE::net::conformance
