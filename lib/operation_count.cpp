#include <leash/operation_count.hpp>

namespace LEASH_NAMESPACE {

OperationCount& OperationCount::operator+=(const OperationCount& other) noexcept {
  calls += other.calls;
  errors += other.errors;
  bytes += other.bytes;
  time += other.time;
  return *this;
}

}  // namespace LEASH_NAMESPACE
