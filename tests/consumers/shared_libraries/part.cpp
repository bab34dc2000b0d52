#include "part.hpp"

#include <leash/fs/memory_fs.hpp>
#include <leash/fs/proxy.hpp>

Seen look(const leash::Context& ctx, leash::fs::FileSystem& memory, leash::fs::FileSystem& files) {
  const int* const id = ctx.value<UserId>();
  return {.user_id = id == nullptr ? 0 : *id,
          .is_memory_fs = dynamic_cast<leash::fs::MemoryFS*>(&memory) != nullptr,
          .is_proxy = dynamic_cast<leash::fs::ProxyFileSystem*>(&files) != nullptr,
          .canceled = ctx.done()};
}

leash::Result<std::unique_ptr<leash::fs::File>> open_in_part(const leash::Context& ctx, leash::fs::FileSystem& files) {
  return files.open(ctx, "data.csv");
}

leash::Result<std::unique_ptr<leash::net::Conn>> dial_in_part(const leash::Context& ctx, leash::net::Dialer& dialer) {
  return dialer.dial(ctx, "tcp", "localhost:80");
}

void misuse(const leash::Context& ctx) { static_cast<void>(ctx.with_clock(nullptr)); }
