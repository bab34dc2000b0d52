#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <leash/detail/escape.hpp>
#include <leash/track/level.hpp>
#include <leash/track/stack.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track {
namespace {

std::optional<Level> parse_level(std::string_view text) noexcept {
  if (text == "count") return Level::count;
  if (text == "site") return Level::site;
  if (text == "stack") return Level::stack;
  return std::nullopt;
}

std::optional<std::size_t> parse_depth(std::string_view text) noexcept {
  std::size_t depth = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), depth);
  if (error != std::errc() || end != text.data() + text.size() || depth > max_depth) return std::nullopt;
  return depth;
}

std::optional<std::size_t> parse_max_groups(std::string_view text) noexcept {
  if (text == "all") return SIZE_MAX;
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return count;
}

/// The value of an environment variable; `otherwise` if it is not set. If `parse` refuses the text, says on standard
/// error that it must be `wanted`, and returns `otherwise`.
template <class Value>
Value from_environment(const char* variable, std::optional<Value> (*parse)(std::string_view) noexcept,
                       const char* wanted, Value otherwise) noexcept {
  const char* const text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return otherwise;
  if (const std::optional<Value> value = parse(text)) return *value;
  try {
    std::fprintf(stderr, "leash: %s=%s is ignored: it must be %s\n", variable,
                 leash::detail::escape(std::string_view(text).substr(0, 40)).c_str(), wanted);
  } catch (...) {
    std::fprintf(stderr, "leash: %s is ignored: it must be %s\n", variable, wanted);
  }
  return otherwise;
}

/// A value that is read when it is first asked for. Threads that ask for the first time at once may each read it. Needs
/// no memory: what asks may be in no position to fail.
template <class Value>
class ReadOnce {
 public:
  template <class Read>
  Value get(Read read) noexcept {
    if (known_.load(std::memory_order_acquire)) return value_.load(std::memory_order_relaxed);
    const Value value = read();
    value_.store(value, std::memory_order_relaxed);
    known_.store(true, std::memory_order_release);
    return value;
  }

 private:
  std::atomic<Value> value_{};
  std::atomic<bool> known_{false};
};

}  // namespace

Level default_level() noexcept {
  static constinit ReadOnce<Level> level;
  return level.get(
      [] { return from_environment<Level>("LEASH_LEVEL", parse_level, "count, site or stack", Level::stack); });
}

std::size_t default_depth() noexcept {
  static constinit ReadOnce<std::size_t> depth;
  return depth.get(
      [] { return from_environment<std::size_t>("LEASH_DEPTH", parse_depth, "a number from 0 to 256", 16); });
}

std::size_t default_max_groups() noexcept {
  static constinit ReadOnce<std::size_t> max_groups;
  return max_groups.get(
      [] { return from_environment<std::size_t>("LEASH_MAX_GROUPS", parse_max_groups, "a number or all", 20); });
}

}  // namespace LEASH_NAMESPACE::track
