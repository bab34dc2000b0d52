#include <leash/detail/immortal.hpp>
#include <leash/net/errc.hpp>
#include <string>

namespace LEASH_NAMESPACE::net {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "leash.net"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::host_not_found:
        return "Host not found";
      case errc::host_not_found_try_again:
        return "Host not found, try again";
      case errc::resolver_failed:
        return "Resolver failed";
    }
    return "Unknown error";
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  // Never destroyed: the destructor of a static object may still print an Error of this category.
  static constinit const leash::detail::Immortal<Category> category;
  return category.object;
}

std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), error_category()}; }

}  // namespace LEASH_NAMESPACE::net
