#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/report/explain.hpp>
#include <span>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::track {

/// The sum of several reports, of processes or of tests. Groups are one that have the same rule, kind and weight, the
/// same place, and the same functions and lines on their stacks: its count is the sum, and all else is that of the
/// first. Failures come before notes, and among these the largest first. It is ok if all are, and has a verdict if one
/// has. `Group::threads` are those of the first, since numbers of threads mean nothing elsewhere.
[[nodiscard]] Explained merge(std::span<const Explained> reports);

/// A group that two reports differ in.
struct Change {
  enum class Kind : unsigned char {
    added,   ///< It is in the new report only,
    grown,   ///< is larger there,
    shrunk,  ///< or smaller.
    gone,    ///< It is in the old report only.
  };

  Kind kind = Kind::added;
  std::uint64_t before = 0;     ///< Its count in the old report,
  std::uint64_t after = 0;      ///< and in the new one.
  Explained::Group group = {};  ///< Of the new report, or of the old one if it is gone.
};

/// What differs between two reports, perhaps of two versions of the program: groups are one that have the same rule,
/// kind, weight, file (without its folder), functions on their stacks, and text of the line, if it was read. Not the
/// lines' numbers, nor functions that a test framework has named.
struct Diff {
  std::vector<Change> changes = {};  ///< Those that are worse first: added, grown, shrunk, gone; the largest first.
  std::vector<std::string> remarks = {};  ///< Why a change may be missing, or none: groups that a report left out.

  /// Whether nothing is worse: no failure was added, and none has grown.
  [[nodiscard]] bool ok() const noexcept;
};

[[nodiscard]] Diff diff(const Explained& before, const Explained& after);

/// For each change a line, and the block of the group if it is worse, as `text` writes it.
[[nodiscard]] std::string text(const Diff& diff, std::size_t width = 80);

/// What is worse, as a report of its own for the other formats: groups that were added or have grown, with the count
/// by which they have.
[[nodiscard]] Explained worse(const Diff& diff);

}  // namespace LEASH_NAMESPACE::track
