#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <leash/net/detail/socket_conn.hpp>
#include <leash/net/detail/socket_listener.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/shortage.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

/// Whether accept(2) failed for one connection only, and is worth calling again: Linux returns network errors of the
/// new connection as errors of accept(2). Of those that accept(2) lists, EOPNOTSUPP is left out: a socket that does not
/// listen, such as one that has the number of a listener that was closed behind our back, gives it for ever.
bool is_of_one_connection(std::error_code code) {
  switch (code.value()) {
    case EINTR:
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

SocketFile::SocketFile(std::string path) : path_(std::move(path)) {
  std::error_code unknown;
  if (const std::filesystem::path absolute = std::filesystem::absolute(path_, unknown); !unknown) {
    path_ = absolute.string();
  }
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::move(other.path_)),
      made_(std::exchange(other.made_, false)),
      device_(other.device_),
      inode_(other.inode_),
      generation_(other.generation_) {}

std::uint32_t SocketFile::made() noexcept {
  struct stat status{};
  made_ = ::lstat(path_.c_str(), &status) == 0;
  device_ = status.st_dev;
  inode_ = status.st_ino;
  return status.st_mode & 07777U;
}

void SocketFile::remove() noexcept {
  struct stat status{};
  if (!std::exchange(made_, false) || generation_ != os::fork_generation()) return;
  if (::lstat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) ::unlink(path_.c_str());
}

SocketListener::SocketListener(os::Descriptor socket, const SocketAddress& address, bool accepts_there, SocketFile file)
    : socket_address_(address),
      accepts_there_(accepts_there),
      address_(address_of(address)),
      descriptor_(-1),
      file_(std::move(file)) {
  if (socket) take(std::move(socket));
}

void SocketListener::take(os::Descriptor socket) noexcept {
  os::hand_out(socket.get());
  descriptor_.set(socket.release());
}

std::expected<AcceptedSocket, std::error_code> SocketListener::accept_now() {
  for (;;) {
    const SharedDescriptor::Use use(descriptor_);
    if (!use) return std::unexpected(std::make_error_code(std::errc::bad_file_descriptor));
    SocketAddress remote;
    auto socket = accept_socket(descriptor_.number(), remote);
    if (!socket) {
      if (is_of_one_connection(socket.error())) continue;
      return std::unexpected(socket.error());
    }
    told_of_want_ = false;
    if (accepts_there_) return AcceptedSocket{*std::move(socket), socket_address_, remote};
    const auto local = SocketAddress::local_of(socket->get());
    if (!local) return std::unexpected(local.error());
    return AcceptedSocket{*std::move(socket), *local, remote};
  }
}

Result<std::unique_ptr<Conn>> SocketListener::do_accept(Call call) {
  const Context& context = call.context();
  const std::string subject = to_string(address_);
  auto wait_for_descriptor = back_off;
  for (;;) {
    auto accepted = accept_now();
    if (accepted) return make_conn(std::move(accepted->socket), accepted->local, accepted->remote, context.clock());
    const std::error_code code = accepted.error();
    if (code == std::errc::operation_would_block) {
      wait(context, POLLIN, std::nullopt);
    } else if (os::is_shortage(code.value()) && told_of_want()) {
      wait(context, 0, wait_for_descriptor);
      wait_for_descriptor = std::min(2 * wait_for_descriptor, longest_back_off);
    } else {
      return fail("accept", subject, code);
    }
    Result<void> checked = context.check("accept", subject);
    if (!checked) return std::unexpected(std::move(checked).error());
  }
}

/// Waits until the listener has one of `events`, is closed, the Context is done, or `timeout` has passed.
void SocketListener::wait(const Context& context, short events, std::optional<std::chrono::nanoseconds> timeout) {
  // Shared, and not on the stack: in a forked child this thread and its stack are gone, but the child's copy of
  // `waiting_` still has the waker.
  const auto waker = std::make_shared<os::Waker>();
  os::Waker::Wait wait(*waker);
  // No Use and no lock yet: `on_cancel` and the destructor of `woken` may run or wait for any callback, even one that
  // closes this listener.
  const Registration woken = context.on_cancel([waker] { waker->wake(); });
  const SharedDescriptor::Use use(descriptor_);
  {
    const std::lock_guard lock(mutex_);
    if (descriptor_.retired() || context.done()) return;
    waiting_.push_back(waker);
  }
  wait.until(descriptor_.number(), events, timeout);
  const std::lock_guard lock(mutex_);
  std::erase(waiting_, waker);
}

std::optional<int> SocketListener::retire() {
  return descriptor_.retire([this] {
    const std::lock_guard lock(mutex_);
    for (const auto& waker : waiting_) waker->wake();
  });
}

Result<void> SocketListener::do_close(std::source_location) {
  const std::optional<int> number = retire();
  if (!number) return fail("close", to_string(address_), std::errc::bad_file_descriptor);
  file_.remove();
  if (os::close_own(*number) != 0 && errno != EINTR) return fail("close", to_string(address_), os::last_error());
  return {};
}

Result<int> SocketListener::do_release(std::source_location) {
  const std::optional<int> number = retire();
  if (!number) return fail("release", to_string(address_), std::errc::bad_file_descriptor);
  file_.keep();
  os::give_away(*number);
  return *number;
}

Address SocketListener::do_address() const { return address_; }

int SocketListener::do_native_handle() const noexcept { return descriptor_.retired() ? -1 : descriptor_.number(); }

}  // namespace LEASH_NAMESPACE::net::detail
