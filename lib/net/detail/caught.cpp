#include <exception>
#include <leash/net/detail/caught.hpp>
#include <new>
#include <system_error>

namespace LEASH_NAMESPACE::net::detail {

Error caught(std::string_view operation, std::string_view subject, const Error& no_memory) noexcept {
  constexpr auto ended = std::errc::operation_canceled;
  try {
    try {
      throw;
    } catch (const std::bad_alloc&) {
      return no_memory;
    } catch (const std::system_error& error) {
      const std::error_code code = error.code() ? error.code() : std::make_error_code(ended);
      return {operation, subject, code, error.what()};
    } catch (const std::exception& error) {
      return {operation, subject, ended, error.what()};
    } catch (...) {
      return {operation, subject, ended, "an exception that is no std::exception"};
    }
  } catch (...) {
    return no_memory;
  }
}

}  // namespace LEASH_NAMESPACE::net::detail
