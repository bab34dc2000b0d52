#pragma once

#include <leash/config.hpp>
#include <stop_token>
#include <utility>

namespace LEASH_NAMESPACE {

/// What `Context::with_stop_token` takes and `Context::stop_token` returns: a `std::stop_token`, made of one and used
/// as one. It has a name of its own so that only those who pass one include `<stop_token>`.
class StopToken : public std::stop_token {
 public:
  StopToken() noexcept = default;
  // NOLINTNEXTLINE(google-explicit-constructor): it is one
  StopToken(std::stop_token token) noexcept : std::stop_token(std::move(token)) {}
};

}  // namespace LEASH_NAMESPACE
