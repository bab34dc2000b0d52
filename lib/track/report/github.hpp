#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/report/format.hpp>
#include <string>

namespace LEASH_NAMESPACE::track {

/// What a step of GitHub Actions tells.
struct GithubReport {
  std::string annotations = {};  ///< Lines for standard output: `::error file=…`. Ten errors and ten notices at most.
  std::string summary = {};      ///< Markdown for the file `GITHUB_STEP_SUMMARY`: all groups, or as many as fit.
};

/// How many bytes of summary a step may write: GitHub shows nothing of one that is larger.
inline constexpr std::size_t most_github_summary = std::size_t{1024} * 1024;

/// The groups as annotations and as a summary of a step. Groups that have no annotation, since GitHub drops those
/// beyond the tenth without a word, are told in the last annotation and are in the summary. What the summary leaves
/// out, it says.
[[nodiscard]] GithubReport github(const Explained& explained, const SourceRoot& root = SourceRoot::of_environment());

}  // namespace LEASH_NAMESPACE::track
