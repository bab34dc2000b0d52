#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::os {

/// A descriptor that the kernel says is open, and what tells it from a later one with the same number.
struct OpenDescriptor {
  int number = -1;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  friend auto operator<=>(const OpenDescriptor&, const OpenDescriptor&) = default;
};

/// Sorted.
using DescriptorList = std::vector<OpenDescriptor>;

/// The descriptors of this process, from /proc/self/fd, but for the one that this takes. None where there is no such
/// thing. Where the process is out of descriptors, those below its limit.
DescriptorList open_descriptors();

/// The one with this number, if it is open.
std::optional<OpenDescriptor> open_descriptor(int number) noexcept;

/// What the kernel tells, without the help of another descriptor, of what one is open on and how it was opened; so far
/// as nobody can change it. That of a socket or a pipe is its own; those of a file are equal if it was opened twice in
/// the same way, and then nothing tells them apart that holds: the position moves, and a duplicate that could be
/// compared would keep the file open.
struct OpenFile {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t mount = 0;
  int flags = 0;

  friend bool operator==(const OpenFile&, const OpenFile&) = default;
};
std::optional<OpenFile> open_file(int number) noexcept;

/// What the kernel tells of one, for the reader of a report: `/tmp/x; flags 02100002; position 4096`; of a socket its
/// addresses too, `socket:[4711]; tcp 127.0.0.1:51002 -> 127.0.0.1:8080; flags …`.
struct DescriptorText {
  std::string text;
  std::string target;  ///< What it is open on, without a number that is another one each time: `/tmp/x`, `pipe`.
  std::string local;   ///< Of a socket: where it is, with the protocol, and
  std::string peer;    ///< what it is connected to, if it is.
};
DescriptorText describe_descriptor(int number);

/// The first part of such a text: all before the flags.
std::string_view target_of_descriptor(std::string_view description);

/// The addresses of a socket; empty of anything else.
struct SocketEnds {
  std::string protocol;  ///< `tcp`, `udp`, `unix`, or `socket` for others.
  std::string local;
  std::string peer;
  bool listening = false;
};
SocketEnds socket_ends(int number);

/// As reports show it: `tcp 127.0.0.1:51002 -> 127.0.0.1:8080`.
std::string to_string(const SocketEnds& ends);

}  // namespace LEASH_NAMESPACE::os
