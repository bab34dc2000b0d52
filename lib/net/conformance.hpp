#pragma once

#include <cstddef>
#include <iosfwd>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/detail/chrono.hpp>
#include <leash/function.hpp>
#include <leash/net/binder.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/dialer.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Checks of the contracts of `Conn`, `Dialer`, `Binder` and `Listener`, for whoever implements or decorates them. They
/// know no test framework. In each the test is one line:
///
///     for (const auto& failure : leash::net::check_conn(make_pair)) FAIL_CHECK(failure);       // doctest, Catch2
///     for (const auto& failure : leash::net::check_conn(make_pair)) ADD_FAILURE() << failure;  // GoogleTest
///
/// They are in a library of their own, `leash::net_conformance`. docs/conformance.md lists them.
namespace LEASH_NAMESPACE::net {

/// What a check expected of an implementation, and what it did.
struct ConformanceFailure {
  std::string check;     ///< The name of the check: "close-ends-waiting-read".
  std::string expected;  ///< "a read that waits to fail with Bad file descriptor"
  std::string happened;  ///< "it read 0 bytes"

  friend bool operator==(const ConformanceFailure&, const ConformanceFailure&) = default;
};

/// `close-ends-waiting-read: expected a read that waits to fail with Bad file descriptor, but it read 0 bytes`
std::string to_string(const ConformanceFailure& failure);
std::ostream& operator<<(std::ostream& out, const ConformanceFailure& failure);

/// The two ends of a new connection: what is written to one is read from the other.
struct ConnPair {
  std::shared_ptr<void> owner = {};  ///< What the ends need, such as a server. Let go of after both are destroyed.
  std::unique_ptr<Conn> near = {};
  std::unique_ptr<Conn> far = {};
};

/// Makes a new connection, whose deadlines go by the clock of the Context. It is called in threads that the checks
/// start, one at a time unless a check hangs.
using MakeConnPair = Function<Result<ConnPair>(const Context& context)>;

struct ConformanceOptions {
  /// The names of checks that are not run, since the implementation is known not to pass them. A name that neither
  /// `conn_checks` nor `dialer_checks` has is a failure.
  std::vector<std::string> skip = {};

  /// If there are any, only these checks are run. That none of them is one of those to be run is a failure.
  std::vector<std::string> only = {};

  /// How long a check may take, by the machine's clock, before it counts as hanging.
  std::chrono::milliseconds limit{20'000};

  /// Multiplies the few times for which the checks really wait, each of some milliseconds: for a transport that takes
  /// longer than that to deliver a byte.
  int time_scale = 1;

  /// More bytes than the transport holds while nobody reads, so that a write of them waits.
  std::size_t more_than_buffers = std::size_t{24} << 20U;

  /// What connections are made with. When it is done, the check that runs is ended, and no other one begins, which is a
  /// failure. Its clock must run by itself: it is no FakeClock.
  Context context = {};

  /// For `check_dialer`: where to listen, and the name of the network.
  std::string network = "tcp";
  std::string address = "127.0.0.1:0";

  /// For `check_dialer`: an address at which a dial waits for ever, or none.
  std::string unanswered = {};
};

/// Runs all checks of connections on those that `make_pair` makes, each on a new one, and then once more with its two
/// ends exchanged. Returns what was found, in the order of `conn_checks`; nothing if the connections keep the contract
/// of `Conn`.
///
/// A check that hangs is a failure: both of its ends are reset, and if it still does not return, its threads are left
/// behind, which is a failure too. What `make_pair` refers to must then live as long as the program. What connections
/// throw is a failure. Throws only `std::bad_alloc` and, where no thread can be started, `std::system_error`.
[[nodiscard]] std::vector<ConformanceFailure> check_conn(MakeConnPair make_pair,
                                                         const ConformanceOptions& options = {});

/// Runs all checks of dialling, binding and listening, where `dialer` reaches what `binder` binds. Returns what was
/// found, in the order of `dialer_checks`. As for `check_conn`, a check that hangs is a failure; if its threads are
/// left behind, `dialer` and `binder` must live as long as the program.
///
/// The checks that nothing stays open look at the descriptors of the whole process. Skip those whose names end in
/// `-descriptors` if other threads open many at the same time.
[[nodiscard]] std::vector<ConformanceFailure> check_dialer(Dialer& dialer, Binder& binder,
                                                           const ConformanceOptions& options = {});

/// The names of all checks, in the order in which they are run.
[[nodiscard]] std::vector<std::string_view> conn_checks();
[[nodiscard]] std::vector<std::string_view> dialer_checks();

/// Makes connections to a listener that is bound for each of them, at the network and address of `options`, and closed
/// when the connection is there. The dialer and the binder must outlive what is returned.
[[nodiscard]] MakeConnPair dialled_pairs(Dialer& dialer LEASH_LIFETIMEBOUND, Binder& binder LEASH_LIFETIMEBOUND,
                                         const ConformanceOptions& options = {});

}  // namespace LEASH_NAMESPACE::net

template <>
inline constexpr bool leash::detail::printable<leash::net::ConformanceFailure> = true;
