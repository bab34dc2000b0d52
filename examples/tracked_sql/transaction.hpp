#pragma once

#include <leash/result.hpp>
#include <leash/track/tag.hpp>
#include <memory>
#include <source_location>

#include "connection.hpp"

namespace sql {

/// A transaction, which ends with `commit` or `rollback`. The destructor rolls back what has not ended; where nothing
/// has failed meanwhile, that is the finding `dropped`.
class Transaction {
 public:
  Transaction(Transaction&& other) noexcept = default;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  /// Makes durable what was written since `Database::begin`. Where that fails, the transaction is rolled back.
  [[nodiscard]] leash::Result<void> commit(std::source_location site = std::source_location::current());

  /// Undoes what was written since `Database::begin`.
  [[nodiscard]] leash::Result<void> rollback(std::source_location site = std::source_location::current());

 private:
  friend class Database;
  Transaction(std::shared_ptr<Connection> connection, leash::track::Tag tag);

  leash::Result<void> run(const char* sql);

  std::shared_ptr<Connection> connection_;  ///< Null when the transaction has ended.
  leash::track::Tag tag_;
};

}  // namespace sql
