#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <leash/clock.hpp>
#include <leash/net/conformance.hpp>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "broken.hpp"
#include "support.hpp"

// That each check of dialling and listening can fail: for each, a dialer or a binder that breaks what it checks.

namespace {

using broken::Bind;
using broken::BrokenConn;
using broken::BrokenListener;
using broken::ConnHooks;
using broken::Dial;
using broken::ListenerHooks;
using leash::Context;
using leash::fail;
using leash::Result;
using leash::net::Address;
using leash::net::Binder;
using leash::net::ConformanceFailure;
using leash::net::Conn;
using leash::net::Dialer;
using leash::net::Listener;

using Dialled = Result<std::unique_ptr<Conn>>;
using Bound = Result<std::unique_ptr<Listener>>;

struct DialerFault {
  std::string_view check;
  std::string_view what;
  Dial dial = {};
  Bind bind = {};
  bool hangs = false;
};

/// Descriptors that were opened and forgotten, until the end of a test.
class Forgotten {
 public:
  static void open_one() {
    const std::lock_guard lock(mutex());
    numbers().push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  static void close_all() {
    const std::lock_guard lock(mutex());
    for (const int number : numbers()) ::close(number);
    numbers().clear();
  }

 private:
  static std::mutex& mutex() {
    static std::mutex mutex;
    return mutex;
  }
  static std::vector<int>& numbers() {
    static std::vector<int> numbers;
    return numbers;
  }
};

Address with_port(Address address, std::uint16_t port) {
  address.port = port;
  return address;
}

/// A Context that ends soon, whatever becomes of the given one.
Context deaf(const Context& context) {
  return context.without_cancel().with_clock(leash::Clock::real()).with_timeout(50ms);
}

/// Dials connections that are broken.
Dial dial_broken(std::function<ConnHooks(Conn&, const Context&)> make) {
  return [make = std::move(make)](Dialer& dialer, const Context& context, std::string_view network,
                                  std::string_view address) -> Dialled {
    Dialled dialled = dialer.dial(context, network, address);
    if (!dialled) return dialled;
    const std::shared_ptr<Conn> conn = *std::move(dialled);
    return std::make_unique<BrokenConn>(conn, make(*conn, context));
  };
}

/// Binds listeners that are broken.
Bind bind_broken(std::function<ListenerHooks()> make) {
  return [make = std::move(make)](Binder& binder, const Context& context, std::string_view network,
                                  std::string_view address) -> Bound {
    Bound bound = binder.bind(context, network, address);
    if (!bound) return bound;
    return std::make_unique<BrokenListener>(std::shared_ptr<Listener>(*std::move(bound)), make());
  };
}

Dialled dial_over_tcp(Dialer& dialer, const Context& context, std::string_view, std::string_view address) {
  return dialer.dial(context, "tcp", address);
}

ConnHooks wrong_port(Conn&, const Context&) {
  return {.local_address = [](const Conn& conn) { return with_port(conn.local_address(), 1); }};
}

Dialled dial_deaf(Dialer& dialer, const Context& context, std::string_view network, std::string_view address) {
  Dialled dialled = dialer.dial(deaf(context), network, address);
  if (!dialled) return fail("dial", address, std::errc::connection_aborted);
  return dialled;
}

ListenerHooks accept_deaf() {
  return {.accept = [](Listener& listener, const Context& context) -> Dialled {
    Dialled accepted = listener.accept(deaf(context));
    if (!accepted) return fail("accept", to_string(listener.address()), std::errc::connection_aborted);
    return accepted;
  }};
}

/// What is not closed, until the end of the program.
std::vector<std::shared_ptr<void>>& left_open() {
  static std::vector<std::shared_ptr<void>> left_open;
  return left_open;
}

const std::vector<DialerFault>& dialer_faults() {
  static const std::vector<DialerFault> faults = {
      {"malformed-address", "an address without a port is one of port 1",
       [](Dialer& dialer, const Context& context, std::string_view network, std::string_view address) {
         return dialer.dial(context, network, address.contains(':') ? address : std::string(address) + ":1");
       }},
      {"unknown-network", "every network is TCP", dial_over_tcp},
      {"address-of-other-family", "every network is TCP", dial_over_tcp},
      {"mapped-address", "a mapped IPv4 address is one of IPv6",
       [](Dialer& dialer, const Context& context, std::string_view network, std::string_view address) -> Dialled {
         if (address.starts_with("[::ffff:")) return fail("dial", address, std::errc::network_unreachable);
         return dialer.dial(context, network, address);
       }},
      {"refused-dial", "a dial that is refused has another error",
       [](Dialer& dialer, const Context& context, std::string_view network, std::string_view address) -> Dialled {
         Dialled dialled = dialer.dial(context, network, address);
         if (!dialled) return fail("dial", address, std::errc::host_unreachable);
         return dialled;
       }},
      {"ends-agree", "a dialled end has another port", dial_broken(wrong_port)},
      {"dial-outlives-its-context", "a dialled end ends with its Context",
       dial_broken([](Conn& conn, const Context& context) -> ConnHooks {
         auto registration = context.on_cancel([&conn] { static_cast<void>(conn.reset()); });
         return {.owned = std::make_shared<leash::Registration>(std::move(registration))};
       })},
      {"dialled-by-the-contexts-clock", "a dialled end goes by the machine's clock",
       [](Dialer& dialer, const Context& context, std::string_view network, std::string_view address) {
         return dialer.dial(context.with_clock(leash::Clock::real()), network, address);
       }},
      {"cancel-ends-dial", "a dial does not hear of cancellation", dial_deaf},
      {"expiry-ends-dial", "a dial does not hear of expiry", dial_deaf},
      {"cancel-races-dial", "a dialled end is ended already",
       [](Dialer& dialer, const Context& context, std::string_view network, std::string_view address) {
         Dialled dialled = dialer.dial(context, network, address);
         if (dialled) static_cast<void>((*dialled)->reset());
         return dialled;
       }},
      {"many-dials-at-once", "a dialled end has another port", dial_broken(wrong_port)},

      {"port-zero", "the port that was chosen is not told", {}, bind_broken([]() -> ListenerHooks {
         return {.address = [](const Listener& listener) { return with_port(listener.address(), 0); }};
       })},
      {"address-in-use",
       "an address in use is replaced by another one",
       {},
       [](Binder& binder, const Context& context, std::string_view network, std::string_view address) {
         Bound bound = binder.bind(context, network, address);
         return bound ? std::move(bound) : binder.bind(context, network, "127.0.0.1:0");
       }},
      {"address-free-after-close", "a closed listener keeps its address", {}, bind_broken([]() -> ListenerHooks {
         return {.close = [](Listener&) -> Result<void> { return {}; }};
       })},
      {"empty-host",
       "an empty host is another one",
       {},
       [](Binder& binder, const Context& context, std::string_view network, std::string_view address) {
         return binder.bind(context, network, address == ":0" ? "127.0.0.2:0" : address);
       }},
      {"many-binds-at-once", "listeners tell the same port", {}, bind_broken([]() -> ListenerHooks {
         return {.address = [](const Listener& listener) { return with_port(listener.address(), 80); }};
       })},
      {"close-ends-accepts",
       "close does not end accepts",
       {},
       bind_broken([]() -> ListenerHooks {
         return {.close = [closes = std::make_shared<std::atomic<int>>(0)](Listener& listener) -> Result<void> {
           if ((*closes)++ == 0) return {};
           return listener.close();
         }};
       }),
       true},
      {"cancel-ends-accept", "an accept does not hear of cancellation", {}, bind_broken(accept_deaf)},
      {"expiry-ends-accept", "an accept does not hear of expiry", {}, bind_broken(accept_deaf)},
      {"accepted-by-the-contexts-clock",
       "an accepted end goes by the machine's clock",
       {},
       bind_broken([]() -> ListenerHooks {
         return {.accept = [](Listener& listener, const Context& context) {
           return listener.accept(context.with_clock(leash::Clock::real()));
         }};
       })},
      {"accepted-outlives-listener", "close ends what was accepted", {}, bind_broken([]() -> ListenerHooks {
         const auto accepted = std::make_shared<std::vector<std::shared_ptr<Conn>>>();
         return {.accept = [accepted](Listener& listener, const Context& context) -> Dialled {
                   Dialled conn = listener.accept(context);
                   if (!conn) return conn;
                   accepted->emplace_back(*std::move(conn));
                   return std::make_unique<BrokenConn>(accepted->back(), ConnHooks());
                 },
                 .close =
                     [accepted](Listener& listener) {
                       for (const auto& conn : *accepted) static_cast<void>(conn->reset());
                       return listener.close();
                     }};
       })},
      {"listener-use-after-close", "an accept after close has another error", {}, bind_broken([]() -> ListenerHooks {
         return {.accept = [](Listener& listener, const Context& context) -> Dialled {
           Dialled conn = listener.accept(context);
           if (!conn) return fail("accept", to_string(listener.address()), std::errc::invalid_argument);
           return conn;
         }};
       })},
      {"listener-double-close", "a double close of a listener succeeds", {}, bind_broken([]() -> ListenerHooks {
         return {.close = [](Listener& listener) -> Result<void> {
           static_cast<void>(listener.close());
           return {};
         }};
       })},
      {"listener-close-resets-backlog",
       "what was not accepted is closed, not reset",
       {},
       bind_broken([]() -> ListenerHooks {
         return {.close = [](Listener& listener) {
           const Dialled waiting = listener.accept(Context().with_timeout(5s));
           return listener.close();
         }};
       })},
      {"listener-destructor-closes",
       "the destructor of a listener leaves it open",
       {},
       bind_broken([]() -> ListenerHooks {
         return {.destroy = [](const std::shared_ptr<Listener>& listener) { left_open().push_back(listener); }};
       }),
       true},
      {"listener-methods-at-once",
       "an accept that races with close has another error",
       {},
       bind_broken([]() -> ListenerHooks {
         return {.accept = [](Listener& listener, const Context& context) -> Dialled {
           Dialled conn = listener.accept(context);
           if (!conn) return fail("accept", to_string(listener.address()), std::errc::connection_aborted);
           return conn;
         }};
       })},

      {"failed-dial-descriptors", "a dial that fails leaves a descriptor open",
       [](Dialer& dialer, const Context& context, std::string_view network, std::string_view address) {
         Dialled dialled = dialer.dial(context, network, address);
         if (!dialled) Forgotten::open_one();
         return dialled;
       }},
      {"failed-bind-descriptors",
       "a bind that fails leaves a descriptor open",
       {},
       [](Binder& binder, const Context& context, std::string_view network, std::string_view address) {
         Bound bound = binder.bind(context, network, address);
         if (!bound) Forgotten::open_one();
         return bound;
       }},
      {"failed-accept-descriptors",
       "an accept that fails leaves a descriptor open",
       {},
       bind_broken([]() -> ListenerHooks {
         return {.accept = [](Listener& listener, const Context& context) {
           Dialled accepted = listener.accept(context);
           if (!accepted) Forgotten::open_one();
           return accepted;
         }};
       })},
      {"close-descriptors", "close leaves a descriptor open", dial_broken([](Conn&, const Context&) -> ConnHooks {
         return {.close = [](Conn& conn) {
           Forgotten::open_one();
           return conn.close();
         }};
       })},
      {"reset-descriptors", "reset leaves a descriptor open", dial_broken([](Conn&, const Context&) -> ConnHooks {
         return {.reset = [](Conn& conn) {
           Forgotten::open_one();
           return conn.reset();
         }};
       })},
      {"destructor-descriptors", "the destructor leaves a descriptor open",
       dial_broken([](Conn&, const Context&) -> ConnHooks {
         return {.destroy = [](const std::shared_ptr<Conn>&) { Forgotten::open_one(); }};
       })},
  };
  return faults;
}

}  // namespace

TEST_CASE("Conformance: each check of dialling and listening can fail") {
  std::set<std::string_view> checked;
  for (const DialerFault& fault : dialer_faults()) {
    const Watchdog watchdog;
    CAPTURE(fault.check);
    CAPTURE(fault.what);
    leash::net::MemoryNetwork network(leash::net::MemoryNetwork::Options{.backlog = 1});
    const auto full = must(network.bind(Context(), "tcp", "full:80"));
    const auto waiting = must(network.dial(Context(), "tcp", "full:80"));
    broken::BrokenDialer dialer(network, fault.dial);
    broken::BrokenBinder binder(network, fault.bind);
    const leash::net::ConformanceOptions options{
        .only = {std::string(fault.check)}, .limit = fault.hangs ? 200ms : 20s, .unanswered = "full:80"};
    const auto failures = check_dialer(dialer, binder, options);
    CHECK(std::ranges::count(failures, fault.check, &ConformanceFailure::check) > 0);
    CHECK(std::ranges::any_of(failures, broken::hangs) == fault.hangs);
    left_open().clear();
    Forgotten::close_all();
    checked.insert(fault.check);
  }
  for (const std::string_view check : leash::net::dialer_checks()) {
    CAPTURE(check);
    CHECK(checked.contains(check));
  }
}
