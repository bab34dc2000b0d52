#pragma once

#include <leash/config.hpp>
#include <leash/result.hpp>
#include <leash/track/report/explain.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track {

/// The version of the schema of `json`: docs/json.md. A later version that only adds members has the same number.
inline constexpr int json_version = 1;

/// All that `explained` has, as JSON (RFC 8259), in one line that ends with a newline; `from_json` reads it. Texts that
/// are not valid UTF-8 become `{"latin1": …}`, with a code point for each byte. Fails with `function_not_supported` if
/// leash was built without nlohmann-json.
[[nodiscard]] Result<std::string> json(const Explained& explained);

/// What `json` has written: an Explained that is equal. Members that it does not know are skipped, and those that are
/// not there are as in a new Explained, but that `ok` is as the groups are. Fails with `invalid_argument` if `text` is
/// no JSON, with the line and the column where it is not; if it is no report of leash, or one of a newer version, or a
/// member has the wrong type, which the Error names; with `function_not_supported` as `json` does. `name` is what the
/// Error calls the text: the file's name.
[[nodiscard]] Result<Explained> from_json(std::string_view text, std::string_view name = "JSON");

}  // namespace LEASH_NAMESPACE::track
