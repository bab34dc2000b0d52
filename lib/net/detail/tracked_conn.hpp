#pragma once

#include <atomic>
#include <leash/config.hpp>
#include <leash/net/proxy.hpp>
#include <leash/track/detail/tagged.hpp>
#include <leash/track/tag.hpp>
#include <memory>
#include <string>

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

/// How the tag of a connection names it: by both ends.
[[nodiscard]] std::string name_of(const Conn& conn);

}  // namespace LEASH_NAMESPACE::net::detail
