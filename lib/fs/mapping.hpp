#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/result.hpp>
#include <source_location>
#include <span>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// What may be done with the bytes of a Mapping.
enum class MapMode : unsigned char {
  read,   ///< They are read only.
  write,  ///< What is written to them is written to the file, and seen by all who read it.
};

/// A range of a file whose bytes are in memory (mmap(2)). Closing it is the owner's duty: the destructor closes too.
///
/// It may outlive the file, which need not stay open. Any number of threads may use the bytes, as they may use any
/// memory; no member may run during `close` or destruction. Errors name the operation and the path that the file was
/// opened by. After `close` there are no bytes, and every operation fails with `bad_file_descriptor`.
///
/// If the file is cut while a range of it is mapped, the bytes behind its new end must not be touched: on disk that
/// raises SIGBUS; in memory what is written there is lost. Once the file is extended again, they are those of the file
/// on disk; in memory only those are that lie in the chunk of 64 KiB in which the file was cut.
class Mapping {
 public:
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  virtual ~Mapping();

  /// The bytes of the range. Empty after `close`.
  std::span<const std::byte> bytes() const noexcept LEASH_LIFETIMEBOUND { return do_bytes(); }

  /// The bytes of the range, to write to. Empty if it was mapped for reading, and after `close`.
  std::span<std::byte> writable_bytes() const noexcept LEASH_LIFETIMEBOUND { return do_writable_bytes(); }

  /// Waits until all that was written to the bytes has reached the device (msync(2)).
  [[nodiscard]] Result<void> sync(std::source_location site = std::source_location::current());

  /// Unmaps the range. It is unmapped afterwards even if this returns an error.
  [[nodiscard]] Result<void> close(std::source_location site = std::source_location::current());

  /// The path that the file was opened by. The view is valid as long as this object.
  std::string_view path() const noexcept LEASH_LIFETIMEBOUND { return do_path(); }

 protected:
  friend class ProxyMapping;

  Mapping() = default;

  /// What an implementation provides.
  virtual std::span<const std::byte> do_bytes() const noexcept = 0;
  virtual std::span<std::byte> do_writable_bytes() const noexcept = 0;
  virtual Result<void> do_sync(std::source_location site) = 0;
  virtual Result<void> do_close(std::source_location site) = 0;
  virtual std::string_view do_path() const noexcept = 0;
};

}  // namespace LEASH_NAMESPACE::fs
