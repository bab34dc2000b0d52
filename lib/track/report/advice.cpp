#include <algorithm>
#include <leash/track/report/advice.hpp>
#include <leash/track/report/numbers.hpp>

namespace LEASH_NAMESPACE::track::detail {
namespace {

/// "3 connections".
std::string count_and_kind(const Group& group) { return counted(group.count, group.kind.one, group.kind.many); }

/// "the connection"; "the handle" if the kind has no name.
std::string the_resource(const Group& group) {
  return "the " + (group.kind.one.empty() ? std::string("handle") : std::string(group.kind.one));
}

std::string advice_on_untracked(Origin origin) {
  switch (origin) {
    case Origin::past_leash:
      return "open it through leash, or give it a Tag";
    case Origin::without_tag:
      return "open it through a TrackedFS or a TrackedDialer, with a Context that has a tracker";
    case Origin::released:
      return "call close(2) where it was given to, or give it a Tag there";
  }
  return {};
}

/// Whether the destructor of one of the instances loses the error of what was written (`OnDrop::error_lost`).
bool loses_errors(const Group& group) {
  return std::ranges::find(group.instances, OnDrop::error_lost, &Instance::on_drop) != group.instances.end();
}

}  // namespace

std::string what_is_wrong(const Group& group, bool verdict) {
  std::string things = count_and_kind(group);
  switch (group.rule) {
    case Rule::leaked:
      return things + (verdict ? " not closed" : " open");
    case Rule::dropped:
      return things + " dropped without close()";
    case Rule::double_close:
      return things + " closed twice";
    case Rule::use_after_close:
      return things + " used after close()";
    case Rule::outlived_parent:
      return things + " still open when the parent was closed";
    case Rule::opened_after_end:
      return things + " to be opened after the tracker had closed";
    case Rule::untracked:
      switch (group.origin) {
        case Origin::past_leash:
          return things + " opened past leash";
        case Origin::without_tag:
          return things + " opened without a tracker";
        case Origin::released:
          return things + " released and not closed";
      }
      return things;
    case Rule::closed_late:
      return things + " closed only after being reported";
    case Rule::closed_by_other:
      return things + " closed by who did not open " + (group.count == 1 ? "it" : "them");
  }
  return things;
}

std::string advice(const Group& group) {
  const std::string one = the_resource(group);
  switch (group.rule) {
    case Rule::leaked:
      return "call close() on " + one + " on every path, or let its owner end";
    case Rule::dropped:
      if (loses_errors(group)) {
        return "call close() on " + one +
               " and look at what it returns: a destructor cannot tell that the last write failed";
      }
      return "call close() on " + one + ": this tracker wants it of every handle";
    case Rule::double_close:
      return "let one owner call close() on " + one + ", once";
    case Rule::use_after_close:
      return "call close() on " + one + " after its last use, or stop using it first";
    case Rule::outlived_parent:
      return "call close() on " + one + " before what it depends on is closed";
    case Rule::opened_after_end:
      return "let the work that opens " + one + " end before the tracker is closed";
    case Rule::untracked:
      return advice_on_untracked(group.origin);
    case Rule::closed_late:
      return "wait for " + one + ": close(settle)";
    case Rule::closed_by_other:
      return "forget a descriptor where it is closed: its number is soon another's";
  }
  return {};
}

std::string_view before_what(Rule rule) {
  switch (rule) {
    case Rule::dropped:
      return "before it was dropped";
    case Rule::double_close:
      return "before the second close";
    case Rule::use_after_close:
      return "before this use";
    case Rule::outlived_parent:
      return "before its parent was closed";
    default:
      return "ago";
  }
}

}  // namespace LEASH_NAMESPACE::track::detail
