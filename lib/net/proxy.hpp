#pragma once

#include <leash/config.hpp>
#include <leash/net/binder.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/dialer.hpp>
#include <leash/net/listener.hpp>
#include <memory>

/// Decorators to derive from. Each forwards everything to the object it wraps, at the cost of one virtual call;
/// override what you need, and reach the inner object through the base: `return ProxyDialer::do_dial(call, network,
/// address);`.
namespace LEASH_NAMESPACE::net {

/// Forwards to a Dialer that must outlive it.
class ProxyDialer : public Dialer {
 public:
  explicit ProxyDialer(Dialer& inner LEASH_LIFETIMEBOUND) noexcept : inner_(&inner) {}

  Dialer& inner() const noexcept { return *inner_; }

 protected:
  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override;

 private:
  Dialer* inner_;
};

/// Forwards to a Binder that must outlive it.
class ProxyBinder : public Binder {
 public:
  explicit ProxyBinder(Binder& inner LEASH_LIFETIMEBOUND) noexcept : inner_(&inner) {}

  Binder& inner() const noexcept { return *inner_; }

 protected:
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override;

 private:
  Binder* inner_;
};

/// Forwards to a Listener that it owns.
class ProxyListener : public Listener {
 public:
  /// `inner` must not be null: `std::logic_error`.
  explicit ProxyListener(std::unique_ptr<Listener> inner);

  Listener& inner() const noexcept { return *inner_; }

 protected:
  Result<std::unique_ptr<Conn>> do_accept(Call call) override;
  Result<void> do_close(std::source_location site) override;
  Address do_address() const override;
  int do_native_handle() const noexcept override;

 private:
  std::unique_ptr<Listener> inner_;
};

/// Forwards to a Conn that it owns.
class ProxyConn : public Conn {
 public:
  /// `inner` must not be null: `std::logic_error`.
  explicit ProxyConn(std::unique_ptr<Conn> inner);

  Conn& inner() const noexcept { return *inner_; }

 protected:
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

 private:
  std::unique_ptr<Conn> inner_;
};

}  // namespace LEASH_NAMESPACE::net
