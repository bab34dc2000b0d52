#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/async_binder.hpp>
#include <leash/net/detail/async_operation.hpp>
#include <leash/net/detail/bind_socket.hpp>
#include <leash/net/detail/resolve_address.hpp>
#include <leash/net/detail/socket_async_listener.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/registration.hpp>
#include <leash/result.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// One asynchronous bind.
class TcpBindOperation final : public AsyncOperation {
 public:
  using BindHandler = AsyncBinder::BindHandler;
  using Options = TcpBinder::Options;

  static void begin(Call call, const asio::any_io_executor& executor, std::string_view network,
                    std::string_view address, std::shared_ptr<const Options> options, BindHandler handler) {
    const Ref<TcpBindOperation> operation(
        new TcpBindOperation(call, executor, network, address, std::move(options), std::move(handler)));
    operation->start();
  }

 private:
  using Bound = Result<std::unique_ptr<AsyncListener>>;

  TcpBindOperation(Call call, const asio::any_io_executor& executor, std::string_view network, std::string_view address,
                   std::shared_ptr<const Options> options, BindHandler handler)
      : AsyncOperation(Loop::of(executor), handler.get_executor(executor)),
        context_(call.context()),
        site_(call.site()),
        listener_executor_(executor),
        network_(network),
        address_(address),
        options_(std::move(options)),
        handler_(std::move(handler)) {}

  void step() override {
    if (!std::exchange(begun_, true)) return begin();
    std::optional<Result<std::vector<IpAddress>>> found;
    {
      const std::lock_guard<std::mutex> lock(found_mutex_);
      found = std::exchange(found_, std::nullopt);
    }
    if (found) return bind(resolved_address("bind", context_, address_, parsed_, *found));
    Result<void> checked = context_.check("bind", address_);
    if (checked && cancelled()) checked = fail("bind", address_, std::errc::operation_canceled);
    if (!checked) {
      end(std::unexpected(
          resolved_address("bind", context_, address_, parsed_, std::unexpected(checked.error())).error()));
    }
  }

  void begin() {
    if (Result<void> checked = context_.check("bind", address_); !checked) {
      return end(std::unexpected(std::move(checked).error()));
    }
    Result<NetworkAddress> parsed = parse_bound(network_, address_);
    if (!parsed) return end(std::unexpected(std::move(parsed).error()));
    parsed_ = *std::move(parsed);
    if (parsed_.is_unix()) return bind(std::vector<Endpoint>());
    if (parsed_.ip) return bind(std::vector{Endpoint{*parsed_.ip, parsed_.port}});
    cancel_by(handler_);
    ended_ = context_.on_cancel([self = Ref<TcpBindOperation>(this)] { self->wake(); });
    Resolver& resolver = options_->resolver ? *options_->resolver : *Resolver::system();
    resolver.async_resolve(Call(context_, site_), network_, parsed_.host,
                           [self = Ref<TcpBindOperation>(this)](Result<std::vector<IpAddress>> found) {
                             {
                               const std::lock_guard<std::mutex> lock(self->found_mutex_);
                               self->found_ = std::move(found);
                             }
                             self->wake();
                           });
  }

  void bind(const Result<std::vector<Endpoint>>& endpoints) {
    const os::TagFollows tag_follows(has_tag_);
    auto bound = bind_socket(address_, parsed_, endpoints, *options_);
    if (!bound) return end(std::unexpected(std::move(bound).error()));
    const Ref<SharedListener> listener(new SharedListener(*std::move(bound), listener_executor_));
    if (const std::error_code code = listener->begin()) return end(fail("bind", address_, code));
    end(std::make_unique<SocketAsyncListener>(listener));
  }

  void end(Bound result) {
    ended_.reset();
    complete(std::move(handler_), std::move(result));
  }

  void drop() noexcept override {
    ended_.reset();
    handler_ = {};
  }

  const Context context_;
  const std::source_location site_;
  const asio::any_io_executor listener_executor_;
  const std::string network_;
  const std::string address_;
  const std::shared_ptr<const Options> options_;
  const bool has_tag_ = os::tag_follows();  ///< Whoever binds puts a tag on the listener.
  BindHandler handler_;
  bool begun_ = false;
  NetworkAddress parsed_;
  std::mutex found_mutex_;
  std::optional<Result<std::vector<IpAddress>>> found_;  ///< What the resolver says, until a step takes it.
  Registration ended_;
};

}  // namespace LEASH_NAMESPACE::net::detail
