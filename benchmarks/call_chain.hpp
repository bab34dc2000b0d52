#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

/// A chain of calls of ordinary shape, for what has to be measured at a certain depth: functions that are not inlined,
/// keep values across their calls and have frames of various sizes. A route chooses one of four functions at each
/// depth, so that as many different stacks can be had as are wanted.
namespace bench {

/// The most frames that a chain has.
inline constexpr std::size_t longest_chain = 64;

/// Routes below this number lead through stacks that are all different, in chains of 16 frames.
inline constexpr std::uint64_t most_routes = std::uint64_t{1} << 30U;

struct Walk {
  void (*end)(void*);
  void* data;
  std::uint64_t route;
  std::uint64_t work = 1;
};

/// `depth` frames are below this one, towards the end of the chain.
template <std::size_t depth, std::size_t variant>
[[gnu::noinline]] std::uint64_t frame(Walk& walk, std::uint64_t first, std::uint64_t second) {
  std::array<std::uint64_t, 1 + (depth * 7 + variant * 3) % 13> locals;
  for (std::uint64_t& local : locals) local = first += second + variant;
  asm volatile("" : : "r"(locals.data()) : "memory");
  std::uint64_t result = 0;
  if constexpr (depth == 0) {
    walk.end(walk.data);
  } else {
    switch (walk.route >> (2 * ((depth - 1) % 15)) & 3U) {
      case 0:
        result = frame<depth - 1, 0>(walk, first, second + depth);
        break;
      case 1:
        result = frame<depth - 1, 1>(walk, first, second + depth);
        break;
      case 2:
        result = frame<depth - 1, 2>(walk, first, second + depth);
        break;
      default:
        result = frame<depth - 1, 3>(walk, first, second + depth);
        break;
    }
  }
  walk.work += locals[locals.size() / 2];
  return result * 4 + first + second + variant + depth * 8;
}

namespace detail {

using Frame = std::uint64_t (*)(Walk&, std::uint64_t, std::uint64_t);

template <std::size_t... depths>
constexpr std::array<Frame, sizeof...(depths)> frames(std::index_sequence<depths...>) {
  return {&frame<depths, 0>...};
}

inline constexpr auto entries = frames(std::make_index_sequence<longest_chain - 1>());

}  // namespace detail

/// Calls `function` so that its own frame and those of the chain are `count` frames, 2 to `longest_chain`.
template <class Function>
void call_in_chain(std::size_t count, std::uint64_t route, Function& function) {
  Walk walk{[](void* data) { (*static_cast<Function*>(data))(); }, &function, route};
  // An odd factor: different routes stay different, and are so at all depths, not only in the innermost frames.
  walk.route = route * 0x9e3779b1U % most_routes;
  detail::entries[count - 2](walk, count, walk.route);
  asm volatile("" : : "r"(walk.work));
}

}  // namespace bench
