#include <algorithm>
#include <array>
#include <leash/net/proxy.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <stdexcept>

#include "support.hpp"

using leash::Call;
using leash::Clock;
using leash::Context;
using leash::Result;
using leash::net::Address;
using leash::net::Binder;
using leash::net::Conn;
using leash::net::Dialer;
using leash::net::Direction;
using leash::net::Listener;

namespace {

/// What the innermost object was asked to do, with the line of the site.
using Log = std::vector<std::string>;

std::string entry(std::string_view operation, std::source_location site) {
  return std::string(operation) + " " + std::to_string(site.line());
}

class LoggingConn final : public Conn {
 public:
  explicit LoggingConn(Log& log) : log_(log) {}

 private:
  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override {
    log_.push_back(entry("read", site));
    return buffer.size();
  }
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override {
    log_.push_back(entry("write " + std::to_string(data.size()), site));
    return {};
  }
  Result<std::size_t> do_readv(std::span<const std::span<std::byte>> buffers, std::source_location site) override {
    log_.push_back(entry("readv " + std::to_string(buffers.size()), site));
    return 5;
  }
  Result<void> do_writev(std::span<const std::span<const std::byte>> data, std::source_location site) override {
    log_.push_back(entry("writev " + std::to_string(data.size()), site));
    return {};
  }
  void do_note(std::string_view text, std::source_location site) override {
    log_.push_back(entry("note " + std::string(text), site));
  }
  Result<void> do_close_write(std::source_location site) override {
    log_.push_back(entry("close_write", site));
    return {};
  }
  Result<void> do_close(std::source_location site) override {
    log_.push_back(entry("close", site));
    return {};
  }
  Result<void> do_reset(std::source_location site) override {
    log_.push_back(entry("reset", site));
    return {};
  }
  Result<void> do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                               std::source_location site) override {
    log_.push_back(
        entry("set_deadline " + std::to_string(static_cast<int>(direction)) + (deadline ? " some" : " none"), site));
    return {};
  }
  Address do_local_address() const override {
    log_.emplace_back("local_address");
    return {"tcp", "local", 1};
  }
  Address do_remote_address() const override {
    log_.emplace_back("remote_address");
    return {"tcp", "remote", 2};
  }
  int do_native_handle() const noexcept override {
    log_.emplace_back("native_handle");
    return 42;
  }
  Result<int> do_release(std::source_location site) override {
    log_.push_back(entry("release", site));
    return 43;
  }

  Log& log_;
};

class LoggingListener final : public Listener {
 public:
  explicit LoggingListener(Log& log) : log_(log) {}

 private:
  Result<std::unique_ptr<Conn>> do_accept(Call call) override {
    log_.push_back(entry("accept", call.site()));
    return std::make_unique<LoggingConn>(log_);
  }
  Result<void> do_close(std::source_location site) override {
    log_.push_back(entry("close", site));
    return {};
  }
  Address do_address() const override {
    log_.emplace_back("address");
    return {"tcp", "here", 3};
  }
  int do_native_handle() const noexcept override {
    log_.emplace_back("native_handle");
    return 44;
  }

  Log& log_;
};

class LoggingNetwork final : public Dialer, public Binder {
 public:
  Log log;

 private:
  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override {
    log.push_back(entry("dial " + std::string(network) + " " + std::string(address), call.site()));
    return std::make_unique<LoggingConn>(log);
  }
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override {
    log.push_back(entry("bind " + std::string(network) + " " + std::string(address), call.site()));
    return std::make_unique<LoggingListener>(log);
  }
};

/// Calls every member of a connection, and checks that all of it arrives, with this line as its site.
void check_conn(Conn& conn, Log& log) {
  const auto here = std::source_location::current();
  const std::string line = " " + std::to_string(here.line());
  const auto now = Clock::real()->now();
  std::byte buffer[3];
  log.clear();
  CHECK(must(conn.read(buffer, here)) == 3);
  must(conn.write("text", here));
  must(conn.write(std::span<const std::byte>(buffer), here));
  const std::array<std::span<std::byte>, 2> buffers{};
  CHECK(must(conn.readv(buffers, here)) == 5);
  const std::array<std::span<const std::byte>, 3> pieces{};
  must(conn.writev(pieces, here));
  conn.note("why", here);
  must(conn.close_write(here));
  must(conn.set_deadline(now, here));
  must(conn.set_read_deadline(now, here));
  must(conn.set_write_deadline(std::nullopt, here));
  CHECK(conn.local_address() == Address{"tcp", "local", 1});
  CHECK(conn.remote_address() == Address{"tcp", "remote", 2});
  CHECK(conn.native_handle() == 42);
  CHECK(must(conn.release(here)) == 43);
  must(conn.close(here));
  must(conn.reset(here));
  CHECK(log == Log{"read" + line, "write 4" + line, "write 3" + line, "readv 2" + line, "writev 3" + line,
                   "note why" + line, "close_write" + line, "set_deadline 2 some" + line, "set_deadline 0 some" + line,
                   "set_deadline 1 none" + line, "local_address", "remote_address", "native_handle", "release" + line,
                   "close" + line, "reset" + line});
}

/// The same for what the decorators of a dialer and a binder hand out.
void check_network(const Context& context, Dialer& dialer, Binder& binder, Log& log) {
  const auto here = std::source_location::current();
  const std::string line = " " + std::to_string(here.line());
  log.clear();
  const auto dialled = must(dialer.dial(Call(context, here), "kind", "there"));
  REQUIRE_FALSE(log.empty());
  CHECK(log.front() == "dial kind there" + line);
  check_conn(*dialled, log);

  log.clear();
  const auto listener = must(binder.bind(Call(context, here), "kind", "here"));
  REQUIRE_FALSE(log.empty());
  CHECK(log.front() == "bind kind here" + line);
  CHECK(listener->address() == Address{"tcp", "here", 3});
  CHECK(listener->native_handle() == 44);
  log.clear();
  const auto accepted = must(listener->accept(Call(context, here)));
  CHECK(std::ranges::count(log, "accept" + line) == 1);
  check_conn(*accepted, log);
  must(listener->close(here));
  CHECK(log.back() == "close" + line);
}

class PlainProxyBinder final : public leash::net::ProxyBinder {
 public:
  using ProxyBinder::ProxyBinder;

 private:
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override;
};

class PlainProxyListener final : public leash::net::ProxyListener {
 public:
  using ProxyListener::ProxyListener;

 private:
  Result<std::unique_ptr<Conn>> do_accept(Call call) override {
    return std::make_unique<leash::net::ProxyConn>(must(ProxyListener::do_accept(call)));
  }
};

Result<std::unique_ptr<Listener>> PlainProxyBinder::do_bind(Call call, std::string_view network,
                                                            std::string_view address) {
  return std::make_unique<PlainProxyListener>(must(ProxyBinder::do_bind(call, network, address)));
}

class PlainProxyDialer final : public leash::net::ProxyDialer {
 public:
  using ProxyDialer::ProxyDialer;

 private:
  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override {
    return std::make_unique<leash::net::ProxyConn>(must(ProxyDialer::do_dial(call, network, address)));
  }
};

}  // namespace

TEST_CASE("Proxy: forwards every member with its arguments and its site") {
  LoggingNetwork network;
  PlainProxyDialer dialer(network);
  PlainProxyBinder binder(network);
  check_network(Context(), dialer, binder, network.log);
}

TEST_CASE("Proxy: two of them, one over the other") {
  LoggingNetwork network;
  PlainProxyDialer first_dialer(network);
  PlainProxyBinder first_binder(network);
  // As references to the interface: a proxy made from one of its own type would be a copy, which there is none of.
  Dialer& inner_dialer = first_dialer;
  Binder& inner_binder = first_binder;
  PlainProxyDialer dialer(inner_dialer);
  PlainProxyBinder binder(inner_binder);
  check_network(Context(), dialer, binder, network.log);
  CHECK(&dialer.inner() == &inner_dialer);
  CHECK(&binder.inner() == &inner_binder);
}

TEST_CASE("Proxy: what it wraps must not be null") {
  CHECK_THROWS_AS(leash::net::ProxyConn(nullptr), std::logic_error);
  CHECK_THROWS_AS(leash::net::ProxyListener(nullptr), std::logic_error);
}

TEST_CASE("TrackedDialer and TrackedBinder: forward every member with its arguments and its site") {
  LoggingNetwork network;
  leash::net::TrackedDialer dialer(network);
  leash::net::TrackedBinder binder(network);
  auto [tracker, context] = leash::track::with_tracker(
      Context::background(),
      {.rules = {.double_close = leash::track::Severity::off, .use_after_close = leash::track::Severity::off}});
  check_network(context, dialer, binder, network.log);
  check_network(Context(), dialer, binder, network.log);
  CHECK(tracker.close().ok());
}
