#include <leash/detail/immortal.hpp>
#include <leash/fs/errc.hpp>
#include <string>

namespace LEASH_NAMESPACE::fs {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "leash.fs"; }
  std::string message(int value) const override {
    return static_cast<errc>(value) == errc::escapes_root ? "Path escapes the root" : "Unknown error";
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  // Never destroyed: the destructor of a static object may still print an Error of this category.
  static constinit const leash::detail::Immortal<Category> category;
  return category.object;
}

std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), error_category()}; }

}  // namespace LEASH_NAMESPACE::fs
