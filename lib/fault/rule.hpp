#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <leash/config.hpp>
#include <leash/fault/fault.hpp>
#include <leash/fault/point.hpp>
#include <leash/result.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::fault {

/// Which operations a fault strikes. As text:
///
///     fail open "*.csv" #2 with EMFILE
///     short read 1 at importer.cpp:42
///     fail after rename always with EIO
///     full write "db/*" 4096
///     delay dial "10.*" 250ms x3
///
/// That is, in this order: what happens (`fail`, `fail after`, `short`, `delay`, `full`, `end`, `reset`, `crash`); the
/// operation; and then, in any order and as far as wanted: a pattern of the path or address in double quotes; the
/// number of bytes of `short` and `full`, or the time of `delay`; `#N`, from the Nth such operation on; `xN`, so many
/// in a row, or `always`; `offset N`, only what reads or writes the byte N of the file; `at FILE` or `at FILE:LINE`,
/// only what is called there; `with EMFILE`, the error of `fail` and of a short write (`EIO` and `ENOSPC` if it is not
/// said). A disk that is `full` stays so, unless `xN` says how many operations find it so.
///
/// `*` in a pattern stands for any text. An operation is named as `fs::to_string` and `net::to_string` name it
/// (`File::read`), or by what follows the colons (`read`, of files and connections).
struct Rule {
  std::string operation = "*";                         ///< A pattern.
  std::string subject = "*";                           ///< A pattern of the path or address.
  std::string file = {};                               ///< Of the call; from any folder on. Empty: any.
  std::uint32_t line = 0;                              ///< Of the call. 0: any.
  std::optional<std::uint64_t> offset = std::nullopt;  ///< The byte that must be read or written.
  std::uint64_t first = 1;  ///< The first operation that is struck, of those that all else fits: from 1 on.
  std::uint64_t times = 1;  ///< How many are struck in a row. 0: all from the first on.
  Fault fault = {};

  /// Whether all fits but the occurrence.
  [[nodiscard]] bool fits(const Point& point) const;

  /// Parses a rule. Fails with `invalid_argument`; the Error names `rule:1:column` and says what is wrong there.
  [[nodiscard]] static Result<Rule> parse(std::string_view text);

  friend bool operator==(const Rule&, const Rule&) = default;
};

/// Parses rules, each on a line or ended by a semicolon; empty ones are skipped. Fails with `invalid_argument` at the
/// first that is malformed: the Error names `name:line:column` and says what is wrong there.
[[nodiscard]] Result<std::vector<Rule>> parse_rules(std::string_view text, std::string_view name = "faults");

/// The rule as `Rule::parse` reads it.
std::string to_string(const Rule& rule);
std::ostream& operator<<(std::ostream& out, const Rule& rule);

}  // namespace LEASH_NAMESPACE::fault

template <>
inline constexpr bool leash::detail::printable<leash::fault::Rule> = true;
