#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <leash/track/symbol/exported_symbol.hpp>
#include <span>

// What dladdr does, but under the lock that unloading takes, and without the one that is held while a library's
// constructors run.
namespace LEASH_NAMESPACE::track::detail {
namespace {

/// A library in memory. Whatever its tables say, nothing outside of it is read.
struct Image {
  std::uintptr_t bias = 0;
  std::span<const ElfW(Phdr)> parts;

  /// How much of the segment that it lies in comes from `address` on; 0 if it lies in none. Between them may be
  /// nothing.
  std::size_t size_from(std::uintptr_t address) const {
    for (const ElfW(Phdr) & part : parts) {
      const std::uintptr_t offset = address - bias - part.p_vaddr;
      if (part.p_type == PT_LOAD && offset < part.p_memsz) return part.p_memsz - offset;
    }
    return 0;
  }

  /// As much of an array of `count` at `address` as there can be.
  template <typename T>
  std::span<const T> array(std::uintptr_t address, std::size_t count) const {
    if (address % alignof(T) != 0) return {};
    return {reinterpret_cast<const T*>(address), std::min(count, size_from(address) / sizeof(T))};
  }

  template <typename T>
  const T* object(std::uintptr_t address) const {
    const auto one = array<T>(address, 1);
    return one.empty() ? nullptr : one.data();
  }
};

struct Tables {
  std::uintptr_t symbols = 0;
  std::uintptr_t names = 0;
  std::size_t names_size = 0;
  std::uintptr_t hash = 0;
  std::uintptr_t gnu_hash = 0;
};

Tables find_tables(const Image& image, std::uintptr_t dynamic, std::size_t bytes) {
  Tables tables;
  // The dynamic linker turns offsets into addresses, but not where it cannot write: in the vDSO.
  const auto absolute = [&](std::uintptr_t value) { return value < image.bias ? value + image.bias : value; };
  for (const ElfW(Dyn) & entry : image.array<ElfW(Dyn)>(dynamic, bytes / sizeof(ElfW(Dyn)))) {
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

/// How many symbols there are. Only the tables that find them by name know.
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
  // The end of a bucket's chain is marked.
  const std::uintptr_t chain = bucket_table + ((std::uintptr_t{buckets} + last - first) * sizeof(std::uint32_t));
  for (std::size_t index = 0;; ++index) {
    const auto* const hash = image.object<std::uint32_t>(chain + (index * sizeof(std::uint32_t)));
    if (hash == nullptr || (*hash & 1U) != 0) return last + index + 1;
  }
}

std::string find_symbol(const Image& image, std::uintptr_t dynamic, std::size_t bytes, std::uintptr_t address) {
  const Tables tables = find_tables(image, dynamic, bytes);
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
  if (image.size_from(search.address) == 0) return 0;
  for (const ElfW(Phdr) & part : image.parts) {
    if (part.p_type != PT_DYNAMIC) continue;
    search.name = find_symbol(image, image.bias + part.p_vaddr, part.p_memsz, search.address);
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
