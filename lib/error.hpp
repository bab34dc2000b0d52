#pragma once

#include <iosfwd>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace LEASH_NAMESPACE {

/// Why an operation failed: what was attempted, on what, and the code. One pointer wide; copies share one immutable
/// detail, so it is cheap to pass up, and any number of threads may read it.
///
/// Prints as `open data.csv: No such file or directory`, followed by its detail in brackets and its causes, if any.
/// Control characters of the subject are escaped when printed, and only then; causes are printed to a bounded depth and
/// length.
class [[nodiscard]] Error {
 public:
  /// `operation` is the verb the caller used ("open"), `subject` the path or address, `code` not zero. `detail` is what
  /// else a person needs to know ("missing port in address"); `causes` are the errors that led to this one, the first
  /// first.
  Error(std::string_view operation, std::string_view subject, std::error_code code, std::string_view detail = {},
        std::vector<Error> causes = {});
  Error(std::string_view operation, std::string_view subject, std::errc code, std::string_view detail = {},
        std::vector<Error> causes = {});

  Error(const Error&) noexcept;
  Error(Error&&) noexcept;
  Error& operator=(const Error&) noexcept;
  Error& operator=(Error&&) noexcept;
  ~Error();

  /// The views and the span live as long as any copy of this Error. An Error that was moved from has empty ones.
  std::string_view operation() const noexcept LEASH_LIFETIMEBOUND;
  std::string_view subject() const noexcept LEASH_LIFETIMEBOUND;
  std::string_view detail() const noexcept LEASH_LIFETIMEBOUND;
  std::error_code code() const noexcept;
  std::span<const Error> causes() const noexcept LEASH_LIFETIMEBOUND;

  /// Whether a deadline passed. A cancellation is no timeout.
  bool timeout() const noexcept;

  /// `error == std::errc::no_such_file_or_directory`, and the like for any error code or condition enumeration.
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
