#pragma once

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <cstddef>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/net/async_conn.hpp>
#include <leash/net/detail/asio_error.hpp>
#include <leash/net/detail/async_operation.hpp>
#include <leash/net/detail/memory_conn.hpp>
#include <leash/registration.hpp>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

class MemoryTransfer;

/// What a MemoryAsyncConn shares with the operations under way on it.
struct MemoryStreamState {
  explicit MemoryStreamState(std::unique_ptr<MemoryConn> conn_) : conn(std::move(conn_)) {}

  const std::unique_ptr<MemoryConn> conn;
  std::mutex mutex;
  std::array<Ref<MemoryTransfer>, 2> under_way;  ///< A read, and a write.
};

/// A read or a write of a connection in memory.
class MemoryTransfer final : public AsyncOperation {
 public:
  using TransferHandler = AsyncConn::TransferHandler;

  /// `Buffers` are `AsyncConn::ReadBuffers` or `AsyncConn::WriteBuffers`.
  template <class Buffers>
  static void begin(const std::shared_ptr<MemoryStreamState>& state, const Ref<Loop>& loop,
                    const asio::any_io_executor& executor, Buffers buffers, TransferHandler handler) {
    const Ref<MemoryTransfer> operation(new MemoryTransfer(state, loop, executor, buffers, std::move(handler)));
    operation->start();
  }

 private:
  friend class MemoryAsyncConn;

  static constexpr std::size_t read = 0;
  static constexpr std::size_t write = 1;
  static constexpr std::size_t most_pieces = 16;

  template <class Buffers>
  MemoryTransfer(std::shared_ptr<MemoryStreamState> state, Ref<Loop> loop, const asio::any_io_executor& executor,
                 Buffers buffers, TransferHandler handler)
      : AsyncOperation(std::move(loop), handler.get_executor(executor)),
        state_(std::move(state)),
        direction_(std::is_same_v<Buffers, AsyncConn::ReadBuffers> ? read : write),
        count_(std::min(buffers.size(), most_pieces)),
        handler_(std::move(handler)) {
    for (std::size_t at = 0; at != count_; ++at) {
      // A write only reads them.
      auto* const data = const_cast<void*>(static_cast<const void*>(buffers[at].data()));  // NOLINT(*-const-cast)
      pieces_[at] = {static_cast<std::byte*>(data), buffers[at].size()};
    }
  }

  MemoryConn& conn() const noexcept { return *state_->conn; }
  WaitList& list() const noexcept {
    return direction_ == read ? conn().link()->readers(conn().end()) : conn().link()->writers(conn().end());
  }

  void step() override {
    if (!std::exchange(begun_, true)) {
      if (!take_direction()) return end(asio::error::in_progress, 0);
      cancel_by(handler_);
      list().add(*this);
      listed_ = true;
    }
    MemoryLink::Transfer transfer;
    Clock::time_point due = Clock::time_point::max();
    if (cancelled()) return end(asio::error::operation_aborted, 0);
    if (!transfer_now(transfer, due)) return wake_at(due);
    if (transfer.error == std::errc()) {
      const bool ended = direction_ == read && transfer.count == 0;
      return end(ended ? asio::error_code(asio::error::eof) : asio::error_code(), transfer.count);
    }
    // An operation that is under way when its stream is closed was cut off; a later one has no stream.
    const bool cut_off = transfer.error == std::errc::bad_file_descriptor && !initiating();
    end(cut_off ? asio::error_code(asio::error::operation_aborted) : asio_error(transfer.error), 0);
  }

  bool transfer_now(MemoryLink::Transfer& transfer, Clock::time_point& due) {
    MemoryLink& link = *conn().link();
    const std::span pieces = std::span(pieces_).first(count_);
    if (direction_ == read) return link.read_now(conn().end(), pieces, conn().read_deadline(), transfer, due);
    std::array<std::span<const std::byte>, most_pieces> written;
    std::ranges::copy(pieces, written.begin());
    return link.write_now(conn().end(), std::span(written).first(count_), conn().write_deadline(), transfer, due);
  }

  /// False if another operation has the direction.
  bool take_direction() {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    Ref<MemoryTransfer>& under_way = state_->under_way[direction_];
    if (under_way) return false;
    under_way = Ref<MemoryTransfer>(this);
    return true;
  }

  void wake_at(Clock::time_point due) {
    if (due == timer_due_) return;
    timer_.reset();
    timer_due_ = due;
    if (due == Clock::time_point::max()) return;
    timer_ = conn().link()->clock()->at(due, [self = Ref<MemoryTransfer>(this)] { self->wake(); });
  }

  void let_go() noexcept {
    timer_.reset();
    if (std::exchange(listed_, false)) list().remove(*this);
    Ref<MemoryTransfer> self;
    const std::lock_guard<std::mutex> lock(state_->mutex);
    Ref<MemoryTransfer>& under_way = state_->under_way[direction_];
    if (under_way.get() == this) self = std::move(under_way);
  }

  void end(asio::error_code code, std::size_t count) {
    let_go();
    complete(std::move(handler_), code, count);
  }

  void drop() noexcept override {
    let_go();
    handler_ = {};
  }

  const std::shared_ptr<MemoryStreamState> state_;
  const std::size_t direction_;
  std::array<std::span<std::byte>, most_pieces> pieces_;
  const std::size_t count_;
  TransferHandler handler_;
  bool begun_ = false;
  bool listed_ = false;
  Registration timer_;
  Clock::time_point timer_due_ = Clock::time_point::max();
};

/// One end of a connection in memory.
class MemoryAsyncConn final : public AsyncConn {
 public:
  MemoryAsyncConn(std::unique_ptr<MemoryConn> conn, asio::any_io_executor executor)
      : executor_(std::move(executor)),
        loop_(Loop::of(executor_)),
        state_(std::make_shared<MemoryStreamState>(std::move(conn))) {}
  ~MemoryAsyncConn() override { static_cast<void>(conn().close()); }

 private:
  Conn& conn() const noexcept { return *state_->conn; }

  asio::any_io_executor do_executor() const override { return executor_; }

  void do_async_read(ReadBuffers buffers, TransferHandler handler, std::source_location) override {
    MemoryTransfer::begin(state_, loop_, executor_, buffers, std::move(handler));
  }
  void do_async_write(WriteBuffers buffers, TransferHandler handler, std::source_location) override {
    MemoryTransfer::begin(state_, loop_, executor_, buffers, std::move(handler));
  }

  std::size_t do_read(ReadBuffers buffers, asio::error_code& code, std::source_location site) override {
    const asio::mutable_buffer& buffer = buffers.front();
    const Result<std::size_t> count =
        conn().read(std::span(static_cast<std::byte*>(buffer.data()), buffer.size()), site);
    if (!count) code = asio_error(static_cast<std::errc>(count.error().code().value()));
    if (count && *count == 0) code = asio::error::eof;
    return count.value_or(0);
  }
  std::size_t do_write(WriteBuffers buffers, asio::error_code& code, std::source_location site) override {
    const asio::const_buffer& buffer = buffers.front();
    const std::span data(static_cast<const std::byte*>(buffer.data()), buffer.size());
    MemoryConn& memory = *state_->conn;
    MemoryLink::Transfer transfer;
    Clock::time_point due = Clock::time_point::max();
    if (memory.link()->write_now(memory.end(), {&data, 1}, memory.write_deadline(), transfer, due)) {
      if (transfer.error != std::errc()) code = asio_error(transfer.error);
      return transfer.count;
    }
    // Waits for the room for one byte: a write of more would wait until there was room for all, and an error after a
    // part of it would leave untold how much that was.
    const Result<void> written = conn().write(data.first(1), site);
    if (written) return 1;
    code = asio_error(static_cast<std::errc>(written.error().code().value()));
    return 0;
  }

  void do_cancel(std::source_location) override {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    for (const Ref<MemoryTransfer>& operation : state_->under_way) {
      if (operation) operation->cancel();
    }
  }

  Result<void> do_shutdown_write(std::source_location site) override { return conn().close_write(site); }
  Result<void> do_close(std::source_location site) override { return conn().close(site); }
  Result<void> do_reset(std::source_location site) override { return conn().reset(site); }
  Result<void> do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                               std::source_location site) override {
    if (direction == Direction::read) return conn().set_read_deadline(deadline, site);
    if (direction == Direction::write) return conn().set_write_deadline(deadline, site);
    return conn().set_deadline(deadline, site);
  }
  void do_note(std::string_view, std::source_location) override {}
  bool do_is_open() const override { return !state_->conn->link()->closed(state_->conn->end()); }
  Address do_local_address() const override { return conn().local_address(); }
  Address do_remote_address() const override { return conn().remote_address(); }
  Result<PeerCredentials> do_peer_credentials() const override { return conn().peer_credentials(); }
  int do_native_handle() const noexcept override { return -1; }
  Result<int> do_release(std::source_location site) override { return conn().release(site); }

  const asio::any_io_executor executor_;
  const Ref<Loop> loop_;
  const std::shared_ptr<MemoryStreamState> state_;
};

}  // namespace LEASH_NAMESPACE::net::detail
