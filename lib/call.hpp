#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <source_location>

namespace LEASH_NAMESPACE {

/// A Context and the place in the user's code that a call comes from. Every operation that acquires something or may
/// wait takes one first, by value; the user passes a Context, and the compiler fills in file, line and function there:
///
///     auto file = files.open(ctx, "data.csv");
///
/// A helper that takes a `Call` and passes it on is seen through: the site is that of the helper's caller.
/// Valid only during the call it was made for; whatever lives longer copies the Context. Where a template of the
/// standard library makes the call (`std::make_unique<Client>(ctx)`, `std::invoke`, `emplace_back`), write
/// `leash::Call{ctx}`: the site would be that template's.
class Call {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): the conversion is the point
  Call(const Context& context LEASH_LIFETIMEBOUND, std::source_location site = std::source_location::current()) noexcept
      : context_(&context), site_(site) {}

  const Context& context() const noexcept { return *context_; }
  std::source_location site() const noexcept { return site_; }

 private:
  const Context* context_;
  std::source_location site_;
};

}  // namespace LEASH_NAMESPACE
