#pragma once

#include <atomic>
#include <leash/config.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/detail/deadline.hpp>
#include <leash/net/detail/pipe.hpp>
#include <leash/os/turn.hpp>
#include <memory>

namespace LEASH_NAMESPACE::net::detail {

/// The two pipes and the two addresses of a connection in memory, as one of its ends sees them.
struct MemoryEnd {
  std::shared_ptr<Pipe> in;
  std::shared_ptr<Pipe> out;
  Address local;
  Address remote;
};

/// One end of a connection in memory.
class MemoryConn final : public Conn {
 public:
  MemoryConn(MemoryEnd end, const std::shared_ptr<Clock>& clock);
  ~MemoryConn() override;

 private:
  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override;
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override;
  Result<void> do_close_write(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  Result<void> do_reset(std::source_location site) override;
  Result<void> do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                               std::source_location site) override;
  Address do_local_address() const override;
  Address do_remote_address() const override;
  int do_native_handle() const noexcept override;
  Result<int> do_release(std::source_location site) override;

  std::unexpected<Error> failure(std::string_view operation, std::error_code code, std::string_view detail = {}) const;
  std::unexpected<Error> closed(std::string_view operation) const;
  std::error_code stopped(const Deadline& deadline) const noexcept;
  bool shut(bool reset);

  const MemoryEnd end_;
  std::atomic<bool> closed_{false};
  os::Turn read_turn_;
  os::Turn write_turn_;
  Deadline read_deadline_;
  Deadline write_deadline_;
};

}  // namespace LEASH_NAMESPACE::net::detail
