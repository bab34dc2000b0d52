#pragma once

#include <asio/error.hpp>
#include <asio/error_code.hpp>
#include <leash/config.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::net::detail {

/// An errno as an error code of Asio's.
inline asio::error_code asio_error(int error) { return {error, asio::error::get_system_category()}; }
inline asio::error_code asio_error(std::errc error) { return asio_error(static_cast<int>(error)); }

}  // namespace LEASH_NAMESPACE::net::detail
