#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>
#include <leash/config.hpp>
#include <leash/net/handler.hpp>
#include <tuple>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// A handler and what it is called with: a handler of nothing, which has the associates of the first.
template <class Target, class... Arguments>
class Completion {
 public:
  explicit Completion(Target handler, Arguments... arguments)
      : handler_(std::move(handler)), arguments_(std::move(arguments)...) {}

  void operator()() {
    std::apply([this](Arguments&... arguments) { handler_(std::move(arguments)...); }, arguments_);
  }

  using allocator_type = typename Target::allocator_type;
  allocator_type get_allocator() const noexcept { return handler_.get_allocator(); }

 private:
  Target handler_;
  std::tuple<Arguments...> arguments_;
};

template <class Target, class... Arguments>
Completion(Target, Arguments...) -> Completion<Target, Arguments...>;

/// Calls `handler` later, on its executor or `otherwise`: an operation that is over when it begins must not call it.
template <class Target, class... Arguments>
void post_completion(const asio::any_io_executor& otherwise, Target handler, Arguments... arguments) {
  const asio::any_io_executor executor = handler.get_executor(otherwise);
  asio::post(executor, Completion(std::move(handler), std::move(arguments)...));
}

}  // namespace LEASH_NAMESPACE::net::detail
