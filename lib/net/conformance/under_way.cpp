#include <leash/net/conformance/under_way.hpp>

namespace LEASH_NAMESPACE::net::conformance {

UnderWay::Note::Note(UnderWay& all, const char* operation, const char* object) noexcept {
  for (Slot& slot : all.slots_) {
    if (slot.taken.exchange(true, std::memory_order_relaxed)) continue;
    slot.object.store(object, std::memory_order_relaxed);
    slot.operation.store(operation, std::memory_order_relaxed);
    slot_ = &slot;
    return;
  }
}

UnderWay::Note::~Note() {
  if (slot_ == nullptr) return;
  slot_->operation.store(nullptr, std::memory_order_relaxed);
  slot_->taken.store(false, std::memory_order_relaxed);
}

std::string UnderWay::text() const {
  std::string text;
  for (const Slot& slot : slots_) {
    const char* const operation = slot.operation.load(std::memory_order_relaxed);
    if (operation == nullptr) continue;
    if (!text.empty()) text += ", ";
    text.append(operation).append(" of the ").append(slot.object.load(std::memory_order_relaxed));
  }
  return text;
}

}  // namespace LEASH_NAMESPACE::net::conformance
