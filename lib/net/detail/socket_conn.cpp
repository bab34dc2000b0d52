#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/socket_conn.hpp>
#include <leash/net/detail/total_size.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/own_descriptors.hpp>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {
namespace {

/// A wait of this length was one for the peer, and not for what was there already.
constexpr Clock::duration long_wait = std::chrono::microseconds(4);

std::error_code closed_error() { return std::make_error_code(std::errc::bad_file_descriptor); }

bool would_block(std::error_code code) {
  return code == std::errc::operation_would_block || code == std::errc::resource_unavailable_try_again;
}

/// Some pieces of memory, as the kernel takes them.
struct Pieces {
  std::array<iovec, 64> vectors;
  std::size_t count = 0;

  /// Those of `spans` that follow the first `skipped` bytes, as many as there is room for.
  template <class Byte>
  Pieces(std::span<const std::span<Byte>> spans, std::size_t skipped) noexcept {
    for (const std::span<Byte> span : spans) {
      const std::size_t skip = std::min(skipped, span.size());
      skipped -= skip;
      if (skip == span.size()) continue;
      // sendmsg(2) and recvmsg(2) take pointers to what they only read, too, as pointers to what may be written.
      auto* const begin = const_cast<std::byte*>(span.data()) + skip;  // NOLINT(*-const-cast)
      vectors[count++] = {.iov_base = begin, .iov_len = span.size() - skip};
      if (count == vectors.size()) return;
    }
  }

  msghdr message() noexcept {
    msghdr header{};
    header.msg_iov = vectors.data();
    header.msg_iovlen = count;
    return header;
  }
};

}  // namespace

SocketConn::SocketConn(os::Descriptor socket, SharedClock clock)
    : descriptor_(-1), clock_(std::move(clock)), is_real_(clock_ == Clock::real()) {
  if (socket) take(std::move(socket));
}

void SocketConn::take(os::Descriptor socket) noexcept {
  os::hand_out(socket.get());
  descriptor_.set(socket.release());
}

std::unexpected<Error> SocketConn::failure(std::string_view operation, std::error_code code, std::string_view detail,
                                           std::uint64_t transferred) const {
  return fail(operation, ends(local_address(), remote_address()), code, detail, std::vector<Error>(), transferred);
}

/// The error if an operation of this half must end now, since the connection is closed or the deadline has passed.
std::error_code SocketConn::stopped(const Half& half) const noexcept {
  if (descriptor_.retired()) return closed_error();
  const Time deadline = half.deadline.load();
  if (deadline != no_deadline && clock_->now() >= deadline) return std::make_error_code(std::errc::timed_out);
  return {};
}

/// Waits for one of `events`. May return spuriously; the error is as of `stopped`.
std::error_code SocketConn::wait(Half& half, short events) {
  os::Waker::Wait wait(half.waker);
  const Time deadline = half.deadline.load();
  Registration timer;
  std::optional<Clock::duration> timeout;
  Time begun = no_deadline;
  if (deadline != no_deadline) {
    if (is_real_) {
      begun = clock_->now();
      timeout = deadline > begun ? deadline - begun : Clock::duration::zero();
    } else {
      // No Use yet: the clock may run any callback in this call, even one that closes this connection, and that would
      // wait for the Use for ever.
      timer = clock_->at(deadline, [&half] { half.waker.wake(); });
    }
  }
  const SharedDescriptor::Use use(descriptor_);
  if (descriptor_.retired()) return closed_error();
  if (timeout ? *timeout <= Clock::duration::zero() : stopped(half) != std::error_code()) return stopped(half);
  wait.until(descriptor_.number(), events, timeout);
  if (descriptor_.retired()) return closed_error();
  if (half.deadline.load() != deadline || !timeout) return stopped(half);
  const Time ended = clock_->now();
  half.expects_wait = ended - begun >= long_wait;
  return ended >= deadline ? std::make_error_code(std::errc::timed_out) : std::error_code();
}

/// What errno says of a transfer that has failed.
std::error_code SocketConn::transfer_error() noexcept {
  const std::error_code code = os::last_error();
  // EPIPE may be that of this end's `close_write`, after which it may still read.
  if (!would_block(code) && code != std::errc::interrupted && code != std::errc::broken_pipe) broken_ = code.value();
  return code;
}

/// A transfer by `call`, which returns what recv(2) and send(2) do. Its error goes to `code`.
template <class Call>
ssize_t SocketConn::transfer(Half& half, std::error_code& code, Call call) {
  half.transfer.store(std::uint64_t{os::fork_generation()} + 1, std::memory_order_relaxed);
  const ssize_t count = call(descriptor_.number());
  if (count < 0) code = transfer_error();
  half.transfer.store(0, std::memory_order_release);
  return count;
}

/// `at_end`, which the kernel says of a connection that has ended, or with what it has ended it if it told that
/// `other`.
std::error_code SocketConn::end_of(const Half& other, std::error_code at_end) const noexcept {
  // A thread that the kernel has told may not have come to note it. Its call does not wait.
  const std::uint64_t under_way = std::uint64_t{os::fork_generation()} + 1;
  while (other.transfer.load(std::memory_order_acquire) == under_way) std::this_thread::yield();
  return broken_ == 0 ? at_end : std::error_code(broken_, std::generic_category());
}

/// Reads by `receive`, which returns what recv(2) does.
template <class Receive>
Result<std::size_t> SocketConn::read_by(bool empty, Receive receive) {
  const std::lock_guard turn(reading_.turn);
  std::error_code code;
  // Whoever waits each time, as for an answer, is spared the call that finds nothing.
  if (std::exchange(reading_.expects_wait, false) && !empty) code = wait(reading_, POLLIN);
  while (!code) {
    {
      const SharedDescriptor::Use use(descriptor_);
      code = stopped(reading_);
      if (!code) {
        if (empty) return 0;
        const ssize_t count = transfer(reading_, code, receive);
        if (count == 0) code = end_of(writing_, {});
        if (!code) return static_cast<std::size_t>(count);
      }
    }
    if (code == std::errc::interrupted) code.clear();
    if (would_block(code)) code = wait(reading_, POLLIN);
  }
  return failure("read", code);
}

/// Writes `size` bytes by `send`, which is given how many were written before, and returns what send(2) does.
template <class Send>
Result<void> SocketConn::write_by(std::size_t size, Send send) {
  const std::lock_guard turn(writing_.turn);
  std::size_t written = 0;
  std::error_code code;
  do {
    {
      const SharedDescriptor::Use use(descriptor_);
      code = stopped(writing_);
      if (!code && written == size) return {};
      if (!code) {
        const ssize_t count = transfer(writing_, code, [&](int number) { return send(number, written); });
        if (count >= 0) written += static_cast<std::size_t>(count);
        if (written == size && count >= 0) return {};
      }
    }
    if (code == std::errc::interrupted) code.clear();
    if (would_block(code)) code = wait(writing_, POLLOUT);
  } while (!code);
  if (code == std::errc::broken_pipe) code = end_of(reading_, code);
  return failure("write", code, written_of(written, size), written);
}

Result<std::size_t> SocketConn::do_read(std::span<std::byte> buffer, std::source_location) {
  return read_by(buffer.empty(), [&](int number) { return ::recv(number, buffer.data(), buffer.size(), 0); });
}

Result<std::size_t> SocketConn::do_readv(std::span<const std::span<std::byte>> buffers, std::source_location) {
  return read_by(total_size(buffers) == 0, [&](int number) {
    Pieces pieces(buffers, 0);
    msghdr message = pieces.message();
    return ::recvmsg(number, &message, 0);
  });
}

Result<void> SocketConn::do_write(std::span<const std::byte> data, std::source_location) {
  return write_by(data.size(), [&](int number, std::size_t written) {
    const std::span<const std::byte> rest = data.subspan(written);
    return ::send(number, rest.data(), rest.size(), MSG_NOSIGNAL);
  });
}

Result<void> SocketConn::do_writev(std::span<const std::span<const std::byte>> data, std::source_location) {
  return write_by(total_size(data), [&](int number, std::size_t written) {
    Pieces pieces(data, written);
    const msghdr message = pieces.message();
    return ::sendmsg(number, &message, MSG_NOSIGNAL);
  });
}

Result<void> SocketConn::do_close_write(std::source_location) {
  const SharedDescriptor::Use use(descriptor_);
  if (!use) return failure("close_write", closed_error());
  if (::shutdown(descriptor_.number(), SHUT_WR) == 0) return {};
  return failure("close_write", os::last_error());
}

std::optional<int> SocketConn::retire() {
  return descriptor_.retire([this] {
    reading_.waker.wake();
    writing_.waker.wake();
  });
}

Result<void> SocketConn::do_close(std::source_location) {
  const std::optional<int> number = retire();
  if (!number) return failure("close", closed_error());
  if (os::close_own(*number) != 0 && errno != EINTR) return failure("close", os::last_error());
  return {};
}

Result<void> SocketConn::do_reset(std::source_location) {
  const std::optional<int> number = retire();
  if (!number) return failure("reset", closed_error());
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  const bool set = ::setsockopt(*number, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0;
  const std::error_code code = set ? std::error_code() : os::last_error();
  if (os::close_own(*number) != 0 && errno != EINTR) return failure("reset", os::last_error());
  if (code) return failure("reset", code, "closed without it");
  return {};
}

Result<void> SocketConn::do_set_deadline(Direction direction, std::optional<Time> deadline, std::source_location) {
  if (descriptor_.retired()) return failure("set_deadline", closed_error());
  for (Half* const half : {&reading_, &writing_}) {
    if (direction == (half == &reading_ ? Direction::write : Direction::read)) continue;
    half->deadline.store(deadline.value_or(no_deadline));
    half->waker.wake();
  }
  return {};
}

Result<PeerCredentials> SocketConn::do_peer_credentials() const {
  const SharedDescriptor::Use use(descriptor_);
  if (!use) return failure("peer_credentials", closed_error());
  const auto credentials = peer_credentials_of(descriptor_.number());
  if (!credentials) return failure("peer_credentials", credentials.error());
  return *credentials;
}

int SocketConn::do_native_handle() const noexcept { return descriptor_.retired() ? -1 : descriptor_.number(); }

Result<int> SocketConn::do_release(std::source_location) {
  const std::optional<int> number = retire();
  if (!number) return failure("release", closed_error());
  os::give_away(*number);
  return *number;
}

TcpConn::TcpConn(os::Descriptor socket, const Endpoint& local, const Endpoint& remote, SharedClock clock)
    : SocketConn(std::move(socket), std::move(clock)), local_(local), remote_(remote) {}

UnixConn::UnixConn(os::Descriptor socket, std::string local, std::string remote, SharedClock clock)
    : SocketConn(std::move(socket), std::move(clock)), local_(std::move(local)), remote_(std::move(remote)) {}

std::unique_ptr<SocketConn> make_conn(os::Descriptor socket, const SocketAddress& local, const SocketAddress& remote,
                                      const SharedClock& clock) {
  if (local.family() != AF_UNIX) {
    return std::make_unique<TcpConn>(std::move(socket), local.endpoint(), remote.endpoint(), clock);
  }
  return std::make_unique<UnixConn>(std::move(socket), local.path(), remote.path(), clock);
}

}  // namespace LEASH_NAMESPACE::net::detail
