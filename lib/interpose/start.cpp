#include <cstdio>
#include <exception>
#include <leash/interpose/descriptors.hpp>
#include <leash/interpose/faults.hpp>
#include <leash/interpose/orders.hpp>
#include <leash/interpose/real.hpp>
#include <leash/interpose/report.hpp>

namespace LEASH_NAMESPACE::interpose {
namespace {

[[gnu::constructor]] void start() {
  const Descriptors::Inside inside;
  try {
    RealAddress::find_all();
    take_orders();
    Faults::begin();
    begin_report();
    Descriptors::begin();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "leash: %s\n", error.what());
  }
}

}  // namespace
}  // namespace LEASH_NAMESPACE::interpose
