#pragma once

#include <leash/config.hpp>
#include <leash/net/detail/shared_descriptor.hpp>
#include <leash/net/detail/socket.hpp>
#include <leash/net/listener.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/waker.hpp>
#include <memory>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// A listening TCP socket.
class TcpListener final : public Listener {
 public:
  TcpListener(os::Descriptor socket, Address address, SocketOptions options);

 private:
  Result<std::unique_ptr<Conn>> do_accept(Call call) override;
  Result<void> do_close(std::source_location site) override;
  Address do_address() const override;
  int do_native_handle() const noexcept override;

  void wait_for_connection(const Context& context);

  const Address address_;
  const SocketOptions options_;
  SharedDescriptor descriptor_;
  os::Mutex mutex_;
  std::vector<std::shared_ptr<os::Waker>> waiting_;  ///< Of the threads that wait in `accept`.
};

}  // namespace LEASH_NAMESPACE::net::detail
