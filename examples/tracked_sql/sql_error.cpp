#include "sql_error.hpp"

#include <string>

namespace sql {

namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "sqlite"; }
  std::string message(int code) const override { return sqlite3_errstr(code); }
};

constinit const Category the_category;

}  // namespace

const std::error_category& category() noexcept { return the_category; }

leash::Error error(std::string_view operation, std::string_view subject, int code, sqlite3* handle) {
  const std::string_view detail = handle == nullptr ? "" : sqlite3_errmsg(handle);
  return {operation, subject, std::error_code(code, category()), detail == sqlite3_errstr(code) ? "" : detail};
}

}  // namespace sql
