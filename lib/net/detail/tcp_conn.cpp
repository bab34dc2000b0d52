#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <leash/net/detail/endpoint.hpp>
#include <leash/net/detail/tcp_conn.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/own_descriptors.hpp>
#include <mutex>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

std::error_code closed_error() { return std::make_error_code(std::errc::bad_file_descriptor); }

bool would_block(std::error_code code) {
  return code == std::errc::operation_would_block || code == std::errc::resource_unavailable_try_again;
}

}  // namespace

TcpConn::TcpConn(os::Descriptor socket, Address local, Address remote, const std::shared_ptr<Clock>& clock)
    : local_(std::move(local)),
      remote_(std::move(remote)),
      descriptor_(socket.release()),
      reading_(clock),
      writing_(clock) {
  os::hand_out(descriptor_.number());
}

TcpConn::~TcpConn() = default;

std::unexpected<Error> TcpConn::failure(std::string_view operation, std::error_code code,
                                        std::string_view detail) const {
  return fail(operation, ends(local_, remote_), code, detail);
}

/// The error if an operation of this half must end now, since the connection is closed or the deadline has passed.
std::error_code TcpConn::stopped(const Half& half) const noexcept {
  if (descriptor_.retired()) return closed_error();
  if (half.deadline.passed()) return std::make_error_code(std::errc::timed_out);
  return {};
}

std::error_code TcpConn::wait(Half& half, short events) {
  os::Waker::Wait wait(half.waker);
  if (const std::error_code code = stopped(half)) return code;
  wait.until(descriptor_.number(), events);
  return stopped(half);
}

void TcpConn::note_reset(std::error_code code) noexcept {
  if (code == std::errc::connection_reset) reset_ = true;
}

Result<std::size_t> TcpConn::do_read(std::span<std::byte> buffer, std::source_location) {
  const std::lock_guard turn(reading_.turn);
  reading_.deadline.renew_after_fork();
  const SharedDescriptor::Use use(descriptor_);
  std::error_code code = stopped(reading_);
  while (!code) {
    if (buffer.empty()) return 0;
    const ssize_t count = ::recv(descriptor_.number(), buffer.data(), buffer.size(), 0);
    if (count > 0 || (count == 0 && !reset_)) return static_cast<std::size_t>(count);
    code = count == 0 ? std::make_error_code(std::errc::connection_reset) : os::last_error();
    if (code == std::errc::interrupted) code.clear();
    if (would_block(code)) code = wait(reading_, POLLIN);
  }
  note_reset(code);
  return failure("read", code);
}

Result<void> TcpConn::do_write(std::span<const std::byte> data, std::source_location) {
  const std::lock_guard turn(writing_.turn);
  writing_.deadline.renew_after_fork();
  const SharedDescriptor::Use use(descriptor_);
  std::size_t written = 0;
  std::error_code code = stopped(writing_);
  while (!code) {
    if (written == data.size()) return {};
    const std::span<const std::byte> rest = data.subspan(written);
    const ssize_t count = ::send(descriptor_.number(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      written += static_cast<std::size_t>(count);
      if (written < data.size()) code = stopped(writing_);
      continue;
    }
    code = os::last_error();
    if (code == std::errc::interrupted) code.clear();
    if (would_block(code)) code = wait(writing_, POLLOUT);
  }
  note_reset(code);
  if (reset_ && code == std::errc::broken_pipe) code = std::make_error_code(std::errc::connection_reset);
  return failure("write", code, written_of(written, data.size()));
}

Result<void> TcpConn::do_close_write(std::source_location) {
  const SharedDescriptor::Use use(descriptor_);
  if (!use) return failure("close_write", closed_error());
  if (::shutdown(descriptor_.number(), SHUT_WR) == 0) return {};
  return failure("close_write", os::last_error());
}

std::optional<int> TcpConn::retire() {
  const std::optional<int> number = descriptor_.retire([this] {
    reading_.waker.wake();
    writing_.waker.wake();
  });
  if (!number) return number;
  for (Half* const half : {&reading_, &writing_}) half->deadline.set(std::nullopt);
  return number;
}

Result<void> TcpConn::do_close(std::source_location) {
  const std::optional<int> number = retire();
  if (!number) return failure("close", closed_error());
  if (os::close_own(*number) != 0 && errno != EINTR) return failure("close", os::last_error());
  return {};
}

Result<void> TcpConn::do_reset(std::source_location) {
  const std::optional<int> number = retire();
  if (!number) return failure("reset", closed_error());
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  const bool set = ::setsockopt(*number, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0;
  const std::error_code code = set ? std::error_code() : os::last_error();
  if (os::close_own(*number) != 0 && errno != EINTR) return failure("reset", os::last_error());
  if (code) return failure("reset", code, "closed without it");
  return {};
}

Result<void> TcpConn::do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                                      std::source_location) {
  // No Use here: the clock may run any callback while the deadline is set, even one that closes this connection, and
  // that would wait for the Use for ever.
  if (descriptor_.retired()) return failure("set_deadline", closed_error());
  if (direction != Direction::write) reading_.deadline.set(deadline);
  if (direction != Direction::read) writing_.deadline.set(deadline);
  return {};
}

Address TcpConn::do_local_address() const { return local_; }

Address TcpConn::do_remote_address() const { return remote_; }

int TcpConn::do_native_handle() const noexcept { return descriptor_.retired() ? -1 : descriptor_.number(); }

Result<int> TcpConn::do_release(std::source_location) {
  const std::optional<int> number = retire();
  if (!number) return failure("release", closed_error());
  os::give_away(*number);
  return *number;
}

Result<std::unique_ptr<Conn>> make_tcp_conn(std::string_view operation, std::string_view subject, os::Descriptor socket,
                                            const SocketAddress& remote, const SocketOptions& options,
                                            const std::shared_ptr<Clock>& clock) {
  const auto local = SocketAddress::local_of(socket.get());
  if (!local) return fail(operation, subject, local.error());
  apply(options, socket.get());
  return std::make_unique<TcpConn>(std::move(socket), local->address(), remote.address(), clock);
}

}  // namespace LEASH_NAMESPACE::net::detail
