#pragma once

#include <leash/config.hpp>
#include <leash/fault/detail/strike.hpp>
#include <leash/fault/fault.hpp>
#include <leash/net/operation.hpp>
#include <optional>

namespace LEASH_NAMESPACE::net::detail {

/// What an operation does with bytes, as far as a fault makes a difference.
fault::detail::Transfer struck_transfer(OperationKind kind) noexcept;

/// The fault that the plan in its Context has for an operation, or nothing: also if there is no plan. Counts it.
std::optional<fault::Fault> fault_at(const Operation& operation);

}  // namespace LEASH_NAMESPACE::net::detail
