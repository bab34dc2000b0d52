#pragma once

#include <atomic>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/proxy.hpp>
#include <leash/track/detail/tagged.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <string_view>

namespace LEASH_NAMESPACE::net::detail {

/// A connection with its tag.
///
/// `reset` is how others stop a connection that is at work: it is never one close too many, and neither is the close by
/// the owner that follows.
class TrackedConn final : track::detail::Tagged, public ProxyConn {
 public:
  TrackedConn(std::unique_ptr<Conn> inner, track::Tag tag);

 private:
  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override;
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override;
  Result<void> do_close_write(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  Result<void> do_reset(std::source_location site) override;
  Result<int> do_release(std::source_location site) override;

  enum class State : unsigned char { open, closed, reset };

  std::atomic<State> state_{State::open};
};

/// `conn` with a tag of `tracker`. If the tracker was closed meanwhile, `conn` is closed, and the Error is that of
/// `operation` on `subject`.
[[nodiscard]] Result<std::unique_ptr<Conn>> track_conn(track::Tracker& tracker, std::unique_ptr<Conn> conn, Call call,
                                                       std::string_view operation, std::string_view subject);

}  // namespace LEASH_NAMESPACE::net::detail
