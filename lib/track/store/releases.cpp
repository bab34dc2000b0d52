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

struct Noted {
  int number;
  os::Ownership ownership;  ///< As long as it stays, leash did not get the number again.
  os::OpenFile file;
  Release release;
};

constinit std::atomic<int> watching{0};

/// At most one for each number; null before the first. Under `rare_paths`. Never destroyed: verdicts may come while
/// static variables are.
constinit std::vector<Noted>* noted = nullptr;

}  // namespace

ReleaseWatch::ReleaseWatch() noexcept { watching.fetch_add(1, std::memory_order_relaxed); }
ReleaseWatch::~ReleaseWatch() { watching.fetch_sub(1, std::memory_order_relaxed); }

void note_release(int number, const Release& release) noexcept {
  if (watching.load(std::memory_order_relaxed) == 0 || number < 0) return;
  const std::optional<os::OpenFile> file = os::open_file(number);
  if (!file) return;
  const Noted fresh{number, os::ownership_of(number), *file, release};
  try {
    const std::lock_guard lock(rare_paths);
    if (noted == nullptr) noted = new std::vector<Noted>();
    std::erase_if(*noted, [&](const Noted& one) { return one.number == number; });
    noted->push_back(fresh);
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // It will be told without its origin.
  }
}

std::optional<Release> release_of(int number) noexcept {
  const std::optional<os::OpenFile> file = os::open_file(number);
  const std::lock_guard lock(rare_paths);
  if (noted == nullptr) return std::nullopt;
  const auto known = std::ranges::find(*noted, number, &Noted::number);
  if (known == noted->end() || known->ownership != os::ownership_of(number) || known->file != file) return std::nullopt;
  return known->release;
}

}  // namespace LEASH_NAMESPACE::track::detail
