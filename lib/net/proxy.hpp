#pragma once

#include <leash/config.hpp>
#include <leash/net/binder.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/dialer.hpp>
#include <leash/net/listener.hpp>
#include <memory>

/// Base classes for decorators. Each passes every operation on to an inner object, at the cost of one virtual call. A
/// decorator overrides the operations that it changes, and passes one on with the function of its base class:
/// `return ProxyDialer::do_dial(call, network, address);`.
namespace LEASH_NAMESPACE::net {

/// Passes every operation on to a Dialer, which must outlive it.
class ProxyDialer : public Dialer {
 public:
  explicit ProxyDialer(Dialer& inner LEASH_LIFETIMEBOUND) noexcept : inner_(&inner) {}

  Dialer& inner() const noexcept { return *inner_; }

 protected:
  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override;

 private:
  Dialer* inner_;
};

/// Passes every operation on to a Binder, which must outlive it.
class ProxyBinder : public Binder {
 public:
  explicit ProxyBinder(Binder& inner LEASH_LIFETIMEBOUND) noexcept : inner_(&inner) {}

  Binder& inner() const noexcept { return *inner_; }

 protected:
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override;

 private:
  Binder* inner_;
};

/// Passes every operation on to a Listener that it owns.
class ProxyListener : public Listener {
 public:
  /// Throws `std::logic_error` if `inner` is null.
  explicit ProxyListener(std::unique_ptr<Listener> inner);

  Listener& inner() const noexcept { return *inner_; }

 protected:
  Result<std::unique_ptr<Conn>> do_accept(Call call) override;
  Result<void> do_close(std::source_location site) override;
  Address do_address() const override;
  int do_native_handle() const noexcept override;
  Result<int> do_release(std::source_location site) override;

 private:
  std::unique_ptr<Listener> inner_;
};

/// Passes every operation on to a Conn that it owns.
class ProxyConn : public Conn {
 public:
  /// Throws `std::logic_error` if `inner` is null.
  explicit ProxyConn(std::unique_ptr<Conn> inner);

  Conn& inner() const noexcept { return *inner_; }

 protected:
  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override;
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override;
  Result<std::size_t> do_readv(std::span<const std::span<std::byte>> buffers, std::source_location site) override;
  Result<void> do_writev(std::span<const std::span<const std::byte>> data, std::source_location site) override;
  Result<void> do_close_write(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  Result<void> do_reset(std::source_location site) override;
  Result<void> do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                               std::source_location site) override;
  void do_note(std::string_view text, std::source_location site) override;
  Address do_local_address() const override;
  Address do_remote_address() const override;
  Result<PeerCredentials> do_peer_credentials() const override;
  int do_native_handle() const noexcept override;
  Result<int> do_release(std::source_location site) override;

 private:
  std::unique_ptr<Conn> inner_;
};

}  // namespace LEASH_NAMESPACE::net
