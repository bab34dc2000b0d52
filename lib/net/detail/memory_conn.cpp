#include <unistd.h>

#include <leash/net/detail/memory_conn.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/total_size.hpp>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

MemoryConn::MemoryConn(std::shared_ptr<MemoryLink> link, End end, const std::shared_ptr<Clock>& clock)
    : link_(std::move(link)),
      end_(end),
      read_deadline_(clock, [this] { link_->wake(end_, Direction::read); }),
      write_deadline_(clock, [this] { link_->wake(end_, Direction::write); }) {}

MemoryConn::~MemoryConn() { link_->close(end_); }

std::unexpected<Error> MemoryConn::failure(std::string_view operation, std::errc code, std::string_view detail,
                                           std::uint64_t transferred) const {
  return fail(operation, ends(link_->address(end_), link_->address(other(end_))), code, detail, std::vector<Error>(),
              transferred);
}

std::unexpected<Error> MemoryConn::closed(std::string_view operation) const {
  return failure(operation, std::errc::bad_file_descriptor);
}

Result<std::size_t> MemoryConn::do_read(std::span<std::byte> buffer, std::source_location site) {
  read_deadline_.renew_after_fork();
  std::size_t count = 0;
  if (link_->read_at_once(end_, buffer, read_deadline_, count)) return count;
  return do_readv({&buffer, 1}, site);
}

Result<std::size_t> MemoryConn::do_readv(std::span<const std::span<std::byte>> buffers, std::source_location) {
  read_deadline_.renew_after_fork();
  const MemoryLink::Transfer transfer = link_->read(end_, buffers, read_deadline_);
  if (transfer.error != std::errc()) return failure("read", transfer.error);
  return transfer.count;
}

Result<void> MemoryConn::do_write(std::span<const std::byte> data, std::source_location site) {
  write_deadline_.renew_after_fork();
  if (link_->write_at_once(end_, data, write_deadline_)) return {};
  return do_writev({&data, 1}, site);
}

Result<void> MemoryConn::do_writev(std::span<const std::span<const std::byte>> data, std::source_location) {
  write_deadline_.renew_after_fork();
  const MemoryLink::Transfer transfer = link_->write(end_, data, write_deadline_);
  if (transfer.error == std::errc()) return {};
  return failure("write", transfer.error, written_of(transfer.count, total_size(data)), transfer.count);
}

Result<void> MemoryConn::do_close_write(std::source_location) {
  if (!link_->close_write(end_)) return closed("close_write");
  return {};
}

Result<void> MemoryConn::ended(bool succeeded, std::string_view operation) {
  if (!succeeded) return closed(operation);
  read_deadline_.set(std::nullopt);
  write_deadline_.set(std::nullopt);
  return {};
}

Result<void> MemoryConn::do_close(std::source_location) { return ended(link_->close(end_), "close"); }

Result<void> MemoryConn::do_reset(std::source_location) {
  // The kernel cannot reset a socket of the network "unix".
  return ended(link_->is_unix() ? link_->close(end_) : link_->reset(end_), "reset");
}

Result<void> MemoryConn::do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                                         std::source_location) {
  if (link_->closed(end_)) return closed("set_deadline");
  if (direction != Direction::write) read_deadline_.set(deadline);
  if (direction != Direction::read) write_deadline_.set(deadline);
  return {};
}

Address MemoryConn::do_local_address() const { return link_->address(end_); }

Address MemoryConn::do_remote_address() const { return link_->address(other(end_)); }

Result<PeerCredentials> MemoryConn::do_peer_credentials() const {
  if (link_->closed(end_)) return closed("peer_credentials");
  if (!link_->is_unix()) return failure("peer_credentials", std::errc::operation_not_supported);
  return PeerCredentials{.pid = ::getpid(), .uid = ::geteuid(), .gid = ::getegid()};
}

int MemoryConn::do_native_handle() const noexcept { return -1; }

Result<int> MemoryConn::do_release(std::source_location) {
  if (link_->closed(end_)) return closed("release");
  return failure("release", std::errc::operation_not_supported, "a connection in memory has no descriptor");
}

}  // namespace LEASH_NAMESPACE::net::detail
