#pragma once

#include <algorithm>
#include <array>
#include <asio/any_io_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/async_conn.hpp>
#include <leash/net/async_network_hook.hpp>
#include <leash/net/detail/asio_error.hpp>
#include <leash/net/detail/hook_link.hpp>
#include <leash/net/detail/hooked_async_open.hpp>
#include <leash/net/operation.hpp>
#include <leash/net/stream.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/result.hpp>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// The buffers of a read or a write, of which a hook may want the first bytes alone. `Buffer` is `asio::mutable_buffer`
/// or `asio::const_buffer`.
template <class Buffer>
class HookedBuffers {
 public:
  static constexpr bool reads = std::is_same_v<Buffer, asio::mutable_buffer>;

  explicit HookedBuffers(std::span<const Buffer> buffers) noexcept : count_(std::min(buffers.size(), buffers_.size())) {
    std::copy_n(buffers.begin(), count_, buffers_.begin());
    for (std::size_t at = 0; at != count_; ++at) size_ += buffers_[at].size();
  }

  std::size_t size() const noexcept { return size_; }

  /// Of these bytes, at least one: else `asio::async_read` and `asio::async_write` might never end.
  HookedBuffers first(std::uint64_t size) const noexcept {
    HookedBuffers part(*this);
    auto left = static_cast<std::size_t>(std::clamp<std::uint64_t>(size, 1, size_));
    part.size_ = left;
    for (Buffer& buffer : std::span(part.buffers_).first(count_)) {
      buffer = Buffer(buffer.data(), std::min(left, buffer.size()));
      left -= buffer.size();
    }
    return part;
  }
  std::span<const Buffer> span() const noexcept { return std::span(buffers_).first(count_); }

  /// What a transfer has come to: for the hook, which is told of the end of the stream as the hook of a Conn is.
  static Result<void> keep(Operation& operation, const asio::error_code& code, std::size_t count) {
    operation.transferred = count;
    if (!code || (reads && code == asio::error::eof)) return {};
    return operation.fail(error_code_of(code));
  }

  /// The reverse, of what the hook has made of it: the code, and in `count`, which is how many bytes the last transfer
  /// that succeeded had, how many it is for the user.
  asio::error_code deliver(const Result<void>& result, std::size_t& count) const {
    if (!result) {
      count = static_cast<std::size_t>(std::min<std::uint64_t>(result.error().transferred(), size_));
      return asio_error(result.error().code());
    }
    if (count != 0) return {};
    if (reads) return asio::error::eof;
    count = size_;
    return {};
  }

 private:
  std::array<Buffer, 16> buffers_;
  std::size_t count_;
  std::size_t size_ = 0;
};

/// What the operations of a HookedAsyncConn share with it.
struct HookedStream {
  Ref<HookLink> link;
  Context context;  ///< That of the `dial` or `accept`, without its end.
  Address local;
  Address remote;
  Ref<HookedOperations> operations{new HookedOperations};
};

/// An asynchronous read or write.
template <class Buffer>
class HookedTransfer final : public HookedOperationOf<void(asio::error_code, std::size_t)> {
 public:
  static void begin(AsyncNetworkHook& hook, const std::shared_ptr<const HookedStream>& shared,
                    const std::shared_ptr<Stream>& stream, std::span<const Buffer> buffers,
                    AsyncConn::TransferHandler handler, std::source_location site) {
    const Ref<HookedTransfer> operation(
        new HookedTransfer(hook, shared, stream, HookedBuffers<Buffer>(buffers), std::move(handler), site));
    operation->begin_all();
  }

 private:
  using Buffers = HookedBuffers<Buffer>;

  HookedTransfer(AsyncNetworkHook& hook, const std::shared_ptr<const HookedStream>& shared,
                 const std::shared_ptr<Stream>& stream, const Buffers& buffers, AsyncConn::TransferHandler handler,
                 std::source_location site)
      : HookedOperationOf(hook, shared->context, Buffers::reads ? OperationKind::conn_read : OperationKind::conn_write,
                          site, stream->get_executor(), std::move(handler), shared->operations),
        shared_(shared),
        stream_(stream),
        buffers_(buffers) {
    operation().local = &shared_->local;
    operation().remote = &shared_->remote;
    operation().size = buffers_.size();
  }

  bool begin() override {
    count_ = 0;
    const std::shared_ptr<Stream> stream = stream_.lock();
    if (!stream) return false;
    const Buffers part = buffers_.first(operation().size);
    if constexpr (Buffers::reads) {
      stream->async_read_some(part.span(), inner_handler(), operation().site);
    } else {
      stream->async_write_some(part.span(), inner_handler(), operation().site);
    }
    return true;
  }

  Result<void> keep(asio::error_code code, std::size_t count) override {
    if (!code) count_ = count;
    return Buffers::keep(operation(), code, count);
  }

  void finish(Result<void> result) override {
    std::size_t count = count_;
    const asio::error_code code = buffers_.deliver(result, count);
    complete_with(code, count);
  }

  const std::shared_ptr<const HookedStream> shared_;
  const std::weak_ptr<Stream> stream_;  ///< None when the user's was destroyed.
  const Buffers buffers_;
  std::size_t count_ = 0;  ///< Of the last inner operation, if that succeeded.
};

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
    return transfer(OperationKind::conn_read, HookedBuffers(buffers), code, site,
                    [&](const auto& part) { return inner_->read_some(part.span(), code, site); });
  }
  std::size_t do_write(WriteBuffers buffers, asio::error_code& code, std::source_location site) override {
    return transfer(OperationKind::conn_write, HookedBuffers(buffers), code, site,
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
    Operation op = operation(OperationKind::conn_release, site);
    // Closed unless the caller gets it, which the hook may forbid afterwards.
    os::Descriptor released;
    Result<int> result = link().pass<int>(op, [&] {
      Result<int> descriptor = inner_->release(site);
      if (!descriptor) return descriptor;
      released = os::Descriptor(*descriptor);
      return ended(std::move(descriptor));
    });
    if (result) static_cast<void>(released.release());
    return result;
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
