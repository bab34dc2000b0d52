#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <array>
#include <asio/bind_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/strand.hpp>
#include <cstddef>
#include <leash/config.hpp>
#include <leash/net/stream_conformance/stream_trial.hpp>
#include <memory>
#include <utility>
#include <vector>

/// Handlers: when, where and how they are called.
namespace LEASH_NAMESPACE::net::stream_conformance {

inline void handler_not_inline(StreamTrial& t) {
  Ends ends = t.ends();
  std::array<char, 4> text{};
  // Each could be over at once, and `end_of` looks where its handler was called.
  const Operation writing = begin_write(ends.here, asio::buffer("1", 1));
  t.settle();
  t.end_of(begin_read(ends.there, asio::buffer(text)), "a read of what is there");
  t.end_of(writing, "a write that need not wait");
  const Operation first = begin_read(ends.here, asio::buffer(text));
  t.end_of(begin_read(ends.here, asio::buffer(text)), "a read beside another one");
  t.must(ends.here.set_deadline(t.clock().now()), "set_deadline");
  t.end_of(first, "a read whose deadline is set to a time in the past");
  t.end_of(begin_read(ends.here, asio::buffer(text)), "a read past its deadline");
  t.must(ends.here.close(), "close");
  t.end_of(begin_read(ends.here, asio::buffer(text)), "a read after close");
  t.end_of(begin_write(ends.here, asio::buffer(text)), "a write after close");
  t.end_of(t.dial(t.context(), "no address"), "a dial of a malformed address");
  const auto listener = t.listen();
  t.end_of(t.bind(to_string(listener->address())), "a bind to an address in use");
  const Operation waiting = t.dial(t.context(), to_string(listener->address()));
  t.end_of(waiting, "a dial");
  t.end_of(begin_accept(*listener, t.context()), "an accept of a connection that waits");
  t.must(listener->close(), "close of the listener");
  t.end_of(begin_accept(*listener, t.context()), "an accept after close");
}

inline void handler_called(StreamTrial& t) {
  Ends ends = t.ends();
  std::array<char, 4> text{};
  for (int i = 0; i < 20; ++i) {
    const Operation reading = begin_read(ends.there, asio::buffer(text));
    t.must_wait(reading, "a read of nothing");
    t.success_of(begin_write(ends.here, asio::buffer("1", 1)), "a write");
    t.success_of(reading, "a read that has waited");
  }
}

inline void handler_executor(StreamTrial& t) {
  Ends ends = t.ends();
  const auto strand = asio::make_strand(t.executor());
  std::array<char, 1> byte{};
  struct Seen {
    bool called = false;
    bool in_strand = false;
  };
  std::vector<std::pair<std::string_view, std::shared_ptr<Seen>>> all;
  const auto handler = [&](std::string_view what) {
    const auto seen = all.emplace_back(what, std::make_shared<Seen>()).second;
    return asio::bind_executor(strand, [seen, strand](auto&&...) {
      seen->called = true;
      seen->in_strand = strand.running_in_this_thread();
    });
  };
  const auto await_all = [&] {
    for (const auto& [what, seen] : all) {
      t.wait([&] { return seen->called; }, what);
      t.expect(seen->in_strand, "the handler of " + std::string(what) + " to be called on its executor",
               "it was called elsewhere");
    }
    all.clear();
  };
  ends.here.async_read_some(asio::buffer(byte), handler("a read that waits"));
  t.settle();
  ends.there.async_write_some(asio::buffer("1", 1), handler("a write"));
  await_all();
  ends.here.async_read_some(asio::mutable_buffer(), handler("a read into an empty buffer"));
  ends.here.async_read_some(asio::buffer(byte), handler("a read that is cancelled"));
  ends.here.async_read_some(asio::buffer(byte), handler("a second read"));
  ends.here.cancel();
  await_all();
  t.must(ends.here.close(), "close");
  ends.here.async_read_some(asio::buffer(byte), handler("a read after close"));
  const auto listener = t.listen();
  listener->async_accept(t.context(), handler("an accept"));
  t.settle();
  t.dialer().async_dial(t.context(), t.options().network, to_string(listener->address()), handler("a dial"));
  t.dialer().async_dial(t.context(), t.options().network, "no address", handler("a dial that is refused"));
  await_all();
}

/// Memory that is counted.
struct CountedMemory {
  std::size_t allocations = 0;
  std::size_t in_use = 0;
  std::vector<std::unique_ptr<std::byte[]>> blocks;  // NOLINT(modernize-avoid-c-arrays): of any size
};

template <class T>
class CountingAllocator {
 public:
  using value_type = T;

  explicit CountingAllocator(CountedMemory& memory) noexcept : memory_(&memory) {}
  template <class U>
  // NOLINTNEXTLINE(google-explicit-constructor): allocators convert
  CountingAllocator(const CountingAllocator<U>& other) noexcept : memory_(other.memory_) {}

  T* allocate(std::size_t count) {
    ++memory_->allocations;
    ++memory_->in_use;
    // Kept for the check, so that what is never given back is a failure and no leak.
    memory_->blocks.push_back(std::make_unique<std::byte[]>(count * sizeof(T)));  // NOLINT(modernize-avoid-c-arrays)
    return static_cast<T*>(static_cast<void*>(memory_->blocks.back().get()));
  }
  void deallocate(T*, std::size_t) noexcept { --memory_->in_use; }

  template <class U>
  friend bool operator==(const CountingAllocator& a, const CountingAllocator<U>& b) noexcept {
    return a.memory_ == b.memory_;
  }

 private:
  template <class U>
  friend class CountingAllocator;

  CountedMemory* memory_;
};

inline void handler_allocator(StreamTrial& t) {
  // Before the ends: operations that were left under way give memory back when these are destroyed.
  CountedMemory memory;
  struct CountedHandler {
    using allocator_type = CountingAllocator<void>;
    allocator_type get_allocator() const noexcept { return allocator; }
    void operator()(asio::error_code, std::size_t) const { *in_use_when_called = static_cast<int>(memory->in_use); }
    void operator()(const Result<Stream>&) const { *in_use_when_called = static_cast<int>(memory->in_use); }

    allocator_type allocator;
    CountedMemory* memory;
    std::shared_ptr<int> in_use_when_called;
  };
  Ends ends = t.ends();
  std::array<char, 1> byte{};
  const auto check = [&](std::string_view what, auto initiate, auto then) {
    const auto in_use_when_called = std::make_shared<int>(-1);
    memory.allocations = 0;
    initiate(CountedHandler{CountingAllocator<void>(memory), &memory, in_use_when_called});
    t.settle();
    then();
    t.wait([&] { return *in_use_when_called != -1; }, what);
    const std::string whose = "the allocator of the handler of " + std::string(what);
    t.expect(memory.allocations != 0, whose + " to be used", "nothing was allocated");
    t.expect(*in_use_when_called == 0, whose + " to have its memory back when the handler is called",
             std::to_string(*in_use_when_called) + " blocks are in use");
  };
  check(
      "a read that waits", [&](auto handler) { ends.here.async_read_some(asio::buffer(byte), std::move(handler)); },
      [&] { t.success_of(begin_write(ends.there, asio::buffer("1", 1)), "a write"); });
  check(
      "a read that is cancelled",
      [&](auto handler) { ends.here.async_read_some(asio::buffer(byte), std::move(handler)); },
      [&] { ends.here.cancel(); });
  check("a write", [&](auto handler) { ends.here.async_write_some(asio::buffer("1", 1), std::move(handler)); }, [] {});
  const auto listener = t.listen();
  check(
      "an accept", [&](auto handler) { listener->async_accept(t.context(), std::move(handler)); },
      [&] { t.success_of(t.dial(t.context(), to_string(listener->address())), "a dial"); });
  check(
      "a dial",
      [&](auto handler) {
        t.dialer().async_dial(t.context(), t.options().network, to_string(listener->address()), std::move(handler));
      },
      [] {});
}

inline void stream_executor(StreamTrial& t) {
  const auto listener = t.listen();
  const asio::any_io_executor strand = asio::make_strand(t.executor());
  const Operation dialling = begin([&](auto handler) {
    t.dialer().async_dial(t.context(), strand, t.options().network, to_string(listener->address()), std::move(handler));
  });
  const Operation accepting =
      begin([&](auto handler) { listener->async_accept(t.context(), strand, std::move(handler)); });
  const Stream dialled = *std::move(t.success_of(dialling, "a dial for a strand")->stream);
  const Stream accepted = *std::move(t.success_of(accepting, "an accept for a strand")->stream);
  t.expect(dialled.get_executor() == strand, "a dialled stream to have the executor it was asked for",
           "it has another");
  t.expect(accepted.get_executor() == strand, "an accepted stream to have the executor it was asked for",
           "it has another");
}

inline std::vector<StreamCheck> handler_checks() {
  return {
      {"handler-not-inline", handler_not_inline},  {"handler-called", handler_called},
      {"handler-executor", handler_executor},      {"handler-allocator", handler_allocator},
      {"stream-executor", stream_executor, false},
  };
}

}  // namespace LEASH_NAMESPACE::net::stream_conformance
