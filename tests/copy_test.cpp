#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <leash/clock.hpp>
#include <leash/context.hpp>
#include <leash/detail/copy.hpp>
#include <leash/stop_token.hpp>
#include <new>
#include <optional>
#include <utility>

#include "track/child.hpp"

using leash::Context;
using leash::detail::Copy;

namespace {

struct Answer {
  using value_type = int;
};

/// A Context's node as another version of leash might have it: what it begins with is fixed, the rest is not ours.
struct ForeignNode {
  ForeignNode() { rest.fill(std::byte{0x5a}); }

  std::atomic<std::uint32_t> references{1};
  std::uint32_t format = 12345;
  Copy* copy = nullptr;
  std::array<std::byte, 512> rest;
};

int destroyed = 0;

/// A Context of that other version.
class ForeignContext {
 public:
  explicit ForeignContext(ForeignNode& node) {
    static_assert(sizeof(Context) == sizeof(ForeignNode*));
    const ForeignNode* const pointer = &node;
    std::memcpy(static_cast<void*>(&context_.emplace()), static_cast<const void*>(&pointer), sizeof pointer);
  }

  Context& operator*() { return *context_; }
  void reset() { context_.reset(); }

 private:
  std::optional<Context> context_;
};

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("a Context of another version of leash is one with nothing in it, which is said once") {
  const Outcome outcome = in_child([] {
    Copy other{20304, false, [](const void*) noexcept { ++destroyed; }};
    ForeignNode node;
    node.copy = &other;
    ForeignContext foreign(node);
    const Context& ctx = *foreign;

    bool right = !ctx.done() && !ctx.error() && !ctx.cause() && !ctx.deadline() && ctx.notes().empty();
    right = right && ctx.value<Answer>() == nullptr && ctx.clock() == leash::Clock::real();
    right = right && ctx.slot(leash::detail::Slot::tracker) == nullptr && !ctx.stop_token().stop_possible();
    right = right && *ctx.with_value<Answer>(7).value<Answer>() == 7;
    {
      auto [child, source] = ctx.with_cancel();
      source.cancel();
      right = right && child.done();
    }

    Context copy = ctx;
    foreign.reset();
    right = right && destroyed == 0;
    copy = Context();
    return right && destroyed == 1 ? 0 : 1;
  });
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(count(outcome.output, "leash: two copies of leash") == 1);
  CHECK(count(outcome.output, "version 2.3.4 in ") == 1);
  CHECK(count(outcome.output, "version " LEASH_VERSION_STRING " in ") == 1);
  CHECK(count(outcome.output, "core_test") == 1);
}
