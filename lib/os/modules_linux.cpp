#include <link.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <leash/os/fork.hpp>
#include <leash/os/modules.hpp>
#include <leash/os/shortage.hpp>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

namespace LEASH_NAMESPACE::os {
namespace {

/// A line of /proc/self/maps that has a file.
struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::uint64_t inode = 0;
  std::string path;
};

/// Removes a number, and the character after it, from the front of `text`, and returns the number.
template <typename Number>
Number take_number(std::string_view& text, int base) {
  Number number = 0;
  const char* const end = std::from_chars(text.data(), text.data() + text.size(), number, base).ptr;
  text.remove_prefix(std::min(text.size(), static_cast<std::size_t>(end - text.data()) + 1));
  return number;
}

void skip_word(std::string_view& text) { text.remove_prefix(std::min(text.size(), text.find(' ') + 1)); }

/// The line has the form `begin-end permissions offset device inode   path`.
Mapping parse_mapping(std::string_view line) {
  Mapping mapping;
  mapping.begin = take_number<std::uintptr_t>(line, 16);
  mapping.end = take_number<std::uintptr_t>(line, 16);
  for (int word = 0; word < 3; ++word) skip_word(line);
  mapping.inode = take_number<std::uint64_t>(line, 10);
  mapping.path = line.substr(std::min(line.size(), line.find_first_not_of(' ')));
  return mapping;
}

/// The files of /proc/self/maps; empty if there is no /proc. Sets `shortage` as `loaded_modules` does.
std::vector<Mapping> mapped_files(int& shortage) {
  std::vector<Mapping> files;
  errno = 0;
  std::ifstream maps("/proc/self/maps");
  if (!maps && os::is_shortage(errno)) shortage = errno;
  for (std::string line; std::getline(maps, line);) {
    if (Mapping mapping = parse_mapping(line); mapping.path.starts_with('/')) files.push_back(std::move(mapping));
  }
  // getline catches std::bad_alloc, and sets badbit.
  if (maps.bad()) shortage = ENOMEM;
  return files;
}

/// strlen, without reports of ThreadSanitizer. `name` is guarded by a lock of the dynamic linker that ThreadSanitizer
/// does not see; it would report a race on the NUL at the end.
[[gnu::no_sanitize_thread]] std::size_t length_of(const volatile char* name) {
  std::size_t length = 0;
  while (name[length] != '\0') ++length;
  return length;
}

/// Appends the module that `dl_iterate_phdr` visits. It visits the program first.
int add_module(dl_phdr_info* info, std::size_t, void* data) {
  auto& modules = *static_cast<std::vector<Module>*>(data);
  Module module;
  if (info->dlpi_name != nullptr) module.path.assign(info->dlpi_name, length_of(info->dlpi_name));
  module.program = modules.empty();
  module.bias = info->dlpi_addr;
  module.begin = ~std::uintptr_t{0};
  for (std::size_t index = 0; index < info->dlpi_phnum; ++index) {
    const ElfW(Phdr)& part = info->dlpi_phdr[index];
    if (part.p_type != PT_LOAD) continue;
    module.begin = std::min<std::uintptr_t>(module.begin, info->dlpi_addr + part.p_vaddr);
    module.end = std::max<std::uintptr_t>(module.end, info->dlpi_addr + part.p_vaddr + part.p_memsz);
  }
  modules.push_back(std::move(module));
  return 0;
}

/// Fills in the path, and what the file system knows. The dynamic linker only has the name by which a library was asked
/// for, and an empty one for the program; `mappings` have absolute paths.
void fill_in_file(Module& module, const std::vector<Mapping>& mappings) {
  static constexpr std::string_view deleted = " (deleted)";
  const auto at = std::ranges::find_if(
      mappings, [&](const Mapping& one) { return one.begin <= module.begin && module.begin < one.end; });
  if (at != mappings.end()) {
    module.path = at->path;
    module.inode = at->inode;
    module.deleted = module.path.ends_with(deleted);
    if (module.deleted) module.path.resize(module.path.size() - deleted.size());
  } else if (module.path.empty() && module.program) {
    std::error_code failed;
    module.path = std::filesystem::read_symlink("/proc/self/exe", failed).string();
  }
  struct stat status{};
  if (::stat(module.path.c_str(), &status) != 0) return;
  module.irregular = !S_ISREG(status.st_mode);
  if (!module.deleted) {
    module.size = static_cast<std::uint64_t>(status.st_size);
    module.modified = (std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000) + status.st_mtim.tv_nsec;
  }
}

/// A counter of the dynamic linker, which `dl_iterate_phdr` passes with each module.
std::uint64_t linker_counter(unsigned long long dl_phdr_info::* counter) noexcept {
  // No fork while this thread is in here, so that a child does not find the dynamic linker's lock held.
  const os::InGate in_gate;
  std::pair read{counter, std::uint64_t{0}};
  const auto visit = [](dl_phdr_info* info, std::size_t, void* data) {
    auto& [what, count] = *static_cast<decltype(read)*>(data);
    count = info->*what;
    return 1;
  };
  ::dl_iterate_phdr(visit, &read);
  return read.second;
}

}  // namespace

std::uint64_t modules_loaded() noexcept { return linker_counter(&dl_phdr_info::dlpi_adds); }

std::uint64_t modules_unloaded() noexcept { return linker_counter(&dl_phdr_info::dlpi_subs); }

bool is_in_program(std::uintptr_t address) noexcept {
  const auto* const first = reinterpret_cast<const ElfW(Phdr)*>(::getauxval(AT_PHDR));
  const std::span headers(first, first == nullptr ? 0 : ::getauxval(AT_PHNUM));
  const auto own = std::ranges::find(headers, ElfW(Word){PT_PHDR}, &ElfW(Phdr)::p_type);
  if (own == headers.end()) return false;
  const std::uintptr_t bias = reinterpret_cast<std::uintptr_t>(first) - own->p_vaddr;
  return std::ranges::any_of(headers, [&](const ElfW(Phdr) & header) {
    return header.p_type == PT_LOAD && address - bias - header.p_vaddr < header.p_memsz;
  });
}

Modules loaded_modules(const Modules& known, int& shortage) {
  std::vector<Module> loaded;
  ::dl_iterate_phdr(add_module, &loaded);
  const std::vector<Mapping> mappings = mapped_files(shortage);
  Modules modules;
  modules.reserve(loaded.size());
  for (Module& module : loaded) {
    fill_in_file(module, mappings);
    const auto same = std::ranges::find_if(known, [&](const ModuleRef& other) { return *other == module; });
    modules.push_back(same == known.end() ? std::make_shared<const Module>(std::move(module)) : *same);
  }
  return modules;
}

ModuleRef module_of(const Modules& modules, std::uintptr_t address) {
  const auto found = std::ranges::find_if(
      modules, [&](const ModuleRef& module) { return module->begin <= address && address < module->end; });
  return found == modules.end() ? nullptr : *found;
}

}  // namespace LEASH_NAMESPACE::os
