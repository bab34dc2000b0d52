#include <doctest/doctest.h>

#include <leash/result.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using leash::Error;
using leash::Result;

namespace {

/// Forgets what is in it when it ends, so that one who looks too late finds nothing.
class Names {
 public:
  explicit Names(std::vector<std::string> names) : names_(std::move(names)) {}
  Names(Names&& other) noexcept : names_(std::exchange(other.names_, {})) {}
  Names& operator=(Names&&) = delete;
  ~Names() { names_.clear(); }

  auto begin() const { return names_.begin(); }
  auto end() const { return names_.end(); }

 private:
  std::vector<std::string> names_;
};

Result<Names> names() { return Names({"a", "b", "c"}); }

}  // namespace

TEST_CASE("take gives the value of a temporary Result to who iterates over it") {
  std::string all;
  for (const std::string& name : leash::take(names())) all += name;
  CHECK(all == "abc");
  const auto& bound = leash::take(names());
  CHECK(*bound.begin() == "a");
}

TEST_CASE("take moves the value out, and throws the Error where there is none") {
  CHECK(*leash::take(Result<std::unique_ptr<int>>(std::make_unique<int>(3))) == 3);
  leash::take(Result<void>());
  const Result<int> failed = leash::fail("open", "data.csv", std::errc::no_such_file_or_directory);
  try {
    static_cast<void>(leash::take(failed));
    FAIL("took what is not there");
  } catch (const std::bad_expected_access<Error>& error) {
    CHECK(to_string(error.error()) == "open data.csv: No such file or directory");
  }
  CHECK_THROWS_AS(leash::take(Result<void>(leash::fail("close", "x", std::errc::io_error))),
                  std::bad_expected_access<Error>);
}
