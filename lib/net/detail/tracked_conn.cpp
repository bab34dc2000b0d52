#include <leash/net/detail/endpoint.hpp>
#include <leash/net/detail/tracked_conn.hpp>
#include <leash/os/own_descriptors.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

TrackedConn::TrackedConn(std::unique_ptr<Conn> inner, track::Tag tag)
    : Tagged(std::move(tag)), ProxyConn(std::move(inner)) {}

Result<std::size_t> TrackedConn::do_read(std::span<std::byte> buffer, std::source_location site) {
  tag_.touch(site);
  Result<std::size_t> count = ProxyConn::do_read(buffer, site);
  if (!count) tag_.set_failed();
  return count;
}

Result<void> TrackedConn::do_write(std::span<const std::byte> data, std::source_location site) {
  tag_.touch(site);
  Result<void> written = ProxyConn::do_write(data, site);
  if (!written) tag_.set_failed();
  return written;
}

Result<void> TrackedConn::do_close_write(std::source_location site) {
  tag_.touch(site);
  Result<void> closed = ProxyConn::do_close_write(site);
  if (!closed) tag_.set_failed();
  return closed;
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

std::string name_of(const Conn& conn) { return ends(conn.local_address(), conn.remote_address()); }

}  // namespace LEASH_NAMESPACE::net::detail
