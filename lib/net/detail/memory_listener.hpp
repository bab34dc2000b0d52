#pragma once

#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/net/detail/memory_conn.hpp>
#include <leash/net/detail/switchboard.hpp>
#include <leash/net/listener.hpp>
#include <memory>
#include <string>

namespace LEASH_NAMESPACE::net::detail {

/// A listener of a MemoryNetwork.
class MemoryListener final : public Listener {
 public:
  /// `bound` is what `backlog` was opened for: its host is empty for every host, of which `do_address` tells
  /// `shown_host`.
  MemoryListener(std::shared_ptr<Switchboard> switchboard, std::shared_ptr<Backlog> backlog, Address bound,
                 std::string shown_host);
  ~MemoryListener() override;

  Backlog& backlog() noexcept { return *backlog_; }

  /// The end of a connection that was taken from the backlog. Its deadlines go by `clock`.
  static std::unique_ptr<MemoryConn> accepted(std::shared_ptr<MemoryLink> link, const std::shared_ptr<Clock>& clock);

 private:
  Result<std::unique_ptr<Conn>> do_accept(Call call) override;
  Result<void> do_close(std::source_location site) override;
  Address do_address() const override;
  int do_native_handle() const noexcept override;

  bool shut();

  const std::shared_ptr<Switchboard> switchboard_;
  const std::shared_ptr<Backlog> backlog_;
  const Address bound_;
  const Address address_;
};

}  // namespace LEASH_NAMESPACE::net::detail
