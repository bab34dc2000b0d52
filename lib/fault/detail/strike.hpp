#pragma once

#include <algorithm>
#include <leash/config.hpp>
#include <leash/fault/fault.hpp>
#include <leash/result.hpp>
#include <leash/sleep.hpp>

namespace LEASH_NAMESPACE::fault::detail {

/// What an operation does with bytes, as far as a fault makes a difference.
enum class Transfer : unsigned char {
  none,
  read,
  write_all,   ///< A write that either writes all of its bytes or fails.
  write_some,  ///< A write that is called again for what it has not written.
};

/// Does `operation`, which `next` carries out, as it is done when `fault` strikes it.
template <class Operation, class Next>
Result<void> strike(const Fault& fault, Operation& operation, Transfer transfer, const Next& next) {
  switch (fault.effect) {
    case Effect::fail:
      return operation.fail(fault.code, "injected");
    case Effect::fail_after:
      if (Result<void> done = next(); !done) return done;
      return operation.fail(fault.code, "injected, after it took effect");
    case Effect::shorten:
    case Effect::full: {
      if (transfer == Transfer::none) return next();
      const std::errc code = fault.effect == Effect::full ? std::errc::no_space_on_device : fault.code;
      if (fault.bytes == 0 && transfer != Transfer::read) return operation.fail(code, "injected");
      const bool shorter = fault.bytes < operation.size;
      operation.size = std::min(operation.size, fault.bytes);
      Result<void> done = next();
      if (!done || !shorter || transfer != Transfer::write_all) return done;
      return operation.fail(code, "injected");
    }
    case Effect::delay:
      if (Result<void> slept = sleep_for({operation.context, operation.site}, fault.delay); !slept) return slept;
      return next();
    case Effect::end:
      if (transfer == Transfer::read) return {};
      return operation.fail(std::errc::broken_pipe, "injected");
    case Effect::reset:
      return operation.fail(std::errc::connection_reset, "injected");
    case Effect::crash:
      return operation.fail(std::errc::io_error, "injected: the machine stops");
  }
  return next();
}

}  // namespace LEASH_NAMESPACE::fault::detail
