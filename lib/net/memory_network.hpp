#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/net/binder.hpp>
#include <leash/net/dialer.hpp>
#include <leash/net/memory_host.hpp>
#include <leash/net/traffic.hpp>
#include <leash/net/traffic_rule.hpp>
#include <memory>
#include <string_view>

namespace LEASH_NAMESPACE::net {

namespace detail {
struct MemoryView;
class Switchboard;
struct TrafficEffect;
}  // namespace detail

/// A network in memory, for tests: a dial reaches the listeners that were bound in the same MemoryNetwork. See
/// docs/memory_network.md.
///
/// Every name is a host; a dial to one where nothing is bound is `connection_refused`. "localhost" is 127.0.0.1. For
/// port 0, and for the end that dials, the network chooses a free port from 49152 up; a dial from a host that has none,
/// since its listeners and its connections that are not closed at both ends have them all, is `address_not_available`.
/// A path of the network "unix" is one place, whatever host dials or binds it. A bind to an empty host, `0.0.0.0` or
/// `::` listens at every host. Dialling the network itself is dialling from 127.0.0.1, or from ::1 to an IPv6 address;
/// `host` gives the view of another host. A dial succeeds when the connection is in the listener's queue, and waits
/// while that queue is full. Connections have deadlines as TCP connections have.
///
/// As over TCP, a close while received data was not read resets the connection. The first write after the peer has
/// closed succeeds, since only the answer to it tells that nobody reads it; the next one fails with `broken_pipe`. Two
/// things are certain here that are not over TCP: it is exactly the first write that succeeds, and a reset loses all
/// that the peer has not read yet. At a path of the network "unix" no write succeeds after the peer has closed.
///
/// Handles may outlive the network. Thread-safe.
class MemoryNetwork final : public Dialer, public Binder {
 public:
  struct Options {
    /// How many bytes each direction of a connection holds before a write waits; what is under way is counted too. The
    /// memory is allocated with the connection. The constructor throws `std::logic_error` for 0.
    std::size_t buffer = std::size_t{64} * 1024;

    /// How many connections a listener's queue holds before a dial waits. The constructor throws `std::logic_error` for
    /// 0.
    std::size_t backlog = 128;
  };

  MemoryNetwork();
  explicit MemoryNetwork(Options options);
  ~MemoryNetwork() override;

  /// The network as the host `name` sees it. Throws `std::logic_error` for a name that stands for every host (an empty
  /// one, "0.0.0.0" or "::"), and for one that nobody can dial: see `Dialer::dial`.
  MemoryHost host(std::string_view name);

  // Rules. One applies to all connections of its traffic, made before it or after, until the object that is returned is
  // destroyed: then what it held back arrives. Several rules may apply to a connection: latencies add up, of limits the
  // strictest counts. Time is that of the clock of the Context that the connection was dialled with; nothing happens
  // before that clock says so. A write does not wait for what it wrote to arrive. The end of a stream, and a reset,
  // take as long as data.

  /// What is sent arrives `latency` later. A dial takes both ways. Throws `std::logic_error` if it is negative.
  TrafficRule latency(const Traffic& traffic, Clock::duration latency);

  /// Each direction of each connection carries so many bytes per second. Throws `std::logic_error` for 0.
  TrafficRule bandwidth(const Traffic& traffic, std::uint64_t bytes_per_second);

  /// A read returns at most `most` bytes. Throws `std::logic_error` for 0.
  TrafficRule short_reads(const Traffic& traffic, std::size_t most);

  /// A write is handed over in pieces of `most` bytes: no read returns bytes of two pieces. Throws `std::logic_error`
  /// for 0.
  TrafficRule short_writes(const Traffic& traffic, std::size_t most);

  /// Nothing arrives: reads wait when they have read what arrived before, and writes when the buffer is full. A dial
  /// waits until the partition has healed, which is when the rule ends, and fails with `timed_out` after 127 s, as in
  /// Linux. What was under way then arrives.
  TrafficRule partition(const Traffic& traffic);

  /// Dials fail with `connection_refused`. Connections are left alone.
  TrafficRule refuse(const Traffic& traffic);

  /// Cuts the connections that there are now, those that wait to be accepted too: all operations of both ends fail with
  /// `connection_reset`. Returns how many there were that were not closed at both ends.
  std::size_t reset(const Traffic& traffic);

 private:
  friend class MemoryAsyncNetwork;

  detail::MemoryView view() const;

  TrafficRule add(const Traffic& traffic, const detail::TrafficEffect& effect);

  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override;
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override;

  const std::shared_ptr<detail::Switchboard> switchboard_;
};

}  // namespace LEASH_NAMESPACE::net
