#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <leash/os/open_descriptors.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/tracker.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sanitizers.hpp"
#include "temp_dir.hpp"
#include "track/kinds.hpp"
#include "without_columns.hpp"

#if LEASH_TRACKING

using leash::Context;
using leash::os::close_own;
using leash::os::open_own;
using leash::os::Opening;
using leash::os::socket_ends;
using leash::track::acquire;
using leash::track::Group;
using leash::track::OnDrop;
using leash::track::Origin;
using leash::track::Report;
using leash::track::Rule;
using leash::track::Severity;
using leash::track::Tag;
using leash::track::TrackedContext;
using leash::track::with_tracker;

namespace {

TrackedContext judging() {
  return with_tracker(Context::background(), {.rules = {.leaked = Severity::off, .untracked = Severity::failure}});
}

/// A descriptor that is closed at the end, past leash.
class Foreign {
 public:
  explicit Foreign(int number) : number_(number) { REQUIRE(number >= 0); }
  Foreign(Foreign&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  ~Foreign() { close(); }
  int number() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

Foreign open_past(const std::string& path, int flags = O_RDONLY) {
  return Foreign(::open(path.c_str(), flags | O_CLOEXEC));
}

/// A listening TCP socket on the loopback, and connections to it, all past leash.
class Server {
 public:
  Server() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_.number(), as_address(), sizeof address_) == 0);
    REQUIRE(::listen(listener_.number(), 64) == 0);
    socklen_t size = sizeof address_;
    REQUIRE(::getsockname(listener_.number(), as_address(), &size) == 0);
  }
  Foreign connect() {
    Foreign client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(client.number(), as_address(), sizeof address_) == 0);
    return client;
  }
  Foreign accept() { return Foreign(::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC)); }
  std::string address() const { return "127.0.0.1:" + std::to_string(ntohs(address_.sin_port)); }

 private:
  sockaddr* as_address() { return reinterpret_cast<sockaddr*>(&address_); }

  Foreign listener_;
  sockaddr_in address_{};
};

std::vector<std::size_t> counts(const Report& report) {
  std::vector<std::size_t> all;
  for (const Group& group : report.groups) all.push_back(group.count);
  return all;
}

}  // namespace

TEST_CASE("descriptors past leash are grouped by what they are open on, the largest group first") {
  auto [tracker, context] = judging();
  const Foreign zero = open_past("/dev/zero");
  std::vector<Foreign> nulls;
  for (int index = 0; index < 5; ++index) nulls.push_back(open_past("/dev/null"));
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const Foreign read_end(ends[0]);
  const Foreign write_end(ends[1]);
  const Report report = tracker.close();
  REQUIRE(counts(report) == std::vector<std::size_t>{5, 2, 1});
  CHECK(report.groups[0].instances.size() == Group::max_instances);
  CHECK(report.groups[0].instances[0].descriptor == nulls[0].number());
  CHECK(report.groups[0].origin == Origin::past_leash);
  const std::string text = to_string(report);
  CHECK(text.contains(
      "error: 5 descriptors opened past leash [untracked]\n  /dev/null; flags 02100000; position 0, and 4 "
      "more; descriptors "));
  CHECK(text.contains("  suppress: untracked descriptor pipe:*\n"));
}

TEST_CASE("sockets past leash are shown with both addresses, and grouped by the end that they share") {
  Server server;
  auto [tracker, context] = judging();
  std::vector<Foreign> clients;
  std::vector<Foreign> accepted;
  for (int index = 0; index < 4; ++index) {
    clients.push_back(server.connect());
    if (index < 3) accepted.push_back(server.accept());
  }
  const Report report = tracker.close();
  REQUIRE(counts(report) == std::vector<std::size_t>{4, 3});
  const std::string local = socket_ends(clients[0].number()).local;
  CHECK(report.groups[0].instances[0].name.contains("; tcp " + local + " -> " + server.address() + "; flags "));
  CHECK(report.groups[1].instances[0].name.contains("; tcp " + server.address() + " -> " + local + "; flags "));
  CHECK(to_string(report).contains("  suppress: untracked descriptor socket:*\n"));
}

TEST_CASE("a suppression for sockets may name an address") {
  Server server;
  const auto known = leash::track::Suppressions::parse("untracked descriptor socket:* -> " + server.address()).value();
  auto [tracker, context] =
      with_tracker(Context::background(), {.rules = {.untracked = Severity::failure}, .suppressions = known});
  const Foreign client = server.connect();
  CHECK(tracker.close().ok());
}

TEST_CASE("the addresses of sockets of all sorts") {
  CHECK(to_string(socket_ends(open_past("/dev/null").number())).empty());
  Server server;
  const Foreign client = server.connect();
  CHECK(socket_ends(client.number()).peer == server.address());

  const Foreign listening(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::listen(listening.number(), 1) == 0);
  CHECK(to_string(socket_ends(listening.number())).starts_with("tcp listening at [::]:"));
  const Foreign udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  CHECK(to_string(socket_ends(udp.number())) == "udp 0.0.0.0:0");

  const TempDir folder;
  const std::string path = folder.path() + "/s";
  const auto address_of = [](const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    return std::pair(address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size()));
  };
  const Foreign bound(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto [address, size] = address_of(path);
  REQUIRE(::bind(bound.number(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(bound.number(), 1) == 0);
  CHECK(to_string(socket_ends(bound.number())) == "unix listening at " + path);
  const Foreign connected(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(connected.number(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(to_string(socket_ends(connected.number())) == "unix -> " + path);
  const Foreign abstract(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const std::string name = "leash-" + std::to_string(::getpid());
  auto [hidden, hidden_size] = address_of(std::string(1, '\0') + name);
  REQUIRE(::bind(abstract.number(), reinterpret_cast<sockaddr*>(&hidden), hidden_size) == 0);
  CHECK(to_string(socket_ends(abstract.number())) == "unix @" + name);
}

TEST_CASE("what leash has for itself is not accused, and what takes its number is") {
  auto [tracker, context] = judging();
  const int own = open_own([] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); });
  const int closed = open_own([] { return ::open("/dev/zero", O_RDONLY | O_CLOEXEC); });
  close_own(closed);
  const Foreign reused = open_past("/dev/zero");
  REQUIRE(reused.number() == closed);
  const Report report = tracker.close();
  close_own(own);
  REQUIRE(report.groups.size() == 1);
  CHECK(report.groups[0].instances[0].descriptor == closed);
}

TEST_CASE("a call of leash's that hangs in the kernel does not make a verdict hang") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  auto [tracker, context] = judging();
  const Foreign past = open_past("/dev/null");
  std::atomic<bool> under_way = false;
  std::thread hanging([&] {
    const Opening opening;
    under_way = true;
    char byte = 0;
    static_cast<void>(::read(ends[0], &byte, 1));
  });
  while (!under_way) std::this_thread::yield();
  CHECK(counts(tracker.close()) == std::vector<std::size_t>{1});
  REQUIRE(::write(ends[1], "x", 1) == 1);
  hanging.join();
  for (const int end : ends) ::close(end);
}

TEST_CASE("a released descriptor is told with where it was opened and released") {
  auto [tracker, context] = judging();
  const Foreign given = open_past("/dev/null");
  const unsigned opened = __LINE__ + 1;
  Tag tag = acquire(context, {slot, "given", given.number()});
  const unsigned released = __LINE__ + 1;
  tag.release();
  CHECK(tracker.open_count() == 0);
  const Report report = tracker.close();
  REQUIRE(report.groups.size() == 1);
  const Group& group = report.groups[0];
  CHECK(group.origin == Origin::released);
  CHECK(group.opened.site.line() == opened);
  CHECK(group.closed.site.line() == released);
  const std::string text = leash_test::without_columns(to_string(report));
  CHECK(text.contains("untracked_test.cpp:" + std::to_string(released) +
                      ": error: 1 descriptor released and not closed [untracked]\n  /dev/null;"));
  CHECK(text.contains("released at"));
  CHECK(text.contains("opened at"));
  CHECK_FALSE(text.contains("past leash"));
}

TEST_CASE("what reuses the number of a released descriptor is judged for itself") {
  const TempDir folder;
  const std::string path = folder.path() + "/file";
  static_cast<void>(open_past(path, O_RDWR | O_CREAT));
  auto [tracker, context] = judging();
  Foreign given = open_past(path, O_RDONLY | O_NONBLOCK);
  const int number = given.number();
  Tag tag = acquire(context, {slot, "given", number});
  tag.release();
  given.close();
  SUBCASE("another file") {
    const Foreign other = open_past("/dev/zero");
    REQUIRE(other.number() == number);
    CHECK(tracker.close().groups.at(0).origin == Origin::past_leash);
  }
  SUBCASE("the same file, opened otherwise") {
    const Foreign other = open_past(path, O_RDONLY);
    REQUIRE(other.number() == number);
    CHECK(tracker.close().groups.at(0).origin == Origin::past_leash);
  }
  SUBCASE("the same file, after leash had the number in between") {
    close_own(open_own([&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC); }));
    const Foreign other = open_past(path, O_RDONLY | O_NONBLOCK);
    REQUIRE(other.number() == number);
    CHECK(tracker.close().groups.at(0).origin == Origin::past_leash);
  }
}

TEST_CASE("a second release is a second close, and a release of what was closed gives nothing away") {
  auto [tracker, context] = with_tracker(Context::background(), {.rules = {.untracked = Severity::failure}});
  const Foreign past = open_past("/dev/null");
  Tag tag = acquire(context, {slot, "closed", past.number()});
  tag.close();
  tag.release();
  Tag().release();
  const Report report = tracker.close();
  REQUIRE(report.groups.size() == 2);
  CHECK(report.groups[0].rule == Rule::double_close);
  CHECK(report.groups[1].origin == Origin::past_leash);
}

TEST_CASE("a verdict at the limit of descriptors tells what is past leash too") {
  // UBSan needs descriptors of its own to look at an object.
  if (leash_test::with_asan) return;
  auto [tracker, context] = judging();
  std::vector<Foreign> all;
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit before = limit;
  const int next = ::dup(0);
  ::close(next);
  limit.rlim_cur = static_cast<rlim_t>(next) + 4;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  for (int number = ::open("/dev/null", O_RDONLY | O_CLOEXEC); number >= 0;
       number = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
    all.emplace_back(number);
  }
  const Report report = tracker.close();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(counts(report) == std::vector<std::size_t>{all.size()});
}

#endif
