#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <leash/context.hpp>
#include <leash/net/detail/connect.hpp>
#include <leash/net/detail/dial_driver.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/waker.hpp>
#include <memory>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

/// The thread that dials: waits in poll(2).
class BlockingDial final : public DialDriver {
 public:
  BlockingDial(const Context& context, std::vector<Endpoint> endpoints, const SocketSetup& setup)
      : DialDriver(std::move(endpoints), context.deadline(), setup),
        context_(context),
        clock_(*context.clock()),
        is_real_(context.clock() == Clock::real()) {}

  /// The connection, or none.
  std::optional<Connected> run() {
    for (;;) {
      drive(clock_);
      if (plan().over() || context_.done()) break;
      wait();
    }
    // The losers are closed here.
    pending_.clear();
    return std::move(connected_);
  }

 private:
  struct Pending {
    std::size_t attempt;
    os::Descriptor socket;
  };

  void watch(std::size_t attempt, os::Descriptor socket) override { pending_.push_back({attempt, std::move(socket)}); }

  void forget(std::size_t attempt) override {
    std::erase_if(pending_, [&](const Pending& one) { return one.attempt == attempt; });
  }

  void won(os::Descriptor socket, const SocketAddress& local, const Endpoint& remote) override {
    connected_ = Connected{std::move(socket), local, SocketAddress(remote)};
  }

  void wait() {
    os::Waker::Wait wait(waker_);
    if (!cancelled_) cancelled_ = context_.on_cancel([this] { waker_.wake(); });
    std::optional<Clock::time_point> end = plan().wake_at();
    if (const auto deadline = context_.deadline(); deadline && (!end || *deadline < *end)) end = deadline;
    std::optional<Clock::duration> timeout;
    Registration timer;
    if (end && is_real_) {
      // A Context may see its deadline some milliseconds late.
      timeout = std::max<Clock::duration>(*end - clock_.now(), std::chrono::milliseconds(1));
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
    for (auto one = ready.rbegin(); one != ready.rend() && !plan().winner(); ++one) {
      if (const auto local = established(one->attempt, one->socket.get())) {
        won(std::move(one->socket), *local, plan().endpoint(one->attempt));
      }
    }
  }

  const Context& context_;
  Clock& clock_;
  const bool is_real_;
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
  BlockingDial dial(call.context(), std::move(endpoints), setup);
  if (std::optional<Connected> connected = dial.run()) return *std::move(connected);
  // All may have failed at the same moment as the Context ended.
  if (dial.plan().over()) return dial.plan().failure(subject);
  return dial.plan().ended(subject, call.context().check("dial", subject).error());
}

Result<Connected> connect_unix(Call call, std::string_view path) {
  constexpr Clock::duration longest_wait = std::chrono::milliseconds(50);
  for (Clock::duration time = std::chrono::milliseconds(1);; time = std::min(2 * time, longest_wait)) {
    Result<std::optional<Connected>> connected = try_connect_unix(path);
    if (!connected) return std::unexpected(std::move(connected).error());
    if (*connected) return **std::move(connected);
    wait_really(call.context(), time);
    Result<void> checked = call.context().check("dial", path);
    if (!checked) return std::unexpected(std::move(checked).error());
  }
}

Result<std::optional<Connected>> try_connect_unix(std::string_view path) {
  const SocketAddress remote = SocketAddress::of_path(path);
  auto socket = open_socket(AF_UNIX);
  if (!socket) return fail("dial", path, socket.error());
  if (::connect(socket->get(), remote.data(), remote.size()) != 0) {
    // EAGAIN means that the backlog is full.
    if (errno == EAGAIN) return std::nullopt;
    return fail("dial", path, os::last_error());
  }
  const auto local = SocketAddress::local_of(socket->get());
  if (!local) return fail("dial", path, local.error());
  return Connected{*std::move(socket), *local, remote};
}

}  // namespace LEASH_NAMESPACE::net::detail
