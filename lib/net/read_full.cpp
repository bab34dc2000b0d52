#include <leash/net/read_full.hpp>

namespace LEASH_NAMESPACE::net {

Result<std::size_t> read_full(Conn& conn, std::span<std::byte> buffer, std::source_location site) {
  std::size_t size = 0;
  while (size != buffer.size()) {
    const Result<std::size_t> count = conn.read(buffer.subspan(size), site);
    if (!count) return std::unexpected(count.error());
    if (*count == 0) break;
    size += *count;
  }
  return size;
}

}  // namespace LEASH_NAMESPACE::net
