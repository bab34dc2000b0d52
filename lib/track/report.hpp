#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/notes.hpp>
#include <leash/track/kind.hpp>
#include <leash/track/stack.hpp>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::track {

/// What is wrong with a resource.
enum class Rule : unsigned char {
  leaked,   ///< It was open when the tracker closed.
  dropped,  ///< It was destroyed without `close`, and the error that `close` might have returned is lost.
};

/// The rule's id, as a report prints it: `leaked`.
[[nodiscard]] std::string_view to_string(Rule rule) noexcept;

/// How much a finding weighs.
enum class Severity : unsigned char { failure, note };

/// Where and when a resource was last used.
struct LastUse {
  std::source_location site;
  Clock::duration ago{};
};

/// One resource of a group.
struct Instance {
  std::string name = {};
  std::string parent = {};  ///< The name of the resource it depends on, if it is a child.
  int descriptor = -1;
  unsigned thread = 0;  ///< The thread that opened it: a number from 1 on, in the order in which threads came to leash.
  Clock::duration age{};
  std::vector<Note> notes = {};  ///< Of the Context it was opened with, the outermost first.
  std::optional<LastUse> last_use = {};
};

/// Findings that are equal: the same rule, severity, kind, site and stack.
struct Group {
  static constexpr std::size_t max_instances = 3;

  Rule rule = Rule::leaked;
  Severity severity = Severity::failure;
  Kind kind;
  std::source_location site;  ///< The user's call that opened them.
  Stack opened_at;
  std::size_t count = 0;
  std::vector<unsigned> threads;   ///< The numbers of the threads that opened them, ascending.
  std::uint64_t first_serial = 0;  ///< The place of the first of them in the order of creation.
  Clock::duration min_age{};
  Clock::duration max_age{};
  std::vector<Instance> instances;  ///< The first `max_instances`, in the order of creation.
};

/// What a tracker saw: a plain value, which nothing changes any more. Prints with streams, and with fmt by
/// `<leash/fmt.hpp>`.
///
/// Groups come in the order of their count, the largest first, and then of creation. Names of functions are looked up
/// when the report is printed, not when it is made.
struct Report {
  std::vector<Group> groups;
  std::uint64_t opened = 0;  ///< Tags created so far,
  std::uint64_t closed = 0;  ///< and how many of them are not open any more.
  bool verdict = false;      ///< Whether the tracker was closed: else what is open is no finding, only open.

  /// Whether there is no failure; notes do not count.
  [[nodiscard]] bool ok() const noexcept;
};

/// The report as text: a block for each group, which begins with `file:line: error: …`, and a line of totals.
std::string to_string(const Report& report);
std::ostream& operator<<(std::ostream& out, const Report& report);

}  // namespace LEASH_NAMESPACE::track

template <>
inline constexpr bool leash::detail::printable<leash::track::Report> = true;
