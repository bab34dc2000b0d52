#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/detail/eh_frame.hpp>
#include <optional>

namespace LEASH_NAMESPACE::track::detail {

/// The unwind tables of the program or library that has `address` in it, if it has any. They stay as long as that is
/// loaded. Allocates nothing; lock-free and async-signal-safe with glibc 2.35 or newer, else under the loader's lock.
[[nodiscard]] std::optional<EhFrame> find_tables(std::uintptr_t address) noexcept;

/// How many libraries were unloaded in this process. Takes the loader's lock: not for signal handlers.
[[nodiscard]] std::uint64_t unload_count() noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
