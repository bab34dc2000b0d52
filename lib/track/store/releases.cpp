#include <algorithm>
#include <atomic>
#include <leash/os/open_descriptors.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/store/releases.hpp>
#include <leash/track/store/shard.hpp>
#include <mutex>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {
namespace {

struct NotedRelease {
  int number;
  os::Ownership ownership;  ///< Of the number, then. If it is the same later, leash has not opened that number again.
  os::OpenFile file;
  Release release;
};

constinit std::atomic<int> watches{0};

/// At most one for each number; null before the first. Guarded by `rare_paths`. Never destroyed: a verdict may come
/// while static variables are being destroyed.
constinit std::vector<NotedRelease>* noted = nullptr;

}  // namespace

ReleaseWatch::ReleaseWatch() noexcept { watches.fetch_add(1, std::memory_order_relaxed); }
ReleaseWatch::~ReleaseWatch() { watches.fetch_sub(1, std::memory_order_relaxed); }

void note_release(int number, const Release& release) noexcept {
  if (watches.load(std::memory_order_relaxed) == 0 || number < 0) return;
  const std::optional<os::OpenFile> file = os::open_file(number);
  if (!file) return;
  const NotedRelease fresh{number, os::ownership_of(number), *file, release};
  try {
    const std::lock_guard lock(rare_paths);
    if (noted == nullptr) noted = new std::vector<NotedRelease>();
    std::erase_if(*noted, [&](const NotedRelease& one) { return one.number == number; });
    noted->push_back(fresh);
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // There is no memory: a report names the descriptor without its origin.
  }
}

std::optional<Release> release_of(int number) noexcept {
  const std::optional<os::OpenFile> file = os::open_file(number);
  const std::lock_guard lock(rare_paths);
  if (noted == nullptr) return std::nullopt;
  const auto known = std::ranges::find(*noted, number, &NotedRelease::number);
  if (known == noted->end() || known->ownership != os::ownership_of(number) || known->file != file) return std::nullopt;
  return known->release;
}

}  // namespace LEASH_NAMESPACE::track::detail
