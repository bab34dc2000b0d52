#include <leash/net/detail/memory_address.hpp>
#include <leash/net/detail/switchboard.hpp>
#include <leash/net/memory_network.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net {
namespace {

void require(bool holds, std::string_view mistake) {
  if (!holds) throw std::logic_error("leash: MemoryNetwork: " + std::string(mistake));
}

std::shared_ptr<detail::Switchboard> make_switchboard(const MemoryNetwork::Options& options) {
  require(options.buffer != 0, "a buffer of 0 bytes");
  require(options.backlog != 0, "a backlog of 0 connections");
  return std::make_shared<detail::Switchboard>(options.buffer, options.backlog);
}

}  // namespace

MemoryNetwork::MemoryNetwork() : MemoryNetwork(Options()) {}

MemoryNetwork::MemoryNetwork(Options options) : switchboard_(make_switchboard(options)) {}

MemoryNetwork::~MemoryNetwork() = default;

MemoryHost MemoryNetwork::host(std::string_view name) { return {switchboard_, name}; }

TrafficRule MemoryNetwork::add(const Traffic& traffic, const detail::TrafficEffect& effect) {
  return {switchboard_->rules(), switchboard_->rules()->add(traffic, effect)};
}

TrafficRule MemoryNetwork::latency(const Traffic& traffic, Clock::duration latency) {
  require(latency >= Clock::duration::zero(), "a negative latency");
  return add(traffic, {.shape = {.latency = latency}});
}

TrafficRule MemoryNetwork::bandwidth(const Traffic& traffic, std::uint64_t bytes_per_second) {
  require(bytes_per_second != 0, "a bandwidth of 0 bytes per second");
  return add(traffic, {.shape = {.bandwidth = bytes_per_second}});
}

TrafficRule MemoryNetwork::short_reads(const Traffic& traffic, std::size_t most) {
  require(most != 0, "reads of 0 bytes");
  return add(traffic, {.shape = {.read_limit = most}});
}

TrafficRule MemoryNetwork::short_writes(const Traffic& traffic, std::size_t most) {
  require(most != 0, "writes of 0 bytes");
  return add(traffic, {.shape = {.write_limit = most}});
}

TrafficRule MemoryNetwork::partition(const Traffic& traffic) { return add(traffic, {.shape = {.partitioned = true}}); }

TrafficRule MemoryNetwork::refuse(const Traffic& traffic) { return add(traffic, {.refuse = true}); }

std::size_t MemoryNetwork::reset(const Traffic& traffic) { return switchboard_->rules()->reset(traffic); }

Result<std::unique_ptr<Conn>> MemoryNetwork::do_dial(Call call, std::string_view network, std::string_view address) {
  Result<Address> to = detail::dialled_address(network, address, {});
  if (!to) return std::unexpected(std::move(to).error());
  const bool v6 = to->host.contains(':');
  return switchboard_->dial(call, address, v6 ? "::1" : "127.0.0.1", *to);
}

Result<std::unique_ptr<Listener>> MemoryNetwork::do_bind(Call, std::string_view network, std::string_view address) {
  Result<detail::BoundAddress> bound = detail::bound_address(network, address, {});
  if (!bound) return std::unexpected(std::move(bound).error());
  return switchboard_->bind(address, std::move(bound->address), bound->shown);
}

}  // namespace LEASH_NAMESPACE::net
