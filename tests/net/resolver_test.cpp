#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <latch>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/errc.hpp>
#include <leash/net/scripted_resolver.hpp>
#include <leash/net/static_resolver.hpp>
#include <new>
#include <stdexcept>
#include <thread>
#include <utility>

#include "no_threads.hpp"
#include "support.hpp"

using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::net::IpAddress;
using leash::net::Resolver;
using leash::net::detail::SystemResolver;

namespace {

SystemResolver::Lookup failing_with(int status) {
  return [status](const char*, const char*, const addrinfo*, addrinfo**) {
    errno = ENOMEM;
    return status;
  };
}

}  // namespace

TEST_CASE("Resolver: a numeric address is its own answer") {
  const auto& resolver = Resolver::system();
  CHECK(must(resolver->resolve(Context(), "tcp", "127.0.0.1")) ==
        std::vector{leash::net::IpAddress::parse("127.0.0.1").value()});
  CHECK(must(resolver->resolve(Context(), "tcp", "::1")) == std::vector{leash::net::IpAddress::parse("::1").value()});
  CHECK(must(resolver->resolve(Context(), "tcp", "fe80::1%lo")) ==
        std::vector{leash::net::IpAddress::parse("fe80::1%lo").value()});
}

TEST_CASE("Resolver: a mapped IPv4 address is one of IPv4") {
  const IpAddress address = must(IpAddress::parse("10.0.0.1"));
  leash::net::StaticResolver resolver({{"mapped.test", {"::ffff:10.0.0.1", "::2"}}});
  for (const char* const host : {"::ffff:10.0.0.1", "mapped.test"}) {
    CAPTURE(host);
    CHECK(must(resolver.resolve(Context(), "tcp", host)).front() == address);
    CHECK(must(resolver.resolve(Context(), "tcp4", host)) == std::vector{address});
  }
  CHECK(must(resolver.resolve(Context(), "tcp6", "mapped.test")) == std::vector{must(IpAddress::parse("::2"))});
}

TEST_CASE("Resolver: a host without an address of the network's family") {
  const Watchdog watchdog;
  leash::net::StaticResolver resolver({{"four.test", {"10.0.0.1", "::ffff:10.0.0.2"}}, {"six.test", {"::2"}}});
  const auto refusal = [&](std::string_view network, std::string_view host) {
    const Error error = error_of(resolver.resolve(Context(), network, host));
    CHECK(error == std::errc::address_family_not_supported);
    CHECK(error.operation() == "resolve");
    CHECK(error.subject() == host);
    return std::string(error.detail());
  };
  CHECK(refusal("tcp6", "four.test") == "the host has no address for tcp6");
  CHECK(refusal("tcp4", "six.test") == "the host has no address for tcp4");
  CHECK(refusal("tcp6", "10.0.0.1") == "tcp6 cannot reach an IPv4 address");
  CHECK(refusal("tcp6", "::ffff:10.0.0.1") == "tcp6 cannot reach an IPv4 address");
  CHECK(refusal("tcp4", "::1") == "tcp4 cannot reach an IPv6 address");
}

TEST_CASE("Resolver: refuses networks that it does not know, and what is no host, before it asks") {
  const Watchdog watchdog;
  std::vector<std::string> asked;
  SystemResolver resolver([&](const char* host, const char*, const addrinfo*, addrinfo**) {
    asked.emplace_back(host);
    return EAI_NONAME;
  });
  const auto refusal = [&](std::string_view network, std::string_view host) {
    const Error error = error_of(resolver.resolve(Context(), network, host));
    CHECK(error == std::errc::invalid_argument);
    CHECK(error.operation() == "resolve");
    CHECK(error.subject() == host);
    return std::string(error.detail());
  };
  for (const std::string network : {"udp", "unix", "TCP", ""}) {
    const std::string detail = "unknown network \"" + network + "\"; known are tcp, tcp4, tcp6";
    CHECK(refusal(network, "name.test") == detail);
    CHECK(refusal(network, "127.0.0.1") == detail);
  }
  CHECK(refusal("tcp", std::string_view("localhost\0.evil.example", 23)) == "NUL in host");
  CHECK(refusal("tcp", std::string_view("127.0.0.1\0", 10)) == "NUL in host");
  for (const char* const host : {"0x7f.1", "2130706433", "127.1", "0177.0.0.1", "127.0.0.01", "256.0.0.1", "1.2.3.4.5",
                                 "0X7F000001", "0x", "1.", "127.0.0.1.", "127.0.0.0x1"}) {
    CAPTURE(host);
    CHECK(refusal("tcp", host) == "the host is made of numbers, but is no IPv4 address");
  }
  CHECK(asked.empty());
  // These are not made of numbers alone.
  for (const char* const host :
       {"1.test", "0x7f.test", "name.1", "name.0x7f", "name1", "1a", "0xg", "name.0x1g", "x0x1", ".", "1..", "-1"}) {
    CHECK(error_of(resolver.resolve(Context(), "tcp", host)) == leash::net::errc::host_not_found);
    REQUIRE_FALSE(asked.empty());
    CHECK(asked.back() == host);
  }
}

TEST_CASE("Resolver: the system's knows localhost") {
  const Watchdog watchdog;
  const auto& resolver = Resolver::system();
  CHECK(must(resolver->resolve(Context(), "tcp4", "localhost")) == std::vector{IpAddress::loopback_v4()});
  // Not every machine says that it is ::1, too.
  const auto v6 = resolver->resolve(Context(), "tcp6", "localhost");
  if (std::ranges::any_of(must(resolver->resolve(Context(), "tcp", "localhost")), &IpAddress::is_v6)) {
    CHECK(must(v6).front().is_v6());
  } else {
    CHECK(error_of(v6) == std::errc::address_family_not_supported);
  }
}

TEST_CASE("Resolver: what the system's failures become") {
  const auto check = [](int status, std::error_code code) {
    CAPTURE(status);
    SystemResolver resolver(failing_with(status));
    const Error error = error_of(resolver.resolve(Context(), "tcp", "name.test"));
    CHECK(error == code);
    CHECK(error.operation() == "resolve");
    CHECK(error.subject() == "name.test");
    CHECK(error.detail() == ::gai_strerror(status));
  };
  const Watchdog watchdog;
  check(EAI_NONAME, leash::net::errc::host_not_found);
  check(EAI_AGAIN, leash::net::errc::host_not_found_try_again);
  check(EAI_FAIL, leash::net::errc::resolver_failed);
  check(EAI_MEMORY, std::make_error_code(std::errc::not_enough_memory));
  check(EAI_SYSTEM, std::make_error_code(std::errc::not_enough_memory));
}

TEST_CASE("Resolver: prints its errors") {
  const Watchdog watchdog;
  SystemResolver resolver(failing_with(EAI_NONAME));
  CHECK(to_string(error_of(resolver.resolve(Context(), "tcp", "name.test"))) ==
        "resolve name.test: Host not found (Name or service not known)");
}

TEST_CASE("Resolver: asks for the family of the network") {
  const Watchdog watchdog;
  std::atomic<int> family = -1;
  SystemResolver resolver([&](const char*, const char*, const addrinfo* hints, addrinfo**) {
    family = hints->ai_family;
    return EAI_AGAIN;
  });
  must_fail(resolver.resolve(Context(), "tcp", "name.test"));
  CHECK(family == AF_UNSPEC);
  must_fail(resolver.resolve(Context(), "tcp4", "name.test"));
  CHECK(family == AF_INET);
  must_fail(resolver.resolve(Context(), "tcp6", "name.test"));
  CHECK(family == AF_INET6);
}

TEST_CASE("Resolver: a host of the other family alone is told from one that does not exist") {
  const Watchdog watchdog;
  for (const int status : {EAI_NONAME, EAI_NODATA, EAI_ADDRFAMILY}) {
    CAPTURE(status);
    std::vector<int> families;
    const auto resolver =
        std::make_shared<SystemResolver>([&](const char* host, const char*, const addrinfo* hints, addrinfo** found) {
          families.push_back(hints->ai_family);
          const bool exists = host == std::string_view("four.test");
          return exists && hints->ai_family != AF_INET6 ? ::getaddrinfo("127.0.0.1", nullptr, hints, found) : status;
        });
    leash::net::TcpDialer dialer({.resolver = resolver});
    CHECK(to_string(error_of(dialer.dial(Context(), "tcp6", "four.test:80"))) ==
          "dial four.test:80: Address family not supported by protocol (the host has no address for tcp6)");
    CHECK(families == std::vector{AF_INET6, AF_UNSPEC});
    families.clear();
    const Error error = error_of(dialer.dial(Context(), "tcp6", "none.test:80"));
    CHECK(error == leash::net::errc::host_not_found);
    CHECK(error.detail() == ::gai_strerror(status));
    CHECK(families == std::vector{AF_INET6, AF_UNSPEC});
    families.clear();
    CHECK(error_of(dialer.dial(Context(), "tcp", "none.test:80")) == leash::net::errc::host_not_found);
    CHECK(families == std::vector{AF_UNSPEC});
  }
}

TEST_CASE("Resolver: while the name service hangs, cancellation and deadline end the call at once") {
  const Watchdog watchdog;
  std::latch released(1);
  std::latch ended(2);
  std::atomic<int> begun = 0;
  SystemResolver resolver([&](const char*, const char*, const addrinfo*, addrinfo**) {
    ++begun;
    released.wait();
    ended.count_down();
    return EAI_AGAIN;
  });

  auto [context, source] = Context::background().with_cancel();
  auto resolve = in_thread([&] { return resolver.resolve(context, "tcp", "hangs.test"); });
  CHECK(resolve.is_blocked());
  while (begun < 1) std::this_thread::yield();
  source.cancel();
  const Error error = error_of(resolve.get());
  CHECK(error == std::errc::operation_canceled);
  CHECK(error.operation() == "resolve");
  CHECK(error.subject() == "hangs.test");

  const auto clock = std::make_shared<FakeClock>();
  const Context limited = Context::background().with_clock(clock).with_timeout(30s);
  resolve = in_thread([&] { return resolver.resolve(limited, "tcp", "hangs.test"); });
  CHECK(resolve.is_blocked());
  while (begun < 2) std::this_thread::yield();
  clock->advance(30s);
  CHECK(error_of(resolve.get()).timeout());
  released.count_down();
  ended.wait();
}

TEST_CASE(
    "Resolver: so many look-ups hang and no more; the next one waits as long as its Context allows, and says so") {
  const Watchdog watchdog;
  std::latch all_hang(SystemResolver::max_threads);
  std::latch released(1);
  std::latch ended(SystemResolver::max_threads);
  std::atomic<std::size_t> begun = 0;
  SystemResolver resolver([&](const char*, const char*, const addrinfo*, addrinfo**) {
    if (++begun <= SystemResolver::max_threads) {
      all_hang.count_down();
      released.wait();
      ended.count_down();
    }
    return EAI_NONAME;
  });
  auto [context, source] = Context::background().with_cancel();
  std::vector<decltype(in_thread([&] { return resolver.resolve(Context(), "tcp", ""); }))> hanging;
  for (std::size_t count = 0; count < SystemResolver::max_threads; ++count) {
    hanging.push_back(in_thread([&] { return resolver.resolve(context, "tcp", "hangs.test"); }));
  }
  all_hang.wait();
  // They are left behind, and still count.
  source.cancel();
  for (auto& each : hanging) CHECK(error_of(each.get()) == std::errc::operation_canceled);

  const auto clock = std::make_shared<FakeClock>();
  const Context limited = Context::background().with_clock(clock).with_timeout(30s);
  auto next = in_thread([&] { return resolver.resolve(limited, "tcp", "next.test"); });
  CHECK(next.is_blocked());
  clock->advance(30s);
  const Error error = error_of(next.get());
  CHECK(error.timeout());
  CHECK(error.subject() == "next.test");
  CHECK(error.detail() == "not begun: all 32 threads are waiting for the name service");

  auto patient = in_thread([&] { return resolver.resolve(Context(), "tcp", "patient.test"); });
  CHECK(patient.is_blocked());
  CHECK(begun == SystemResolver::max_threads);
  released.count_down();
  CHECK(error_of(patient.get()) == leash::net::errc::host_not_found);
  CHECK(begun == SystemResolver::max_threads + 1);
  ended.wait();
}

TEST_CASE("Resolver: what nobody waits for any more is not asked again for any family") {
  const Watchdog watchdog;
  std::latch all_hang(SystemResolver::max_threads);
  std::latch released(1);
  std::latch all_go_on(SystemResolver::max_threads);
  std::atomic<int> abandoned = 0;
  SystemResolver resolver([&](const char* host, const char*, const addrinfo* hints, addrinfo**) {
    if (host == std::string_view("next.test")) {
      // Each thread has come here, and so has ended what it did before.
      all_go_on.arrive_and_wait();
    } else if (hints->ai_family == AF_UNSPEC) {
      ++abandoned;
    } else {
      all_hang.count_down();
      released.wait();
    }
    return EAI_NONAME;
  });
  auto [context, source] = Context::background().with_cancel();
  using Resolving = decltype(in_thread([&] { return resolver.resolve(Context(), "tcp", ""); }));
  const auto ask = [&](const Context& ctx, const char* network, const char* host) {
    std::vector<Resolving> asked;
    for (std::size_t count = 0; count < SystemResolver::max_threads; ++count) {
      asked.push_back(in_thread([&resolver, ctx, network, host] { return resolver.resolve(ctx, network, host); }));
    }
    return asked;
  };
  std::vector<Resolving> hanging = ask(context, "tcp4", "hangs.test");
  all_hang.wait();
  source.cancel();
  for (auto& each : hanging) CHECK(error_of(each.get()) == std::errc::operation_canceled);
  std::vector<Resolving> next = ask(Context(), "tcp", "next.test");
  released.count_down();
  for (auto& each : next) CHECK(error_of(each.get()) == leash::net::errc::host_not_found);
  CHECK(abandoned == 0);
}

TEST_CASE("Resolver: a look-up that gets no memory fails alone") {
  const Watchdog watchdog;
  bool fails = true;
  SystemResolver resolver([&](const char*, const char*, const addrinfo*, addrinfo**) {
    if (std::exchange(fails, false)) throw std::bad_alloc();
    return EAI_NONAME;
  });
  CHECK(error_of(resolver.resolve(Context(), "tcp", "name.test")) == std::errc::not_enough_memory);
  CHECK(error_of(resolver.resolve(Context(), "tcp", "name.test")) == leash::net::errc::host_not_found);
}

TEST_CASE("Resolver: where no thread can be had it says so, and tries again the next time") {
  const Watchdog watchdog;
  SystemResolver resolver([](const char*, const char*, const addrinfo*, addrinfo**) { return EAI_NONAME; });
  {
    const NoThreads none;
    const Error error = error_of(resolver.resolve(Context(), "tcp", "name.test"));
    CHECK(error == std::errc::resource_unavailable_try_again);
    CHECK(error.subject() == "name.test");
    CHECK(error.detail() == "no thread to resolve it in");
  }
  CHECK(error_of(resolver.resolve(Context(), "tcp", "name.test")) == leash::net::errc::host_not_found);
}

TEST_CASE("Resolver: where a thread asks while another cannot be had, the one there is comes to both questions") {
  const Watchdog watchdog;
  std::latch begun(1);
  std::latch released(1);
  std::atomic<int> calls = 0;
  SystemResolver resolver([&](const char*, const char*, const addrinfo*, addrinfo**) {
    if (++calls == 1) {
      begun.count_down();
      released.wait();
    }
    return EAI_NONAME;
  });
  auto first = in_thread([&] { return resolver.resolve(Context(), "tcp", "first.test"); });
  begun.wait();
  std::latch limited(1);
  auto second = in_thread([&] {
    limited.wait();
    return resolver.resolve(Context(), "tcp", "second.test");
  });
  const NoThreads none;
  limited.count_down();
  CHECK(second.is_blocked());
  released.count_down();
  CHECK(error_of(first.get()) == leash::net::errc::host_not_found);
  CHECK(error_of(second.get()) == leash::net::errc::host_not_found);
}

TEST_CASE("StaticResolver: answers by its table, and refuses a table that makes no sense") {
  using leash::net::StaticResolver;
  StaticResolver resolver({{"db.internal", {"10.0.0.1", "::1"}}, {"Web", {"10.0.0.2"}}});
  CHECK(must(resolver.resolve(Context(), "tcp", "DB.Internal")) ==
        std::vector{must(IpAddress::parse("10.0.0.1")), must(IpAddress::parse("::1"))});
  CHECK(must(resolver.resolve(Context(), "tcp", "web")).size() == 1);
  CHECK(to_string(error_of(resolver.resolve(Context(), "tcp", "other"))) ==
        "resolve other: Host not found (not in the table)");
  CHECK_THROWS_AS(StaticResolver({{"db", {"nonsense"}}}), std::logic_error);
  CHECK_THROWS_AS(StaticResolver({{"db", {}}}), std::logic_error);
  for (const std::string_view host :
       {std::string_view("127.0.0.1"), std::string_view("0x7f.1"), std::string_view("a\0b", 3)}) {
    CHECK_THROWS_AS(StaticResolver({{host, {"10.0.0.1"}}}), std::logic_error);
  }
  CHECK_THROWS_AS(StaticResolver({{"db", {"10.0.0.1"}}, {"DB", {"10.0.0.1"}}}), std::logic_error);
}

TEST_CASE("ScriptedResolver: answers in order, after its delays, and then no more") {
  using leash::net::ScriptedResolver;
  const Watchdog watchdog;
  const auto clock = std::make_shared<FakeClock>();
  const Context context = Context::background().with_clock(clock);
  ScriptedResolver resolver;
  resolver.add({.error = leash::net::errc::host_not_found_try_again});
  resolver.add({.delay = 2s, .addresses = {"10.0.0.1"}});
  CHECK(error_of(resolver.resolve(context, "tcp", "a.test")) == leash::net::errc::host_not_found_try_again);
  auto slow = in_thread([&] { return resolver.resolve(context, "tcp", "b.test"); });
  CHECK(slow.is_blocked());
  clock->advance(1999ms);
  CHECK(slow.is_blocked());
  clock->advance(1ms);
  CHECK(to_string(must(slow.get()).front()) == "10.0.0.1");
  auto [limited, source] = context.with_cancel();
  auto never = in_thread([&] { return resolver.resolve(limited, "tcp", "c.test"); });
  CHECK(never.is_blocked());
  source.cancel();
  CHECK(error_of(never.get()) == std::errc::operation_canceled);
  CHECK(resolver.questions() == std::vector<std::string>{"a.test", "b.test", "c.test"});
}
