#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/notes.hpp>
#include <leash/track/kind.hpp>
#include <leash/track/level.hpp>
#include <leash/track/resource.hpp>
#include <leash/track/rule.hpp>
#include <leash/track/site.hpp>
#include <leash/track/stack.hpp>
#include <leash/track/suppressions.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::track {

/// A moment in the life of a resource: where the program was.
struct Event {
  Site site = {};
  Stack stack = {};  ///< Empty where it was not captured.

  explicit operator bool() const noexcept { return site || !stack.addresses.empty(); }
};

/// Where and when a resource was last used.
struct LastUse {
  Event at;
  Clock::duration ago{};
};

/// One resource of a group.
struct Instance {
  std::string name = {};
  std::string parent = {};  ///< The name of the resource it depends on, if it is a child.
  int descriptor = -1;
  OnDrop on_drop = OnDrop::abandoned;
  unsigned thread = 0;  ///< The thread that opened it: a number from 1 on, in the order in which threads came to leash.
  Clock::duration age{};
  std::vector<Note> notes = {};  ///< Of the Context it was opened with, the outermost first.
  std::optional<LastUse> last_use = {};
  std::uint64_t bytes_in = 0;   ///< How many bytes were read from it,
  std::uint64_t bytes_out = 0;  ///< and written to it, if that is counted (`Tag::add_bytes_in`).
  /// `leaked`: the number that `Tag::identify` called its descriptor means something else now, or nothing. So it was
  /// perhaps closed past its tag, as by a base class.
  bool perhaps_closed = false;
};

/// Of an `untracked` descriptor: how the process came by it.
enum class Origin : unsigned char {
  past_leash,   ///< Not through leash.
  without_tag,  ///< It is behind a handle that was opened through leash, but not with a tracker.
  released,     ///< leash opened it, and gave it away by `release`.
};

/// Findings that are equal: the same rule, severity, kind and places.
struct Group {
  static constexpr std::size_t max_instances = 3;

  Rule rule = Rule::leaked;
  Severity severity = Severity::failure;
  Kind kind = {};
  Origin origin = Origin::past_leash;  ///< Of `untracked`.

  Event opened = {};
  Event closed = {};  ///< `double-close`, `use-after-close`: the first close. `outlived-parent`: where the parent was
                      ///< closed. `closed-late`: the late close. `untracked`: where it was released.
                      ///< `closed-by-other`: the close that was not its owner's.
  Event again = {};   ///< `double-close`: the second close. `use-after-close`: the use. `closed-by-other`: its
                      ///< owner's close.
  Site others_closed_at = {};  ///< `leaked`: where another one that was opened at the same place was closed.

  std::size_t count = 0;
  std::vector<unsigned> threads = {};  ///< The numbers of the threads that opened them, ascending.
  Clock::duration min_age{};
  Clock::duration max_age{};
  Clock::duration total_age{};           ///< The sum of their ages.
  std::vector<Instance> instances = {};  ///< The first `max_instances`, in the order of creation.
};

/// What a tracker saw: a plain value, which nothing changes any more. Prints with streams, and with fmt by
/// `<leash/fmt.hpp>`.
///
/// Groups with failures come before those with notes; among these the largest come first, and of two that are equally
/// large the one whose first resource was created first. Names of functions are looked up
/// when the report is printed, not when it is made.
struct Report {
  std::vector<Group> groups;
  std::uint64_t opened = 0;  ///< Tags created so far (0 in what goes to `Options::on_late`),
  std::uint64_t closed = 0;  ///< and how many of them are not open any more.
  bool verdict = false;  ///< Whether what is open is a finding, as it is when the tracker closes; else it is only open.
  std::uint64_t without_stack = 0;                ///< Tags that got no stack, for want of room for more different ones.
  std::vector<std::string> remarks;               ///< Sentences that say what else is not known.
  std::vector<SuppressionUse> suppressions;       ///< The lines there were, and how often each was used.
  std::vector<std::string> plumbing;              ///< As the tracker's Options have it, for who explains the report.
  std::size_t max_groups = default_max_groups();  ///< The same.

  /// Whether there is no failure; notes do not count.
  [[nodiscard]] bool ok() const noexcept;
};

/// The report as text (see `<leash/track/report/text.hpp>`), without colours, and as wide as the terminal that standard
/// error goes to, or 80 columns.
std::string to_string(const Report& report);
std::ostream& operator<<(std::ostream& out, const Report& report);

}  // namespace LEASH_NAMESPACE::track

template <>
inline constexpr bool leash::detail::printable<leash::track::Report> = true;
