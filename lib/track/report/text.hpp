#pragma once

#include <cstddef>
#include <cstdio>
#include <leash/config.hpp>
#include <leash/track/report/explain.hpp>
#include <string>

namespace LEASH_NAMESPACE::track {

/// How `text` writes a report.
struct TextOptions {
  /// The width to fit into, in columns: function names are shortened in their middle, sentences are wrapped. A
  /// `file:line` and a line for suppressions are never shortened, so that they can be copied; such a line may be
  /// longer.
  std::size_t width = 80;

  /// Whether to use colours (escape sequences of ECMA-48, SGR).
  bool color = false;

  /// The options that suit the descriptor `number`. If it is a terminal: its width, and colours unless the environment
  /// has `NO_COLOR`, `TERM=dumb` or no `TERM`. Else: 80 columns and no colours.
  [[nodiscard]] static TextOptions of_descriptor(int number) noexcept;
};

/// The report for people: the headline if there are several groups; a block for each group, which begins with
/// `file:line:column: error: …`; how many groups were left out; how often each suppression was used; the remarks; and
/// the totals. Without a newline at the end. Characters that are not printable are escaped.
[[nodiscard]] std::string text(const Explained& explained, const TextOptions& options = {});

/// The block of one group. Ends with a newline.
[[nodiscard]] std::string text(const Explained::Group& group, const TextOptions& options = {});

/// Writes the text of `report` and a newline to `out`, with the options that suit its descriptor
/// (`TextOptions::of_descriptor`). Errors of `out` are ignored.
void print(const Report& report, std::FILE* out = stderr);

}  // namespace LEASH_NAMESPACE::track
