#include <doctest/doctest.h>

#include <array>
#include <leash/config.hpp>
#include <leash/fault/sweep.hpp>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <memory>
#include <string>

#include "run_program.hpp"
#include "shop.hpp"
#include "source_line.hpp"
#include "sql_error.hpp"
#include "sqlite_vfs.hpp"
#include "without_columns.hpp"

using leash::Context;
using leash::Result;
using shop::Shop;

namespace {

Outcome run_tracked_sql(const std::string& arguments) {
  return run_program("cd '" + std::string(SOURCES) + "' && '" + EXAMPLES + "/tracked_sql/tracked_sql' " + arguments);
}

const std::array<std::string, 2> fruit{"apple", "pear"};

/// The files of a shop, which may fail, and SQLite over them.
struct ShopFiles {
  explicit ShopFiles(const Context& context) : vfs(context, files) {}

  leash::fs::MemoryFS memory;
  leash::fs::FaultFS faulty{memory};
  leash::fs::TrackedFS files{faulty};
  sweep_foreign::SqliteVfs vfs;
};

Result<std::int64_t> open_and_count(const Context& context, const char* vfs) {
  auto opened = Shop::open(context, "shop.db", shop::Version::mended, vfs);
  if (!opened) return std::unexpected(opened.error());
  return opened->close();
}

Result<void> stock_and_count(const Context& context, shop::Version version) {
  auto world = std::make_shared<ShopFiles>(context);
  leash::fault::keep_until_verdict(context, world);
  auto opened = Shop::open(context, "shop.db", version, world->vfs.name());
  if (!opened) return std::unexpected(opened.error());
  auto shop = std::make_shared<Shop>(std::move(*opened));
  leash::fault::keep_until_verdict(context, shop);
  auto stocked = shop->stock(fruit);
  if (stocked) {
    const sweep_foreign::SqliteVfs plain(Context::background(), world->memory);
    leash::fault::expect(context, open_and_count(Context::background(), plain.name()) == 2,
                         "what was stocked is there");
  }
  const auto count = shop->count("apple");
  leash::fault::expect(context, !stocked || !count || *count == 1, "there is an apple");
  const auto total = shop->close();
  if (!stocked) return stocked;
  if (!count) return std::unexpected(count.error());
  if (!total) return std::unexpected(total.error());
  return {};
}

}  // namespace

TEST_CASE("tracked_sql names each of its three mistakes by its line, and the mended one leaves nothing open") {
  const Outcome mended = run_tracked_sql("");
  CAPTURE(mended.output);
  CHECK(mended.status == 0);
  CHECK(mended.output.contains("2 in all\n"));

  const Outcome leaky = run_tracked_sql("--leaky");
  const std::string text = leash_test::without_columns(leaky.output);
  CAPTURE(text);
  if constexpr (leash::tracking_enabled) {
    CHECK(mended.output.contains("Nothing was left open."));
    CHECK(leaky.status == 3);
    const std::string file = "examples/tracked_sql/shop.cpp";
    CHECK(text.contains(source_line(file, "database_.begin()") +
                        ": error: 1 transaction dropped without close() [dropped]"));
    CHECK(text.contains(source_line(file, "prepare(\"SELECT count(*) FROM item WHERE") +
                        ": error: 1 statement not closed [leaked]"));
    CHECK(text.contains(source_line(file, "(void)database_.close()", 2) +
                        ": error: 1 statement still open when the parent was closed [outlived-parent]"));
    CHECK(text.contains("  SELECT count(*) FROM item of :memory:; "));
    CHECK(text.contains("4 findings: 1 transaction, 3 statements."));
  }
  CHECK(run_tracked_sql("--no-such-option").status == 2);
}

TEST_CASE("a shop over a file system of leash survives each failure") {
  const auto result =
      leash::fault::sweep([](const Context& context) { return stock_and_count(context, shop::Version::mended); },
                          {.faults_per_run = 1, .max_runs = 1000});
  CAPTURE(result);
  CHECK(result.ok());
  CHECK(result.points >= 50);
}

TEST_CASE("a sweep of the leaky shop finds the database that was closed too early") {
  const auto result =
      leash::fault::sweep([](const Context& context) { return stock_and_count(context, shop::Version::leaky); },
                          {.faults_per_run = 1, .max_runs = 100});
  CAPTURE(result);
  CHECK(result.ok() != leash::tracking_enabled);
}

TEST_CASE("errors of SQLite have its codes and its words") {
  auto database = sql::Database::open(Context(), ":memory:");
  REQUIRE(database.has_value());
  const auto failed = database->run("SELECT colour");
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().code() == std::error_code(SQLITE_ERROR, sql::category()));
  CHECK(to_string(failed.error()) == "run SELECT colour: SQL logic error (no such column: colour)");

  auto statement = database->prepare("SELECT 1");
  REQUIRE(statement.has_value());
  const auto closed = database->close();
  REQUIRE_FALSE(closed.has_value());
  CHECK(closed.error().code() == std::error_code(SQLITE_BUSY, sql::category()));
  CHECK(statement->step() == true);
  CHECK(database->run("SELECT 1").error().code().value() == SQLITE_MISUSE);
  CHECK(database->close().error().code().value() == SQLITE_MISUSE);
}

TEST_CASE("a transaction whose database is gone rolls nothing back") {
  auto database = sql::Database::open(Context(), ":memory:");
  REQUIRE(database.has_value());
  auto transaction = database->begin();
  REQUIRE(transaction.has_value());
  CHECK(database->close().has_value());
  CHECK(transaction->commit().error().code().value() == SQLITE_MISUSE);
  CHECK(transaction->rollback().error().code().value() == SQLITE_MISUSE);
}
