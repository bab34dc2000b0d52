#pragma once

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/address.hpp>
#include <leash/net/async_conn.hpp>
#include <leash/net/async_network_hook.hpp>
#include <leash/net/detail/asio_error.hpp>
#include <leash/net/detail/hook_link.hpp>
#include <leash/net/detail/hooked_async_open.hpp>
#include <leash/net/operation.hpp>
#include <leash/net/stream.hpp>
#include <leash/result.hpp>
#include <memory>
#include <source_location>
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

}  // namespace LEASH_NAMESPACE::net::detail
