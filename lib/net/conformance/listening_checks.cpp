#include <algorithm>
#include <iterator>
#include <leash/clock.hpp>
#include <leash/net/conformance/checks.hpp>
#include <leash/net/conformance/dialled.hpp>
#include <leash/net/conformance/task.hpp>
#include <leash/net/conformance/transfers.hpp>
#include <leash/net/conformance/works.hpp>
#include <leash/os/open_descriptors.hpp>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::net::conformance {
namespace {

using std::chrono::seconds;

void port_zero(Trial& t) {
  const Address first = listen(t).address();
  const Address second = listen(t).address();
  t.expect(first.port != 0 && second.port != 0, "a bind to port 0 to choose one", "the listener's port is 0");
  t.expect(first.port != second.port, "two binds to port 0 to choose different ones",
           "both chose " + std::to_string(first.port));
}

void address_in_use(Trial& t) {
  Listener& listener = listen(t);
  const std::string address = to_string(listener.address());
  const Error error = t.error_of(try_bind(t, address), std::errc::address_in_use, "a bind to an address in use");
  t.expect_names(error, "bind", address);
  expect_works(t, connect(t, listener), "after a bind that was refused");
}

void address_free_after_close(Trial& t) {
  Listener& listener = listen(t);
  const std::string address = to_string(listener.address());
  t.must(listener.close(), "close of the listener");
  Listener& next = t.keep(t.must(try_bind(t, address), "a bind to an address that is free again"));
  t.expect(to_string(next.address()) == address, "it to listen at " + address, "it is at " + to_string(next.address()));
}

void empty_host(Trial& t) {
  Listener& listener = t.keep(t.must(try_bind(t, ":0"), "a bind to an empty host"));
  const std::string port = ":" + std::to_string(listener.address().port);
  for (const std::string& address : {port, to_string(listener.address())}) {
    Conn& here = t.keep(t.must(try_dial(t, t.context(), address), "a dial to " + address));
    Conn& there = accept(t, listener, t.context());
    t.expect(here.local_address() == there.remote_address(), "a dial to " + address + " to reach the listener",
             "another one was accepted");
  }
}

void many_binds_at_once(Trial& t) {
  std::vector<Task<std::vector<int>>> threads;
  for (int i = 0; i < 4; ++i) {
    threads.push_back(t.start([&t] {
      std::vector<int> ports;
      for (int j = 0; j < 5; ++j) ports.push_back(listen(t).address().port);
      return ports;
    }));
  }
  std::set<int> ports;
  for (auto& thread : threads) {
    for (const int port : thread.get()) ports.insert(port);
  }
  t.expect(ports.size() == 20, "20 binds at once to choose 20 ports", "they chose " + std::to_string(ports.size()));
}

void close_ends_accepts(Trial& t) {
  Listener& listener = listen(t);
  std::vector<Task<Result<std::unique_ptr<Conn>>>> accepts;
  for (int i = 0; i < 3; ++i) {
    accepts.push_back(t.start([&t, &listener] { return listener.accept(t.context()); }));
  }
  for (const auto& accepting : accepts) accepting.must_wait("an accept that nobody dials");
  t.must(listener.close(), "close of the listener");
  for (auto& accepting : accepts) {
    t.must_fail(accepting.get(), closed, "each accept that waits when the listener is closed");
  }
}

void cancel_ends_accept(Trial& t) {
  Listener& listener = listen(t);
  auto [context, source] = t.context().with_cancel();
  auto accepting = t.start([&listener, &context] { return listener.accept(context); });
  accepting.must_wait("an accept that nobody dials");
  source.cancel(Error("stop", "the check", std::errc::interrupted));
  const Error error = t.error_of(accepting.get(), canceled, "an accept that waits when its Context is cancelled");
  t.expect_names(error, "accept", to_string(listener.address()));
  static_cast<void>(connect(t, listener));
}

void expiry_ends_accept(Trial& t) {
  Listener& listener = listen(t);
  const auto clock = std::make_shared<FakeClock>();
  const Context context = t.context().with_clock(clock).with_timeout(seconds(30));
  auto accepting = t.start([&] { return listener.accept(context); });
  clock->advance(seconds(29));
  accepting.must_wait("an accept, 1 s before the deadline of its Context,");
  clock->advance(seconds(1));
  t.must_fail(accepting.get(), timed_out, "an accept at the deadline of its Context");
  static_cast<void>(connect(t, listener));
}

void accepted_by_the_contexts_clock(Trial& t) {
  Listener& listener = listen(t);
  const auto clock = std::make_shared<FakeClock>();
  dial(t, listener, t.context());
  Conn& conn = accept(t, listener, t.context().with_clock(clock));
  t.must(conn.set_read_deadline(clock->now() + seconds(30)), "set_read_deadline");
  auto reader = t.start([&conn] { return read_some(conn); });
  clock->advance(seconds(29));
  reader.must_wait("a read, 1 s before its deadline by the Context's clock,");
  clock->advance(seconds(1));
  t.must_fail(reader.get(), timed_out, "a read at its deadline by the Context's clock");
}

void listener_use_after_close(Trial& t) {
  Listener& listener = listen(t);
  const Address address = listener.address();
  t.must(listener.close(), "close of the listener");
  const Error error = t.error_of(listener.accept(t.context()), closed, "an accept after close");
  t.expect_names(error, "accept", to_string(address));
  t.expect(listener.native_handle() == -1, "the listener's native_handle after close to be -1",
           "it is " + std::to_string(listener.native_handle()));
  t.expect(listener.address() == address, "the listener's address to stay " + to_string(address) + " after close",
           "it is " + to_string(listener.address()));
}

void listener_double_close(Trial& t) {
  Listener& listener = listen(t);
  t.must(listener.close(), "close of the listener");
  const Error error = t.error_of(listener.close(), closed, "a second close of the listener");
  t.expect_names(error, "close", to_string(listener.address()));
}

void listener_close_resets_backlog(Trial& t) {
  Listener& listener = listen(t);
  Conn& waiting = dial(t, listener, t.context());
  t.must(listener.close(), "close of the listener");
  t.must_fail(read_some(waiting), std::errc::connection_reset,
              "a read from a listener that was closed before it accepted");
}

void listener_destructor_closes(Trial& t) {
  Listener& listener = listen(t);
  const std::string address = to_string(listener.address());
  Conn& waiting = dial(t, listener, t.context());
  t.destroy(listener);
  t.must_fail(read_some(waiting), std::errc::connection_reset,
              "a read from a listener that was destroyed before it accepted");
  const auto dialled = try_dial(t, t.context(), address);
  t.must_fail(dialled, nobody_listens(t), "a dial to a listener that was destroyed");
}

void accepted_outlives_listener(Trial& t) {
  Listener& listener = listen(t);
  const Ends ends = connect(t, listener);
  t.must(listener.close(), "close of the listener");
  t.destroy(listener);
  expect_works(t, ends, "after the listener was closed");
}

/// Returns whether there may be more to accept.
bool accept_or_find_closed(Trial& t, Listener& listener) {
  auto accepted = listener.accept(t.context());
  if (accepted) {
    t.keep(*std::move(accepted));
    return true;
  }
  t.must_fail(accepted, closed, "an accept that races with close");
  return false;
}

void dial_or_find_closed(Trial& t, const std::string& address) {
  auto dialled = try_dial(t, t.context(), address);
  if (dialled) {
    t.keep(*std::move(dialled));
    return;
  }
  // TCP may have taken the connection before it learned that the listener was closed.
  const bool was_taken = dialled.error() == std::errc::connection_reset;
  if (!was_taken) t.must_fail(dialled, nobody_listens(t), "a dial that races with close");
}

void listener_methods_at_once(Trial& t) {
  for (int round = 0; round < 5; ++round) {
    Listener& listener = listen(t);
    const std::string address = to_string(listener.address());
    std::vector<Task<void>> threads;
    for (int i = 0; i < 6; ++i) {
      threads.push_back(t.start([&t, &listener, &address, i] {
        for (int j = 0; j < 10; ++j) {
          if (i % 2 == 0) {
            if (!accept_or_find_closed(t, listener)) return;
          } else {
            dial_or_find_closed(t, address);
            t.expect(to_string(listener.address()) == address, "the address to stay " + address, "it changed");
            static_cast<void>(listener.native_handle());
          }
          if (i == 1 && j == 8) t.must(listener.close(), "close of the listener");
        }
      }));
    }
    for (auto& thread : threads) thread.get();
  }
}

/// Does `action` again and again, and expects nothing to stay open of it.
template <class Action>
void expect_no_descriptors(Trial& t, std::string_view what, Action action) {
  constexpr std::size_t times = 8;
  // What is opened once and for all does not count.
  action();
  const os::DescriptorList before = os::open_descriptors();
  for (std::size_t i = 0; i < times; ++i) action();
  const os::DescriptorList after = os::open_descriptors();
  os::DescriptorList grown;
  std::ranges::set_difference(after, before, std::back_inserter(grown));
  t.expect(grown.size() < times, std::string(what) + " to leave no descriptor open",
           std::to_string(grown.size()) + " were open after " + std::to_string(times) + " times");
}

void failed_dial_descriptors(Trial& t) {
  Listener& listener = listen(t);
  const std::string address = to_string(listener.address());
  t.must(listener.close(), "close of the listener");
  expect_no_descriptors(t, "a dial that is refused", [&] {
    const auto dialled = try_dial(t, t.context(), address);
    t.must_fail(dialled, nobody_listens(t), "a dial to where no one listens");
  });
}

void failed_bind_descriptors(Trial& t) {
  const std::string address = to_string(listen(t).address());
  expect_no_descriptors(t, "a bind that is refused", [&] {
    t.must_fail(try_bind(t, address), std::errc::address_in_use, "a bind to an address in use");
  });
}

void failed_accept_descriptors(Trial& t) {
  Listener& listener = listen(t);
  expect_no_descriptors(t, "an accept that ends with its Context", [&] {
    auto [context, source] = t.context().with_cancel();
    auto accepting = t.start([&listener, &context] { return listener.accept(context); });
    accepting.must_wait("an accept that nobody dials");
    source.cancel();
    t.must_fail(accepting.get(), canceled, "an accept whose Context is cancelled");
  });
}

void close_descriptors(Trial& t) {
  expect_no_descriptors(t, "what was closed", [&] {
    Listener& listener = listen(t);
    const auto [here, there] = connect(t, listener);
    t.must(here.close(), "close");
    t.must(there.close(), "close of the accepted end");
    t.must(listener.close(), "close of the listener");
  });
}

void reset_descriptors(Trial& t) {
  Listener& listener = listen(t);
  expect_no_descriptors(t, "what was reset", [&] {
    const auto [here, there] = connect(t, listener);
    t.must(here.reset(), "reset");
    t.must(there.reset(), "reset of the accepted end");
  });
}

void destructor_descriptors(Trial& t) {
  expect_no_descriptors(t, "what was destroyed", [&] {
    Listener& listener = listen(t);
    const auto [here, there] = connect(t, listener);
    t.destroy(here);
    t.destroy(there);
    t.destroy(listener);
  });
}

}  // namespace

std::vector<Check> listening_checks() {
  return {
      {"port-zero", port_zero},
      {"address-in-use", address_in_use},
      {"address-free-after-close", address_free_after_close},
      {"empty-host", empty_host},
      {"many-binds-at-once", many_binds_at_once},
      {"close-ends-accepts", close_ends_accepts},
      {"cancel-ends-accept", cancel_ends_accept},
      {"expiry-ends-accept", expiry_ends_accept},
      {"accepted-by-the-contexts-clock", accepted_by_the_contexts_clock},
      {"accepted-outlives-listener", accepted_outlives_listener},
      {"listener-use-after-close", listener_use_after_close},
      {"listener-double-close", listener_double_close},
      {"listener-close-resets-backlog", listener_close_resets_backlog},
      {"listener-destructor-closes", listener_destructor_closes},
      {"listener-methods-at-once", listener_methods_at_once},
      {"failed-dial-descriptors", failed_dial_descriptors},
      {"failed-bind-descriptors", failed_bind_descriptors},
      {"failed-accept-descriptors", failed_accept_descriptors},
      {"close-descriptors", close_descriptors},
      {"reset-descriptors", reset_descriptors},
      {"destructor-descriptors", destructor_descriptors},
  };
}

}  // namespace LEASH_NAMESPACE::net::conformance
