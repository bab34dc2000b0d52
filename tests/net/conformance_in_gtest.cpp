#include <gtest/gtest.h>

#include <leash/net/conformance.hpp>
#include <leash/net/memory_network.hpp>
#include <string>

// Compiled only: the checks in GoogleTest, all in one test, and one test for each.

namespace {

TEST(Network, KeepsTheContract) {
  leash::net::MemoryNetwork network;
  for (const auto& failure : leash::net::check_conn(leash::net::dialled_pairs(network, network))) {
    ADD_FAILURE() << failure;
  }
}

class EachCheck : public testing::TestWithParam<std::string_view> {};

TEST_P(EachCheck, Passes) {
  leash::net::MemoryNetwork network;
  const leash::net::ConformanceOptions options{.only = {std::string(GetParam())}};
  for (const auto& failure : leash::net::check_dialer(network, network, options)) ADD_FAILURE() << failure;
}

INSTANTIATE_TEST_SUITE_P(Network, EachCheck, testing::ValuesIn(leash::net::dialer_checks()));

}  // namespace
