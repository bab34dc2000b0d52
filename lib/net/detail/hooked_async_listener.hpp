#pragma once

#include <asio/any_io_executor.hpp>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/async_listener.hpp>
#include <leash/net/async_network_hook.hpp>
#include <leash/net/detail/completion.hpp>
#include <leash/net/detail/hook_link.hpp>
#include <leash/net/detail/hooked_async_conn.hpp>
#include <leash/net/detail/hooked_async_open.hpp>
#include <leash/net/operation.hpp>
#include <leash/result.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

struct HookedAccept : HookedStreamOpening {
  std::weak_ptr<AsyncListener> listener;  ///< None when the user's was destroyed.
  asio::any_io_executor executor;

  template <class TakeHandler>
  bool begin(const Operation& operation, TakeHandler take_handler) {
    const std::shared_ptr<AsyncListener> present = listener.lock();
    if (!present) return false;
    present->async_accept(Call(operation.context, operation.site), executor, take_handler());
    return true;
  }
};

/// An asynchronous listener whose operations, and those of the streams that it accepts, pass through a hook.
class HookedAsyncListener final : public AsyncListener {
 public:
  /// `context` is that of its `bind`, without its end.
  HookedAsyncListener(std::unique_ptr<AsyncListener> inner, Ref<HookLink> link, Context context)
      : link_(std::move(link)), context_(std::move(context)), address_(inner->address()), inner_(std::move(inner)) {}

 private:
  asio::any_io_executor do_executor() const override { return inner_->get_executor(); }

  void do_async_accept(Call call, const asio::any_io_executor& executor, AcceptHandler handler) override {
    AsyncNetworkHook* const hook = async_hook(*link_);
    if (hook == nullptr) {
      inner_->async_accept(call, executor, std::move(handler));
      return;
    }
    if (Result<void> checked = call.context().check("accept", to_string(address_)); !checked) {
      return post_completion(executor, std::move(handler), Result<Stream>(std::unexpected(checked.error())));
    }
    HookedOpen<HookedAccept>::begin(*hook, link_, call, {OperationKind::listener_accept, {}, {}, &address_},
                                    {{}, inner_, executor}, executor, std::move(handler), operations_);
  }

  Result<void> do_close(std::source_location site) override {
    const Operation op{.kind = OperationKind::listener_close, .local = &address_, .context = context_, .site = site};
    return link_->pass_close(op, [&] {
      Result<void> closed = inner_->close(site);
      operations_->cancel();
      return closed;
    });
  }

  Result<int> do_release(std::source_location site) override {
    const Operation op{.kind = OperationKind::listener_release, .local = &address_, .context = context_, .site = site};
    return pass_release(*link_, op, [&] {
      Result<int> descriptor = inner_->release(site);
      if (descriptor) operations_->cancel();
      return descriptor;
    });
  }

  Address do_address() const override { return inner_->address(); }
  int do_native_handle() const noexcept override { return inner_->native_handle(); }

  const Ref<HookLink> link_;
  const Context context_;
  const Address address_;
  const Ref<HookedOperations> operations_{new HookedOperations};
  const std::shared_ptr<AsyncListener> inner_;
};

}  // namespace LEASH_NAMESPACE::net::detail
