#pragma once

#include <leash/config.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::track {

/// What is wrong with a resource.
enum class Rule : unsigned char {
  leaked,            ///< It was open when the tracker closed.
  dropped,           ///< It was destroyed without `close`, and the error that `close` might have returned is lost.
  double_close,      ///< It was closed once more.
  use_after_close,   ///< It was used when it was closed already.
  outlived_parent,   ///< It was open when the resource that it depends on was closed.
  opened_after_end,  ///< It was to be opened under a tracker that had closed, and was refused.
  untracked,         ///< A descriptor that no tag knows was opened since the tracker began, and is open still: past
                     ///< leash, or without a tracker, or it was given away by `release`.
  closed_late,       ///< It was closed after it had been reported as leaked.
};

/// The rule's id, as reports print it and suppressions name it: `use-after-close`.
[[nodiscard]] std::string_view to_string(Rule rule) noexcept;

/// How much a finding weighs.
enum class Severity : unsigned char {
  failure,  ///< `Report::ok` is false.
  note,     ///< Shown with the failures, if there are any, and fails nothing.
  off,      ///< Not recorded.
};

/// How much the findings of each rule weigh: `{.dropped = Severity::note}`.
struct Rules {
  Severity leaked = Severity::failure;
  Severity dropped = Severity::failure;
  Severity double_close = Severity::failure;
  Severity use_after_close = Severity::failure;  ///< A note at most where another thread closed it, which may be meant.
  Severity outlived_parent = Severity::failure;
  Severity opened_after_end = Severity::failure;
  Severity untracked = Severity::off;  ///< Linux only. Reads /proc/self/fd when the tracker is made and closed.
  Severity closed_late = Severity::note;

  [[nodiscard]] Severity of(Rule rule) const noexcept;
};

}  // namespace LEASH_NAMESPACE::track
