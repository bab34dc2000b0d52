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

/// Whether only the connection that was next is lost, and the one after it may be well: accept(2) passes on its network
/// errors.
bool lost_one(std::error_code code) {
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
    if (lost_one(code)) continue;
    if (code != std::errc::operation_would_block) return fail("accept", subject, code);
    wait_for_one(context);
    Result<void> wanted = context.check("accept", subject);
    if (!wanted) return std::unexpected(std::move(wanted).error());
  }
}

void TcpListener::wait_for_one(const Context& context) {
  // Owned by all who may wake it: in a forked child the thread that waited is lost, and its stack with it.
  const auto waker = std::make_shared<os::Waker>();
  os::Waker::Wait wait(*waker);
  // Neither under a Use nor under the mutex: a Context may run any callback here.
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
