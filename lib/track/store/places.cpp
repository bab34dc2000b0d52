#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <leash/os/happens_before.hpp>
#include <leash/os/modules.hpp>
#include <leash/track/store/intern_table.hpp>
#include <leash/track/store/places.hpp>
#include <new>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {
namespace {

constinit InternTable kinds(std::size_t{1} << 19U, std::size_t{1} << 8U);
constexpr std::size_t bytes_of_sites = std::size_t{1} << 23U;
static_assert(bytes_of_sites / InternTable::unit <= std::size_t{1} << site_number_bits);

/// The high half of the product xor the low half: one step of wyhash (Wang Yi, 2019).
std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

/// Random odd numbers, of wyhash.
constexpr std::uint64_t odd_a = 0xa0761d6478bd642fULL;
constexpr std::uint64_t odd_b = 0xe7037ed1a0b428dbULL;

std::uint32_t to_32_bits(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash ^ (hash >> 32U)); }

std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = folded_product(text.size() ^ odd_a, odd_b);
  for (const char letter : text) hash = folded_product(hash ^ static_cast<unsigned char>(letter), odd_b);
  return hash;
}

/// Adds up a product for each pair of addresses, each with a key of its own. No product needs the one before it, so the
/// processor computes several at once.
std::uint64_t hash_of(std::span<const std::uintptr_t> addresses) noexcept {
  std::uint64_t hash = addresses.size();
  std::uint64_t key = odd_a;
  std::size_t at = 0;
  for (; at + 1 < addresses.size(); at += 2) {
    hash += folded_product(addresses[at] ^ key, addresses[at + 1] ^ odd_b);
    key += odd_b;
  }
  if (at < addresses.size()) hash += folded_product(addresses[at] ^ key, odd_b);
  return hash;
}

/// Writes `text` and a zero to `at`, and returns where they end.
char* append_text(char* at, std::string_view text) noexcept {
  std::memcpy(at, text.data(), text.size());
  at[text.size()] = '\0';
  return at + text.size() + 1;
}

/// A kind as the depot stores it. The texts that `kind` points to lie behind it.
struct KindEntry {
  Kind kind;
  std::atomic<std::uint16_t> number;  ///< 0 until it has one.
};

/// How many kinds there can be in the shared slot: their numbers have 16 bits, of which the others are not all 0.
constexpr std::size_t shared_kinds = (std::size_t{1} << (16U - kind_slot_bits)) - 1;

/// The kinds in the order in which they got their numbers, with none between them. Nothing is at 0.
constinit std::array<std::atomic<KindEntry*>, shared_kind_slot + shared_kinds> numbered_kinds{};

constexpr std::uint16_t number_of_kind_at(std::size_t index) noexcept {
  if (index < shared_kind_slot) return static_cast<std::uint16_t>(index);
  return static_cast<std::uint16_t>((index - shared_kind_slot + 1) << kind_slot_bits | shared_kind_slot);
}

constexpr std::size_t index_of_kind(std::uint16_t number) noexcept {
  const std::size_t slot = kind_slot_of(number);
  return slot != shared_kind_slot ? slot : slot - 1 + (number >> kind_slot_bits);
}

/// The number of an entry; 0 if there are too many kinds.
std::uint16_t number_kind(KindEntry& entry) noexcept {
  if (const std::uint16_t known = entry.number.load(std::memory_order_relaxed); known != 0) return known;
  for (std::size_t index = 1; index < numbered_kinds.size(); ++index) {
    KindEntry* there = numbered_kinds[index].load(std::memory_order_acquire);
    // Another thread may be numbering the same entry: both come to the same place first.
    if (there == nullptr && numbered_kinds[index].compare_exchange_strong(there, &entry)) there = &entry;
    if (there != &entry) continue;
    const std::uint16_t number = number_of_kind_at(index);
    entry.number.store(number, std::memory_order_relaxed);
    return number;
  }
  return 0;
}

}  // namespace

constinit InternTable sites(bytes_of_sites, std::size_t{1} << 14U);
constinit InternTable stacks(std::size_t{1} << 26U, std::size_t{1} << 18U);

namespace {

/// The cache for sites in shared libraries. Once a library is unloaded, another one may have a different site at the
/// same address, so a hit here counts only if the texts are equal; in `ThisThread::site_cache`, for the program itself,
/// it always does.
constinit thread_local SiteCache library_site_cache{};

bool is_same_site(const SiteEntry& entry, const std::source_location& location) noexcept {
  return entry.line == location.line() && entry.column == location.column() &&
         std::strcmp(entry.file(), location.file_name()) == 0 &&
         std::strcmp(entry.function(), location.function_name()) == 0;
}

std::uint32_t store_site(const std::source_location& location) noexcept {
  if (location.line() == 0) return 0;
  const std::string_view file = location.file_name();
  const std::string_view function = location.function_name();
  const std::uint64_t line_and_column = std::uint64_t{location.line()} << 32U | location.column();
  const std::uint32_t hash = to_32_bits(folded_product(hash_of(file) ^ line_and_column, hash_of(function) ^ odd_a));
  return sites.find_or_add(
      hash, sizeof(SiteEntry) + file.size() + function.size() + 2,
      [&](const void* payload) { return is_same_site(*static_cast<const SiteEntry*>(payload), location); },
      [&](void* payload) {
        auto* const entry =
            new (payload) SiteEntry{location.line(), location.column(), static_cast<std::uint32_t>(file.size()),
                                    static_cast<std::uint32_t>(function.size()), 0};
        append_text(append_text(reinterpret_cast<char*>(entry + 1), file), function);
      });
}

std::uint16_t store_kind(const Kind& kind) noexcept {
  const std::uint32_t hash = to_32_bits(folded_product(hash_of(kind.one) ^ odd_a, hash_of(kind.many)));
  const std::uint32_t stored = kinds.find_or_add(
      hash, sizeof(KindEntry) + kind.one.size() + kind.many.size() + 2,
      [&](const void* payload) { return static_cast<const KindEntry*>(payload)->kind == kind; },
      [&](void* payload) {
        char* const texts = static_cast<char*>(payload) + sizeof(KindEntry);
        append_text(append_text(texts, kind.one), kind.many);
        new (payload) KindEntry{{{texts, kind.one.size()}, {texts + kind.one.size() + 1, kind.many.size()}}, 0};
      });
  return stored == 0 ? std::uint16_t{0} : number_kind(*static_cast<KindEntry*>(kinds.at(stored)));
}

}  // namespace

[[gnu::noinline]] std::uint32_t intern_uncached_site(std::source_location location) noexcept {
  const auto address = std::bit_cast<std::uintptr_t>(location);
  std::atomic<std::uint64_t>& library_slot = library_site_cache[site_cache_slot(address)];
  const std::uint64_t known = library_slot.load(std::memory_order_relaxed);
  if (known >> site_number_bits == site_cache_key(address)) {
    const auto number = static_cast<std::uint32_t>(known & ((std::uint32_t{1} << site_number_bits) - 1));
    // 0 is an empty slot, which looks like that of a `source_location` that says nothing.
    if (number == 0 || is_same_site(*site_at(number), location)) return number;
  }
  const std::uint32_t number = store_site(location);
  std::atomic<std::uint64_t>& slot =
      os::is_in_program(address) ? this_thread().site_cache[site_cache_slot(address)] : library_slot;
  // Not if there was no room for it: the next call tries again.
  if (number != 0) slot.store(site_cache_key(address) << site_number_bits | number, std::memory_order_relaxed);
  return number;
}

[[gnu::noinline]] std::uint16_t intern_uncached_kind(const Kind& kind) noexcept {
  const std::uint16_t number = store_kind(kind);
  KindCache& known = this_thread().kind_cache;
  if (number != 0 && known.revision.begin_change(known.revision.get())) {
    known.kind = kind;
    known.number = number;
    known.revision.end_change();
  }
  return number;
}

unsigned kind_slots_in_use() noexcept {
  unsigned slots = 1;
  while (slots < kind_slots && numbered_kinds[slots].load(std::memory_order_acquire) != nullptr) ++slots;
  return slots;
}

Kind kind_at(std::uint16_t number) noexcept {
  os::happens_after(&kinds);
  if (number == 0) return {"resource", "resources"};
  return numbered_kinds[index_of_kind(number)].load(std::memory_order_acquire)->kind;
}

const SiteEntry* site_at(std::uint32_t number) noexcept {
  return number == 0 ? nullptr : static_cast<const SiteEntry*>(sites.at(number));
}

std::uint32_t intern_stack(std::uint32_t site, std::span<const std::uintptr_t> addresses) noexcept {
  const std::uint32_t hash = to_32_bits(hash_of(addresses) ^ site * odd_a);
  return stacks.find_or_add(
      hash, sizeof(StackEntry) + addresses.size_bytes(),
      [&](const void* payload) {
        const auto& entry = *static_cast<const StackEntry*>(payload);
        return entry.site == site && std::ranges::equal(entry.addresses(), addresses);
      },
      [&](void* payload) {
        auto* const entry = new (payload) StackEntry{site, static_cast<std::uint32_t>(addresses.size()), 0, 0};
        std::memcpy(static_cast<void*>(entry + 1), addresses.data(), addresses.size_bytes());
      });
}

Site Place::site() const noexcept {
  os::happens_after(&sites);
  const SiteEntry* const entry = site_at(site_number());
  return entry == nullptr ? Site() : entry->site();
}

std::span<const std::uintptr_t> Place::addresses() const noexcept {
  if (!is_stack()) return {};
  os::happens_after(&stacks);
  return static_cast<const StackEntry*>(stacks.at(bits_))->addresses();
}

Site Place::closed_at() const noexcept {
  os::happens_after(&sites);
  const std::atomic<std::uint32_t>* const last = last_close();
  const SiteEntry* const entry = last == nullptr ? nullptr : site_at(last->load(std::memory_order_relaxed));
  return entry == nullptr ? Site() : entry->site();
}

}  // namespace LEASH_NAMESPACE::track::detail

namespace LEASH_NAMESPACE::track {

Site::Site(std::source_location location) noexcept : Site(detail::site_at(detail::intern_site(location))) {}

const char* Site::file_name() const noexcept { return entry_ == nullptr ? "" : entry_->file(); }
const char* Site::function_name() const noexcept { return entry_ == nullptr ? "" : entry_->function(); }
std::uint32_t Site::line() const noexcept { return entry_ == nullptr ? 0 : entry_->line; }
std::uint32_t Site::column() const noexcept { return entry_ == nullptr ? 0 : entry_->column; }

}  // namespace LEASH_NAMESPACE::track
