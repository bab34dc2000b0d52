#include <leash/detail/immortal.hpp>
#include <leash/track/errc.hpp>
#include <string>

namespace LEASH_NAMESPACE::track {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "leash.track"; }
  std::string message(int value) const override {
    return static_cast<errc>(value) == errc::tracker_closed ? "Tracker closed" : "Unknown error";
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  // Never destroyed: an Error in a static variable may be printed while static variables are being destroyed.
  static constinit const leash::detail::Immortal<Category> category;
  return category.object;
}

std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), error_category()}; }

}  // namespace LEASH_NAMESPACE::track
