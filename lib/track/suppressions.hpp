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

/// Findings that are known and shall fail nothing: a list of lines like
///
///     # rule  kind        pattern               what for
///     leaked  connection  legacy::Pool::*       max=4   # kept on purpose until the pool is rewritten
///     *       "pool slot" third_party/*.cpp
///
/// A line names a rule (or `*`), a kind (its singular, or `*`; in double quotes if it has spaces), and a pattern that
/// some frame of the stack must match: its function as reports print it, with or without the parameters, or the
/// function that it is local to, or the file (from any folder on), `*` standing for any text. With `top:` before it,
/// the place that opened the resource must match, whoever called it. An `untracked` descriptor has no stack: there it
/// is what the descriptor is open on, of a socket with its addresses. A pattern may have spaces. Then, each if wanted:
/// `max=N`, how many resources at most (more than that are reported), and `#` with the reason. Lines that are empty or
/// begin with `#` say nothing.
///
/// An immutable value; a copy costs one reference count.
class Suppressions {
 public:
  struct Line {
    std::optional<Rule> rule;  ///< None: any.
    std::string kind;          ///< Empty: any.
    std::string pattern;
    bool top = false;  ///< Only the place that opened the resource is to match.
    std::optional<std::uint64_t> max;
    std::string reason;
    std::string where;  ///< `leash.supp:12`

    /// Whether a finding `found` on a resource of `kind_found` is meant, for a frame with this function and file.
    [[nodiscard]] bool matches(Rule found, const Kind& kind_found, std::string_view function,
                               std::string_view file) const;
  };

  /// No suppressions.
  Suppressions() noexcept = default;

  /// Reads `text`; `name` is what errors call it. Fails with `invalid_argument` at the first line that is none, naming
  /// `name:line:column` and what is wrong there.
  [[nodiscard]] static Result<Suppressions> parse(std::string_view text, std::string_view name = "suppressions");

  /// Reads the file at `path`. Fails as `parse` does, or with the error of the system.
  [[nodiscard]] static Result<Suppressions> load(const std::string& path);

  [[nodiscard]] std::span<const Line> lines() const noexcept LEASH_LIFETIMEBOUND;

 private:
  std::shared_ptr<const std::vector<Line>> lines_;
};

/// How often a line was used.
struct SuppressionUse {
  Suppressions::Line line;
  std::uint64_t findings = 0;   ///< Groups that it silenced, and
  std::uint64_t resources = 0;  ///< the resources in them.
};

}  // namespace LEASH_NAMESPACE::track
