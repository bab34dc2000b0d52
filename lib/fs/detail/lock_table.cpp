#include <algorithm>
#include <leash/context.hpp>
#include <leash/fs/detail/lock_table.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

/// A range with the last byte that a file may have has no end, as for fcntl(2).
std::uint64_t end_of(LockRange range) noexcept {
  return range.size == 0 || range.offset + range.size > INT64_MAX ? UINT64_MAX : range.offset + range.size;
}

}  // namespace

bool LockTable::excluded(const Held& wanted) const noexcept {
  return std::ranges::any_of(held_, [&](const Held& held) {
    return held.owner != wanted.owner && held.begin < wanted.end && wanted.begin < held.end &&
           (held.mode == LockMode::exclusive || wanted.mode == LockMode::exclusive);
  });
}

/// Takes what the owner of `range` has locked of it out of the table.
void LockTable::remove(const Held& range) {
  held_.reserve(held_.size() + 1);  // for the part that is left behind the range, of one lock at most
  for (std::size_t at = 0; at < held_.size();) {
    Held& held = held_[at];
    if (held.owner != range.owner || held.end <= range.begin || range.end <= held.begin) {
      ++at;
    } else if (held.begin < range.begin) {
      Held behind = held;
      held.end = range.begin;
      behind.begin = range.end;
      if (behind.begin < behind.end) held_.push_back(behind);
      ++at;
    } else if (range.end < held.end) {
      held.begin = range.end;
      ++at;
    } else {
      held = held_.back();
      held_.pop_back();
    }
  }
}

void LockTable::place(const Held& wanted) {
  held_.reserve(held_.size() + 2);  // so that nothing throws once a part is removed
  remove(wanted);
  held_.push_back(wanted);
}

bool LockTable::try_lock(Owner owner, LockMode mode, LockRange range) {
  const Held wanted{range.offset, end_of(range), mode, owner};
  const std::lock_guard lock(mutex_);
  if (excluded(wanted)) return false;
  place(wanted);
  // What was locked as exclusive may be shared now.
  freed_.notify_all();
  return true;
}

bool LockTable::lock(Call call, Owner owner, LockMode mode, LockRange range) {
  const Held wanted{range.offset, end_of(range), mode, owner};
  bool over = false;
  const Registration ended = call.context().on_cancel([&] {
    const std::lock_guard lock(mutex_);
    over = true;
    freed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  freed_.wait(lock, [&] { return !excluded(wanted) || over; });
  if (excluded(wanted)) return false;
  place(wanted);
  freed_.notify_all();
  return true;
}

void LockTable::unlock(Owner owner, LockRange range) {
  const std::lock_guard lock(mutex_);
  remove({range.offset, end_of(range), LockMode::shared, owner});
  freed_.notify_all();
}

void LockTable::unlock_all(Owner owner) noexcept {
  const std::lock_guard lock(mutex_);
  std::erase_if(held_, [&](const Held& held) { return held.owner == owner; });
  freed_.notify_all();
}

}  // namespace LEASH_NAMESPACE::fs::detail
