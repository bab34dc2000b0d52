#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/function_ref.hpp>
#include <leash/net/detail/hook_link.hpp>
#include <leash/net/proxy.hpp>
#include <memory>

namespace LEASH_NAMESPACE::net::detail {

/// The addresses of both ends of a connection.
struct ConnAddresses {
  Address local;
  Address remote;
};

/// A connection whose operations pass through a hook.
class HookedConn final : public ProxyConn {
 public:
  /// `context` is that of its `dial` or `accept`, `addresses` its own.
  HookedConn(std::unique_ptr<Conn> inner, Ref<HookLink> link, Context context, ConnAddresses addresses);

 private:
  Operation operation(OperationKind kind, std::source_location site) const;
  template <class Read>
  Result<std::size_t> read_by(OperationKind kind, std::size_t size, std::source_location site, Read read);
  template <class Write>
  Result<void> write_by(OperationKind kind, std::size_t size, std::source_location site, Write write);

  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override;
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override;
  Result<std::size_t> do_readv(std::span<const std::span<std::byte>> buffers, std::source_location site) override;
  Result<void> do_writev(std::span<const std::span<const std::byte>> data, std::source_location site) override;
  Result<void> do_close_write(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  Result<void> do_reset(std::source_location site) override;
  Result<void> do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                               std::source_location site) override;
  void do_note(std::string_view text, std::source_location site) override;
  Result<int> do_release(std::source_location site) override;

  const Ref<HookLink> link_;
  const Context context_;
  const ConnAddresses addresses_;
};

/// Passes `operation`, a `dial` or `accept` that `open` does, through the hook, and its connection too unless the hook
/// declines it.
[[nodiscard]] Result<std::unique_ptr<Conn>> open_hooked(const Ref<HookLink>& link, Operation& operation,
                                                        FunctionRef<Result<std::unique_ptr<Conn>>()> open);

}  // namespace LEASH_NAMESPACE::net::detail
