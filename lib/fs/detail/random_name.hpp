#pragma once

#include <leash/config.hpp>
#include <leash/function_ref.hpp>
#include <leash/result.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// Calls `create` with a path in `directory` whose name is `prefix` and 20 random letters and digits (100 bits, from
/// the system's source of secrets), and once more with another one as long as it fails with `file_exists`, at most 16
/// times. Returns the path that it succeeded with. Errors: that of `create`; those of getentropy(3); `invalid_argument`
/// for a prefix that is not the beginning of one name.
[[nodiscard]] Result<std::string> create_randomly_named(std::string_view directory, std::string_view prefix,
                                                        FunctionRef<Result<void>(std::string_view path)> create);

}  // namespace LEASH_NAMESPACE::fs::detail
