#pragma once

#include <leash/build_config.hpp>
#include <leash/version.hpp>
#ifdef LEASH_MARK_CODE  // Only while leash itself is compiled.
#include <leash/detail/mark_code.hpp>
#endif

/// How the library was built, and the macro by which all its namespaces are opened.
///
/// `LEASH_TRACKING` is 0 or 1. The build of the library writes it to `<leash/build_config.hpp>`; it is never given on a
/// command line, so that a program has the setting of the library that it links. The name of the inline namespace
/// `LEASH_ABI` contains the setting and the version, so each symbol does: objects that were compiled with different
/// ones do not link.

/// Opens a namespace of the library: `namespace LEASH_NAMESPACE::fs { … }` is `leash::fs` to everyone else.
#define LEASH_NAMESPACE leash::inline LEASH_ABI

/// Marks a parameter (or, behind a member function, the object) that must outlive the result. Clang warns where it does
/// not; other compilers do not check it.
#if defined(__clang__)
#define LEASH_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define LEASH_LIFETIMEBOUND
#endif

namespace LEASH_NAMESPACE {

/// Whether this build of the library tracks anything. Where it is false, a program may use the inner file system or
/// dialer in place of the tracked one, and so does not even pay for the call that passes through it.
inline constexpr bool tracking_enabled = LEASH_TRACKING != 0;

namespace detail {

/// True for the types that `<leash/fmt.hpp>` prints as their `to_string` does.
template <class T>
inline constexpr bool printable = false;

}  // namespace detail

}  // namespace LEASH_NAMESPACE
