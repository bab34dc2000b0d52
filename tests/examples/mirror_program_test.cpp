#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <leash/config.hpp>
#include <string>
#include <thread>

#include "run_program.hpp"
#include "source_line.hpp"
#include "temp_dir.hpp"
#include "without_columns.hpp"

namespace stdfs = std::filesystem;

namespace {

const std::string mirror_program = std::string(EXAMPLES) + "/mirror/mirror";

struct Folder : TempDir {
  std::string quoted() const { return "'" + path() + "'"; }

  void write(const std::string& name, std::size_t size) const {
    const stdfs::path file = *this / name;
    stdfs::create_directories(file.parent_path());
    std::ofstream(file) << std::string(size, 'x');
  }

  void fill() const {
    for (int index = 0; index < 120; ++index) {
      write("folder" + std::to_string(index % 7) + "/" + std::to_string(index), static_cast<std::size_t>(index) * 10);
    }
    for (int index = 0; index < 3; ++index) write("large" + std::to_string(index), 70000);
  }
};

const char* const nothing_open = leash::tracking_enabled ? "Nothing was left open." : "Nothing was tracked";

Outcome run_mirror(const std::string& arguments, const std::string& program = mirror_program) {
  return run_program("cd '" + std::string(SOURCES) + "' && '" + program + "' " + arguments);
}

/// What the program says of its descriptors, where it opened none that it kept.
bool descriptors_are_equal(const std::string& output) {
  const std::string text = "/proc/self/fd lists ";
  const std::size_t at = output.find(text);
  if (at == std::string::npos) return false;
  const std::string after = output.substr(at + text.size());
  const std::string before = after.substr(after.find("before it listed ") + 17);
  return std::stoi(after) == std::stoi(before);
}

/// A mirror server in a process of its own.
class ServerProcess {
 public:
  ServerProcess() {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      ::execl(mirror_program.c_str(), "mirror", "--serve", "127.0.0.1:0", nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    std::string line;
    for (char c = 0; ::read(out[0], &c, 1) == 1 && c != '\n';) line += c;
    ::close(out[0]);
    address_ = line.substr(line.rfind(' ') + 1);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess() {
    kill();
    ::close(input_);
  }

  const std::string& address() const { return address_; }

  /// Waits until it needs more memory than now by that many pages, for what it was sent.
  void wait_until_grown(std::uint64_t pages) const {
    const std::uint64_t before = resident_pages();
    while (resident_pages() < before + pages) std::this_thread::yield();
  }

  void kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }

 private:
  std::uint64_t resident_pages() const {
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    std::ifstream("/proc/" + std::to_string(process_) + "/statm") >> size >> resident;
    return resident;
  }

  pid_t process_ = -1;
  int input_ = -1;
  std::string address_;
};

}  // namespace

TEST_CASE("mirror --leaky reports both leaks by their lines, and the mended one leaves nothing open") {
  const Folder folder;
  folder.fill();
  const Outcome mended = run_mirror(folder.quoted());
  CAPTURE(mended.output);
  CHECK(mended.status == 0);
  CHECK(mended.output.contains("both trees have the same 120 files"));
  CHECK(mended.output.contains(nothing_open));
  CHECK(descriptors_are_equal(mended.output));

  const Outcome leaky = run_mirror("--leaky " + folder.quoted());
  CAPTURE(leaky.output);
  if constexpr (leash::tracking_enabled) {
    CHECK(leaky.status == 3);
    const std::string file = "examples/mirror/client.cpp";
    CHECK(leash_test::without_columns(leaky.output)
              .contains(source_line(file, "files_.open(") + ": error: 3 files not closed [leaked]"));
    CHECK(leash_test::without_columns(leaky.output)
              .contains(source_line(file, "dialer_.dial(") + ": error: 2 connections not closed [leaked]"));
    for (const char* noise :
         {"leash::fs::", "leash::net::", "leash::track::", "std::__invoke", "_M_invoke", "_Invoker"}) {
      CHECK_FALSE(leaky.output.contains(noise));
    }
  }
}

TEST_CASE("the first lines of a stripped program's report are the same") {
  const Folder folder;
  folder.fill();
  const Outcome leaky = run_mirror("--leaky " + folder.quoted(), MIRROR_STRIPPED);
  CAPTURE(leaky.output);
  if constexpr (leash::tracking_enabled) {
    CHECK(leaky.status == 3);
    const std::string file = "examples/mirror/client.cpp";
    CHECK(leash_test::without_columns(leaky.output)
              .contains(source_line(file, "files_.open(") + ": error: 3 files not closed [leaked]"));
    CHECK(leash_test::without_columns(leaky.output)
              .contains(source_line(file, "dialer_.dial(") + ": error: 2 connections not closed [leaked]"));
  }
}

TEST_CASE("the mended mirror leaves no descriptor behind when the server is killed midway") {
  const Folder folder;
  for (int index = 0; index < 3000; ++index) folder.write(std::to_string(index), 20000);
  ServerProcess server;
  REQUIRE(server.address().starts_with("127.0.0.1:"));
  Outcome outcome;
  std::thread client([&] { outcome = run_mirror("--to " + server.address() + " " + folder.quoted()); });
  server.wait_until_grown(1000);
  server.kill();
  client.join();
  CAPTURE(outcome.output);
  CHECK(outcome.status == 1);
  CHECK(outcome.output.contains("mirror: gave up: "));
  CHECK(outcome.output.contains(nothing_open));
  CHECK(descriptors_are_equal(outcome.output));
}

TEST_CASE("a directory that cannot be used gets a clear message") {
  const Folder folder;
  const Outcome missing = run_mirror(folder.quoted() + "/missing");
  CHECK(missing.status == 2);
  CHECK(missing.output.contains("/missing: No such file or directory"));
  folder.write("file", 1);
  const Outcome file = run_mirror(folder.quoted() + "/file");
  CHECK(file.status == 2);
  CHECK(file.output.contains("/file: Not a directory"));
  const Folder empty;
  const Outcome nothing = run_mirror(empty.quoted());
  CHECK(nothing.status == 2);
  CHECK(nothing.output.contains("holds no files to send"));
}

TEST_CASE("links, sockets, pipes, deep folders and odd names do no harm") {
  const Folder folder;
  folder.write("plain", 5);
  folder.write("odd \x1b[31m\n\xff name", 6);
  stdfs::create_symlink("plain", folder / "link");
  stdfs::create_symlink("loop", folder / "loop");
  stdfs::create_symlink("/etc", folder / "outside");
  stdfs::create_directory_symlink("..", folder / "up");
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string socket_path = folder / "socket";
  REQUIRE(socket_path.size() < sizeof(address.sun_path));
  socket_path.copy(address.sun_path, socket_path.size());
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  // Deeper than a path can be long.
  const int start = ::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(::chdir(folder.path().c_str()) == 0);
  const std::string name(200, 'd');
  for (int depth = 0; depth < 40; ++depth) REQUIRE((::mkdir(name.c_str(), 0700) == 0 && ::chdir(name.c_str()) == 0));
  REQUIRE(::fchdir(start) == 0);
  ::close(start);

  const Outcome outcome = run_mirror(folder.quoted());
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.contains("6 links, sockets and devices passed over"));
  CHECK(outcome.output.contains("1 folder could not be read"));
  CHECK(outcome.output.contains("File name too long"));
  CHECK(outcome.output.contains("both trees have the same 2 files"));
  CHECK(descriptors_are_equal(outcome.output));
  ::close(socket);
}

TEST_CASE("bad usage prints the usage") {
  for (const char* arguments : {"", "--no-such-option .", ". extra", "--serve", "--to", "--serve 127.0.0.1:0 ."}) {
    const Outcome outcome = run_mirror(arguments);
    CAPTURE(arguments);
    CHECK(outcome.status == 2);
    CHECK(outcome.output.contains("usage: mirror"));
  }
  const Outcome address = run_mirror("--to localhost .");
  CHECK(address.status == 1);
  CHECK(address.output.contains("missing port in address"));
}
