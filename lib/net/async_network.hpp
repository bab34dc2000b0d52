#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/any_io_executor.hpp>
#include <leash/config.hpp>
#include <leash/function.hpp>
#include <leash/net/async_binder.hpp>
#include <leash/net/async_dialer.hpp>
#include <memory>

namespace LEASH_NAMESPACE::net {

/// A dialer that reaches what the binder binds. Whatever they need is kept alive by the pointers: of decorators, by
/// pointers with a deleter or an alias of theirs.
struct AsyncNetwork {
  std::shared_ptr<AsyncDialer> dialer = {};
  std::shared_ptr<AsyncBinder> binder = {};
};

/// Makes the two for an executor, which is that of their streams and listeners.
using MakeAsyncNetwork = Function<AsyncNetwork(const asio::any_io_executor& executor)>;

}  // namespace LEASH_NAMESPACE::net
