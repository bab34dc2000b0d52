#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>
#include <leash/track/report.hpp>
#include <leash/track/rule.hpp>
#include <leash/track/site.hpp>
#include <optional>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::fault {

/// What is wrong with a run.
enum class Trouble : unsigned char {
  finding,    ///< Its tracker has found something.
  threw,      ///< It ended by an exception.
  hung,       ///< It lasted longer than its deadline.
  broken,     ///< It broke an invariant: `expect`.
  died,       ///< It ended its process: a crash, an abort, an exit. Only if it was isolated.
  reported,   ///< A sanitizer reported something, and the run went on. Only if it was isolated.
  swallowed,  ///< It returned success, though an operation had failed.
};

/// A run that is bad.
struct SweepExample {
  std::string faults;  ///< What was injected: "`dial 10.0.0.2:80` at client.cpp:36 fails with ECONNREFUSED".
  std::string token;   ///< For `replay`; empty if nothing was injected.
};

/// Runs that are bad in the same way.
struct SweepGroup {
  static constexpr std::size_t max_examples = 3;

  Trouble trouble = Trouble::finding;
  track::Severity severity = track::Severity::failure;
  std::string what = {};   ///< Of an exception its text, of a death how it was, of an invariant its name.
  track::Site place = {};  ///< Where that was opened which was not closed; of an invariant where it was checked; else
                           ///< where the operation was called that failed last.
  std::optional<track::Group> finding = std::nullopt;  ///< Of the first such run.
  bool without_fault = false;                          ///< Whether the body does it already when nothing fails.
  std::uint64_t operations = 0;                        ///< How many failing operations led to it,
  std::uint64_t runs = 0;                              ///< and how many runs.
  std::vector<SweepExample> examples = {};             ///< The first ones; those with the fewest faults come first.
};

/// An operation at which something was tried.
struct SweepPoint {
  std::string operation = {};    ///< `File::read`
  track::Site place = {};        ///< Where it was called.
  std::uint64_t occurrence = 1;  ///< The so-manieth time in a run that it was come to.
  std::uint64_t tried = 0;       ///< How many faults that fit it were tried, each alone; fewer where the budget ended.
  bool after_fault = false;      ///< Whether only runs in which something failed come to it.
};

/// What a sweep has found: a plain value. Prints with streams, and with fmt by `<leash/fmt.hpp>`.
struct SweepResult {
  std::vector<SweepGroup> groups = {};     ///< Failures before notes, then the largest first.
  std::vector<std::string> problems = {};  ///< Why the body could not be swept. Not ok if there is one.
  std::vector<std::string> remarks = {};   ///< What limits the result: the order of operations is not repeatable.
  std::vector<SweepPoint> coverage = {};   ///< The points, in the order in which they were tried.
  std::uint64_t points = 0;                ///< Operations at which something was tried,
  std::uint64_t points_after_faults = 0;   ///< and how many of these are come to only after a fault.
  std::uint64_t runs = 0;
  std::uint64_t left_out = 0;  ///< How many runs the budget has left out.
  std::uint64_t pruned = 0;    ///< How many pairs, because their second place led to the same before.
  std::chrono::nanoseconds time{};

  /// Whether there is no failure and no problem; notes do not count.
  [[nodiscard]] bool ok() const noexcept;
};

/// The result as text, in the columns of the terminal of standard error, or 80.
std::string to_string(const SweepResult& result);
std::ostream& operator<<(std::ostream& out, const SweepResult& result);

}  // namespace LEASH_NAMESPACE::fault

template <>
inline constexpr bool leash::detail::printable<leash::fault::SweepResult> = true;
