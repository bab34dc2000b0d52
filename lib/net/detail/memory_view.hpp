#pragma once

#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/detail/memory_listener.hpp>
#include <leash/net/detail/switchboard.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::net::detail {

/// A network in memory as one of its hosts sees it.
struct MemoryView {
  std::shared_ptr<Switchboard> switchboard;
  std::string self;  ///< The host; empty for the network itself, which is at 127.0.0.1 and ::1.

  /// Begins a dial. The Error is that of a malformed address.
  [[nodiscard]] Result<std::unique_ptr<MemoryDial>> dial(const Context& context, std::string_view network,
                                                         std::string_view address) const;

  [[nodiscard]] Result<std::unique_ptr<MemoryListener>> bind(std::string_view network, std::string_view address) const;
};

}  // namespace LEASH_NAMESPACE::net::detail
