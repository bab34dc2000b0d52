#include <cstring>
#include <leash/fs/detail/name_table.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

constexpr std::size_t least_slots = 16;

/// Both halves of the product (the "mum" of wyhash, Wang Yi).
std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using uint128 = unsigned __int128;
  const uint128 product = uint128{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

template <class Word>
Word word_at(const char* bytes) noexcept {
  Word word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

}  // namespace

std::uint32_t NameTable::hash(const MemoryNode* directory, std::string_view text) noexcept {
  static constexpr std::uint64_t first_factor = 0xa0761d6478bd642fULL;
  static constexpr std::uint64_t second_factor = 0xe7037ed1a0b428dbULL;
  const char* const begin = text.data();
  const std::size_t size = text.size();
  std::uint64_t sum = mix(reinterpret_cast<std::uintptr_t>(directory) ^ size, first_factor);
  if (size > 8) {
    for (std::size_t at = 0; at + 8 < size; at += 8) sum = mix(sum ^ word_at<std::uint64_t>(begin + at), second_factor);
    sum = mix(sum ^ word_at<std::uint64_t>(begin + size - 8), second_factor);
  } else if (size >= 4) {
    const std::uint64_t word =
        std::uint64_t{word_at<std::uint32_t>(begin)} << 32U | word_at<std::uint32_t>(begin + size - 4);
    sum = mix(sum ^ word, second_factor);
  } else if (size != 0) {
    const std::uint64_t word = std::uint64_t{static_cast<unsigned char>(begin[0])} << 16U |
                               std::uint64_t{static_cast<unsigned char>(begin[size / 2])} << 8U |
                               static_cast<unsigned char>(begin[size - 1]);
    sum = mix(sum ^ word, second_factor);
  }
  return static_cast<std::uint32_t>(sum ^ sum >> 32U);
}

std::uint64_t NameTable::slot_for(const MemoryName* name) noexcept {
  return reinterpret_cast<std::uintptr_t>(name) | std::uint64_t{name->hash >> 16U} << address_bits;
}

MemoryName* NameTable::name_in(std::uint64_t slot) noexcept {
  return reinterpret_cast<MemoryName*>(slot & ((std::uint64_t{1} << address_bits) - 1));
}

MemoryName* NameTable::find(const MemoryNode* directory, std::string_view text, std::uint32_t hash) const noexcept {
  if (mask_ == 0) return nullptr;
  for (std::size_t at = hash & mask_; slots_[at] != 0; at = (at + 1) & mask_) {
    if (slots_[at] >> address_bits != hash >> 16U) continue;
    MemoryName* const name = name_in(slots_[at]);
    __builtin_prefetch(name->node.get());
    if (name->hash == hash && name->directory == directory && name->text() == text) return name;
  }
  return nullptr;
}

void NameTable::reserve_one() {
  // At most three quarters are taken.
  if (mask_ == 0) {
    rehash(least_slots);
  } else if ((count_ + 1) * 4 > (mask_ + 1) * 3) {
    rehash((mask_ + 1) * 2);
  }
}

void NameTable::rehash(std::size_t capacity) {
  // NOLINTNEXTLINE(*-avoid-c-arrays)
  const std::unique_ptr<std::uint64_t[]> old = std::exchange(slots_, std::make_unique<std::uint64_t[]>(capacity));
  const std::size_t old_capacity = mask_ == 0 ? 0 : mask_ + 1;
  mask_ = capacity - 1;
  for (std::size_t at = 0; at < old_capacity; ++at) {
    if (old[at] == 0) continue;
    std::size_t to = name_in(old[at])->hash & mask_;
    while (slots_[to] != 0) to = (to + 1) & mask_;
    slots_[to] = old[at];
  }
}

void NameTable::insert(MemoryName* name) noexcept {
  std::size_t at = name->hash & mask_;
  while (slots_[at] != 0) at = (at + 1) & mask_;
  slots_[at] = slot_for(name);
  ++count_;
}

void NameTable::erase(const MemoryName* name) noexcept {
  const std::uint64_t wanted = slot_for(name);
  std::size_t hole = name->hash & mask_;
  while (slots_[hole] != wanted) hole = (hole + 1) & mask_;
  for (std::size_t at = (hole + 1) & mask_; slots_[at] != 0; at = (at + 1) & mask_) {
    const std::size_t home = name_in(slots_[at])->hash & mask_;
    // A name may move back to the hole unless its home lies behind that.
    if (((at - home) & mask_) < ((at - hole) & mask_)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = 0;
  --count_;
}

}  // namespace LEASH_NAMESPACE::fs::detail
