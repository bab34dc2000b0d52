#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <leash/track/symbol/exported_symbol.hpp>
#include <span>

// Does what dladdr(3) does, with another lock of the dynamic linker: inside dl_iterate_phdr no other thread can unload
// the library, and it does not wait, as dladdr does, for a thread that runs a library's constructors in dlopen.
namespace LEASH_NAMESPACE::track::detail {
namespace {

/// The program or a library in memory. Nothing outside of its segments is read, even if its tables are damaged.
struct Image {
  std::uintptr_t bias = 0;
  std::span<const ElfW(Phdr)> segments;

  /// The number of bytes from `address` to the end of its segment; 0 if it lies in none, or in a gap between two.
  std::size_t bytes_from(std::uintptr_t address) const {
    for (const ElfW(Phdr) & segment : segments) {
      const std::uintptr_t offset = address - bias - segment.p_vaddr;
      if (segment.p_type == PT_LOAD && offset < segment.p_memsz) return segment.p_memsz - offset;
    }
    return 0;
  }

  /// The array of `count` elements at `address`, cut off at the end of the segment.
  template <typename T>
  std::span<const T> array(std::uintptr_t address, std::size_t count) const {
    if (address % alignof(T) != 0) return {};
    return {reinterpret_cast<const T*>(address), std::min(count, bytes_from(address) / sizeof(T))};
  }

  template <typename T>
  const T* object(std::uintptr_t address) const {
    const auto one = array<T>(address, 1);
    return one.empty() ? nullptr : one.data();
  }
};

/// The addresses of tables that the dynamic section names; 0 for one that is not there.
struct Tables {
  std::uintptr_t symbols = 0;
  std::uintptr_t names = 0;
  std::size_t names_size = 0;
  std::uintptr_t hash = 0;
  std::uintptr_t gnu_hash = 0;
};

Tables find_tables(const Image& image, std::uintptr_t dynamic, std::size_t dynamic_size) {
  Tables tables;
  // The dynamic linker has added the bias to the values, but not in the vDSO, which it cannot write to.
  const auto absolute = [&](std::uintptr_t value) { return value < image.bias ? value + image.bias : value; };
  for (const ElfW(Dyn) & entry : image.array<ElfW(Dyn)>(dynamic, dynamic_size / sizeof(ElfW(Dyn)))) {
    switch (entry.d_tag) {
      case DT_SYMTAB:
        tables.symbols = absolute(entry.d_un.d_ptr);
        break;
      case DT_STRTAB:
        tables.names = absolute(entry.d_un.d_ptr);
        break;
      case DT_STRSZ:
        tables.names_size = entry.d_un.d_val;
        break;
      case DT_HASH:
        tables.hash = absolute(entry.d_un.d_ptr);
        break;
      case DT_GNU_HASH:
        tables.gnu_hash = absolute(entry.d_un.d_ptr);
        break;
      default:
        break;
    }
  }
  return tables;
}

/// The number of symbols. The symbol table does not tell its size; the hash tables by name do.
std::size_t count_symbols(const Image& image, const Tables& tables) {
  if (const auto header = image.array<std::uint32_t>(tables.hash, 2); header.size() == 2) return header[1];
  const auto header = image.array<std::uint32_t>(tables.gnu_hash, 4);
  if (header.size() < 4) return 0;
  const std::uint32_t buckets = header[0];
  const std::uint32_t first = header[1];
  const std::uintptr_t bucket_table = tables.gnu_hash + (4 * sizeof(std::uint32_t)) + (header[2] * sizeof(ElfW(Addr)));
  std::uint32_t last = 0;
  for (const std::uint32_t bucket : image.array<std::uint32_t>(bucket_table, buckets)) last = std::max(last, bucket);
  if (last < first) return first;
  // The last symbol is at the end of the chain of the last bucket; there the lowest bit of the hash is set.
  const std::uintptr_t last_chain = bucket_table + ((std::uintptr_t{buckets} + last - first) * sizeof(std::uint32_t));
  for (std::size_t index = 0;; ++index) {
    const auto* const hash = image.object<std::uint32_t>(last_chain + (index * sizeof(std::uint32_t)));
    if (hash == nullptr || (*hash & 1U) != 0) return last + index + 1;
  }
}

std::string find_symbol(const Image& image, std::uintptr_t dynamic, std::size_t dynamic_size, std::uintptr_t address) {
  const Tables tables = find_tables(image, dynamic, dynamic_size);
  for (const ElfW(Sym) & symbol : image.array<ElfW(Sym)>(tables.symbols, count_symbols(image, tables))) {
    const unsigned type = symbol.st_info & 0xFU;
    if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbol.st_shndx == SHN_UNDEF) continue;
    const std::uintptr_t begin = image.bias + symbol.st_value;
    if (address < begin || address - begin >= symbol.st_size || symbol.st_name >= tables.names_size) continue;
    const auto name = image.array<char>(tables.names + symbol.st_name, tables.names_size - symbol.st_name);
    return {name.begin(), std::ranges::find(name, '\0')};
  }
  return {};
}

struct Search {
  std::uintptr_t address = 0;
  std::string name;
};

int search_module(dl_phdr_info* info, std::size_t, void* data) {
  auto& search = *static_cast<Search*>(data);
  const Image image{info->dlpi_addr, {info->dlpi_phdr, info->dlpi_phnum}};
  if (image.bytes_from(search.address) == 0) return 0;
  for (const ElfW(Phdr) & segment : image.segments) {
    if (segment.p_type != PT_DYNAMIC) continue;
    search.name = find_symbol(image, image.bias + segment.p_vaddr, segment.p_memsz, search.address);
  }
  return 1;
}

}  // namespace

std::string exported_symbol(std::uintptr_t address) {
  Search search{address, {}};
  ::dl_iterate_phdr(search_module, &search);
  return std::move(search.name);
}

}  // namespace LEASH_NAMESPACE::track::detail
