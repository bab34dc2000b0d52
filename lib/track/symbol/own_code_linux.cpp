#include <leash/track/symbol/own_code.hpp>

namespace {

// Where the code of one source of leash begins and ends: an entry of the section that `detail/mark_code.hpp` writes.
// Each word is the distance from the word itself to the address.
struct Code {
  std::intptr_t begin;
  std::intptr_t end;
};

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): the linker defines these names if the program has the section
extern "C" {
[[gnu::weak, gnu::visibility("hidden")]] extern const Code __start_leash_code[];
[[gnu::weak, gnu::visibility("hidden")]] extern const Code __stop_leash_code[];
}

namespace LEASH_NAMESPACE::track::detail {

bool is_own_code(std::uintptr_t address) noexcept {
  const auto target_of = [](const std::intptr_t& word) {
    return reinterpret_cast<std::uintptr_t>(&word) + static_cast<std::uintptr_t>(word);
  };
  for (const Code* code = __start_leash_code; code != __stop_leash_code; ++code) {
    if (target_of(code->begin) <= address && address < target_of(code->end)) return true;
  }
  return false;
}

}  // namespace LEASH_NAMESPACE::track::detail
// NOLINTEND(bugprone-reserved-identifier)
