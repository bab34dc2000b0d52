#include <array>
#include <leash/fs/operation.hpp>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::fs {
namespace {

struct Traits {
  std::string_view name;
  bool changes;
};

constexpr std::array<Traits, operation_kinds> all_traits = {{
    {"open", false},           {"open_dir", false},
    {"stat", false},           {"lstat", false},
    {"read_dir", false},       {"read_dir_info", false},
    {"mkdir", true},           {"mkdir_all", true},
    {"remove", true},          {"remove_file", true},
    {"remove_dir", true},      {"remove_all", true},
    {"rename", true},          {"link", true},
    {"symlink", true},         {"read_link", false},
    {"chmod", true},           {"set_times", true},
    {"truncate", true},        {"sync_dir", false},
    {"space", false},          {"File::read", false},
    {"File::write", true},     {"File::read_at", false},
    {"File::write_at", true},  {"File::seek", false},
    {"File::truncate", true},  {"File::allocate", true},
    {"File::sync", false},     {"File::sync_data", false},
    {"File::stat", false},     {"File::chmod", true},
    {"File::set_times", true}, {"File::try_lock", false},
    {"File::lock", false},     {"File::unlock", false},
    {"File::map", false},      {"File::release", false},
    {"File::close", false},    {"Dir::read", false},
    {"Dir::stat", false},      {"Dir::close", false},
    {"Mapping::sync", false},  {"Mapping::close", false},
}};
static_assert(!all_traits.back().name.empty());

const Traits& traits_of(OperationKind kind) noexcept { return all_traits[static_cast<std::size_t>(kind)]; }

}  // namespace

std::string_view to_string(OperationKind kind) noexcept { return traits_of(kind).name; }

bool Operation::changes() const noexcept {
  return traits_of(kind).changes || (kind == OperationKind::open && options != nullptr && options->write) ||
         (kind == OperationKind::file_map && map_mode == MapMode::write);
}

std::unexpected<Error> Operation::fail(std::error_code code, std::string_view detail) const {
  std::string_view name = to_string(kind);
  if (const std::size_t colon = name.rfind(':'); colon != std::string_view::npos) name.remove_prefix(colon + 1);
  if (to.empty()) return leash::fail(name, path, code, detail, std::vector<Error>(), transferred);
  return leash::fail(name, std::string(path).append(" -> ").append(to), code, detail, std::vector<Error>(),
                     transferred);
}

std::unexpected<Error> Operation::fail(std::errc code, std::string_view detail) const {
  return fail(std::make_error_code(code), detail);
}

}  // namespace LEASH_NAMESPACE::fs
