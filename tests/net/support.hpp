#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <future>
#include <leash/call.hpp>
#include <leash/fmt.hpp>
#include <leash/net/binder.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/dialer.hpp>
#include <leash/net/listener.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/result.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "in_thread.hpp"

using namespace std::chrono_literals;

/// Ends the program when a check takes longer than any machine needs: nothing can hang for ever.
class Watchdog {
 public:
  explicit Watchdog(std::source_location site = std::source_location::current());
  ~Watchdog();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::jthread thread_;
};

/// The value of a Result that a test cannot go on without.
template <class T>
T must(leash::Result<T> result, std::source_location site = std::source_location::current()) {
  if (!result) FAIL(std::string(site.file_name()), ":", site.line(), ": ", to_string(result.error()));
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// The Error of a Result that must have failed.
template <class T>
leash::Error error_of(leash::Result<T> result, std::source_location site = std::source_location::current()) {
  if (result) FAIL(std::string(site.file_name()), ":", site.line(), ": it succeeded");
  return std::move(result).error();
}

/// For a failure whose Error is of no interest.
template <class T>
void must_fail(leash::Result<T> result, std::source_location site = std::source_location::current()) {
  static_cast<void>(error_of(std::move(result), site));
}

using leash_test::in_thread;
using leash_test::InThread;

/// The open descriptors of this process and what they are, but for pipes.
std::map<int, std::string> open_descriptors();

/// The networks that the suite runs over.
enum class Over : unsigned char { tcp, memory };

struct Network {
  explicit Network(Over over)
      : in_memory(over == Over::memory),
        dialer(in_memory ? static_cast<leash::net::Dialer&>(memory) : tcp_dialer),
        binder(in_memory ? static_cast<leash::net::Binder&>(memory) : tcp_binder) {}

  leash::net::TcpDialer tcp_dialer;
  leash::net::TcpBinder tcp_binder;
  leash::net::MemoryNetwork memory;

  const bool in_memory;
  leash::net::Dialer& dialer;
  leash::net::Binder& binder;
};

/// A test that runs over each of them: `over` is which. Not a template, since it would be compiled twice.
#define NETWORK_TEST(name) NETWORK_TEST_NAMED(name, DOCTEST_ANONYMOUS(network_test_))
#define NETWORK_TEST_NAMED(name, body)                   \
  static void body(Over over);                           \
  TEST_CASE(name " <over TCP>") { body(Over::tcp); }     \
  TEST_CASE(name " <in memory>") { body(Over::memory); } \
  static void body([[maybe_unused]] Over over)

/// The two ends of a connection, and where it was made.
struct Pair {
  std::unique_ptr<leash::net::Listener> listener;
  std::unique_ptr<leash::net::Conn> near;  ///< Dialled.
  std::unique_ptr<leash::net::Conn> far;   ///< Accepted.
};

Pair make_pair(leash::net::Dialer& dialer, leash::net::Binder& binder,
               const leash::Context& context = leash::Context::background());

template <class Network>
Pair make_pair(Network& network, const leash::Context& context = leash::Context::background()) {
  return make_pair(network.dialer, network.binder, context);
}

/// Reads until `size` bytes, the end or an error.
leash::Result<std::string> read_up_to(leash::net::Conn& conn, std::size_t size);

/// Reads to the end.
leash::Result<std::string> read_all(leash::net::Conn& conn);

/// One read of at most 1 KiB.
leash::Result<std::string> read_some(leash::net::Conn& conn,
                                     std::source_location site = std::source_location::current());

/// `local -> remote`, as errors and tags have it.
std::string name_of(const leash::net::Conn& conn);

/// More than any system keeps in the buffers of a connection.
inline constexpr std::size_t too_much = std::size_t{24} << 20U;
