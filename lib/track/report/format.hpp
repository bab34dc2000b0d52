#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/result.hpp>
#include <leash/track/report/explain.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track {

/// What a report can be written as.
enum class Format : unsigned char {
  text,    ///< For people: `<leash/track/report/text.hpp>`.
  json,    ///< All that an Explained has: `<leash/track/report/json.hpp>`.
  sarif,   ///< For code scanning: `<leash/track/report/sarif.hpp>`.
  junit,   ///< For Jenkins, GitLab and others: `<leash/track/report/junit.hpp>`.
  github,  ///< Annotations of a step of GitHub Actions: `<leash/track/report/github.hpp>`.
  folded,  ///< For flame graphs: `<leash/track/report/folded.hpp>`.
  pprof,   ///< For `go tool pprof` and its like: `<leash/track/report/pprof.hpp>`.
};

/// Its name: `sarif`.
[[nodiscard]] std::string_view to_string(Format format) noexcept;

/// The format with that name; nothing if there is none.
[[nodiscard]] std::optional<Format> format_named(std::string_view name) noexcept;

/// Whether leash was built with what the format needs: nlohmann-json for `json` and `sarif`, protozero and zlib for
/// `pprof`.
[[nodiscard]] bool is_built(Format format) noexcept;

/// Where paths of sources lie that a report names, for the formats whose readers want them relative to a repository.
struct SourceRoot {
  /// The folder that is left out of the beginning of paths. Empty: none is.
  std::string folder = {};

  /// That of the workflow, if one is running (`GITHUB_WORKSPACE`, `CI_PROJECT_DIR`, `WORKSPACE`), else the current one.
  [[nodiscard]] static SourceRoot of_environment();

  /// `file` below the folder, without that and in its plainest form: `lib/a.cpp`; any other file as it is.
  [[nodiscard]] std::string relative(std::string_view file) const;
};

/// The report in that format, as a file has it. Of `github` that is the annotations, without the summary. Fails with
/// `function_not_supported` if the format was not built.
[[nodiscard]] Result<std::string> write(const Explained& explained, Format format,
                                        const SourceRoot& root = SourceRoot::of_environment());

}  // namespace LEASH_NAMESPACE::track
