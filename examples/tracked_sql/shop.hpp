#pragma once

#include <cstdint>
#include <leash/call.hpp>
#include <leash/result.hpp>
#include <map>
#include <span>
#include <string>

#include "database.hpp"

namespace shop {

/// With the mistakes that this example is about, or without.
enum class Version : unsigned char { leaky, mended };

/// What is on the shelves of a shop.
class Shop {
 public:
  [[nodiscard]] static leash::Result<Shop> open(leash::Call call, const std::string& path, Version version,
                                                const char* vfs = nullptr);

  /// Adds goods, all or none.
  [[nodiscard]] leash::Result<void> stock(std::span<const std::string> names);

  /// How often there is something of that name.
  [[nodiscard]] leash::Result<std::int64_t> count(const std::string& name);

  /// How much there is, which is asked last.
  [[nodiscard]] leash::Result<std::int64_t> close();

 private:
  Shop(sql::Database database, Version version);

  leash::Result<std::int64_t> count_by(sql::Statement& query, const std::string& name);

  sql::Database database_;
  Version version_;
  std::map<std::string, sql::Statement> queries_;  ///< Those that are under way.
};

}  // namespace shop
