// Asio's coroutines that take a Call do not compile; others do.

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <leash/net/asio.hpp>

using leash::Call;
using leash::Context;

namespace {

asio::awaitable<void> by_value(Call) { co_return; }                                   // refused
asio::awaitable<int> by_const_reference(const Call&) { co_return 1; }                 // refused
asio::awaitable<int> by_rvalue(int, Call&&) { co_return 1; }                          // refused
asio::awaitable<void, asio::io_context::executor_type> executor(Call) { co_return; }  // refused
asio::awaitable<void> context(Context) { co_return; }
asio::awaitable<int> context_by_reference(const Context&, int) { co_return 1; }

struct Service {
  asio::awaitable<void> member(Call) { co_return; }  // refused
  asio::awaitable<void> member(Context) { co_return; }
};

const auto lambda = [](Call) -> asio::awaitable<void> { co_return; };  // refused
const auto lambda_with_context = [](Context) -> asio::awaitable<void> { co_return; };

}  // namespace
