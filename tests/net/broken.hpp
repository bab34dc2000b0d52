#pragma once

#include <functional>
#include <leash/net/conformance.hpp>
#include <leash/net/listener.hpp>
#include <leash/net/proxy.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

/// Decorators that break single promises of what is behind them.
namespace broken {

using leash::Context;
using leash::Result;
using leash::net::Address;
using leash::net::Conn;
using leash::net::Direction;
using leash::net::Listener;

using Deadline = std::optional<leash::Clock::time_point>;

/// What a broken connection does instead of passing an operation on; nothing for those that it passes on.
struct ConnHooks {
  std::function<Result<std::size_t>(Conn&, std::span<std::byte>)> read = {};
  std::function<Result<void>(Conn&, std::span<const std::byte>)> write = {};
  std::function<Result<std::size_t>(Conn&, std::span<const std::span<std::byte>>)> readv = {};
  std::function<Result<void>(Conn&, std::span<const std::span<const std::byte>>)> writev = {};
  std::function<Result<void>(Conn&)> close_write = {};
  std::function<Result<void>(Conn&)> close = {};
  std::function<Result<void>(Conn&)> reset = {};
  std::function<Result<void>(Conn&, Direction, Deadline)> set_deadline = {};
  std::function<void(Conn&, std::string_view)> note = {};
  std::function<Address(const Conn&)> local_address = {};
  std::function<int(const Conn&)> native_handle = {};
  std::function<Result<int>(Conn&)> release = {};
  std::function<void(const std::shared_ptr<Conn>&)> destroy = {};
  std::shared_ptr<void> owned = {};
};

inline Result<void> set_deadline_of(Conn& conn, Direction direction, Deadline deadline) {
  switch (direction) {
    case Direction::read:
      return conn.set_read_deadline(deadline);
    case Direction::write:
      return conn.set_write_deadline(deadline);
    case Direction::both:
      break;
  }
  return conn.set_deadline(deadline);
}

/// It shares the inner connection, so that its destructor need not be that one's end.
class BrokenConn final : public Conn {
 public:
  BrokenConn(std::shared_ptr<Conn> inner, ConnHooks hooks) : inner_(std::move(inner)), hooks_(std::move(hooks)) {}
  ~BrokenConn() override {
    if (hooks_.destroy) hooks_.destroy(inner_);
  }

 private:
  using Site = std::source_location;

  Result<std::size_t> do_read(std::span<std::byte> buffer, Site site) override {
    return hooks_.read ? hooks_.read(*inner_, buffer) : inner_->read(buffer, site);
  }
  Result<void> do_write(std::span<const std::byte> data, Site site) override {
    return hooks_.write ? hooks_.write(*inner_, data) : inner_->write(data, site);
  }
  Result<std::size_t> do_readv(std::span<const std::span<std::byte>> buffers, Site site) override {
    return hooks_.readv ? hooks_.readv(*inner_, buffers) : inner_->readv(buffers, site);
  }
  Result<void> do_writev(std::span<const std::span<const std::byte>> data, Site site) override {
    return hooks_.writev ? hooks_.writev(*inner_, data) : inner_->writev(data, site);
  }
  Result<void> do_close_write(Site site) override {
    return hooks_.close_write ? hooks_.close_write(*inner_) : inner_->close_write(site);
  }
  Result<void> do_close(Site site) override { return hooks_.close ? hooks_.close(*inner_) : inner_->close(site); }
  Result<void> do_reset(Site site) override { return hooks_.reset ? hooks_.reset(*inner_) : inner_->reset(site); }
  Result<void> do_set_deadline(Direction direction, Deadline deadline, Site) override {
    if (hooks_.set_deadline) return hooks_.set_deadline(*inner_, direction, deadline);
    return set_deadline_of(*inner_, direction, deadline);
  }
  void do_note(std::string_view text, Site site) override {
    return hooks_.note ? hooks_.note(*inner_, text) : inner_->note(text, site);
  }
  Address do_local_address() const override {
    return hooks_.local_address ? hooks_.local_address(*inner_) : inner_->local_address();
  }
  Address do_remote_address() const override { return inner_->remote_address(); }
  int do_native_handle() const noexcept override {
    return hooks_.native_handle ? hooks_.native_handle(*inner_) : inner_->native_handle();
  }
  Result<int> do_release(Site site) override {
    return hooks_.release ? hooks_.release(*inner_) : inner_->release(site);
  }

  std::shared_ptr<Conn> inner_;
  ConnHooks hooks_;
};

/// What a BrokenListener does instead of what its inner listener would; what is empty is passed on.
struct ListenerHooks {
  std::function<Result<std::unique_ptr<Conn>>(Listener&, const Context&)> accept = {};
  std::function<Result<void>(Listener&)> close = {};
  std::function<Address(const Listener&)> address = {};
  std::function<void(const std::shared_ptr<Listener>&)> destroy = {};
};

class BrokenListener final : public Listener {
 public:
  BrokenListener(std::shared_ptr<Listener> inner, ListenerHooks hooks)
      : inner_(std::move(inner)), hooks_(std::move(hooks)) {}
  ~BrokenListener() override {
    if (hooks_.destroy) hooks_.destroy(inner_);
  }

 private:
  Result<std::unique_ptr<Conn>> do_accept(leash::Call call) override {
    return hooks_.accept ? hooks_.accept(*inner_, call.context()) : inner_->accept(call);
  }
  Result<void> do_close(std::source_location site) override {
    return hooks_.close ? hooks_.close(*inner_) : inner_->close(site);
  }
  Address do_address() const override { return hooks_.address ? hooks_.address(*inner_) : inner_->address(); }
  int do_native_handle() const noexcept override { return inner_->native_handle(); }
  Result<int> do_release(std::source_location site) override { return inner_->release(site); }

  std::shared_ptr<Listener> inner_;
  ListenerHooks hooks_;
};

using Dial = std::function<Result<std::unique_ptr<Conn>>(leash::net::Dialer&, const Context&, std::string_view network,
                                                         std::string_view address)>;
using Bind = std::function<Result<std::unique_ptr<Listener>>(leash::net::Binder&, const Context&,
                                                             std::string_view network, std::string_view address)>;

class BrokenDialer final : public leash::net::ProxyDialer {
 public:
  BrokenDialer(leash::net::Dialer& inner, Dial dial) : ProxyDialer(inner), dial_(std::move(dial)) {}

 private:
  Result<std::unique_ptr<Conn>> do_dial(leash::Call call, std::string_view network, std::string_view address) override {
    return dial_ ? dial_(inner(), call.context(), network, address) : ProxyDialer::do_dial(call, network, address);
  }

  Dial dial_;
};

class BrokenBinder final : public leash::net::ProxyBinder {
 public:
  BrokenBinder(leash::net::Binder& inner, Bind bind) : ProxyBinder(inner), bind_(std::move(bind)) {}

 private:
  Result<std::unique_ptr<Listener>> do_bind(leash::Call call, std::string_view network,
                                            std::string_view address) override {
    return bind_ ? bind_(inner(), call.context(), network, address) : ProxyBinder::do_bind(call, network, address);
  }

  Bind bind_;
};

/// Whether a check was found to hang.
inline bool hangs(const leash::net::ConformanceFailure& failure) { return failure.happened.starts_with("it hangs"); }

}  // namespace broken
