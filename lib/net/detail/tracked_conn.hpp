#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/proxy.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <string_view>

namespace LEASH_NAMESPACE::net::detail {

/// A connection with its tag.
class TrackedConn final : public ProxyConn {
 public:
  TrackedConn(std::unique_ptr<Conn> inner, track::Tag tag);

 private:
  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override;
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override;
  Result<void> do_close_write(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  Result<void> do_reset(std::source_location site) override;
  Result<int> do_release(std::source_location site) override;

  track::Tag tag_;
};

/// `conn` with a tag of `tracker`. If the tracker was closed meanwhile, `conn` is closed, and the Error is that of
/// `operation` on the connection.
[[nodiscard]] Result<std::unique_ptr<Conn>> track_conn(track::Tracker& tracker, std::unique_ptr<Conn> conn, Call call,
                                                       std::string_view operation);

}  // namespace LEASH_NAMESPACE::net::detail
