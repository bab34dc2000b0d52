#include <leash/track/symbol/own_code.hpp>

namespace {

// See `detail/mark_code.hpp`.
struct Code {
  std::intptr_t begin;  // From this word on,
  std::intptr_t end;    // and from this one.
};

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names, where there is such a section
extern "C" {
[[gnu::weak, gnu::visibility("hidden")]] extern const Code __start_leash_code[];
[[gnu::weak, gnu::visibility("hidden")]] extern const Code __stop_leash_code[];
}

namespace LEASH_NAMESPACE::track::detail {

bool is_own_code(std::uintptr_t address) noexcept {
  const auto place = [](const std::intptr_t& word) {
    return reinterpret_cast<std::uintptr_t>(&word) + static_cast<std::uintptr_t>(word);
  };
  for (const Code* code = __start_leash_code; code != __stop_leash_code; ++code) {
    if (place(code->begin) <= address && address < place(code->end)) return true;
  }
  return false;
}

}  // namespace LEASH_NAMESPACE::track::detail
// NOLINTEND(bugprone-reserved-identifier)
