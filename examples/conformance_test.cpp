#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <leash/net/conformance.hpp>
#include <leash/net/proxy.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <memory>
#include <utility>

// A dialer of one's own, and the test that it keeps the contract of connections: docs/conformance.md tells of it.

namespace {

using leash::Result;
using leash::net::Conn;

/// Counts the bytes that are read.
class MeteredConn final : public leash::net::ProxyConn {
 public:
  MeteredConn(std::unique_ptr<Conn> inner, std::shared_ptr<std::atomic<std::size_t>> total)
      : ProxyConn(std::move(inner)), total_(std::move(total)) {}

 private:
  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override {
    return counted(ProxyConn::do_read(buffer, site));
  }
  Result<std::size_t> do_readv(std::span<const std::span<std::byte>> buffers, std::source_location site) override {
    return counted(ProxyConn::do_readv(buffers, site));
  }

  Result<std::size_t> counted(Result<std::size_t> count) {
    if (count) *total_ += *count;
    return count;
  }

  std::shared_ptr<std::atomic<std::size_t>> total_;
};

class MeteredDialer final : public leash::net::ProxyDialer {
 public:
  using ProxyDialer::ProxyDialer;

  std::size_t total() const { return *total_; }

 private:
  Result<std::unique_ptr<Conn>> do_dial(leash::Call call, std::string_view network, std::string_view address) override {
    auto conn = ProxyDialer::do_dial(call, network, address);
    if (!conn) return conn;
    return std::make_unique<MeteredConn>(*std::move(conn), total_);
  }

  std::shared_ptr<std::atomic<std::size_t>> total_ = std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace

// snippet: test
TEST_CASE("MeteredDialer keeps the contracts of dialers and connections") {
  leash::net::TcpDialer tcp;
  leash::net::TcpBinder binder;
  MeteredDialer dialer(tcp);
  for (const auto& failure : leash::net::check_dialer(dialer, binder)) FAIL_CHECK(failure);
  for (const auto& failure : leash::net::check_conn(leash::net::dialled_pairs(dialer, binder))) FAIL_CHECK(failure);
  CHECK(dialer.total() > 0);
}
// end snippet

namespace {

// snippet: pair
leash::Result<leash::net::ConnPair> make_pair(const leash::Context& ctx) {
  leash::net::TcpDialer dialer;
  leash::net::TcpBinder binder;
  auto listener = binder.bind(ctx, "tcp", "127.0.0.1:0");
  if (!listener) return std::unexpected(listener.error());
  auto near = dialer.dial(ctx, "tcp", to_string((*listener)->address()));
  if (!near) return std::unexpected(near.error());
  auto far = (*listener)->accept(ctx);
  if (!far) return std::unexpected(far.error());
  return leash::net::ConnPair{.near = *std::move(near), .far = *std::move(far)};
}
// end snippet

}  // namespace

TEST_CASE("connections that a function of one's own makes") {
  // snippet: skip
  const leash::net::ConformanceOptions options{.skip = {"close-with-unread-data-resets"},
                                               .limit = std::chrono::seconds(5)};
  const auto failures = leash::net::check_conn(make_pair, options);
  // end snippet
  CHECK(failures.empty());
}
