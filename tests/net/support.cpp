#include <leash/os/wake_socket.hpp>

#include "support.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

Watchdog::Watchdog(std::source_location site)
    : thread_([this, site] {
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, 60s, [this] { return over_; })) return;
        std::fprintf(stderr, "%s:%u: watchdog: this check hangs\n", site.file_name(), site.line());
        std::abort();
      }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
}

std::map<int, std::string> open_descriptors() {
  // The thread's, which it makes when it first waits for a descriptor, and keeps.
  static_cast<void>(leash::os::WakeSocket::of_this_thread());
  std::map<int, std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry.path(), gone);
    // That of the iteration itself and of what `InThread` reads, and the pipes that UBSan's check of a vptr makes for a
    // moment in any thread to probe an address; the library makes none.
    if (gone || target.string().starts_with("/proc/") || target.string().starts_with("pipe:")) continue;
    found.emplace(std::stoi(entry.path().filename().string()), target.string());
  }
  return found;
}

Pair make_pair(leash::net::Dialer& dialer, leash::net::Binder& binder, const leash::Context& context) {
  Pair pair;
  pair.listener = must(binder.bind(context, "tcp", "127.0.0.1:0"));
  pair.near = must(dialer.dial(context, "tcp", to_string(pair.listener->address())));
  pair.far = must(pair.listener->accept(context));
  return pair;
}

leash::Result<std::string> read_up_to(leash::net::Conn& conn, std::size_t size) {
  std::string text(size, '\0');
  std::size_t count = 0;
  while (count < size) {
    const leash::Result<std::size_t> more = conn.read(std::as_writable_bytes(std::span(text).subspan(count)));
    if (!more) return std::unexpected(more.error());
    if (*more == 0) break;
    count += *more;
  }
  text.resize(count);
  return text;
}

leash::Result<std::string> read_all(leash::net::Conn& conn) {
  std::string text;
  for (;;) {
    const leash::Result<std::string> more = read_up_to(conn, std::size_t{64} * 1024);
    if (!more) return more;
    if (more->empty()) return text;
    text += *more;
  }
}

leash::Result<std::string> read_some(leash::net::Conn& conn, std::source_location site) {
  std::string text(1024, '\0');
  const leash::Result<std::size_t> count = conn.read(std::as_writable_bytes(std::span(text)), site);
  if (!count) return std::unexpected(count.error());
  text.resize(*count);
  return text;
}

std::string name_of(const leash::net::Conn& conn) {
  return to_string(conn.local_address()) + " -> " + to_string(conn.remote_address());
}
