#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support.hpp"
#include "temp_dir.hpp"

// The network "unix".

using leash::Context;
using leash::net::Address;
using leash::net::TcpBinder;
using leash::net::TcpDialer;

TEST_CASE("Unix: a connection to a path carries bytes both ways, and has its addresses") {
  const Watchdog watchdog;
  const TempDir directory;
  const std::string path = directory / "socket";
  TcpBinder binder;
  TcpDialer dialer;
  const auto before = open_descriptors();
  {
    const auto listener = must(binder.bind(Context(), "unix", path));
    CHECK(listener->address() == Address{"unix", path, 0});
    CHECK(to_string(listener->address()) == path);
    const auto near = must(dialer.dial(Context(), "unix", path));
    const auto far = must(listener->accept(Context()));
    CHECK(near->remote_address() == Address{"unix", path, 0});
    CHECK(near->local_address() == Address{"unix", "", 0});
    CHECK(far->local_address() == Address{"unix", path, 0});
    must(near->write("there"));
    CHECK(must(read_up_to(*far, 5)) == "there");
    must(far->write("back"));
    must(far->close_write());
    CHECK(must(read_all(*near)) == "back");
    must(far->close());
    CHECK(error_of(near->write("x")) == std::errc::broken_pipe);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(open_descriptors() == before);
}

TEST_CASE("Unix: an abstract name has no file") {
  const Watchdog watchdog;
  TcpBinder binder;
  TcpDialer dialer;
  const std::string name = "@leash-test-" + std::to_string(::getpid());
  const auto listener = must(binder.bind(Context(), "unix", name));
  const auto near = must(dialer.dial(Context(), "unix", name));
  const auto far = must(listener->accept(Context()));
  CHECK(near->remote_address().host == name);
  CHECK(far->local_address().host == name);
  CHECK(error_of(binder.bind(Context(), "unix", name)) == std::errc::address_in_use);
  must(listener->close());
  CHECK(error_of(dialer.dial(Context(), "unix", name)) == std::errc::connection_refused);
}

TEST_CASE("Unix: the file is its listener's: it has the mode that was asked for, and another's stays") {
  const Watchdog watchdog;
  const TempDir directory;
  const std::string path = directory / "socket";
  TcpBinder binder(TcpBinder::Options{.unix_mode = 0600});
  TcpDialer dialer;
  CHECK(error_of(dialer.dial(Context(), "unix", path)) == std::errc::no_such_file_or_directory);
  const auto first = must(binder.bind(Context(), "unix", path));
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0600U);
  CHECK(error_of(binder.bind(Context(), "unix", path)) == std::errc::address_in_use);
  REQUIRE(::unlink(path.c_str()) == 0);
  const auto second = must(binder.bind(Context(), "unix", path));
  must(first->close());
  CHECK(std::filesystem::exists(path));
  must(second->close());
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("Unix: the file of a relative path goes with its listener wherever the program has gone") {
  const Watchdog watchdog;
  const TempDir directory;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  TcpBinder binder;
  const auto listener = must(binder.bind(Context(), "unix", "socket"));
  std::filesystem::current_path(before);
  CHECK(std::filesystem::exists(directory / "socket"));
  must(listener->close());
  CHECK_FALSE(std::filesystem::exists(directory / "socket"));
}

TEST_CASE("Unix: a dial waits while the backlog is full, and ends with its Context") {
  const Watchdog watchdog;
  const TempDir directory;
  const std::string path = directory / "socket";
  TcpBinder binder(TcpBinder::Options{.backlog = 0});
  TcpDialer dialer;
  const auto listener = must(binder.bind(Context(), "unix", path));
  const auto first = must(dialer.dial(Context(), "unix", path));
  auto [context, source] = Context::background().with_cancel();
  auto dial = in_thread([&] { return dialer.dial(context, "unix", path); });
  CHECK(dial.is_blocked());
  source.cancel();
  CHECK(error_of(dial.get()) == std::errc::operation_canceled);
  // The peer's time is that of the machine, whatever clock the Context has.
  const Context fake = Context().with_clock(std::make_shared<leash::FakeClock>());
  auto patient = in_thread([&] { return dialer.dial(fake.with_timeout(1s), "unix", path); });
  CHECK(patient.is_blocked());
  must(listener->accept(Context()));
  CHECK(patient.get().has_value());
}

NETWORK_TEST("Unix: a reset is a close, which delivers what was written") {
  const Watchdog watchdog;
  Network network(over);
  const std::string name = "@leash-reset-" + std::to_string(::getpid());
  const auto listener = must(network.binder.bind(Context(), "unix", name));
  const auto near = must(network.dialer.dial(Context(), "unix", name));
  const auto far = must(listener->accept(Context()));
  must(near->write("kept"));
  must(near->reset());
  CHECK(error_of(near->write("x")) == std::errc::bad_file_descriptor);
  CHECK(must(read_all(*far)) == "kept");
  CHECK(error_of(far->write("x")) == std::errc::broken_pipe);
}

TEST_CASE("Unix: the mode that was asked for does not depend on the umask") {
  const Watchdog watchdog;
  const TempDir directory;
  const std::string path = directory / "socket";
  for (const mode_t mask : {0U, 022U, 077U, 0777U}) {
    for (const std::uint32_t mode : {0U, 0600U, 0660U, 0777U}) {
      CAPTURE(mask);
      CAPTURE(mode);
      const mode_t before = ::umask(mask);
      auto listener = TcpBinder(TcpBinder::Options{.unix_mode = mode}).bind(Context(), "unix", path);
      ::umask(before);
      const auto bound = must(std::move(listener));
      struct stat status{};
      REQUIRE(::stat(path.c_str(), &status) == 0);
      CHECK((status.st_mode & 07777U) == mode);
    }
  }
}
