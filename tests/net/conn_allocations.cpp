// Ends with 0 if reads and writes of a connection in memory allocate nothing. An own program, since it has an own
// malloc.
#include <array>
#include <cstddef>
#include <cstdio>
#include <leash/context.hpp>
#include <leash/net/memory_network.hpp>
#include <span>

extern "C" void* __libc_malloc(std::size_t size);  // NOLINT(bugprone-reserved-identifier): glibc's name

namespace {

bool counting = false;
int allocations = 0;

bool to_and_fro(leash::net::Conn& near, leash::net::Conn& far) {
  std::array<std::byte, 1000> bytes{};
  const std::array<std::span<const std::byte>, 2> pieces{bytes, bytes};
  const std::array<std::span<std::byte>, 1> buffers{bytes};
  return near.write(bytes) && far.read(bytes) == bytes.size() && far.writev(pieces) && near.readv(buffers) == 1000 &&
         near.read(bytes) == bytes.size();
}

}  // namespace

extern "C" void* malloc(std::size_t size) {
  if (counting) ++allocations;
  return __libc_malloc(size);
}

int main() {
  const leash::Context ctx;
  leash::net::MemoryNetwork network;
  const auto listener = leash::take(network.bind(ctx, "tcp", "server:80"));
  const auto near = leash::take(network.dial(ctx, "tcp", "server:80"));
  const auto far = leash::take(listener->accept(ctx));
  counting = true;
  bool right = true;
  for (int round = 0; round < 100; ++round) right = right && to_and_fro(*near, *far);
  counting = false;
  std::printf("%d allocations\n", allocations);
  return right && allocations == 0 ? 0 : 1;
}
