#pragma once

#include <asio/error.hpp>
#include <asio/error_code.hpp>
#include <leash/config.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::net::detail {

/// An errno as an error code of Asio's.
inline asio::error_code asio_error(int error) { return {error, asio::error::get_system_category()}; }
inline asio::error_code asio_error(std::errc error) { return asio_error(static_cast<int>(error)); }

/// A code of an Error as Asio has it: an errno in the category of Asio's own.
inline asio::error_code asio_error(std::error_code code) {
  const bool is_errno = code.category() == std::generic_category() || code.category() == std::system_category();
  return is_errno ? asio_error(code.value()) : asio::error_code(code);
}

/// The reverse: an errno in the category in which Errors have it.
inline std::error_code error_code_of(const asio::error_code& code) {
  return code.category() == asio::error::get_system_category() ? std::error_code(code.value(), std::generic_category())
                                                               : std::error_code(code);
}

}  // namespace LEASH_NAMESPACE::net::detail
