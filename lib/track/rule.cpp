#include <leash/track/rule.hpp>

namespace LEASH_NAMESPACE::track {

std::string_view to_string(Rule rule) noexcept {
  switch (rule) {
    case Rule::leaked:
      return "leaked";
    case Rule::dropped:
      return "dropped";
    case Rule::double_close:
      return "double-close";
    case Rule::use_after_close:
      return "use-after-close";
    case Rule::outlived_parent:
      return "outlived-parent";
    case Rule::opened_after_end:
      return "opened-after-end";
    case Rule::untracked:
      return "untracked";
    case Rule::closed_late:
      return "closed-late";
    case Rule::closed_by_other:
      return "closed-by-other";
  }
  return "unknown";
}

Severity Rules::of(Rule rule) const noexcept {
  switch (rule) {
    case Rule::leaked:
      return leaked;
    case Rule::dropped:
      return dropped;
    case Rule::double_close:
      return double_close;
    case Rule::use_after_close:
      return use_after_close;
    case Rule::outlived_parent:
      return outlived_parent;
    case Rule::opened_after_end:
      return opened_after_end;
    case Rule::untracked:
      return untracked;
    case Rule::closed_late:
      return closed_late;
    case Rule::closed_by_other:
      return closed_by_other;
  }
  return Severity::off;
}

}  // namespace LEASH_NAMESPACE::track
