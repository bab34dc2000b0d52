#include <leash/net/detail/hook_link.hpp>
#include <leash/net/network_hook.hpp>

namespace LEASH_NAMESPACE::net {

NetworkHook::NetworkHook() : link_(new detail::HookLink(this)) {}

NetworkHook::~NetworkHook() { link_->hook.store(nullptr, std::memory_order_release); }

}  // namespace LEASH_NAMESPACE::net
