#include <leash/net/detail/memory_address.hpp>
#include <leash/net/detail/memory_view.hpp>
#include <leash/net/memory_host.hpp>
#include <stdexcept>
#include <utility>

namespace LEASH_NAMESPACE::net {

MemoryHost::MemoryHost(std::shared_ptr<detail::Switchboard> switchboard, std::string_view name)
    : switchboard_(std::move(switchboard)), name_(detail::canonical_host(name)) {
  if (detail::is_every_host(name_)) throw std::logic_error("leash: MemoryNetwork: a host without a name of its own");
  const auto dialled = detail::dialled_address("tcp", join_host_port(name_, 1), {});
  if (!dialled) {
    throw std::logic_error("leash: MemoryNetwork: a host that nobody can dial: " + to_string(dialled.error()));
  }
}

MemoryHost::~MemoryHost() = default;

detail::MemoryView MemoryHost::view() const { return {switchboard_, name_}; }

Result<std::unique_ptr<Conn>> MemoryHost::do_dial(Call call, std::string_view network, std::string_view address) {
  const Result<std::unique_ptr<detail::MemoryDial>> dial = view().dial(call.context(), network, address);
  if (!dial) return std::unexpected(dial.error());
  return (*dial)->wait();
}

Result<std::unique_ptr<Listener>> MemoryHost::do_bind(Call, std::string_view network, std::string_view address) {
  return view().bind(network, address);
}

}  // namespace LEASH_NAMESPACE::net
