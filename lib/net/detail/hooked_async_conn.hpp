#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/error_code.hpp>
#include <cstddef>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/async_conn.hpp>
#include <leash/net/async_network_hook.hpp>
#include <leash/net/detail/hook_link.hpp>
#include <leash/net/detail/hooked_async_open.hpp>
#include <leash/net/detail/hooked_async_transfer.hpp>
#include <leash/net/operation.hpp>
#include <leash/net/stream.hpp>
#include <leash/result.hpp>
#include <memory>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// An asynchronous connection whose operations pass through a hook.
class HookedAsyncConn final : public AsyncConn {
 public:
  /// `context` is that of its `dial` or `accept`, without its end.
  HookedAsyncConn(Stream inner, const Ref<HookLink>& link, Context context)
      : shared_(std::make_shared<const HookedStream>(
            HookedStream{link, std::move(context), inner.local_address(), inner.remote_address()})),
        inner_(std::make_shared<Stream>(std::move(inner))) {}

 private:
  asio::any_io_executor do_executor() const override { return inner_->get_executor(); }

  void do_async_read(ReadBuffers buffers, TransferHandler handler, std::source_location site) override {
    AsyncNetworkHook* const hook = async_hook(*shared_->link);
    if (hook == nullptr) {
      inner_->async_read_some(buffers, std::move(handler), site);
    } else {
      HookedTransfer<asio::mutable_buffer>::begin(*hook, shared_, inner_, buffers, std::move(handler), site);
    }
  }
  void do_async_write(WriteBuffers buffers, TransferHandler handler, std::source_location site) override {
    AsyncNetworkHook* const hook = async_hook(*shared_->link);
    if (hook == nullptr) {
      inner_->async_write_some(buffers, std::move(handler), site);
    } else {
      HookedTransfer<asio::const_buffer>::begin(*hook, shared_, inner_, buffers, std::move(handler), site);
    }
  }

  std::size_t do_read(ReadBuffers buffers, asio::error_code& code, std::source_location site) override {
    return transfer(OperationKind::conn_read, HookedBuffers<asio::mutable_buffer>(buffers), code, site,
                    [&](const auto& part) { return inner_->read_some(part.span(), code, site); });
  }
  std::size_t do_write(WriteBuffers buffers, asio::error_code& code, std::source_location site) override {
    return transfer(OperationKind::conn_write, HookedBuffers<asio::const_buffer>(buffers), code, site,
                    [&](const auto& part) { return inner_->write_some(part.span(), code, site); });
  }

  void do_cancel(std::source_location site) override {
    inner_->cancel(site);
    shared_->operations->cancel();
  }

  Result<void> do_shutdown_write(std::source_location site) override {
    Operation op = operation(OperationKind::conn_close_write, site);
    return link().pass<void>(op, [&] { return inner_->shutdown_write(site); });
  }
  Result<void> do_close(std::source_location site) override {
    return link().pass_close(operation(OperationKind::conn_close, site), [&] { return ended(inner_->close(site)); });
  }
  Result<void> do_reset(std::source_location site) override {
    return link().pass_close(operation(OperationKind::conn_reset, site), [&] { return ended(inner_->reset(site)); });
  }
  Result<void> do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                               std::source_location site) override {
    Operation op = operation(OperationKind::conn_set_deadline, site);
    op.direction = direction;
    op.deadline = deadline;
    return link().pass<void>(op, [&] {
      if (direction == Direction::read) return inner_->set_read_deadline(deadline, site);
      if (direction == Direction::write) return inner_->set_write_deadline(deadline, site);
      return inner_->set_deadline(deadline, site);
    });
  }
  void do_note(std::string_view text, std::source_location site) override {
    Operation op = operation(OperationKind::conn_note, site);
    op.note = text;
    static_cast<void>(link().pass<void>(op, [&]() -> Result<void> {
      inner_->note(text, site);
      return {};
    }));
  }
  Result<int> do_release(std::source_location site) override {
    return pass_release(link(), operation(OperationKind::conn_release, site), [&] {
      Result<int> descriptor = inner_->release(site);
      return descriptor ? ended(std::move(descriptor)) : descriptor;
    });
  }

  bool do_is_open() const override { return inner_->is_open(); }
  Address do_local_address() const override { return inner_->local_address(); }
  Address do_remote_address() const override { return inner_->remote_address(); }
  Result<PeerCredentials> do_peer_credentials() const override { return inner_->peer_credentials(); }
  int do_native_handle() const noexcept override { return inner_->native_handle(); }

  const HookLink& link() const noexcept { return *shared_->link; }

  Operation operation(OperationKind kind, std::source_location site) const {
    return {
        .kind = kind, .local = &shared_->local, .remote = &shared_->remote, .context = shared_->context, .site = site};
  }

  /// What the hook has of operations is of a connection that has ended.
  template <class T>
  T ended(T result) {
    shared_->operations->cancel();
    return result;
  }

  /// Reads or writes by `transfer_part`, which returns how many bytes, and sets `code`.
  template <class Buffers, class TransferPart>
  std::size_t transfer(OperationKind kind, const Buffers& buffers, asio::error_code& code, std::source_location site,
                       TransferPart transfer_part) {
    Operation op = operation(kind, site);
    op.size = buffers.size();
    std::size_t count = 0;
    const Result<void> result = link().template pass<void>(op, [&] {
      const std::size_t transferred = transfer_part(buffers.first(op.size));
      count = code ? 0 : transferred;
      return Buffers::keep(op, code, transferred);
    });
    code = buffers.deliver(result, count);
    return count;
  }

  const std::shared_ptr<const HookedStream> shared_;
  const std::shared_ptr<Stream> inner_;
};

/// What comes of a dial or an accept.
struct HookedStreamOpening {
  using Opened = Stream;

  static void tell_ends(const Stream& stream, Address& local, Address& remote) {
    local = stream.local_address();
    remote = stream.remote_address();
  }
  static Stream hooked(Stream stream, const Ref<HookLink>& link, Context context) {
    return Stream(std::make_unique<HookedAsyncConn>(std::move(stream), link, std::move(context)));
  }
};

}  // namespace LEASH_NAMESPACE::net::detail
