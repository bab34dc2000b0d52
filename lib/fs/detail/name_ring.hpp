#pragma once

#include <leash/config.hpp>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

struct MemoryName;

/// The names in a directory, in the order of their creation, and among them the cursors of those who list it. Does not
/// own them. Not thread-safe.
class NameRing {
 public:
  /// Null if there is none.
  MemoryName* first() const noexcept { return first_; }

  /// Whether there is no name; cursors do not count.
  bool empty() const noexcept;

  /// All but the cursors.
  std::vector<MemoryName*> names() const;

  void push_front(MemoryName* name) noexcept;
  void push_back(MemoryName* name) noexcept;
  void erase(MemoryName* name) noexcept;

  /// Moves a name to the place behind another one.
  void move_behind(MemoryName* name, MemoryName* other) noexcept;

 private:
  MemoryName* first_ = nullptr;  ///< Linked to the next and the previous one; those of the last and the first meet.
};

}  // namespace LEASH_NAMESPACE::fs::detail
