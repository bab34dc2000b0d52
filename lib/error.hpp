#pragma once

#include <cstdint>
#include <iosfwd>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace LEASH_NAMESPACE {

/// Why an operation failed: the operation, its subject, and the error code. One pointer wide; copies share one
/// immutable object, so an Error is cheap to return, and any number of threads may read it.
///
/// Prints as `open data.csv: No such file or directory`, followed by the detail in brackets and the causes, if there
/// are any. Only the printed text has the control characters of subject and detail escaped; `subject()` and `detail()`
/// return them as they are. The depth and the length of the printed causes are bounded.
class [[nodiscard]] Error {
 public:
  /// `operation` is the verb that the caller used ("open"); `subject` is the path or address; `code` is not zero.
  /// `detail` is what else a person needs to know ("missing port in address"). `causes` are the errors that led to this
  /// one, in the order in which they happened. `transferred` is how many bytes the operation had read or written before
  /// it failed.
  Error(std::string_view operation, std::string_view subject, std::error_code code, std::string_view detail = {},
        std::vector<Error> causes = {}, std::uint64_t transferred = 0);

  /// The same for a `std::errc`.
  Error(std::string_view operation, std::string_view subject, std::errc code, std::string_view detail = {},
        std::vector<Error> causes = {}, std::uint64_t transferred = 0);

  Error(const Error&) noexcept;
  Error(Error&&) noexcept;
  Error& operator=(const Error&) noexcept;
  Error& operator=(Error&&) noexcept;
  ~Error();

  // The members return what the constructor was given. Views and span are valid as long as a copy of this Error exists.
  // Those of an Error that was moved from are empty, and its numbers are zero.

  /// The operation that failed: "open".
  std::string_view operation() const noexcept LEASH_LIFETIMEBOUND;

  /// The path or address that it was for; may be empty.
  std::string_view subject() const noexcept LEASH_LIFETIMEBOUND;

  /// What else a person needs to know; may be empty.
  std::string_view detail() const noexcept LEASH_LIFETIMEBOUND;

  std::error_code code() const noexcept;

  /// The errors that led to this one, in the order in which they happened.
  std::span<const Error> causes() const noexcept LEASH_LIFETIMEBOUND;

  /// How many bytes the operation had read or written before it failed: of a write, how many of its bytes were written.
  /// 0 if there were none, or if whoever made the Error did not know. Not printed.
  std::uint64_t transferred() const noexcept;

  /// Whether the code is `timed_out`: a deadline passed. A cancellation is no timeout.
  bool timeout() const noexcept;

  /// Compares the code with an enumerator of any error code or condition enumeration:
  /// `error == std::errc::no_such_file_or_directory`.
  template <class Code>
    requires std::is_error_code_enum_v<Code> || std::is_error_condition_enum_v<Code>
  friend bool operator==(const Error& error, Code code) noexcept {
    return error.code() == code;
  }
  friend bool operator==(const Error& error, std::error_code code) noexcept { return error.code() == code; }

  friend std::string to_string(const Error& error);
  friend std::ostream& operator<<(std::ostream& out, const Error& error);

 private:
  struct Detail;
  friend void destroy(const Detail* detail) noexcept;

  detail::Ref<const Detail> detail_;
};

std::string to_string(const Error& error);

template <>
inline constexpr bool detail::printable<Error> = true;

}  // namespace LEASH_NAMESPACE
