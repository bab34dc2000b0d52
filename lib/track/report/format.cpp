#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <leash/track/report/folded.hpp>
#include <leash/track/report/format.hpp>
#include <leash/track/report/github.hpp>
#include <leash/track/report/json.hpp>
#include <leash/track/report/junit.hpp>
#include <leash/track/report/pprof.hpp>
#include <leash/track/report/sarif.hpp>
#include <leash/track/report/text.hpp>
#include <system_error>
#include <utility>

namespace LEASH_NAMESPACE::track {
namespace {

constexpr std::array formats{Format::text,   Format::json,   Format::sarif, Format::junit,
                             Format::github, Format::folded, Format::pprof};

}  // namespace

std::string_view to_string(Format format) noexcept {
  switch (format) {
    case Format::text:
      return "text";
    case Format::json:
      return "json";
    case Format::sarif:
      return "sarif";
    case Format::junit:
      return "junit";
    case Format::github:
      return "github";
    case Format::folded:
      return "folded";
    case Format::pprof:
      return "pprof";
  }
  return "unknown";
}

std::optional<Format> format_named(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(formats, name, [](Format each) { return to_string(each); });
  return found == formats.end() ? std::nullopt : std::optional(*found);
}

bool is_built(Format format) noexcept {
  if (format == Format::pprof) return LEASH_HAVE_PROTOZERO != 0;
  if (format == Format::json || format == Format::sarif) return LEASH_HAVE_NLOHMANN_JSON != 0;
  return true;
}

SourceRoot SourceRoot::of_environment() {
  for (const char* const name : {"GITHUB_WORKSPACE", "CI_PROJECT_DIR", "WORKSPACE"}) {
    const char* const folder = std::getenv(name);
    if (folder != nullptr && *folder != '\0') return {folder};
  }
  std::error_code ignored;
  return {std::filesystem::current_path(ignored).string()};
}

std::string SourceRoot::relative(std::string_view file) const {
  std::string path = std::filesystem::path(file).lexically_normal().string();
  std::string_view root = folder;
  while (root.ends_with('/')) root.remove_suffix(1);
  if (!root.empty() && path.size() > root.size() + 1 && path.starts_with(root) && path[root.size()] == '/') {
    path.erase(0, root.size() + 1);
  }
  return path;
}

Result<std::string> write(const Explained& explained, Format format, const SourceRoot& root) {
  switch (format) {
    case Format::text:
      return text(explained) + '\n';
    case Format::json:
      return json(explained);
    case Format::sarif:
      return sarif(explained, root);
    case Format::junit:
      return junit(explained, root);
    case Format::github:
      return github(explained, root).annotations;
    case Format::folded:
      return folded(explained);
    case Format::pprof:
      return pprof(explained);
  }
  return fail("write", "report", std::errc::invalid_argument, "unknown format");
}

}  // namespace LEASH_NAMESPACE::track
