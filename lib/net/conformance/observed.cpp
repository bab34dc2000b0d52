#include <leash/net/conformance/observed.hpp>
#include <leash/net/proxy.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::conformance {
namespace {

class ObservedConn final : public ProxyConn {
 public:
  ObservedConn(std::unique_ptr<Conn> inner, UnderWay& under_way, const char* name)
      : ProxyConn(std::move(inner)), under_way_(under_way), name_(name) {}

 private:
  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override {
    const UnderWay::Note note(under_way_, "read", name_);
    return ProxyConn::do_read(buffer, site);
  }
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override {
    const UnderWay::Note note(under_way_, "write", name_);
    return ProxyConn::do_write(data, site);
  }
  Result<std::size_t> do_readv(std::span<const std::span<std::byte>> buffers, std::source_location site) override {
    const UnderWay::Note note(under_way_, "readv", name_);
    return ProxyConn::do_readv(buffers, site);
  }
  Result<void> do_writev(std::span<const std::span<const std::byte>> data, std::source_location site) override {
    const UnderWay::Note note(under_way_, "writev", name_);
    return ProxyConn::do_writev(data, site);
  }
  Result<void> do_close_write(std::source_location site) override {
    const UnderWay::Note note(under_way_, "close_write", name_);
    return ProxyConn::do_close_write(site);
  }
  Result<void> do_close(std::source_location site) override {
    const UnderWay::Note note(under_way_, "close", name_);
    return ProxyConn::do_close(site);
  }
  Result<void> do_reset(std::source_location site) override {
    const UnderWay::Note note(under_way_, "reset", name_);
    return ProxyConn::do_reset(site);
  }
  Result<void> do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                               std::source_location site) override {
    const UnderWay::Note note(under_way_, "set_deadline", name_);
    return ProxyConn::do_set_deadline(direction, deadline, site);
  }
  Result<int> do_release(std::source_location site) override {
    const UnderWay::Note note(under_way_, "release", name_);
    return ProxyConn::do_release(site);
  }

  UnderWay& under_way_;
  const char* name_;
};

class ObservedListener final : public ProxyListener {
 public:
  ObservedListener(std::unique_ptr<Listener> inner, UnderWay& under_way)
      : ProxyListener(std::move(inner)), under_way_(under_way) {}

 private:
  Result<std::unique_ptr<Conn>> do_accept(Call call) override {
    const UnderWay::Note note(under_way_, "accept", "listener");
    Result<std::unique_ptr<Conn>> conn = ProxyListener::do_accept(call);
    if (!conn) return conn;
    return observed(*std::move(conn), under_way_, "accepted end");
  }
  Result<void> do_close(std::source_location site) override {
    const UnderWay::Note note(under_way_, "close", "listener");
    return ProxyListener::do_close(site);
  }
  Result<int> do_release(std::source_location site) override {
    const UnderWay::Note note(under_way_, "release", "listener");
    return ProxyListener::do_release(site);
  }

  UnderWay& under_way_;
};

class ObservedDialer final : public ProxyDialer {
 public:
  ObservedDialer(Dialer& inner, UnderWay& under_way) : ProxyDialer(inner), under_way_(under_way) {}

 private:
  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override {
    const UnderWay::Note note(under_way_, "dial", "dialer");
    Result<std::unique_ptr<Conn>> conn = ProxyDialer::do_dial(call, network, address);
    if (!conn) return conn;
    return observed(*std::move(conn), under_way_, "dialled end");
  }

  UnderWay& under_way_;
};

class ObservedBinder final : public ProxyBinder {
 public:
  ObservedBinder(Binder& inner, UnderWay& under_way) : ProxyBinder(inner), under_way_(under_way) {}

 private:
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override {
    const UnderWay::Note note(under_way_, "bind", "binder");
    Result<std::unique_ptr<Listener>> listener = ProxyBinder::do_bind(call, network, address);
    if (!listener) return listener;
    return std::make_unique<ObservedListener>(*std::move(listener), under_way_);
  }

  UnderWay& under_way_;
};

}  // namespace

std::unique_ptr<Conn> observed(std::unique_ptr<Conn> conn, UnderWay& under_way, const char* name) {
  return std::make_unique<ObservedConn>(std::move(conn), under_way, name);
}

std::unique_ptr<Dialer> observed(Dialer& dialer, UnderWay& under_way) {
  return std::make_unique<ObservedDialer>(dialer, under_way);
}

std::unique_ptr<Binder> observed(Binder& binder, UnderWay& under_way) {
  return std::make_unique<ObservedBinder>(binder, under_way);
}

}  // namespace LEASH_NAMESPACE::net::conformance
