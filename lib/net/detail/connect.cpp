#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <leash/context.hpp>
#include <leash/net/detail/connect.hpp>
#include <leash/net/detail/dial_plan.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/shortage.hpp>
#include <leash/os/waker.hpp>
#include <memory>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

/// What a connect(2) of a non-blocking socket has come to (SO_ERROR).
std::error_code result_of_connect(int socket) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return os::last_error();
  return {error, std::generic_category()};
}

/// One dial: does what a DialPlan says, in the thread that dials.
class Driver {
 public:
  Driver(const Context& context, std::vector<Endpoint> endpoints, const SocketSetup& setup)
      : context_(context),
        clock_(*context.clock()),
        is_real_(context.clock() == Clock::real()),
        setup_(setup),
        plan_(std::move(endpoints), context.deadline()) {}

  /// The connection, or none.
  std::optional<Connected> run() {
    for (;;) {
      Clock::time_point now = clock_.now();
      while (const std::optional<std::size_t> attempt = plan_.expired(now)) forget(*attempt);
      while (const std::optional<std::size_t> attempt = plan_.next(now)) {
        begin(*attempt);
        now = clock_.now();
      }
      if (plan_.over() || context_.done()) break;
      wait(now);
    }
    // The losers are closed here.
    pending_.clear();
    return std::move(connected_);
  }

  const DialPlan& plan() const noexcept { return plan_; }

 private:
  struct Pending {
    std::size_t attempt;
    os::Descriptor socket;
  };

  void begin(std::size_t attempt) {
    const Endpoint& remote = plan_.endpoint(attempt);
    auto socket = open_socket(remote.address.is_v4() ? AF_INET : AF_INET6);
    if (!socket) {
      if (os::is_shortage(socket.error().value())) {
        plan_.starved(attempt, socket.error());
      } else {
        plan_.failed(attempt, socket.error());
      }
      return;
    }
    apply(setup_.options, socket->get());
    if (setup_.control) {
      if (const std::error_code code = setup_.control(socket->get(), remote)) {
        plan_.failed(attempt, code, "refused by the control hook");
        return;
      }
    }
    if (setup_.local) {
      const SocketAddress local(*setup_.local);
      // The port is then chosen by connect(2), for which one that another connection has is free, too.
      if (setup_.local->port == 0) delay_choice_of_port(socket->get());
      if (::bind(socket->get(), local.data(), local.size()) != 0) {
        plan_.failed(attempt, os::last_error(), "local address " + to_string(*setup_.local));
        return;
      }
    }
    const SocketAddress address(remote);
    if (::connect(socket->get(), address.data(), address.size()) == 0) {
      finish(attempt, *std::move(socket));
    } else if (errno == EINPROGRESS || errno == EINTR) {
      pending_.push_back({attempt, *std::move(socket)});
    } else {
      plan_.failed(attempt, os::last_error());
    }
  }

  /// The socket is connected, unless to itself: where nobody listens at a port of the ephemeral range on this machine,
  /// the system may choose that very port for the local end; TCP then connects the socket to itself (simultaneous
  /// open).
  void finish(std::size_t attempt, os::Descriptor socket) {
    const auto local = SocketAddress::local_of(socket.get());
    const Endpoint& remote = plan_.endpoint(attempt);
    if (!local) {
      plan_.failed(attempt, local.error());
    } else if (local->endpoint() == remote) {
      plan_.failed(attempt, std::make_error_code(std::errc::connection_refused));
    } else {
      plan_.connected(attempt);
      connected_ = Connected{std::move(socket), *local, SocketAddress(remote)};
    }
  }

  void forget(std::size_t attempt) {
    std::erase_if(pending_, [&](const Pending& one) { return one.attempt == attempt; });
  }

  void wait(Clock::time_point now) {
    os::Waker::Wait wait(waker_);
    if (!cancelled_) cancelled_ = context_.on_cancel([this] { waker_.wake(); });
    std::optional<Clock::time_point> end = plan_.wake_at();
    if (const auto deadline = context_.deadline(); deadline && (!end || *deadline < *end)) end = deadline;
    std::optional<Clock::duration> timeout;
    Registration timer;
    if (end && is_real_) {
      // A Context may see its deadline some milliseconds late.
      timeout = std::max<Clock::duration>(*end - now, std::chrono::milliseconds(1));
    } else if (end) {
      timer = clock_.at(*end, [this] { waker_.wake(); });
    }
    if (context_.done()) return;
    polled_.clear();
    for (const Pending& one : pending_) polled_.push_back({.fd = one.socket.get(), .events = POLLOUT, .revents = 0});
    polled_.push_back({});
    wait.until(polled_, timeout);
    std::vector<Pending> ready;
    for (std::size_t at = pending_.size(); at-- > 0;) {
      if (polled_[at].revents == 0) continue;
      ready.push_back(std::move(pending_[at]));
      pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(at));
    }
    // In the order in which they began; of two that are ready the first wins.
    for (auto one = ready.rbegin(); one != ready.rend() && !plan_.winner(); ++one) {
      if (const std::error_code code = result_of_connect(one->socket.get())) {
        plan_.failed(one->attempt, code);
      } else {
        finish(one->attempt, std::move(one->socket));
      }
    }
  }

  const Context& context_;
  Clock& clock_;
  const bool is_real_;
  const SocketSetup& setup_;
  DialPlan plan_;
  std::vector<Pending> pending_;
  std::vector<pollfd> polled_;
  std::optional<Connected> connected_;
  os::Waker waker_;
  std::optional<Registration> cancelled_;  ///< Made when the dial first waits.
};

/// Waits until `time` has passed on the machine's clock, since that is the peer's, or the Context is done.
void wait_really(const Context& context, Clock::duration time) {
  // Shared, and not on the stack: in a forked child this thread and its stack are gone, but the child's Context still
  // has the callback.
  const auto waker = std::make_shared<os::Waker>();
  os::Waker::Wait wait(*waker);
  const Registration woken = context.on_cancel([waker] { waker->wake(); });
  if (context.done()) return;
  std::array<pollfd, 1> polled{};
  wait.until(polled, time);
}

}  // namespace

Result<Connected> connect_any(Call call, std::string_view subject, std::vector<Endpoint> endpoints,
                              const SocketSetup& setup) {
  Driver driver(call.context(), std::move(endpoints), setup);
  if (std::optional<Connected> connected = driver.run()) return *std::move(connected);
  // All may have failed at the same moment as the Context ended.
  if (driver.plan().over()) return driver.plan().failure(subject);
  return driver.plan().ended(subject, call.context().check("dial", subject).error());
}

Result<Connected> connect_unix(Call call, std::string_view path) {
  constexpr Clock::duration longest_wait = std::chrono::milliseconds(50);
  const SocketAddress remote = SocketAddress::of_path(path);
  auto socket = open_socket(AF_UNIX);
  if (!socket) return fail("dial", path, socket.error());
  for (Clock::duration time = std::chrono::milliseconds(1);; time = std::min(2 * time, longest_wait)) {
    if (::connect(socket->get(), remote.data(), remote.size()) == 0) {
      const auto local = SocketAddress::local_of(socket->get());
      if (!local) return fail("dial", path, local.error());
      return Connected{*std::move(socket), *local, remote};
    }
    // EAGAIN means that the backlog is full; nothing tells when it no longer is.
    if (errno != EAGAIN) return fail("dial", path, os::last_error());
    wait_really(call.context(), time);
    Result<void> checked = call.context().check("dial", path);
    if (!checked) return std::unexpected(std::move(checked).error());
  }
}

}  // namespace LEASH_NAMESPACE::net::detail
