#include <sys/socket.h>

#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <leash/net/detail/socket_tag.hpp>
#include <leash/track/tracker.hpp>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#if LEASH_TRACKING

namespace LEASH_NAMESPACE::net::detail {
namespace {

/// What a socket is called until its addresses are known, and if they are of a family that leash does not know.
constexpr std::string_view unknown_name = "asio socket";

bool has_text(const SocketAddress& address) noexcept {
  return address.family() == AF_INET || address.family() == AF_INET6 || address.family() == AF_UNIX;
}

bool is_listening(int descriptor) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

/// The address of a listener, or both addresses of a connection; empty if it is neither.
std::string name_of_socket(int descriptor) {
  SocketAddress remote;
  const bool connected = ::getpeername(descriptor, remote.data(), &remote.size()) == 0;
  if (!connected && !is_listening(descriptor)) return {};
  const auto local = SocketAddress::local_of(descriptor);
  if (!local || !has_text(*local)) return std::string(unknown_name);
  if (!connected) return to_string(address_of(*local));
  return ends(*local, remote);
}

}  // namespace

SocketTag::SocketTag(Call call, const track::Kind& kind) : context_(call.context()), site_(call.site()), kind_(&kind) {
  acquire(site_, unknown_name);
}

SocketTag::SocketTag(Call call, const track::Kind& kind, std::string_view name)
    : context_(call.context()), site_(call.site()), kind_(&kind), has_name_(true) {
  acquire(site_, name);
}

SocketTag::SocketTag(const AcceptPlace& place, int descriptor)
    : context_(place.context), site_(place.site), kind_(&kinds::connection), ended_(descriptor == none) {
  track::Tracker* const tracker = descriptor == none ? nullptr : track::find_tracker(context_);
  if (tracker == nullptr) return;
  const std::string ends = name_of_socket(descriptor);
  Result<track::Tag> tag = tracker->try_create(
      Call(context_, site_),
      {*kind_, ends.empty() ? unknown_name : std::string_view(ends), descriptor, track::OnDrop::closed}, "accept",
      place.request);
  if (!tag) return;
  tag_ = *std::move(tag);
  // If its peer is gone, it is identified as any other socket.
  if (ends.empty()) return;
  tag_.identify_by_ends();
  descriptor_ = descriptor;
  named_.store(descriptor, std::memory_order_relaxed);
}

SocketTag::SocketTag(SocketTag&& other) noexcept
    : tag_(std::move(other.tag_)),
      context_(other.context_),  // NOLINT(performance-move-constructor-init): it may be opened again
      site_(other.site_),
      kind_(other.kind_),
      named_(other.named_.load(std::memory_order_relaxed)),
      descriptor_(other.descriptor_),
      ended_(other.ended_),
      has_name_(other.has_name_) {
  other.forget();
}

SocketTag& SocketTag::operator=(SocketTag&& other) noexcept {
  if (this == &other) return *this;
  tag_ = std::move(other.tag_);
  context_ = other.context_;
  site_ = other.site_;
  kind_ = other.kind_;
  named_.store(other.named_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  descriptor_ = other.descriptor_;
  ended_ = other.ended_;
  has_name_ = other.has_name_;
  other.forget();
  return *this;
}

void SocketTag::forget() noexcept {
  ended_ = true;
  descriptor_ = none;
  named_.store(none, std::memory_order_release);
}

void SocketTag::acquire(std::source_location site, std::string_view name) {
  ended_ = false;
  Result<track::Tag> tag = track::try_acquire(Call(context_, site), {*kind_, name, -1, track::OnDrop::closed});
  tag_ = tag ? *std::move(tag) : track::Tag();
}

void SocketTag::identify(int descriptor) {
  const std::string name = tag_ && !has_name_ ? name_of_socket(descriptor) : std::string();
  if (descriptor_ != descriptor || !name.empty()) tag_.identify(name, descriptor);
  descriptor_ = descriptor;
  const bool may_get_name = tag_ && !has_name_ && name.empty();
  named_.store(may_get_name ? nameless : descriptor, std::memory_order_release);
}

[[gnu::noinline]] void SocketTag::look_closely(int descriptor, std::source_location closed_at,
                                               std::source_location opened_at) noexcept {
  const std::lock_guard turn(looking_);
  if (named_.load(std::memory_order_relaxed) == descriptor) return;
  if (descriptor == none) {
    // Without a tag from now on: where it was closed is not known, so that nothing could be said of a use after that.
    tag_.close(closed_at);
    tag_ = track::Tag();
    forget();
    return;
  }
  try {
    if (ended_ && !has_name_) acquire(opened_at, unknown_name);
    identify(descriptor);
  } catch (const std::bad_alloc&) {
    return;
  }
}

void SocketTag::expect(std::source_location site) noexcept {
  if (!ended_) tag_.close({});
  try {
    acquire(site, unknown_name);
  } catch (const std::bad_alloc&) {
    forget();
  }
}

void SocketTag::closed(std::source_location site) noexcept {
  if (!ended_) tag_.close(site);
  forget();
}

void SocketTag::released(std::source_location site) noexcept {
  if (!ended_) tag_.release(site);
  forget();
}

AcceptPlace SocketTag::accept_place(std::source_location site) const noexcept {
  const track::Tracker* const tracker = track::find_tracker(context_);
  return {context_, site, tracker == nullptr ? track::Request() : tracker->request(Call(context_, site))};
}

}  // namespace LEASH_NAMESPACE::net::detail

#endif
