#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <leash/net/conformance.hpp>
#include <leash/net/memory_network.hpp>

// Compiled only: the checks in Catch2.

TEST_CASE("The network keeps the contract of connections") {
  leash::net::MemoryNetwork network;
  for (const auto& failure : leash::net::check_conn(leash::net::dialled_pairs(network, network))) FAIL_CHECK(failure);
}
