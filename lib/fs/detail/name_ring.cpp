#include <leash/fs/detail/memory_node.hpp>
#include <leash/fs/detail/name_ring.hpp>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

void link_before(MemoryName* name, MemoryName* other) noexcept {
  name->next = other;
  name->previous = other->previous;
  other->previous->next = name;
  other->previous = name;
}

}  // namespace

bool NameRing::empty() const noexcept {
  if (first_ == nullptr) return true;
  const MemoryName* name = first_;
  do {
    if (!name->is_cursor()) return false;
    name = name->next;
  } while (name != first_);
  return true;
}

std::vector<MemoryName*> NameRing::names() const {
  std::vector<MemoryName*> names;
  if (first_ == nullptr) return names;
  MemoryName* name = first_;
  do {
    if (!name->is_cursor()) names.push_back(name);
    name = name->next;
  } while (name != first_);
  return names;
}

void NameRing::push_front(MemoryName* name) noexcept {
  push_back(name);
  first_ = name;
}

void NameRing::push_back(MemoryName* name) noexcept {
  if (first_ == nullptr) {
    first_ = name;
  } else {
    link_before(name, first_);
  }
}

void NameRing::erase(MemoryName* name) noexcept {
  if (first_ == name) first_ = name->next == name ? nullptr : name->next;
  name->previous->next = name->next;
  name->next->previous = name->previous;
  name->next = name->previous = name;
}

void NameRing::move_behind(MemoryName* name, MemoryName* other) noexcept {
  erase(name);
  link_before(name, other->next);
}

}  // namespace LEASH_NAMESPACE::fs::detail
