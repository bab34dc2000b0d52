#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/detail/deadline.hpp>
#include <leash/net/detail/memory_link.hpp>
#include <memory>

namespace LEASH_NAMESPACE::net::detail {

/// One end of a connection in memory.
class MemoryConn final : public Conn {
 public:
  /// `clock` is what the deadlines go by.
  MemoryConn(std::shared_ptr<MemoryLink> link, End end, const std::shared_ptr<Clock>& clock);
  ~MemoryConn() override;

  const std::shared_ptr<MemoryLink>& link() const noexcept { return link_; }
  End end() const noexcept { return end_; }
  const Deadline& read_deadline() const noexcept { return read_deadline_; }
  const Deadline& write_deadline() const noexcept { return write_deadline_; }

 private:
  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override;
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override;
  Result<std::size_t> do_readv(std::span<const std::span<std::byte>> buffers, std::source_location site) override;
  Result<void> do_writev(std::span<const std::span<const std::byte>> data, std::source_location site) override;
  Result<void> do_close_write(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  Result<void> do_reset(std::source_location site) override;
  Result<void> do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                               std::source_location site) override;
  Address do_local_address() const override;
  Address do_remote_address() const override;
  Result<PeerCredentials> do_peer_credentials() const override;
  int do_native_handle() const noexcept override;
  Result<int> do_release(std::source_location site) override;

  std::unexpected<Error> failure(std::string_view operation, std::errc code, std::string_view detail = {},
                                 std::uint64_t transferred = 0) const;
  std::unexpected<Error> closed(std::string_view operation) const;
  Result<void> ended(bool succeeded, std::string_view operation);

  const std::shared_ptr<MemoryLink> link_;
  const End end_;
  Deadline read_deadline_;
  Deadline write_deadline_;
};

}  // namespace LEASH_NAMESPACE::net::detail
