#pragma once

#include <leash/net/async_network.hpp>
#include <leash/net/memory_async_network.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/net/tcp_async_binder.hpp>
#include <leash/net/tcp_async_dialer.hpp>
#include <memory>

/// Makers of networks for `check_stream`.

inline leash::net::AsyncNetwork tcp_async(const asio::any_io_executor& executor) {
  return {std::make_shared<leash::net::TcpAsyncDialer>(executor),
          std::make_shared<leash::net::TcpAsyncBinder>(executor)};
}

/// `network` must outlive what is returned.
inline leash::net::MakeAsyncNetwork memory_async(const leash::net::MemoryNetwork& network) {
  return [&network](const asio::any_io_executor& executor) -> leash::net::AsyncNetwork {
    const auto both = std::make_shared<leash::net::MemoryAsyncNetwork>(executor, network);
    return {both, both};
  };
}
