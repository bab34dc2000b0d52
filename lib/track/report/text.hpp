#pragma once

#include <cstddef>
#include <cstdio>
#include <leash/config.hpp>
#include <leash/track/report/explain.hpp>
#include <string>

namespace LEASH_NAMESPACE::track {

struct TextOptions {
  /// What to fit into, in columns: functions are shortened in their middle, sentences wrapped. A place is never
  /// shortened, nor is a line for suppressions, so that both can be copied.
  std::size_t width = 80;

  /// Whether to colour it with the escape sequences of ECMA-48 (SGR).
  bool color = false;

  /// Those that suit what is written to a descriptor: a terminal's width, 80 where it is none; colour on a terminal,
  /// but not if the environment has `NO_COLOR`, or `TERM=dumb`, or no TERM.
  [[nodiscard]] static TextOptions of_descriptor(int number) noexcept;
};

/// The report for people: the headline if there are several groups, a block for each group, which begins with
/// `file:line:column: error: …`, what was left out, and the totals. Without a newline at the end. All that is not
/// printable is escaped.
[[nodiscard]] std::string text(const Explained& explained, const TextOptions& options = {});

/// The block of one group.
[[nodiscard]] std::string text(const Explained::Group& group, const TextOptions& options = {});

/// Writes the text of `report` to `out`, and a newline, as it suits that (see `TextOptions::of_descriptor`).
void print(const Report& report, std::FILE* out = stderr);

}  // namespace LEASH_NAMESPACE::track
