#include <cstdio>
#include <exception>
#include <leash/call.hpp>
#include <leash/context.hpp>
#include <leash/interpose/descriptors.hpp>
#include <leash/interpose/faults.hpp>
#include <leash/interpose/orders.hpp>
#include <leash/interpose/report.hpp>
#include <leash/track/tracker.hpp>

namespace LEASH_NAMESPACE::interpose {
namespace {

/// What a thread needs once, the C library would allocate at its first open, which may come in a handler of a signal.
void prepare() { static_cast<void>(Descriptors::tracker().request(Call(Context::background(), {}))); }

[[gnu::constructor]] void start() {
  const Descriptors::Inside inside;
  try {
    take_orders();
    prepare();
    Faults::begin();
    begin_report();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "leash: %s\n", error.what());
  }
}

}  // namespace
}  // namespace LEASH_NAMESPACE::interpose
