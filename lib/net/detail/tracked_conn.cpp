#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/total_size.hpp>
#include <leash/net/detail/tracked_conn.hpp>
#include <leash/os/own_descriptors.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

TrackedConn::TrackedConn(std::unique_ptr<Conn> inner, track::Tag tag)
    : Tagged(std::move(tag)), ProxyConn(std::move(inner)) {}

/// Does `operation` as a use of the connection, whose owner is told if it fails.
template <class Operation>
auto TrackedConn::use(std::source_location site, Operation operation) {
  tag_.touch(site);
  auto result = operation();
  if (!result) tag_.set_failed();
  return result;
}

template <class Read>
Result<std::size_t> TrackedConn::read_by(std::source_location site, Read read) {
  Result<std::size_t> count = use(site, read);
  if (count) tag_.add_bytes_in(*count);
  return count;
}

template <class Write>
Result<void> TrackedConn::write_by(std::source_location site, std::size_t size, Write write) {
  Result<void> written = use(site, write);
  tag_.add_bytes_out(written ? size : written.error().transferred());
  return written;
}

Result<std::size_t> TrackedConn::do_read(std::span<std::byte> buffer, std::source_location site) {
  return read_by(site, [&] { return ProxyConn::do_read(buffer, site); });
}

Result<void> TrackedConn::do_write(std::span<const std::byte> data, std::source_location site) {
  return write_by(site, data.size(), [&] { return ProxyConn::do_write(data, site); });
}

Result<std::size_t> TrackedConn::do_readv(std::span<const std::span<std::byte>> buffers, std::source_location site) {
  return read_by(site, [&] { return ProxyConn::do_readv(buffers, site); });
}

Result<void> TrackedConn::do_writev(std::span<const std::span<const std::byte>> data, std::source_location site) {
  return write_by(site, total_size(data), [&] { return ProxyConn::do_writev(data, site); });
}

Result<void> TrackedConn::do_close_write(std::source_location site) {
  return use(site, [&] { return ProxyConn::do_close_write(site); });
}

Result<void> TrackedConn::do_close(std::source_location site) {
  Result<void> closed = ProxyConn::do_close(site);
  if (state_.exchange(State::closed) != State::reset) tag_.close(site);
  return closed;
}

Result<void> TrackedConn::do_reset(std::source_location site) {
  Result<void> closed = ProxyConn::do_reset(site);
  State expected = State::open;
  if (state_.compare_exchange_strong(expected, State::reset)) tag_.close(site);
  return closed;
}

Result<int> TrackedConn::do_release(std::source_location site) {
  const os::Opening opening;
  Result<int> descriptor = ProxyConn::do_release(site);
  if (descriptor && state_.exchange(State::closed) != State::reset) tag_.release(site);
  return descriptor;
}

void TrackedConn::do_note(std::string_view text, std::source_location site) {
  tag_.note(text, site);
  ProxyConn::do_note(text, site);
}

std::string name_of(const Conn& conn) { return ends(conn.local_address(), conn.remote_address()); }

}  // namespace LEASH_NAMESPACE::net::detail
