#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`. A heavy header: for one source of a test.

#include <leash/config.hpp>
#include <leash/net/async_network.hpp>
#include <leash/net/conformance.hpp>
#include <leash/net/stream_conformance/all_checks.hpp>
#include <leash/net/stream_conformance/runner.hpp>
#include <string_view>
#include <utility>
#include <vector>

/// Checks of the contracts of `AsyncDialer`, `AsyncBinder`, `AsyncListener` and `Stream`, for whoever implements or
/// decorates them:
///
///     const auto make = [](const asio::any_io_executor& executor) -> leash::net::AsyncNetwork {
///       return {std::make_shared<MyDialer>(executor), std::make_shared<MyBinder>(executor)};
///     };
///     for (const auto& failure : leash::net::check_stream(make)) FAIL_CHECK(failure);
///
/// They are compiled with the program's Asio; what needs no Asio is in `leash::net_conformance`, which a program links
/// with besides `leash::asio`. docs/conformance.md lists them.
namespace LEASH_NAMESPACE::net {

/// Runs all checks on the networks that `make` makes: for each check one, with an `asio::io_context` of its own, which
/// only one thread runs. Those that use both ends of a connection run once more with these exchanged. Returns what was
/// found, in the order of `stream_checks`; nothing if the contracts are kept.
///
/// Of the options, `skip` and `only` take names of `stream_checks`, `limit` is how long a check waits for its handlers
/// in all, and all others mean what they do for `check_conn` and `check_dialer`; but for the deadlines, which go by a
/// `FakeClock` of the checks, so that nothing is waited for but handlers.
///
/// What hangs is a failure. A check whose thread does not come back, since a member blocks, is left behind: what `make`
/// refers to must then live as long as the program. What is thrown is a failure. Throws only `std::bad_alloc` and,
/// where no thread can be started, `std::system_error`. Not to be called twice at once: the checks whose names end in
/// `-descriptors` look at the descriptors of the whole process.
[[nodiscard]] inline std::vector<ConformanceFailure> check_stream(MakeAsyncNetwork make,
                                                                  const ConformanceOptions& options = {}) {
  return stream_conformance::run(stream_conformance::all_checks({std::move(make), options}), options);
}

/// The names of all checks, in the order in which they are run.
[[nodiscard]] inline std::vector<std::string_view> stream_checks() {
  std::vector<std::string_view> names;
  for (const auto& check : stream_conformance::all_checks({})) names.push_back(check.name);
  return names;
}

}  // namespace LEASH_NAMESPACE::net
