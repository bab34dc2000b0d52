#include "shop.hpp"

#include <utility>

namespace shop {

using leash::Result;
using sql::Database;
using sql::Statement;

namespace {

Result<void> insert(Database& database, std::span<const std::string> names) {
  auto insertion = database.prepare("INSERT INTO item VALUES(?)");
  if (!insertion) return std::unexpected(insertion.error());
  for (const std::string& name : names) {
    if (auto bound = insertion->bind(1, name); !bound) return bound;
    if (auto done = insertion->step(); !done) return std::unexpected(done.error());
    insertion->reset();
  }
  insertion->finalize();
  return {};
}

}  // namespace

Result<Shop> Shop::open(leash::Call call, const std::string& path, Version version, const char* vfs) {
  auto database = Database::open(call, path, vfs);
  if (!database) return std::unexpected(database.error());
  if (auto made = database->run("CREATE TABLE IF NOT EXISTS item(name TEXT)"); !made) {
    return std::unexpected(made.error());
  }
  return Shop(std::move(*database), version);
}

Shop::Shop(Database database, Version version) : database_(std::move(database)), version_(version) {}

Result<void> Shop::stock(std::span<const std::string> names) {
  auto transaction = database_.begin();
  if (!transaction) return std::unexpected(transaction.error());
  // Bug: nothing ends the transaction.
  if (version_ == Version::leaky && names.empty()) return {};
  if (auto inserted = insert(database_, names); !inserted) {
    (void)transaction->rollback();
    return inserted;
  }
  return transaction->commit();
}

Result<std::int64_t> Shop::count(const std::string& name) {
  auto prepared = database_.prepare("SELECT count(*) FROM item WHERE name = ?");
  if (!prepared) return std::unexpected(prepared.error());
  const auto query = queries_.try_emplace(name, std::move(*prepared)).first;
  const auto found = count_by(query->second, name);
  // Bug: the statement stays in the table.
  if (version_ == Version::leaky && found == 0) return found;
  query->second.finalize();
  queries_.erase(query);
  return found;
}

Result<std::int64_t> Shop::count_by(Statement& query, const std::string& name) {
  if (auto bound = query.bind(1, name); !bound) return std::unexpected(bound.error());
  if (auto row = query.step(); !row) return std::unexpected(row.error());
  return query.integer(0);
}

Result<std::int64_t> Shop::close() {
  auto all = database_.prepare("SELECT count(*) FROM item");
  if (!all) {
    (void)database_.close();
    return std::unexpected(all.error());
  }
  const auto row = all->step();
  const std::int64_t total = row ? all->integer(0) : 0;
  // Bug: the database is closed before its statement.
  if (version_ == Version::leaky) (void)database_.close();
  all->finalize();
  if (version_ == Version::leaky) return total;
  const auto closed = database_.close();
  if (!row) return std::unexpected(row.error());
  if (!closed) return std::unexpected(closed.error());
  return total;
}

}  // namespace shop
