#pragma once

/// For programs that use standalone Asio: all that leash has for them. `<leash/leash.hpp>` does not include it. Nothing
/// of Asio goes into the libraries of leash, so the program's Asio may be any version from 1.22 on; the CMake target is
/// `leash::asio`.
///
/// - `AsyncDialer`, `AsyncBinder`, `AsyncListener` and `Stream` are to handlers and coroutines what Dialer, Binder,
///   Listener and Conn are to threads: over TCP and "unix" (`TcpAsyncDialer`, `TcpAsyncBinder`), in memory
///   (`MemoryAsyncNetwork`), tracked (`TrackedAsyncDialer`, `TrackedAsyncBinder`), and with hooks (`AsyncNetworkHook`,
///   `AsyncCountingHook`, `AsyncLoggingHook`, by `HookedAsyncDialer` and `HookedAsyncBinder`). `async_sleep` waits.
/// - `TrackedSocket` and `TrackedAcceptor` are Asio's own socket and acceptor with tags, for programs that have those:
///   see docs/from_asio.md. `track` takes a socket in; `TrackedStream` wraps any other stream.
/// - `to_asio` and `adopt` take connections out as sockets of Asio, and those in.
///
/// A coroutine that returns an `asio::awaitable` and takes a `leash::Call` does not compile, as every other coroutine
/// that takes a Call does not. Without this header it would, since Asio specializes `std::coroutine_traits` for its
/// awaitables.

#include <asio/awaitable.hpp>
#include <coroutine>
#include <leash/call.hpp>
#include <leash/net/asio_bridge.hpp>
#include <leash/net/async_binder.hpp>
#include <leash/net/async_counting_hook.hpp>
#include <leash/net/async_dialer.hpp>
#include <leash/net/async_listener.hpp>
#include <leash/net/async_logging_hook.hpp>
#include <leash/net/async_network_hook.hpp>
#include <leash/net/async_proxy.hpp>
#include <leash/net/async_sleep.hpp>
#include <leash/net/fault_async_binder.hpp>
#include <leash/net/fault_async_dialer.hpp>
#include <leash/net/hooked_async_binder.hpp>
#include <leash/net/hooked_async_dialer.hpp>
#include <leash/net/memory_async_network.hpp>
#include <leash/net/stream.hpp>
#include <leash/net/tcp_async_binder.hpp>
#include <leash/net/tcp_async_dialer.hpp>
#include <leash/net/tracked_acceptor.hpp>
#include <leash/net/tracked_async_binder.hpp>
#include <leash/net/tracked_async_dialer.hpp>
#include <leash/net/tracked_socket.hpp>
#include <leash/net/tracked_stream.hpp>

// With Clang, Asio 1.22 has coroutines only if the program defines this macro.
#if defined(ASIO_HAS_CO_AWAIT)
template <class T, class Executor, class... Parameters>
  requires leash::takes_call<Parameters...>
struct std::coroutine_traits<asio::awaitable<T, Executor>, Parameters...>
    : leash::RefusedCoroutine<asio::awaitable<T, Executor>, Parameters...> {};
#endif
