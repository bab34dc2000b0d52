#include <leash/net/conn.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/total_size.hpp>

namespace LEASH_NAMESPACE::net {

Conn::~Conn() = default;

Result<std::size_t> Conn::read(std::span<std::byte> buffer, std::source_location site) { return do_read(buffer, site); }

Result<void> Conn::write(std::span<const std::byte> data, std::source_location site) { return do_write(data, site); }

Result<void> Conn::write(std::string_view data, std::source_location site) {
  return do_write(std::as_bytes(std::span(data)), site);
}

Result<std::size_t> Conn::readv(std::span<const std::span<std::byte>> buffers, std::source_location site) {
  return do_readv(buffers, site);
}

Result<std::size_t> Conn::do_readv(std::span<const std::span<std::byte>> buffers, std::source_location site) {
  for (const std::span<std::byte> buffer : buffers) {
    if (!buffer.empty()) return do_read(buffer, site);
  }
  return do_read({}, site);
}

Result<void> Conn::writev(std::span<const std::span<const std::byte>> data, std::source_location site) {
  return do_writev(data, site);
}

Result<void> Conn::do_writev(std::span<const std::span<const std::byte>> data, std::source_location site) {
  const std::size_t size = detail::total_size(data);
  std::size_t before = 0;
  for (const std::span<const std::byte> piece : data) {
    if (Result<void> written = do_write(piece, site); !written) {
      if (piece.size() == size) return written;
      return detail::failure_of_piece(written.error(), before + written.error().transferred(), size);
    }
    before += piece.size();
  }
  return {};
}

void Conn::note(std::string_view text, std::source_location site) { do_note(text, site); }

void Conn::do_note(std::string_view, std::source_location) {}

Result<void> Conn::close_write(std::source_location site) { return do_close_write(site); }

Result<void> Conn::close(std::source_location site) { return do_close(site); }

Result<void> Conn::reset(std::source_location site) { return do_reset(site); }

Result<void> Conn::set_deadline(std::optional<Clock::time_point> deadline, std::source_location site) {
  return do_set_deadline(Direction::both, deadline, site);
}

Result<void> Conn::set_read_deadline(std::optional<Clock::time_point> deadline, std::source_location site) {
  return do_set_deadline(Direction::read, deadline, site);
}

Result<void> Conn::set_write_deadline(std::optional<Clock::time_point> deadline, std::source_location site) {
  return do_set_deadline(Direction::write, deadline, site);
}

Address Conn::local_address() const { return do_local_address(); }

Address Conn::remote_address() const { return do_remote_address(); }

Result<PeerCredentials> Conn::peer_credentials() const { return do_peer_credentials(); }

Result<PeerCredentials> Conn::do_peer_credentials() const {
  return fail("peer_credentials", detail::ends(do_local_address(), do_remote_address()),
              std::errc::operation_not_supported);
}

int Conn::native_handle() const noexcept { return do_native_handle(); }

Result<int> Conn::release(std::source_location site) { return do_release(site); }

}  // namespace LEASH_NAMESPACE::net
