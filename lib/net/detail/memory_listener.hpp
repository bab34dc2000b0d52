#pragma once

#include <leash/config.hpp>
#include <leash/net/detail/switchboard.hpp>
#include <leash/net/listener.hpp>
#include <memory>
#include <string>

namespace LEASH_NAMESPACE::net::detail {

/// A listener of a MemoryNetwork.
class MemoryListener final : public Listener {
 public:
  /// `host` is the one that `backlog` was opened for: empty for every host.
  MemoryListener(std::shared_ptr<Switchboard> switchboard, std::shared_ptr<Backlog> backlog, std::string host,
                 Address address);
  ~MemoryListener() override;

 private:
  Result<std::unique_ptr<Conn>> do_accept(Call call) override;
  Result<void> do_close(std::source_location site) override;
  Address do_address() const override;
  int do_native_handle() const noexcept override;

  bool shut();

  const std::shared_ptr<Switchboard> switchboard_;
  const std::shared_ptr<Backlog> backlog_;
  const std::string host_;
  const Address address_;
};

}  // namespace LEASH_NAMESPACE::net::detail
