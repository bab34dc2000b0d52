#pragma once

#include <leash/build_config.hpp>
#include <leash/version.hpp>
#ifdef LEASH_MARK_CODE  // Only while leash itself is compiled.
#include <leash/detail/mark_code.hpp>
#endif

/// How the library was built, and the one way its namespaces are opened.
///
/// `LEASH_TRACKING` (0 or 1) is written to `<leash/build_config.hpp>` by the build that made the library, and is never
/// given on a command line: a program reads the setting of the library that it links. The inline namespace `LEASH_ABI`
/// carries it and the version into every symbol, so that objects built with different ones fail to link instead of
/// failing to run.

/// Opens a namespace of the library: `namespace LEASH_NAMESPACE::fs { … }` is `leash::fs` to everyone else.
#define LEASH_NAMESPACE leash::inline LEASH_ABI

/// Marks a parameter whose referent must live as long as the result, on the compilers that know how to check it.
#if defined(__clang__)
#define LEASH_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define LEASH_LIFETIMEBOUND
#endif

namespace LEASH_NAMESPACE {

/// Whether this build of the library tracks anything at all. A program that wants to pay nothing when it does not may
/// bind the inner file system or dialer instead of the tracked one where this is false.
inline constexpr bool tracking_enabled = LEASH_TRACKING != 0;

namespace detail {

/// True for the types that `<leash/fmt.hpp>` prints as their `to_string` does.
template <class T>
inline constexpr bool printable = false;

}  // namespace detail

}  // namespace LEASH_NAMESPACE
