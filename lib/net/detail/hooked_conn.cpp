#include <algorithm>
#include <leash/net/detail/hooked_conn.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/total_size.hpp>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {
namespace {

/// The `count` bytes from `from` on, of pieces that lie one after the other.
template <class Byte>
std::vector<std::span<Byte>> part_of(std::span<const std::span<Byte>> pieces, std::size_t from, std::size_t count) {
  std::vector<std::span<Byte>> part;
  for (std::span<Byte> piece : pieces) {
    const std::size_t skipped = std::min(from, piece.size());
    from -= skipped;
    piece = piece.subspan(skipped);
    piece = piece.first(std::min(count, piece.size()));
    count -= piece.size();
    if (!piece.empty()) part.push_back(piece);
  }
  return part;
}

}  // namespace

HookedConn::HookedConn(std::unique_ptr<Conn> inner, Ref<HookLink> link, Context context, ConnAddresses addresses)
    : ProxyConn(std::move(inner)),
      link_(std::move(link)),
      context_(std::move(context)),
      addresses_(std::move(addresses)) {}

Operation HookedConn::operation(OperationKind kind, std::source_location site) const {
  return {.kind = kind, .local = &addresses_.local, .remote = &addresses_.remote, .context = context_, .site = site};
}

/// Reads up to `size` bytes by `read`, which is given how many the hook leaves of them.
template <class Read>
Result<std::size_t> HookedConn::read_by(OperationKind kind, std::size_t size, std::source_location site, Read read) {
  Operation op = operation(kind, site);
  op.size = size;
  return link_->pass<std::size_t>(op, [&] {
    Result<std::size_t> count = read(static_cast<std::size_t>(std::min<std::uint64_t>(op.size, size)));
    op.transferred = count ? *count : count.error().transferred();
    return count;
  });
}

/// Writes `size` bytes by `write`, which is given where a piece begins and its size, in as many pieces as the hook
/// makes of them.
template <class Write>
Result<void> HookedConn::write_by(OperationKind kind, std::size_t size, std::source_location site, Write write) {
  std::size_t written = 0;
  do {
    const std::size_t rest = size - written;
    Operation op = operation(kind, site);
    op.size = rest;
    std::size_t piece = rest;
    std::size_t count = 0;
    std::uint64_t moved = 0;
    const Result<void> result = link_->pass<void>(op, [&] {
      // At least a byte: else a write might never end.
      piece = static_cast<std::size_t>(std::clamp<std::uint64_t>(op.size, rest == 0 ? 0 : 1, rest));
      Result<void> done = write(written, piece);
      count = done ? piece : 0;
      op.transferred = moved = done ? piece : done.error().transferred();
      return done;
    });
    if (!result && piece != size) return failure_of_piece(result.error(), written + moved, size);
    if (!result || count == 0) return result;
    written += count;
  } while (written != size);
  return {};
}

Result<std::size_t> HookedConn::do_read(std::span<std::byte> buffer, std::source_location site) {
  return read_by(OperationKind::conn_read, buffer.size(), site,
                 [&](std::size_t count) { return ProxyConn::do_read(buffer.first(count), site); });
}

Result<void> HookedConn::do_write(std::span<const std::byte> data, std::source_location site) {
  return write_by(OperationKind::conn_write, data.size(), site, [&](std::size_t from, std::size_t count) {
    return ProxyConn::do_write(data.subspan(from, count), site);
  });
}

Result<std::size_t> HookedConn::do_readv(std::span<const std::span<std::byte>> buffers, std::source_location site) {
  const std::size_t size = total_size(buffers);
  return read_by(OperationKind::conn_readv, size, site, [&](std::size_t count) {
    if (count == size) return ProxyConn::do_readv(buffers, site);
    return ProxyConn::do_readv(part_of(buffers, 0, count), site);
  });
}

Result<void> HookedConn::do_writev(std::span<const std::span<const std::byte>> data, std::source_location site) {
  const std::size_t size = total_size(data);
  return write_by(OperationKind::conn_writev, size, site, [&](std::size_t from, std::size_t count) {
    if (count == size) return ProxyConn::do_writev(data, site);
    return ProxyConn::do_writev(part_of(data, from, count), site);
  });
}

Result<void> HookedConn::do_close_write(std::source_location site) {
  Operation op = operation(OperationKind::conn_close_write, site);
  return link_->pass<void>(op, [&] { return ProxyConn::do_close_write(site); });
}

Result<void> HookedConn::do_close(std::source_location site) {
  return link_->pass_close(operation(OperationKind::conn_close, site), [&] { return ProxyConn::do_close(site); });
}

Result<void> HookedConn::do_reset(std::source_location site) {
  return link_->pass_close(operation(OperationKind::conn_reset, site), [&] { return ProxyConn::do_reset(site); });
}

Result<void> HookedConn::do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                                         std::source_location site) {
  Operation op = operation(OperationKind::conn_set_deadline, site);
  op.direction = direction;
  op.deadline = deadline;
  return link_->pass<void>(op, [&] { return ProxyConn::do_set_deadline(direction, deadline, site); });
}

void HookedConn::do_note(std::string_view text, std::source_location site) {
  Operation op = operation(OperationKind::conn_note, site);
  op.note = text;
  static_cast<void>(link_->pass<void>(op, [&]() -> Result<void> {
    ProxyConn::do_note(text, site);
    return {};
  }));
}

Result<int> HookedConn::do_release(std::source_location site) {
  return pass_release(*link_, operation(OperationKind::conn_release, site),
                      [&] { return ProxyConn::do_release(site); });
}

Result<std::unique_ptr<Conn>> open_hooked(const Ref<HookLink>& link, Operation& operation,
                                          FunctionRef<Result<std::unique_ptr<Conn>>()> open) {
  const Address* const listener = operation.local;
  ConnAddresses addresses;
  Result<std::unique_ptr<Conn>> conn = link->pass<std::unique_ptr<Conn>>(operation, [&] {
    Result<std::unique_ptr<Conn>> opened = open();
    if (opened) addresses = {.local = (*opened)->local_address(), .remote = (*opened)->remote_address()};
    operation.remote = opened ? &addresses.remote : nullptr;
    if (listener == nullptr) operation.local = opened ? &addresses.local : nullptr;
    return opened;
  });
  if (!conn || !operation.hooks_handle) return conn;
  // What ends a dial or an accept has no effect on the connection.
  Context context = operation.context.without_cancel();
  return std::make_unique<HookedConn>(*std::move(conn), link, std::move(context), std::move(addresses));
}

}  // namespace LEASH_NAMESPACE::net::detail
