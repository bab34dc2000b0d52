#include <poll.h>

#include <cerrno>
#include <leash/net/detail/tcp_conn.hpp>
#include <leash/net/detail/tcp_listener.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/own_descriptors.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

/// Whether accept(2) failed for one connection only, and is worth calling again: Linux returns network errors of the
/// new connection as errors of accept(2).
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
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

TcpListener::TcpListener(os::Descriptor socket, Address address, SocketOptions options)
    : address_(std::move(address)), options_(options), descriptor_(socket.release()) {
  os::hand_out(descriptor_.number());
}

Result<std::unique_ptr<Conn>> TcpListener::do_accept(Call call) {
  const Context& context = call.context();
  const std::string subject = to_string(address_);
  const auto closed = [&] { return fail("accept", subject, std::errc::bad_file_descriptor); };
  for (;;) {
    SocketAddress remote;
    std::error_code code;
    {
      const SharedDescriptor::Use use(descriptor_);
      if (!use) return closed();
      auto socket = accept_socket(descriptor_.number(), remote);
      if (socket) {
        return make_tcp_conn("accept", subject, *std::move(socket), remote, options_, context.clock());
      }
      code = socket.error();
    }
    if (is_of_one_connection(code)) continue;
    if (code != std::errc::operation_would_block) return fail("accept", subject, code);
    wait_for_connection(context);
    Result<void> checked = context.check("accept", subject);
    if (!checked) return std::unexpected(std::move(checked).error());
  }
}

void TcpListener::wait_for_connection(const Context& context) {
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
  wait.until(descriptor_.number(), POLLIN);
  const std::lock_guard lock(mutex_);
  std::erase(waiting_, waker);
}

Result<void> TcpListener::do_close(std::source_location) {
  const std::optional<int> number = descriptor_.retire([this] {
    const std::lock_guard lock(mutex_);
    for (const auto& waker : waiting_) waker->wake();
  });
  if (!number) return fail("close", to_string(address_), std::errc::bad_file_descriptor);
  if (os::close_own(*number) != 0 && errno != EINTR) return fail("close", to_string(address_), os::last_error());
  return {};
}

Address TcpListener::do_address() const { return address_; }

int TcpListener::do_native_handle() const noexcept { return descriptor_.retired() ? -1 : descriptor_.number(); }

}  // namespace LEASH_NAMESPACE::net::detail
