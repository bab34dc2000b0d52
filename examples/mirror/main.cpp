// mirror: sends every file of a directory over a connection each to a server, which writes them into a file system in
// memory.
//
//   mirror [--leaky] DIR               client and server in one process, over loopback TCP
//   mirror --serve ADDRESS             the server alone; ends with its standard input
//   mirror [--leaky] --to ADDRESS DIR  the client alone
//
// Exit status: 0 all is well, 1 the mirror failed, 2 bad usage or an unusable directory, 3 something was left open.

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <leash/fmt.hpp>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client.hpp"
#include "mirror.hpp"
#include "server.hpp"

namespace {

using leash::Context;
using leash::Error;
using mirror::Version;

constexpr int exit_failed = 1;
constexpr int exit_unusable = 2;
constexpr int exit_leaked = 3;
constexpr std::size_t most_errors_shown = 5;

struct Arguments {
  Version version = Version::mended;
  std::string serve;
  std::string to;
  std::string directory;
};

std::optional<Arguments> parse(const std::vector<std::string_view>& words) {
  Arguments arguments;
  for (std::size_t index = 0; index < words.size(); ++index) {
    const std::string_view word = words[index];
    const bool takes_value = word == "--serve" || word == "--to";
    if (takes_value && index + 1 < words.size()) {
      (word == "--serve" ? arguments.serve : arguments.to) = words[++index];
    } else if (word == "--leaky") {
      arguments.version = Version::leaky;
    } else if (!word.starts_with("-") && !word.empty() && arguments.directory.empty()) {
      arguments.directory = word;
    } else {
      return std::nullopt;
    }
  }
  if (arguments.serve.empty() == arguments.directory.empty()) return std::nullopt;
  return arguments;
}

void say(std::string_view line) {
  fmt::print("mirror: {}\n", line);
  std::fflush(stdout);
}

void complain(const Error& error) { fmt::print(stderr, "mirror: {}\n", error); }

std::string counted(std::size_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

void complain(std::string_view what, const std::vector<Error>& errors) {
  if (errors.empty()) return;
  say(fmt::format("{} could not be read:", counted(errors.size(), what)));
  for (const Error& error : errors | std::views::take(most_errors_shown)) say(fmt::format("  {}", error));
  if (errors.size() > most_errors_shown) say(fmt::format("  and {} more", errors.size() - most_errors_shown));
}

/// What the kernel says is open: each descriptor with what is behind it.
std::map<std::string, std::string> open_descriptors() {
  std::map<std::string, std::string> descriptors;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", failed)) {
    const auto target = std::filesystem::read_symlink(entry.path(), failed);
    // The one that lists this directory.
    if (!failed && !target.string().ends_with("/fd")) descriptors[entry.path().filename().string()] = target.string();
  }
  return descriptors;
}

/// A progress line where there is a terminal, else a line now and then.
class Progress {
 public:
  explicit Progress(std::size_t total) : total_(total) {}

  void operator()(std::size_t done) const {
    if (terminal_) {
      if (done % 50 == 0 || done == total_) fmt::print("\rmirror: {} of {} files", done, total_);
      if (done == total_) fmt::print("\n");
      std::fflush(stdout);
    } else if (done % 2000 == 0 || done == total_) {
      say(fmt::format("{} of {} files", done, total_));
    }
  }

 private:
  std::size_t total_;
  bool terminal_ = ::isatty(STDOUT_FILENO) != 0;
};

/// The leaky version keeps many descriptors.
void allow_many_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int serve(const std::string& address) {
  leash::fs::MemoryFS memory{};
  leash::net::TcpBinder binder;
  auto server = mirror::Server::start(Context::background(), binder, address, memory);
  if (!server) {
    complain(server.error());
    return exit_unusable;
  }
  say("listening on " + (*server)->address());
  for (std::string line; std::getline(std::cin, line);) {
  }
  return 0;
}

/// Sends what is on the disk, and reports. `target` is where the server writes, if that is in this process.
int send(const Context& context, const Arguments& arguments, const std::string& address, leash::fs::FileSystem& source,
         leash::fs::FileSystem* target, mirror::Client& client) {
  const auto listing = mirror::list(context, source);
  if (!listing) {
    complain(listing.error());
    return exit_unusable;
  }
  complain("folder", listing->errors);
  const std::string passed_over = fmt::format("{} links, sockets and devices passed over", listing->others);
  if (listing->files.empty()) {
    fmt::print(stderr, "mirror: {} holds no files to send ({}; {})\n", arguments.directory,
               counted(listing->folders, "folder"), passed_over);
    return exit_unusable;
  }
  say(fmt::format("{} -> {}: {} in {}; {}", arguments.directory, address, counted(listing->files.size(), "file"),
                  counted(listing->folders, "folder"), passed_over));
  if (target != nullptr) {
    const mirror::Difficulty difficulty;
    say(fmt::format("the server is difficult: it resets every {}th connection, and refuses files above {} KiB",
                    difficulty.reset_every, difficulty.largest_file >> 10U));
  }
  const auto start = std::chrono::steady_clock::now();
  const mirror::Summary summary = mirror::send_all(context, client, *listing, Progress(listing->files.size()));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  complain("file", summary.unreadable);
  say(fmt::format("{} stored ({:.1f} MB in {:.1f} s), {} refused, {} broken and replaced",
                  counted(summary.stored.size(), "file"), static_cast<double>(summary.bytes) / 1e6, seconds.count(),
                  summary.refused, counted(client.retries(), "connection")));
  if (summary.failure) {
    fmt::print(stderr, "mirror: gave up: {}\n", *summary.failure);
    return exit_failed;
  }
  if (target == nullptr) return 0;
  const auto difference = mirror::first_difference(context, source, *target, summary.stored);
  if (!difference) {
    complain(difference.error());
    return exit_failed;
  }
  if (*difference) {
    fmt::print(stderr, "mirror: {} differs\n", **difference);
    return exit_failed;
  }
  say(fmt::format("both trees have the same {}", counted(summary.stored.size(), "file")));
  return 0;
}

int run(const Context& context, const Arguments& arguments) {
  auto disk = leash::fs::DiskFS::open_root(context, arguments.directory);
  if (!disk) {
    complain(disk.error());
    return exit_unusable;
  }
  leash::fs::MemoryFS memory{};
  leash::net::TcpDialer tcp_dialer;
  leash::net::TcpBinder tcp_binder;

  // What the client has left behind goes with it, when that has been reported: no news.
  auto [tracker, tracked] = leash::track::with_tracker(context.with_note("mirror " + arguments.directory),
                                                       {.rules = {.closed_late = leash::track::Severity::off}});
  leash::fs::TrackedFS source(*disk);
  leash::fs::TrackedFS target(memory);
  leash::net::TrackedDialer dialer(tcp_dialer);
  leash::net::TrackedBinder binder(tcp_binder);

  std::unique_ptr<mirror::Server> server;
  std::string address = arguments.to;
  if (address.empty()) {
    auto started = mirror::Server::start(tracked, binder, "127.0.0.1:0", target);
    if (!started) {
      complain(started.error());
      return exit_failed;
    }
    server = std::move(*started);
    address = server->address();
  }
  mirror::Client client(source, dialer, address, arguments.version);
  const int status = send(tracked, arguments, address, source, server ? &target : nullptr, client);
  server.reset();

  const leash::track::Report report = tracker.close();
  fmt::print("\n{}\n", report);
  return status == 0 && !report.ok() ? exit_leaked : status;
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse({argv + 1, argv + argc});
  if (!arguments) {
    std::fputs("usage: mirror [--leaky] [--to ADDRESS] DIR\n       mirror --serve ADDRESS\n", stderr);
    return exit_unusable;
  }
  try {
    if (!arguments->serve.empty()) return serve(arguments->serve);
    allow_many_descriptors();
    // With its first socket a thread makes what it waits by, and keeps that.
    static_cast<void>(leash::net::TcpBinder().bind(Context::background(), "tcp", "127.0.0.1:0"));
    const auto before = open_descriptors();
    const int status = run(Context::background(), *arguments);
    const auto after = open_descriptors();
    say(fmt::format("/proc/self/fd lists {} descriptors, before it listed {}", after.size(), before.size()));
    if (before != after && status == 0) return exit_leaked;
    return status;
  } catch (const std::exception& error) {
    fmt::print(stderr, "mirror: {}\n", error.what());
    return exit_failed;
  }
}
