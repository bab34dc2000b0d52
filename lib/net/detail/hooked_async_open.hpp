#pragma once

#include <algorithm>
#include <asio/any_io_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/address.hpp>
#include <leash/net/async_network_hook.hpp>
#include <leash/net/detail/hook_link.hpp>
#include <leash/net/detail/hooked_operation.hpp>
#include <leash/net/detail/wrapped_handler.hpp>
#include <leash/net/handler.hpp>
#include <leash/net/operation.hpp>
#include <leash/os/mutex.hpp>
#include <leash/result.hpp>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// The hook of a link of an AsyncNetworkHook; null once it was destroyed.
inline AsyncNetworkHook* async_hook(const HookLink& link) noexcept {
  return static_cast<AsyncNetworkHook*>(link.hook.load(std::memory_order_acquire));
}

/// The operations of a stream or of a listener that pass through a hook.
class HookedOperations : public leash::detail::RefCounted {
 public:
  void add(HookedOperation& operation) {
    const std::lock_guard<os::Mutex> lock(mutex_);
    operations_.emplace_back(&operation);
  }
  void remove(HookedOperation& operation) noexcept {
    const Ref<HookedOperation> kept(&operation);
    const std::lock_guard<os::Mutex> lock(mutex_);
    std::erase_if(operations_, [&](const auto& each) { return each.get() == &operation; });
  }

  /// The inner operations of those that the hook has now will not be begun.
  void cancel() {
    std::vector<Ref<HookedOperation>> operations;
    {
      const std::lock_guard<os::Mutex> lock(mutex_);
      operations = operations_;
    }
    for (const auto& each : operations) each->cancel();
  }

 private:
  friend void destroy(HookedOperations* operations) noexcept { delete operations; }

  os::Mutex mutex_;
  std::vector<Ref<HookedOperation>> operations_;
};

template <class Signature>
class HookedOperationOf;

/// One with this handler.
template <class... Arguments>
class HookedOperationOf<void(Arguments...)> : public HookedOperation {
 protected:
  using InnerHandler = Handler<void(Arguments...)>;

  /// Of what it is begun on, `operations`; null of dials and binds.
  HookedOperationOf(AsyncNetworkHook& hook, Context context, OperationKind kind, std::source_location site,
                    const asio::any_io_executor& otherwise, InnerHandler handler, Ref<HookedOperations> operations)
      : HookedOperation(hook, std::move(context), kind, site, handler.get_executor(otherwise)),
        handler_(std::move(handler)),
        operations_(std::move(operations)) {}

  void begin_all() {
    if (operations_) operations_->add(*this);
    this->start();
  }

  /// That of the inner operation.
  InnerHandler inner_handler() { return InnerHandler(WrappedHandler(std::move(handler_), InnerEnd(*this))); }

  /// Keeps what the inner operation has completed with: what the hook is told of it.
  virtual Result<void> keep(Arguments... arguments) = 0;

  void complete_with(Arguments... arguments) {
    leave();
    complete(std::move(handler_), std::move(arguments)...);
  }

 private:
  /// Is told when the inner operation has ended, or its handler was destroyed.
  class InnerEnd {
   public:
    explicit InnerEnd(HookedOperationOf& operation) noexcept : operation_(&operation) {}
    InnerEnd(InnerEnd&&) noexcept = default;
    InnerEnd& operator=(InnerEnd&&) = delete;
    ~InnerEnd() {
      if (operation_) operation_->inner_dropped();
    }

    void operator()(InnerHandler&& handler, Arguments... arguments) {
      const Ref<HookedOperationOf> operation = std::exchange(operation_, nullptr);
      operation->handler_ = std::move(handler);
      operation->inner_ended(operation->keep(std::move(arguments)...));
    }

   private:
    Ref<HookedOperationOf> operation_;
  };

  asio::cancellation_slot handler_slot() const noexcept override {
    return handler_ ? handler_.get_cancellation_slot() : asio::cancellation_slot();
  }
  void drop_handler() noexcept override {
    leave();
    handler_ = {};
  }
  void leave() noexcept {
    if (operations_) operations_->remove(*this);
  }

  InnerHandler handler_;
  const Ref<HookedOperations> operations_;
};

/// An asynchronous dial, bind or accept. `Opening` says how it is carried out, and what comes of what it opens.
template <class Opening>
class HookedOpen final : public HookedOperationOf<void(Result<typename Opening::Opened>)> {
 public:
  using Opened = typename Opening::Opened;
  using OpenHandler = Handler<void(Result<Opened>)>;

  struct Asked {
    OperationKind kind;
    std::string_view network;
    std::string_view address;
    const Address* listener = nullptr;  ///< Of an accept.
  };

  static void begin(AsyncNetworkHook& hook, const Ref<HookLink>& link, Call call, const Asked& asked, Opening opening,
                    const asio::any_io_executor& executor, OpenHandler handler,
                    Ref<HookedOperations> operations = nullptr) {
    const Ref<HookedOpen> operation(new HookedOpen(hook, link, call, asked, std::move(opening), executor,
                                                   std::move(handler), std::move(operations)));
    operation->begin_all();
  }

 private:
  using Base = HookedOperationOf<void(Result<Opened>)>;

  HookedOpen(AsyncNetworkHook& hook, const Ref<HookLink>& link, Call call, const Asked& asked, Opening opening,
             const asio::any_io_executor& executor, OpenHandler handler, Ref<HookedOperations> operations)
      : Base(hook, call.context(), asked.kind, call.site(), executor, std::move(handler), std::move(operations)),
        link_(link),
        opening_(std::move(opening)),
        network_(asked.network),
        address_(asked.address) {
    ask();
    if (asked.listener == nullptr) return;
    local_ = *asked.listener;
    this->operation().local = &local_;
  }

  /// Sets what the hook may set to what was asked for.
  void ask() {
    this->operation().network = network_;
    this->operation().address = address_;
  }

  bool begin() override {
    opened_.reset();
    return opening_.begin(this->operation(), [this] { return this->inner_handler(); });
  }

  Result<void> keep(Result<Opened> opened) override {
    Operation& operation = this->operation();
    if (opened) opening_.tell_ends(*opened, local_, remote_);
    const bool accepts = operation.kind == OperationKind::listener_accept;
    operation.local = opened || accepts ? &local_ : nullptr;
    operation.remote = opened && operation.kind != OperationKind::bind ? &remote_ : nullptr;
    opened_ = std::move(opened);
    if (!*opened_) return std::unexpected(opened_->error());
    return {};
  }

  void finish(Result<void> result) override {
    // What the hook has put into the operation need not live any more.
    ask();
    if (result && !opened_) {
      result = this->operation().fail(std::errc::operation_canceled, "the hook did not let it happen");
    }
    if (result && !*opened_) result = std::unexpected(opened_->error());
    if (!result) {
      opened_.reset();
      return this->complete_with(std::unexpected(std::move(result).error()));
    }
    if (!this->operation().hooks_handle) return this->complete_with(*std::move(opened_));
    // What ends a dial or an accept has no effect on the stream.
    this->complete_with(opening_.hooked(**std::move(opened_), link_, this->operation().context.without_cancel()));
  }

  const Ref<HookLink> link_;
  Opening opening_;
  const std::string network_;
  const std::string address_;
  Address local_;
  Address remote_;
  std::optional<Result<Opened>> opened_;  ///< By the last inner operation.
};

}  // namespace LEASH_NAMESPACE::net::detail
