#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <asio/cancellation_signal.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <cerrno>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/net/async_conn.hpp>
#include <leash/net/detail/asio_error.hpp>
#include <leash/net/detail/asio_socket.hpp>
#include <leash/net/detail/completion.hpp>
#include <leash/net/detail/deadline.hpp>
#include <leash/net/detail/flat_buffers.hpp>
#include <leash/net/detail/loop.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/waker.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
/// A socket of Asio with which the execution context and its owner, a SocketAsyncConn, do not have to end in any order,
/// and the operations under way on it. Thread-safe.
class SharedSocket final : public Loop::Member {
 public:
  using ReadBuffers = AsyncConn::ReadBuffers;
  using WriteBuffers = AsyncConn::WriteBuffers;
  using TransferHandler = AsyncConn::TransferHandler;

  /// One direction.
  struct Half {
    Half(SharedSocket& socket, const std::shared_ptr<Clock>& clock)
        : deadline(clock, [&socket, this] { socket.expire(*this); }) {}

    TransferHandler handler;           ///< Of the operation under way, if there is one.
    bool starting = false;             ///< Asio is being called for it, with the mutex held.
    asio::cancellation_signal signal;  ///< Ends it.
    bool expired = false;              ///< The deadline has ended it.
    bool failed = false;               ///< The last one that came to an end.
    os::Waker waker;                   ///< Of the thread that waits in a blocking operation.
    // The last member: its destructor waits for `expire`.
    Deadline deadline;
  };

  SharedSocket(AsioSocket socket, const std::shared_ptr<Clock>& clock)
      : executor_(socket.get_executor()),
        loop_(Loop::of(executor_)),
        number_(socket.native_handle()),
        socket_(std::move(socket)),
        reading_(*this, clock),
        writing_(*this, clock) {
    os::hand_out(number_);
  }

  /// It ends with the execution context from now on, until it is closed.
  void begin() {
    if (!loop_->add(*this)) context_ended();
  }

  const asio::any_io_executor& executor() const noexcept { return executor_; }

  void read(ReadBuffers buffers, TransferHandler handler) {
    const auto now = [&] { return ::recv(number_, buffers.front().data(), buffers.front().size(), MSG_DONTWAIT); };
    transfer(reading_, std::move(handler), now, [&](auto&& token) {
      if (buffers.size() == 1) return socket_->async_read_some(buffers.front(), std::move(token));
      socket_->async_read_some(FlatBuffers<asio::mutable_buffer>(buffers), std::move(token));
    });
  }

  void write(WriteBuffers buffers, TransferHandler handler) {
    const auto now = [&] {
      return ::send(number_, buffers.front().data(), buffers.front().size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    };
    transfer(writing_, std::move(handler), now, [&](auto&& token) {
      if (buffers.size() == 1) return socket_->async_write_some(buffers.front(), std::move(token));
      socket_->async_write_some(FlatBuffers<asio::const_buffer>(buffers), std::move(token));
    });
  }

  /// Receives or sends by `call`, which returns what recv(2) does, without waiting; waits for one of `events` where
  /// that is needed.
  template <class Call>
  std::size_t block(Half& half, short events, asio::error_code& code, Call call) {
    for (;;) {
      int number = -1;
      bool waits = false;
      {
        // Over the call too, which does not wait: once it is closed, the number may be that of something else.
        const std::lock_guard<os::Mutex> lock(mutex_);
        if (!socket_) code = asio::error::bad_descriptor;
        if (half.deadline.passed()) code = asio_error(std::errc::timed_out);
        if (code) return 0;
        number = number_;
        const ssize_t count = call(number);
        if (count >= 0) return static_cast<std::size_t>(count);
        waits = errno == EAGAIN || errno == EWOULDBLOCK;
        if (!waits && errno != EINTR) code = lasting_locked(asio_error(errno));
        if (code) return 0;
      }
      if (waits) {
        os::Waker::Wait wait(half.waker);
        if (!half.deadline.passed() && is_open()) wait.until(number, events, std::nullopt);
      }
    }
  }

  void cancel() {
    const std::lock_guard<os::Mutex> lock(mutex_);
    // Operations of an execution context that has ended are over; their signals lead nowhere.
    if (!socket_) return;
    reading_.signal.emit(asio::cancellation_type::terminal);
    writing_.signal.emit(asio::cancellation_type::terminal);
  }

  /// Calls `body` with the descriptor while that is open: what `body` returns, or EBADF.
  template <class Body>
  int while_open(Body body) {
    const std::lock_guard<os::Mutex> lock(mutex_);
    return number_ == -1 ? EBADF : body(number_);
  }

  bool is_open() {
    const std::lock_guard<os::Mutex> lock(mutex_);
    return number_ != -1;
  }
  int number() {
    const std::lock_guard<os::Mutex> lock(mutex_);
    return number_;
  }

  /// Closes the socket after `before(descriptor)`: 0, or an errno.
  template <class Before>
  int close(Before before) {
    int error = EBADF;
    {
      const std::lock_guard<os::Mutex> lock(mutex_);
      if (const int number = std::exchange(number_, -1); number != -1) {
        error = before(number);
        const os::Closing closing(number);
        if (socket_) {
          asio::error_code code;
          socket_->close(code);
          socket_.reset();
          if (code) error = code.value();
        } else if (::close(number) != 0) {
          error = errno;
        }
      }
    }
    // Threads that wait in a blocking operation see that it is closed.
    reading_.waker.wake();
    writing_.waker.wake();
    loop_->remove(*this);
    return error == EINTR ? 0 : error;
  }

  /// The descriptor, which is the caller's to close from now on; -1 if it is closed.
  int release() {
    int number = -1;
    {
      const std::lock_guard<os::Mutex> lock(mutex_);
      number = std::exchange(number_, -1);
      take_socket();
    }
    loop_->remove(*this);
    if (number != -1) os::give_away(number);
    return number;
  }

  /// What a transfer that has come to `code` tells: the kernel says once with what it has ended the connection, and
  /// then that there is an orderly end; here the error goes on instead.
  asio::error_code lasting(asio::error_code code) {
    const std::lock_guard<os::Mutex> lock(mutex_);
    return lasting_locked(code);
  }

  Half& reading() noexcept { return reading_; }
  Half& writing() noexcept { return writing_; }

 private:
  /// The handler that Asio calls for that of an operation, and has its memory from: the handler lives as long as this,
  /// since Asio gives that memory back by a Transfer that it moved to the stack.
  class Transfer {
   public:
    Transfer(SharedSocket& socket, Half& half, asio::any_io_executor executor)
        : socket_(&socket), half_(&half), executor_(std::move(executor)), allocator_(half.handler.get_allocator()) {}
    Transfer(Transfer&&) noexcept = default;
    Transfer& operator=(Transfer&&) = delete;
    ~Transfer() {
      if (socket_ && !half_->starting) socket_->drop(*half_);
    }

    using executor_type = asio::any_io_executor;
    executor_type get_executor() const noexcept { return executor_; }
    using allocator_type = HandlerAllocator<void>;
    allocator_type get_allocator() const noexcept { return allocator_; }
    using cancellation_slot_type = asio::cancellation_slot;
    cancellation_slot_type get_cancellation_slot() const noexcept { return half_->signal.slot(); }

    void operator()(asio::error_code code, std::size_t count) {
      const Ref<SharedSocket> socket = std::move(socket_);
      socket->ended(*half_, code, count);
    }

   private:
    Ref<SharedSocket> socket_;
    Half* half_;
    asio::any_io_executor executor_;
    allocator_type allocator_;
  };

  template <class Now, class Start>
  void transfer(Half& half, TransferHandler handler, Now now, Start start) {
    const asio::any_io_executor executor = handler.get_executor(executor_);
    asio::error_code code;
    std::size_t count = 0;
    {
      const std::lock_guard<os::Mutex> lock(mutex_);
      if (!socket_) {
        code = asio::error::bad_descriptor;
      } else if (half.handler) {
        code = asio::error::in_progress;
      } else if (half.deadline.passed()) {
        code = asio_error(std::errc::timed_out);
      } else if (!half.failed || !transfer_now(half, now, code, count)) {
        half.expired = false;
        cancel_by(handler, half);
        half.handler = std::move(handler);
        half.starting = true;
        try {
          start(Transfer(*this, half, executor));
        } catch (...) {
          half.starting = false;
          handler = std::move(half.handler);
          throw;
        }
        half.starting = false;
        return;
      }
    }
    // Not called in the call that has begun the operation.
    asio::post(executor, Completion(std::move(handler), code, count));
  }

  /// Transfers by `now`, which returns what recv(2) does; false if it has to wait. After an end or an error the kernel
  /// wakes Asio no more, which would wait for that for ever.
  template <class Now>
  bool transfer_now(Half& half, Now now, asio::error_code& code, std::size_t& count) {
    const ssize_t result = now();
    if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    half.failed = result <= 0;
    if (result > 0) count = static_cast<std::size_t>(result);
    if (result == 0) code = lasting_locked(asio::error::eof);
    if (result < 0) code = lasting_locked(asio_error(errno));
    return true;
  }

  void cancel_by(const TransferHandler& handler, Half& half) {
    asio::cancellation_slot slot = handler.get_cancellation_slot();
    if (!slot.is_connected()) return;
    slot.assign([self = Ref<SharedSocket>(this), &half](asio::cancellation_type type) {
      const std::lock_guard<os::Mutex> lock(self->mutex_);
      if (self->socket_) half.signal.emit(type);
    });
  }

  void ended(Half& half, asio::error_code code, std::size_t count) {
    TransferHandler handler;
    {
      const std::lock_guard<os::Mutex> lock(mutex_);
      handler = std::move(half.handler);
      half.failed = code && code != asio::error::operation_aborted;
      const bool timed_out = half.expired && code == asio::error::operation_aborted;
      code = timed_out ? asio_error(std::errc::timed_out) : lasting_locked(code);
    }
    if (asio::cancellation_slot slot = handler.get_cancellation_slot(); slot.is_connected()) slot.clear();
    handler(code, count);
  }

  /// As `lasting`, with the mutex locked.
  asio::error_code lasting_locked(asio::error_code code) {
    const bool at_end = code == asio::error::eof || code == asio::error::broken_pipe;
    if (at_end) return broken_ ? broken_ : code;
    if (code && code != asio::error::operation_aborted) broken_ = code;
    return code;
  }

  /// Destroys the handler of an operation that ends with the execution context.
  void drop(Half& half) noexcept {
    // Without the lock: it may be all that keeps the owner of this alive.
    TransferHandler handler;
    const std::lock_guard<os::Mutex> lock(mutex_);
    handler = std::move(half.handler);
  }

  /// The deadline of `half` has passed.
  void expire(Half& half) {
    half.waker.wake();
    const std::lock_guard<os::Mutex> lock(mutex_);
    if (!half.handler) return;
    half.expired = true;
    half.signal.emit(asio::cancellation_type::terminal);
  }

  void wake() noexcept override {}

  void context_ended() noexcept override {
    const std::lock_guard<os::Mutex> lock(mutex_);
    take_socket();
  }

  /// Leaves the descriptor open, but none of Asio's: operations under way end.
  void take_socket() noexcept {
    if (!socket_) return;
    asio::error_code ignored;
    static_cast<void>(socket_->release(ignored));
    socket_.reset();
  }

  const asio::any_io_executor executor_;
  const Ref<Loop> loop_;
  os::Mutex mutex_;
  int number_;                        ///< The descriptor; -1 once it was closed or given away.
  std::optional<AsioSocket> socket_;  ///< None without a descriptor, and when the execution context has ended.
  asio::error_code broken_;           ///< With what the kernel has ended the connection.
  Half reading_;
  Half writing_;
};

}  // namespace LEASH_NAMESPACE::net::detail
