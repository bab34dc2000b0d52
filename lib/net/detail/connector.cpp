#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <cstring>
#include <leash/clock.hpp>
#include <leash/net/detail/connector.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/own_descriptors.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {
namespace {

using asio::ip::tcp;
using std::chrono::seconds;

/// The least time for an attempt, as far as the deadline allows: with a short share for each of many addresses, one
/// that answers slowly would never be connected. Go's net package has the same limit.
constexpr Clock::duration least_share = seconds(2);

tcp::endpoint endpoint_of(const SocketAddress& address) {
  tcp::endpoint endpoint;
  endpoint.resize(address.size());
  std::memcpy(endpoint.data(), address.data(), address.size());
  return endpoint;
}

/// One dial: connects to one address after the other, until one answers. Only one attempt is under way at a time.
///
/// The thread that dials runs all of it, in the handlers of an io_context of its own. The callbacks of the Context and
/// of its clock run in other threads, and only post to the io_context. A time-out that was posted for one attempt may
/// run when the next has begun: it has the number of its attempt, so that it does not end the wrong one.
class Connector {
 public:
  Connector(const Context& context, std::span<const SocketAddress> addresses, const std::optional<SocketAddress>& local)
      : context_(context), addresses_(addresses), local_(local) {}

  /// The connection; or none, and then `failures` are those of the addresses that were tried, in order.
  std::optional<Connected> run() {
    const Registration cancelled =
        context_.on_cancel([this] { asio::post(io_, [this] { stop(std::errc::operation_canceled); }); });
    start_next();
    io_.run();
    share_timer_.reset();
    return std::move(connected_);
  }

  const std::vector<Error>& failures() const { return failures_; }

 private:
  void start_next() {
    while (!context_.done() && next_ < addresses_.size()) {
      const std::size_t attempt = next_++;
      if (const std::error_code code = open(addresses_[attempt])) {
        fail_attempt(attempt, code);
        continue;
      }
      start_share_timer(attempt);
      socket_.async_connect(endpoint_of(addresses_[attempt]),
                            [this, attempt](const asio::error_code& code) { finish(attempt, code); });
      return;
    }
  }

  std::error_code open(const SocketAddress& address) {
    auto opened = open_socket(address.family());
    if (!opened) return opened.error();
    if (local_ && ::bind(opened->get(), local_->data(), local_->size()) != 0) return os::last_error();
    asio::error_code code;
    socket_.assign(endpoint_of(address).protocol(), opened->get(), code);
    if (!code) static_cast<void>(opened->release());
    return code;
  }

  /// Lets the clock end the attempt when its share of the time up to the deadline has passed.
  void start_share_timer(std::size_t attempt) {
    const std::optional<Clock::time_point> deadline = context_.deadline();
    if (!deadline) return;
    const Clock::time_point now = context_.clock()->now();
    const Clock::duration remaining = *deadline - now;
    const Clock::duration share =
        std::max(remaining / static_cast<Clock::duration::rep>(addresses_.size() - attempt), least_share);
    if (share >= remaining) return;
    share_timer_ = context_.clock()->at(now + share, [this, attempt] {
      asio::post(io_, [this, attempt] {
        if (attempt + 1 == next_) stop(std::errc::timed_out);
      });
    });
  }

  /// Ends the attempt that is under way, if any. Its handler `finish` then runs, records `reason` as its failure, and
  /// goes on to the next address.
  void stop(std::errc reason) {
    if (connected_ || !socket_.is_open()) return;
    stop_reason_ = std::make_error_code(reason);
    close();
  }

  void finish(std::size_t attempt, std::error_code code) {
    share_timer_.reset();
    // `stop` may have run after the connection was made and before this handler: `code` is success, but the socket is
    // closed.
    if (stop_reason_) code = std::exchange(stop_reason_, {});
    if (!code && connected_to_itself()) code = std::make_error_code(std::errc::connection_refused);
    if (!code) {
      asio::error_code released;
      os::Descriptor socket(socket_.release(released));
      if (!released) connected_ = Connected{std::move(socket), addresses_[attempt]};
      code = released;
    }
    if (!code) return;
    fail_attempt(attempt, code);
    start_next();
  }

  /// Whether both ends are the same socket. Where nobody listens at a port of the ephemeral range on this machine, the
  /// system may choose that very port for the local end; TCP then connects the socket to itself (simultaneous open).
  bool connected_to_itself() {
    asio::error_code local_code;
    asio::error_code remote_code;
    const tcp::endpoint local = socket_.local_endpoint(local_code);
    const tcp::endpoint remote = socket_.remote_endpoint(remote_code);
    return !local_code && !remote_code && local == remote;
  }

  void fail_attempt(std::size_t attempt, std::error_code code) {
    close();
    failures_.emplace_back("connect", to_string(addresses_[attempt].address()),
                           std::error_code(code.value(), std::generic_category()));
  }

  void close() {
    const os::Closing closing(socket_.is_open() ? socket_.native_handle() : -1);
    asio::error_code ignored;
    socket_.close(ignored);
  }

  const Context& context_;
  const std::span<const SocketAddress> addresses_;
  const std::optional<SocketAddress>& local_;
  const os::MayOpen loop_{os::Unlisted::event_loop};
  asio::io_context io_{1};
  tcp::socket socket_{io_};
  std::size_t next_ = 0;
  std::error_code stop_reason_;
  std::optional<Connected> connected_;
  std::vector<Error> failures_;
  Registration share_timer_;
};

}  // namespace

Result<Connected> connect_first(Call call, std::string_view subject, std::span<const SocketAddress> addresses,
                                const std::optional<SocketAddress>& local) try {
  Connector connector(call.context(), addresses, local);
  if (std::optional<Connected> connected = connector.run()) return *std::move(connected);
  Result<void> checked = call.context().check("dial", subject);
  if (!checked) return std::unexpected(std::move(checked).error());

  const std::vector<Error>& failures = connector.failures();
  const Error& first = failures.front();
  // The only failure, of the address that the user has written: as a cause it would say the same again.
  const bool is_the_same = failures.size() == 1 && first.subject() == subject;
  return fail("dial", subject, first.code(), std::string_view(), is_the_same ? std::vector<Error>() : failures);
} catch (const std::system_error& error) {
  // The io_context could not be made: it needs descriptors, too.
  return fail("dial", subject, std::error_code(error.code().value(), std::generic_category()), "no event loop");
}

}  // namespace LEASH_NAMESPACE::net::detail
