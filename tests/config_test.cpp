#include <doctest/doctest.h>

#include <leash/config.hpp>
#include <string>

TEST_CASE("the version is given in parts, as a number and as text, and they agree") {
  CHECK(LEASH_VERSION == LEASH_VERSION_MAJOR * 10000 + LEASH_VERSION_MINOR * 100 + LEASH_VERSION_PATCH);
  CHECK(LEASH_VERSION_STRING == std::to_string(LEASH_VERSION_MAJOR) + "." + std::to_string(LEASH_VERSION_MINOR) + "." +
                                    std::to_string(LEASH_VERSION_PATCH));
#if LEASH_VERSION < 100
#error "the preprocessor cannot compare it"
#endif
}

TEST_CASE("the inline namespace tells builds and versions apart that do not go together") {
  CHECK(std::string(LEASH_ABI_STRING) == std::string(leash::tracking_enabled ? "tracking_on_" : "tracking_off_") +
                                             std::to_string(LEASH_VERSION_MAJOR) + "_" +
                                             std::to_string(LEASH_VERSION_MINOR));
}
