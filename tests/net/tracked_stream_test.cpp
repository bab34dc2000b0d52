#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <cstddef>
#include <leash/net/tracked_stream.hpp>
#include <leash/track/tracker.hpp>
#include <string>
#include <type_traits>
#include <utility>

namespace {

using asio::posix::stream_descriptor;
using leash::net::TrackedStream;
using leash::track::Report;
using leash::track::RequireClose;

static_assert(leash::tracking_enabled || sizeof(TrackedStream<stream_descriptor>) == sizeof(stream_descriptor));
static_assert(std::is_move_assignable_v<TrackedStream<stream_descriptor>>);
static_assert(std::is_move_constructible_v<TrackedStream<stream_descriptor&>>);
static_assert(!std::is_constructible_v<TrackedStream<stream_descriptor>, asio::io_context&>, "without a Context");

struct Pipe {
  explicit Pipe(leash::track::Options options = {.on_late = [](const Report&) {}})
      : tracked(leash::track::with_tracker(leash::Context::background(), std::move(options))) {
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  }

  leash::track::TrackedContext tracked;
  leash::track::Tracker& tracker = tracked.tracker;
  const leash::Context& ctx = tracked.context;
  asio::io_context loop;
  std::array<int, 2> ends{};
};

/// A stream of a program's own: it gives back what it was given, and has no descriptor.
class Echo {
 public:
  using lowest_layer_type = Echo;
  using executor_type = asio::io_context::executor_type;

  explicit Echo(asio::io_context& loop) : executor_(loop.get_executor()) {}
  executor_type get_executor() noexcept { return executor_; }
  lowest_layer_type& lowest_layer() noexcept { return *this; }
  std::size_t read_some(const asio::mutable_buffer& buffer) {
    const std::size_t size = asio::buffer_copy(buffer, asio::buffer(text_));
    text_.erase(0, size);
    return size;
  }
  std::size_t write_some(const asio::const_buffer& buffer) {
    text_.append(static_cast<const char*>(buffer.data()), buffer.size());
    return buffer.size();
  }

 private:
  executor_type executor_;
  std::string text_;
};

}  // namespace

TEST_CASE("a tracked stream has the user's name, its descriptor, its last use and its bytes") {
  Pipe pipe;
  TrackedStream<stream_descriptor> out(pipe.ctx, "write end", pipe.loop, pipe.ends[1]);
  const unsigned line = __LINE__ + 1;
  TrackedStream<stream_descriptor> in(pipe.ctx, "read end", pipe.loop, pipe.ends[0]);
  std::size_t sent = 0;
  asio::async_write(out, asio::buffer("abc", 3), [&](const asio::error_code& code, std::size_t size) {
    CHECK(!code);
    sent = size;
  });
  pipe.loop.run();
  CHECK(sent == 3);
  CHECK(asio::write(out, asio::buffer("d", 1)) == 1);
  out.close();
  out.close();
  std::array<char, 4> got{};
  const unsigned used = __LINE__ + 1;
  CHECK(in.read_some(asio::buffer(got)) == 4);
  TrackedStream<stream_descriptor> moved(std::move(in));
  moved = TrackedStream<stream_descriptor>(std::move(moved));
  const Report report = pipe.tracker.close();
  if (!leash::tracking_enabled) return;
  REQUIRE(report.groups.size() == 1);
  const auto& instance = report.groups[0].instances[0];
  CHECK(report.groups[0].kind.one == "stream");
  CHECK(report.groups[0].opened.site.line() == line);
  CHECK(instance.name == "read end");
  CHECK(instance.descriptor == pipe.ends[0]);
  CHECK(instance.bytes_in == 4);
  CHECK(instance.last_use->at.site.line() == used);
}

TEST_CASE("a tracked stream notices that its lowest layer was closed") {
  Pipe pipe({.require_close = RequireClose::all, .on_late = [](const Report&) {}});
  {
    TrackedStream<stream_descriptor> in(pipe.ctx, "read end", pipe.loop, pipe.ends[0]);
    stream_descriptor raw(pipe.loop, pipe.ends[1]);
    TrackedStream<stream_descriptor&> out(pipe.ctx, "write end", raw);
    in.lowest_layer().close();
    raw.close();
    if (leash::tracking_enabled) {
      for (const auto& group : pipe.tracker.snapshot().groups) CHECK(group.instances[0].perhaps_closed);
    }
    asio::error_code code;
    out.write_some(asio::buffer("x", 1), code);
    CHECK(code);
    CHECK(pipe.tracker.open_count() == (leash::tracking_enabled ? 1 : 0));
  }
  CHECK(pipe.tracker.close().groups.empty());
}

TEST_CASE("a tracked stream over a socket keeps the user's name") {
  Pipe pipe;
  for (const int end : pipe.ends) CHECK(::close(end) == 0);
  asio::local::stream_protocol::socket peer(pipe.loop);
  TrackedStream<asio::local::stream_protocol::socket> stream(pipe.ctx, "control", pipe.loop);
  asio::local::connect_pair(stream.next_layer(), peer);
  CHECK(stream.write_some(asio::buffer("x", 1)) == 1);
  const Report report = pipe.tracker.close();
  if (!leash::tracking_enabled) return;
  REQUIRE(report.groups.size() == 1);
  CHECK(report.groups[0].instances[0].name == "control");
  CHECK(report.groups[0].instances[0].descriptor == stream.lowest_layer().native_handle());
}

TEST_CASE("a stream without a descriptor is tracked too, and its drop is a drop") {
  Pipe pipe({.require_close = RequireClose::all});
  for (const int end : pipe.ends) CHECK(::close(end) == 0);
  {
    TrackedStream<Echo> echo(pipe.ctx, "echo", pipe.loop);
    CHECK(echo.write_some(asio::buffer("abc", 3)) == 3);
    std::array<char, 3> got{};
    CHECK(echo.read_some(asio::buffer(got)) == 3);
    CHECK(pipe.tracker.open_count() == (leash::tracking_enabled ? 1 : 0));
  }
  const Report report = pipe.tracker.close();
  if (!leash::tracking_enabled) return;
  REQUIRE(report.groups.size() == 1);
  CHECK(report.groups[0].rule == leash::track::Rule::dropped);
  CHECK(report.groups[0].instances[0].bytes_in == 3);
}
