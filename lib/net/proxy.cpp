#include <leash/net/proxy.hpp>
#include <stdexcept>
#include <utility>

namespace LEASH_NAMESPACE::net {

Result<std::unique_ptr<Conn>> ProxyDialer::do_dial(Call call, std::string_view network, std::string_view address) {
  return inner_->do_dial(call, network, address);
}

Result<std::unique_ptr<Listener>> ProxyBinder::do_bind(Call call, std::string_view network, std::string_view address) {
  return inner_->do_bind(call, network, address);
}

ProxyListener::ProxyListener(std::unique_ptr<Listener> inner) : inner_(std::move(inner)) {
  if (!inner_) throw std::logic_error("leash: ProxyListener: the inner listener is null");
}

Result<std::unique_ptr<Conn>> ProxyListener::do_accept(Call call) { return inner_->do_accept(call); }

Result<void> ProxyListener::do_close(std::source_location site) { return inner_->do_close(site); }

Address ProxyListener::do_address() const { return inner_->do_address(); }

int ProxyListener::do_native_handle() const noexcept { return inner_->do_native_handle(); }

Result<int> ProxyListener::do_release(std::source_location site) { return inner_->do_release(site); }

ProxyConn::ProxyConn(std::unique_ptr<Conn> inner) : inner_(std::move(inner)) {
  if (!inner_) throw std::logic_error("leash: ProxyConn: the inner connection is null");
}

Result<std::size_t> ProxyConn::do_read(std::span<std::byte> buffer, std::source_location site) {
  return inner_->do_read(buffer, site);
}

Result<void> ProxyConn::do_write(std::span<const std::byte> data, std::source_location site) {
  return inner_->do_write(data, site);
}

Result<std::size_t> ProxyConn::do_readv(std::span<const std::span<std::byte>> buffers, std::source_location site) {
  return inner_->do_readv(buffers, site);
}

Result<void> ProxyConn::do_writev(std::span<const std::span<const std::byte>> data, std::source_location site) {
  return inner_->do_writev(data, site);
}

Result<void> ProxyConn::do_close_write(std::source_location site) { return inner_->do_close_write(site); }

Result<void> ProxyConn::do_close(std::source_location site) { return inner_->do_close(site); }

Result<void> ProxyConn::do_reset(std::source_location site) { return inner_->do_reset(site); }

Result<void> ProxyConn::do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                                        std::source_location site) {
  return inner_->do_set_deadline(direction, deadline, site);
}

void ProxyConn::do_note(std::string_view text, std::source_location site) { inner_->do_note(text, site); }

Address ProxyConn::do_local_address() const { return inner_->do_local_address(); }

Address ProxyConn::do_remote_address() const { return inner_->do_remote_address(); }

Result<PeerCredentials> ProxyConn::do_peer_credentials() const { return inner_->do_peer_credentials(); }

int ProxyConn::do_native_handle() const noexcept { return inner_->do_native_handle(); }

Result<int> ProxyConn::do_release(std::source_location site) { return inner_->do_release(site); }

}  // namespace LEASH_NAMESPACE::net
