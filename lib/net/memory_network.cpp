#include <leash/net/detail/memory_view.hpp>
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

detail::MemoryView MemoryNetwork::view() const { return {switchboard_, {}}; }

Result<std::unique_ptr<Conn>> MemoryNetwork::do_dial(Call call, std::string_view network, std::string_view address) {
  const Result<std::unique_ptr<detail::MemoryDial>> dial = view().dial(call.context(), network, address);
  if (!dial) return std::unexpected(dial.error());
  return (*dial)->wait();
}

Result<std::unique_ptr<Listener>> MemoryNetwork::do_bind(Call, std::string_view network, std::string_view address) {
  return view().bind(network, address);
}

}  // namespace LEASH_NAMESPACE::net
