// tracked_sql: database, statement and transaction of SQLite carry tags that are children of one another, so that what
// is forgotten of them is named by its line.
//
//   tracked_sql [--leaky]
//
// Exit status: 0 all is well, 1 the database failed, 2 bad usage, 3 something was left open.

#include <array>
#include <iostream>
#include <leash/result.hpp>
#include <leash/track/tracker.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "shop.hpp"

namespace {

using leash::Result;

/// A day in the shop, which `kept` outlives, as a shop does in a program that goes on.
Result<std::int64_t> open_shop(const leash::Context& ctx, shop::Version version, std::optional<shop::Shop>& kept) {
  auto opened = shop::Shop::open(ctx, ":memory:", version);
  if (!opened) return std::unexpected(opened.error());
  shop::Shop& shop = kept.emplace(std::move(*opened));
  const std::array<std::string, 2> fruit{"apple", "pear"};
  if (auto stocked = shop.stock(fruit); !stocked) return std::unexpected(stocked.error());
  if (auto stocked = shop.stock({}); !stocked) return std::unexpected(stocked.error());
  for (const char* const name : {"apple", "plum"}) {
    const auto count = shop.count(name);
    if (!count) return count;
    std::cout << name << ": " << *count << '\n';
  }
  return shop.close();
}

}  // namespace

int main(int argc, char** argv) {
  const bool leaky = argc == 2 && std::string_view(argv[1]) == "--leaky";
  if (argc > 1 && !leaky) {
    std::cerr << "usage: tracked_sql [--leaky]\n";
    return 2;
  }
  auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background());
  std::optional<shop::Shop> kept;
  const auto total = open_shop(ctx, leaky ? shop::Version::leaky : shop::Version::mended, kept);
  if (!total) {
    std::cerr << "tracked_sql: " << total.error() << '\n';
    return 1;
  }
  const leash::track::Report report = tracker.close();
  std::cout << *total << " in all\n" << report << '\n';
  return report.ok() ? 0 : 3;
}
