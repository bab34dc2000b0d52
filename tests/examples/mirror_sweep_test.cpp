#include <doctest/doctest.h>

#include <algorithm>
#include <leash/fault/sweep.hpp>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/net/fault_dialer.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <memory>
#include <string>

#include "client.hpp"
#include "mirror.hpp"
#include "server.hpp"
#include "source_line.hpp"
#include "without_columns.hpp"

using leash::Context;
using leash::Result;
using leash::fault::SweepResult;
using mirror::Version;

namespace {

/// Two file systems and the network between them, in memory, and all but the server's side of the network may fail.
struct World {
  leash::fs::MemoryFS source_memory{{"a/file.txt", "content"}};
  leash::fs::MemoryFS target_memory{};
  leash::net::MemoryNetwork network;
  leash::fs::FaultFS faulty_source{source_memory};
  leash::fs::FaultFS faulty_target{target_memory};
  leash::net::FaultDialer faulty_dialer{network};
  leash::fs::TrackedFS source{faulty_source};
  leash::fs::TrackedFS target{faulty_target};
  leash::net::TrackedDialer dialer{faulty_dialer};
  leash::net::TrackedBinder binder{network};
};

/// The test of a server where nothing goes wrong by itself, and of what it receives.
Result<void> mirror_a_file(const Context& context, Version version) {
  // What the client has left behind goes with it: not before that is judged.
  auto world = std::make_shared<World>();
  leash::fault::keep_until_verdict(context, world);
  auto server = mirror::Server::start(context, world->binder, "server:0", world->target,
                                      {.reset_every = 0, .largest_file = UINT64_MAX});
  if (!server) return std::unexpected(server.error());
  auto client = std::make_shared<mirror::Client>(world->source, world->dialer, (*server)->address(), version);
  leash::fault::keep_until_verdict(context, client);

  auto listing = mirror::list(context, world->source);
  if (!listing) return std::unexpected(listing.error());
  if (!listing->errors.empty()) return std::unexpected(listing->errors.front());
  const mirror::Summary summary = mirror::send_all(context, *client, *listing);
  if (summary.failure) return std::unexpected(*summary.failure);
  if (!summary.unreadable.empty()) return std::unexpected(summary.unreadable.front());
  if (summary.refused != 0) return leash::fail("mirror", "a/file.txt", std::errc::permission_denied, "refused");
  leash::fault::expect(context, leash::fs::read_file(Context(), world->target_memory, "a/file.txt") == "content",
                       "what is stored is the same");
  return {};
}

SweepResult sweep_mirror(Version version) {
  return leash::fault::sweep([version](const Context& context) { return mirror_a_file(context, version); },
                             {.faults_per_run = 1});
}

}  // namespace

TEST_CASE("a sweep of the mended mirror's happy path comes out clean") {
  const SweepResult result = sweep_mirror(Version::mended);
  CAPTURE(result);
  CHECK(result.ok());
  CHECK(result.points > 20);
}

TEST_CASE("a sweep of the leaky mirror's happy path finds its two bugs, and nothing else") {
  const SweepResult result = sweep_mirror(Version::leaky);
  CAPTURE(result);
  CHECK(result.problems.empty());
  if constexpr (leash::tracking_enabled) {
    const std::string text = leash_test::without_columns(to_string(result));
    const std::string file = "examples/mirror/client.cpp";
    CHECK(std::ranges::count(result.groups, leash::track::Severity::failure, &leash::fault::SweepGroup::severity) == 2);
    CHECK(text.contains(source_line(file, "dialer_.dial(") + ": error: "));
    CHECK(text.contains(source_line(file, "files_.open(") + ": error: "));
    CHECK(text.contains(" leak this connection [leaked]"));
    CHECK(text.contains(" leak this file [leaked]"));
    CHECK(text.contains("e.g. when `mkdir_all a` at examples/mirror/server.cpp:"));
  }
}
