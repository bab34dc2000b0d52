#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/result.hpp>
#include <leash/track/kind.hpp>
#include <leash/track/rule.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::track {

/// Findings that are known, and that reports leave out: a list of lines like
///
///     # rule  kind        pattern               what for
///     leaked  connection  legacy::Pool::*       max=4   # kept on purpose until the pool is rewritten
///     *       "pool slot" third_party/*.cpp
///
/// A line names, in this order,
///
/// - a rule, or `*` for any;
/// - a kind by its singular, in double quotes if that has spaces, or `*` for any;
/// - a pattern, in which `*` stands for any text, and which may have spaces;
/// - optionally `max=N`: how many resources the line leaves out at most (a group that would exceed it is reported);
/// - optionally `#` and the reason.
///
/// Some frame of the stack must match the pattern: its function as reports print it (with or without the parameters),
/// the function that this one is local to, or its file (from any folder on). With `top:` before the pattern, the place
/// where the resource was opened must match, whoever called it. An `untracked` descriptor has no stack: there what it
/// is open on must match, which for a socket includes the addresses.
///
/// Empty lines and lines that begin with `#` are skipped.
///
/// An immutable value; a copy costs one reference count.
class Suppressions {
 public:
  struct Line {
    std::optional<Rule> rule;  ///< None: any.
    std::string kind;          ///< The singular. Empty: any.
    std::string pattern;
    bool top = false;                  ///< Only the place where the resource was opened can match.
    std::optional<std::uint64_t> max;  ///< How many resources the line applies to. None: any number.
    std::string reason;
    std::string where;  ///< The file and line that it was read from: `leash.supp:12`.

    /// Whether the line applies to a finding of the rule `found` on a resource of `kind_found`, as far as one frame
    /// with this function and file goes.
    [[nodiscard]] bool matches(Rule found, const Kind& kind_found, std::string_view function,
                               std::string_view file) const;
  };

  /// No suppressions.
  Suppressions() noexcept = default;

  /// Parses `text`, which errors call `name`. Fails with `invalid_argument` at the first line that is malformed; the
  /// Error names `name:line:column` and says what is wrong there.
  [[nodiscard]] static Result<Suppressions> parse(std::string_view text, std::string_view name = "suppressions");

  /// Parses the file at `path`. Fails as `parse` does, or with the system's error if the file cannot be read.
  [[nodiscard]] static Result<Suppressions> load(const std::string& path);

  /// The lines in their order, without those that were skipped.
  [[nodiscard]] std::span<const Line> lines() const noexcept LEASH_LIFETIMEBOUND;

 private:
  std::shared_ptr<const std::vector<Line>> lines_;
};

/// What a line left out of a report.
struct SuppressionUse {
  Suppressions::Line line;
  std::uint64_t findings = 0;   ///< How many groups,
  std::uint64_t resources = 0;  ///< and how many resources in them.
};

}  // namespace LEASH_NAMESPACE::track
