#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdint>
#include <leash/detail/module_file.hpp>
#include <span>

namespace LEASH_NAMESPACE::detail {
namespace {

struct Search {
  std::uintptr_t address = 0;
  std::array<char, PATH_MAX> path{};
  bool found = false;
};

/// Called by `dl_iterate_phdr` for each module, until it returns 1. The dynamic linker holds a lock meanwhile, so this
/// allocates nothing.
int find_in_module(dl_phdr_info* info, std::size_t, void* data) {
  auto& search = *static_cast<Search*>(data);
  search.found = std::ranges::any_of(std::span(info->dlpi_phdr, info->dlpi_phnum), [&](const ElfW(Phdr) & part) {
    return part.p_type == PT_LOAD && search.address - info->dlpi_addr - part.p_vaddr < part.p_memsz;
  });
  if (!search.found) return 0;
  const std::string_view name = info->dlpi_name == nullptr ? "" : info->dlpi_name;
  std::ranges::copy(name.substr(0, search.path.size() - 1), search.path.begin());
  return 1;
}

}  // namespace

std::string module_file(const void* address) {
  Search search{.address = reinterpret_cast<std::uintptr_t>(address)};
  ::dl_iterate_phdr(find_in_module, &search);
  // The dynamic linker has an empty name for the program.
  if (search.found && search.path[0] == '\0') {
    static_cast<void>(::readlink("/proc/self/exe", search.path.data(), search.path.size() - 1));
  }
  return search.path[0] == '\0' ? "?" : search.path.data();
}

}  // namespace LEASH_NAMESPACE::detail
