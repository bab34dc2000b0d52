#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <leash/track/stack/dwarf_reader.hpp>
#include <leash/track/stack/eh_frame.hpp>
#include <span>

namespace LEASH_NAMESPACE::track::detail {
namespace {

using Headers = std::span<const ElfW(Phdr)>;

// The memory from `address` to the end of the segment that it is in, as far as the file has it; empty if it is in no
// readable segment. `base` is what is added to the addresses in the headers.
std::span<const std::byte> rest_of_segment(Headers headers, std::uintptr_t base, std::uintptr_t address) noexcept {
  for (const ElfW(Phdr) & header : headers) {
    if (header.p_type != PT_LOAD || (header.p_flags & PF_R) == 0) continue;
    const std::uintptr_t begin = base + header.p_vaddr;
    if (address - begin >= header.p_filesz) continue;
    return {reinterpret_cast<const std::byte*>(address), header.p_filesz - (address - begin)};
  }
  return {};
}

// The tables whose `.eh_frame_hdr` is at that address. `readable(address)` returns the memory that may be read from
// `address` on, empty if there is none.
template <class Readable>
std::optional<EhFrame> tables_at(std::uintptr_t eh_frame_header, Readable readable) noexcept {
  const std::span<const std::byte> header = readable(eh_frame_header);
  DwarfReader reader(header);
  reader.read<std::uint8_t>();
  const auto encoding = reader.read<std::uint8_t>();
  reader.read<std::uint16_t>();
  const std::uintptr_t position = reader.encoded(encoding, eh_frame_header);
  if (!reader.ok()) return std::nullopt;
  return EhFrame{.header = header, .frames = readable(position)};
}

struct Search {
  std::uintptr_t address;
  std::optional<EhFrame> found;
};

// The callback of dl_iterate_phdr: fills in `found` and stops at the module that the address lies in. Only used where
// the C library has no _dl_find_object.
[[maybe_unused]] int visit(dl_phdr_info* info, std::size_t /*size*/, void* data) {
  Search& search = *static_cast<Search*>(data);
  const Headers headers(info->dlpi_phdr, info->dlpi_phnum);
  const std::uintptr_t base = info->dlpi_addr;
  const auto has_address = [&](const ElfW(Phdr) & header) {
    return header.p_type == PT_LOAD && search.address - (base + header.p_vaddr) < header.p_memsz;
  };
  if (std::ranges::none_of(headers, has_address)) return 0;
  const auto table =
      std::ranges::find_if(headers, [](const ElfW(Phdr) & header) { return header.p_type == PT_GNU_EH_FRAME; });
  if (table != headers.end()) {
    search.found = tables_at(base + table->p_vaddr,
                             [&](std::uintptr_t address) { return rest_of_segment(headers, base, address); });
  }
  return 1;
}

#ifdef DLFO_STRUCT_HAS_EH_DBASE

// The program headers of the module that is mapped from `map_start` on. Empty if there is no ELF header, or if the
// program headers do not lie in the first page; all linkers put them there.
Headers headers_at(const void* map_start) noexcept {
  ElfW(Ehdr) elf;
  std::memcpy(&elf, map_start, sizeof elf);
  constexpr std::size_t first_page = 4096;
  if (std::memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_phentsize != sizeof(ElfW(Phdr)) ||
      elf.e_phoff > first_page || elf.e_phoff % alignof(ElfW(Phdr)) != 0 ||
      elf.e_phnum > (first_page - elf.e_phoff) / sizeof(ElfW(Phdr))) {
    return {};
  }
  const auto* const first = static_cast<const std::byte*>(map_start) + elf.e_phoff;
  return {reinterpret_cast<const ElfW(Phdr)*>(first), elf.e_phnum};
}

// For `tables_at`, where the C library has _dl_find_object.
std::span<const std::byte> readable_from(std::uintptr_t address) noexcept {
  dl_find_object object{};
  if (::_dl_find_object(reinterpret_cast<void*>(address), &object) != 0) return {};
  const auto map_start = reinterpret_cast<std::uintptr_t>(object.dlfo_map_start);
  const Headers headers = headers_at(object.dlfo_map_start);
  // Only if the first segment is mapped at `map_start`, the headers are those of this module.
  const auto first = std::ranges::find_if(headers, [](const ElfW(Phdr) & header) { return header.p_type == PT_LOAD; });
  const std::uintptr_t base = object.dlfo_link_map->l_addr;
  if (first != headers.end() && map_start - (first->p_vaddr & ~std::uintptr_t{4095}) == base)
    return rest_of_segment(headers, base, address);
  // If there are gaps between the segments of a module, _dl_find_object gives the bounds of one segment instead of the
  // module's. Another segment than the first does not begin with the headers, but all of it may be read.
  const auto map_end = reinterpret_cast<std::uintptr_t>(object.dlfo_map_end);
  return {reinterpret_cast<const std::byte*>(address), map_end - address};
}

#endif

}  // namespace

std::optional<EhFrame> find_tables(std::uintptr_t address) noexcept {
#ifdef DLFO_STRUCT_HAS_EH_DBASE
  dl_find_object object{};
  if (::_dl_find_object(reinterpret_cast<void*>(address), &object) != 0) return std::nullopt;
  if (object.dlfo_eh_frame == nullptr) return std::nullopt;
  return tables_at(reinterpret_cast<std::uintptr_t>(object.dlfo_eh_frame), readable_from);
#else
  Search search{.address = address, .found = std::nullopt};
  ::dl_iterate_phdr(visit, &search);
  return search.found;
#endif
}

}  // namespace LEASH_NAMESPACE::track::detail
