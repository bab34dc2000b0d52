#include <bit>
#include <leash/os/asymmetric_fence.hpp>
#include <leash/track/store/shards.hpp>

namespace LEASH_NAMESPACE::track::detail {
namespace {

/// Whether a thread other than that with the index `own` may be taking records from the shard.
bool others_may_use(const Shard& shard, std::uint32_t own) noexcept {
  return shard.owner() == 0 || shard.owner() != own;
}

}  // namespace

Shards::~Shards() {
  each([](const Shard& shard) { delete &shard; });
  for (const auto& block : more_) delete[] block.load(std::memory_order_relaxed);
}

Shards::Pointer& Shards::pointer_at(std::uint32_t index) {
  if (index < first_count) return first_[index];
  const auto block = static_cast<std::size_t>(std::bit_width(index / first_count)) - 1;
  Pointer* pointers = more_[block].load(std::memory_order_acquire);
  if (pointers == nullptr) {
    auto* const fresh = new Pointer[first_count << block]{};
    if (more_[block].compare_exchange_strong(pointers, fresh)) {
      pointers = fresh;
    } else {
      delete[] fresh;
    }
  }
  return pointers[index - (first_count << block)];
}

Shard& Shards::at(Lifetime& tracker, std::uint32_t index) {
  Pointer& pointer = pointer_at(index);
  Shard* shard = pointer.load(std::memory_order_acquire);
  if (shard != nullptr) return *shard;
  auto* const fresh = new Shard(tracker, index);
  // All sequentially consistent. This thread stores the shard, then reads `disowned_` here, and in the caller whether
  // the tracker is closed. The thread that disowns the shards or closes the tracker stores that, then reads all shards.
  // At least one of the two sees what the other stored.
  if (!pointer.compare_exchange_strong(shard, fresh)) {
    delete fresh;
    return *shard;
  }
  if (disowned_.load()) {
    fresh->begin_disown();
    static_cast<void>(fresh->finish_disown());
  }
  return *fresh;
}

std::uint64_t Shards::disown(std::uint32_t own) noexcept {
  disowned_.store(true);
  bool others = false;
  each([&](Shard& shard) {
    shard.begin_disown();
    others = others || others_may_use(shard, own);
  });
  if (others) os::heavy_fence();
  std::uint64_t in_use = 0;
  each([&](Shard& shard) { in_use += shard.finish_disown(); });
  return in_use;
}

void Shards::wait_for_holders(std::uint32_t own) const noexcept {
  bool others = false;
  each([&](const Shard& shard) { others = others || others_may_use(shard, own); });
  if (!others) return;
  os::heavy_fence();
  each([&](Shard& shard) {
    if (others_may_use(shard, own)) shard.wait_for_holder();
  });
}

}  // namespace LEASH_NAMESPACE::track::detail
