#pragma once

#include <leash/config.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::track {

/// What is wrong with a resource.
enum class Rule : unsigned char {
  leaked,            ///< It was open when the tracker was closed.
  dropped,           ///< It was destroyed without `close`, and the error that `close` might have returned is lost.
  double_close,      ///< It was closed a second time.
  use_after_close,   ///< It was used after it was closed.
  outlived_parent,   ///< It was open when the resource that it depends on was closed.
  opened_after_end,  ///< It was to be opened under a tracker that was closed, and was refused.
  /// A descriptor that was opened since the tracker began is still open, and no tag has it: it was opened past leash,
  /// or without a tracker, or was given away by `release`.
  untracked,
  closed_late,  ///< It was closed after it was reported as leaked.
  /// Only of `leash::interpose`: its number was closed a second time by who had closed it before, and its owner's own
  /// close has failed.
  closed_by_other,
};

/// The rule's id, as reports print it and suppressions name it: `use-after-close`.
[[nodiscard]] std::string_view to_string(Rule rule) noexcept;

/// How much a finding weighs.
enum class Severity : unsigned char {
  failure,  ///< `Report::ok` is false.
  note,     ///< Shown in the report; does not make `Report::ok` false.
  off,      ///< Not recorded.
};

/// How much the findings of each rule weigh: `{.dropped = Severity::note}`.
struct Rules {
  Severity leaked = Severity::failure;
  Severity dropped = Severity::failure;
  Severity double_close = Severity::failure;
  Severity use_after_close = Severity::failure;  ///< If another thread closed it, at most a note: it may be intended.
  Severity outlived_parent = Severity::failure;
  Severity opened_after_end = Severity::failure;
  Severity untracked = Severity::off;  ///< Linux only. Reads /proc/self/fd when the tracker is made and closed.
  Severity closed_late = Severity::note;
  Severity closed_by_other = Severity::failure;

  /// The weight of findings of `rule`.
  [[nodiscard]] Severity of(Rule rule) const noexcept;
};

}  // namespace LEASH_NAMESPACE::track
