#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr;

namespace LEASH_NAMESPACE::os {

/// A descriptor that was open when the kernel was asked. Device and inode tell it from a later descriptor with the same
/// number, unless that is of the same file.
struct OpenDescriptor {
  int number = -1;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  friend auto operator<=>(const OpenDescriptor&, const OpenDescriptor&) = default;
};

/// Sorted by number.
using DescriptorList = std::vector<OpenDescriptor>;

/// The open descriptors of this process, read from /proc/self/fd, without the one that is used to read it. If that
/// fails for lack of descriptors or memory, each number below the limit (RLIMIT_NOFILE) is tried instead. Empty if
/// there is no /proc. Thread-safe; throws `std::bad_alloc`.
DescriptorList open_descriptors();

/// How many descriptors this process has open, and how many it may have (the soft limit RLIMIT_NOFILE).
struct DescriptorUse {
  std::uint64_t open = 0;
  std::uint64_t limit = 0;
};

/// From Linux 6.2 on it takes no descriptor, and no time for each one that is open (`st_size` of /proc/self/fd: see
/// proc_pid_fd(5)). Thread-safe; throws `std::bad_alloc`.
DescriptorUse descriptor_use();

/// The descriptor `number`, or nothing if it is not open. Thread-safe.
std::optional<OpenDescriptor> open_descriptor(int number) noexcept;

/// What a descriptor is open on and how it was opened: those properties that cannot change while it is open, and that
/// the kernel tells without opening another descriptor. Used to tell whether a number still means the same open file.
///
/// Different sockets have different ones, and so do different pipes. Two descriptors of one file that were opened in
/// the same way are equal: nothing permanent distinguishes them, since the position moves, and to keep a duplicate for
/// comparison (kcmp(2)) would keep the file open.
struct OpenFile {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t mount = 0;  ///< The id of its mount; 0 if the kernel does not tell.
  int flags = 0;            ///< Those of open(2) that fcntl(2) cannot change.

  friend bool operator==(const OpenFile&, const OpenFile&) = default;
};

/// The OpenFile of the descriptor `number`, or nothing if it is not open. Thread-safe.
std::optional<OpenFile> open_file(int number) noexcept;

/// A descriptor as a report shows it.
struct DescriptorText {
  /// `/tmp/x; flags 02100002; position 4096`; of a socket `socket:[4711]; tcp 127.0.0.1:51002 -> 127.0.0.1:8080; flags
  /// …`.
  std::string text;
  std::string target;  ///< What it is open on, without the inode that differs each time: `/tmp/x`, `pipe`.
  std::string local;   ///< Protocol and own address of a socket, `tcp 127.0.0.1:51002`; empty if it is no socket.
  std::string peer;    ///< Protocol and peer's address of a socket; empty if it is not connected.
};

/// The text of the descriptor `number`, as far as the kernel tells. Thread-safe; throws `std::bad_alloc`.
DescriptorText describe_descriptor(int number);

/// The part of a `DescriptorText::text` before the flags.
std::string_view target_of_descriptor(std::string_view description);

/// What the kernel calls the descriptor `number`: `/tmp/x`, `socket:[4711]; tcp 127.0.0.1:51002 -> 127.0.0.1:8080`,
/// `read end of pipe:[4712]; write end: descriptor 8`. Thread-safe; throws `std::bad_alloc`.
std::string name_of_descriptor(int number);

/// The addresses of a socket. All is empty for a descriptor that is no socket.
struct SocketEnds {
  std::string protocol;  ///< `tcp`, `udp`, `unix`, or `socket` for others.
  /// Its own address, `127.0.0.1:51002`, `[::1]:80`, `/run/x`, or `@name` if abstract; of a mapped IPv4 address the
  /// IPv4 address.
  std::string local;
  std::string peer;  ///< The address of its peer; empty if it is not connected.
  bool listening = false;
};

/// An address of `size` bytes as `SocketEnds` has it; empty for one that is none.
std::string address_text(const sockaddr* address, std::size_t size);

/// The ends of the descriptor `number`. Thread-safe; throws `std::bad_alloc`.
SocketEnds socket_ends(int number);

/// As reports show it: `tcp 127.0.0.1:51002 -> 127.0.0.1:8080`.
std::string to_string(const SocketEnds& ends);

}  // namespace LEASH_NAMESPACE::os
