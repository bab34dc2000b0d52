#include <doctest/doctest.h>

#include <leash/fs/memory_fs.hpp>
#include <leash/fs/proxy.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/write_file.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/doctest.hpp>
#include <leash/track/tracker.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "client.hpp"
#include "mirror.hpp"
#include "server.hpp"
#include "source_line.hpp"
#include "without_columns.hpp"

using leash::Context;
using leash::fs::MemoryFS;
using mirror::Client;
using mirror::Difficulty;
using mirror::Listing;
using mirror::Server;
using mirror::Summary;
using mirror::Version;

namespace {

constexpr std::size_t limit = 1000;

/// A tree of `small` files below the server's limit, in folders, and three above it.
void fill(MemoryFS& memory, int small) {
  const Context context;
  REQUIRE(memory.mkdir_all(context, "a/deep/folder"));
  for (int index = 0; index < small; ++index) {
    const std::string path = (index % 2 == 0 ? "a/deep/folder/" : "") + std::to_string(index) + ".txt";
    REQUIRE(leash::fs::write_file(context, memory, path, std::string(static_cast<std::size_t>(index), 'x')));
  }
  for (const char* path : {"large 1", "a/large 2", "a/deep/large 3"}) {
    REQUIRE(leash::fs::write_file(context, memory, path, std::string(limit + 1, 'x')));
  }
  REQUIRE(memory.symlink(context, "0.txt", "link"));
}

/// A mirror in one process that touches neither the disk nor a port.
struct Bench {
  explicit Bench(Context context_) : context(std::move(context_)) {}

  Summary mirror_with(Client& client) {
    const auto listing = mirror::list(context, source);
    REQUIRE(listing);
    return mirror::send_all(context, client, *listing);
  }

  std::unique_ptr<Server> serve(Difficulty difficulty) {
    auto started = Server::start(context, binder, "server:0", target, difficulty);
    REQUIRE(started);
    return std::move(*started);
  }

  Context context;
  MemoryFS source_memory{};
  MemoryFS target_memory{};
  leash::net::MemoryNetwork network;
  leash::fs::TrackedFS source{source_memory};
  leash::fs::TrackedFS target{target_memory};
  leash::net::TrackedDialer dialer{network};
  leash::net::TrackedBinder binder{network};
};

}  // namespace

TEST_CASE("the mended mirror copies a tree past resets and refusals, and closes everything") {
  const leash::track::DoctestTracker tracker;
  Bench bench(tracker.context());
  fill(bench.source_memory, 100);
  auto server = bench.serve({.reset_every = 10, .largest_file = limit});
  Client client(bench.source, bench.dialer, server->address(), Version::mended);
  const Summary summary = bench.mirror_with(client);
  CHECK_FALSE(summary.failure);
  CHECK(summary.stored.size() == 100);
  CHECK(summary.bytes == 99 * 100 / 2);
  CHECK(summary.refused == 3);
  CHECK(summary.unreadable.empty());
  CHECK(client.retries() >= 8);
  const auto difference = mirror::first_difference(bench.context, bench.source, bench.target, summary.stored);
  REQUIRE(difference);
  CHECK_FALSE(*difference);
  server.reset();
}

TEST_CASE("the leaky mirror copies the same tree, and leaves behind what its error paths forget") {
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  Bench bench(context);
  fill(bench.source_memory, 100);
  auto server = bench.serve({.reset_every = 10, .largest_file = limit});
  Client client(bench.source, bench.dialer, server->address(), Version::leaky);
  const Summary summary = bench.mirror_with(client);
  CHECK(summary.stored.size() == 100);
  server.reset();
  const leash::track::Report report = tracker.close();
  if constexpr (leash::tracking_enabled) {
    const std::string text = leash_test::without_columns(to_string(report));
    CAPTURE(text);
    // A file may meet a reset more than once, and a second attempt comes from another line.
    std::map<std::string_view, std::size_t> counts;
    for (const leash::track::Group& group : report.groups) counts[group.kind.one] += group.count;
    CHECK(counts["connection"] == client.retries());
    CHECK(counts["file"] == 3);
    const std::string file = "examples/mirror/client.cpp";
    CHECK(text.contains("\n\n" + source_line(file, "dialer_.dial(") + ": error: "));
    CHECK(text.contains(source_line(file, "files_.open(") + ": error: 3 files not closed [leaked]"));
    CHECK(text.contains("while: send "));
  }
}

TEST_CASE("the mended mirror closes everything when the server goes away") {
  const leash::track::DoctestTracker tracker;
  Bench bench(tracker.context());
  fill(bench.source_memory, 50);
  auto server = bench.serve({.reset_every = 0, .largest_file = limit});
  Client client(bench.source, bench.dialer, server->address(), Version::mended);
  const auto listing = mirror::list(bench.context, bench.source);
  REQUIRE(listing);
  const Summary summary = mirror::send_all(bench.context, client, *listing, [&](std::size_t done) {
    if (done == 20) server.reset();
  });
  REQUIRE(summary.failure);
  CHECK(summary.stored.size() < 50);
}

TEST_CASE("the mended mirror closes everything when it is cancelled") {
  const leash::track::DoctestTracker tracker;
  const auto [context, source] = tracker.context().with_cancel();
  Bench bench(context);
  fill(bench.source_memory, 50);
  auto started = Server::start(tracker.context(), bench.binder, "server:0", bench.target,
                               {.reset_every = 0, .largest_file = limit});
  REQUIRE(started);
  Client client(bench.source, bench.dialer, (*started)->address(), Version::mended);
  const auto listing = mirror::list(bench.context, bench.source);
  REQUIRE(listing);
  const Summary summary = mirror::send_all(bench.context, client, *listing, [&](std::size_t done) {
    if (done == 10) source.cancel();
  });
  CHECK(summary.stored.size() < 50);
}

TEST_CASE("a file that cannot be read is told and left out, and the others are sent") {
  struct Unreadable : leash::fs::ProxyFileSystem {
    using ProxyFileSystem::ProxyFileSystem;
    leash::Result<std::unique_ptr<leash::fs::File>> do_open(leash::Call call, std::string_view path,
                                                            const leash::fs::OpenOptions& options) override {
      if (path == "1.txt") return leash::fail("open", path, std::errc::permission_denied);
      return ProxyFileSystem::do_open(call, path, options);
    }
  };
  const leash::track::DoctestTracker tracker;
  Bench bench(tracker.context());
  fill(bench.source_memory, 4);
  Unreadable source(bench.source);
  auto server = bench.serve({.reset_every = 0, .largest_file = limit});
  Client client(source, bench.dialer, server->address(), Version::mended);
  const auto listing = mirror::list(bench.context, source);
  REQUIRE(listing);
  CHECK(listing->others == 1);
  const Summary summary = mirror::send_all(bench.context, client, *listing);
  CHECK(summary.stored.size() == 3);
  REQUIRE(summary.unreadable.size() == 1);
  CHECK(to_string(summary.unreadable[0]) == "open 1.txt: Permission denied");
}
