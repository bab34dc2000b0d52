#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/shortage.hpp>
#include <leash/track/symbol/module_lines.hpp>
#include <leash/track/symbol/scoped_names.hpp>
#include <optional>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {
namespace {

using Bytes = std::span<const std::byte>;

Bytes part_of(Bytes file, std::uint64_t offset, std::uint64_t size) noexcept {
  if (offset > file.size() || size > file.size() - offset) return {};
  return file.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

template <class Structure>
std::optional<Structure> read_at(Bytes file, std::uint64_t offset) noexcept {
  const Bytes bytes = part_of(file, offset, sizeof(Structure));
  Structure structure;
  if (bytes.empty()) return std::nullopt;
  std::memcpy(&structure, bytes.data(), sizeof structure);
  return structure;
}

/// The sections of an ELF file by their names (elf(5)). In a file that is not ELF there are none.
class Sections {
 public:
  explicit Sections(Bytes file) noexcept : file_(file), header_(read_at<ElfW(Ehdr)>(file, 0)) {
    if (!header_ || std::memcmp(header_->e_ident, ELFMAG, SELFMAG) != 0) {
      header_.reset();
    } else if (const auto names = header_at(header_->e_shstrndx); names) {
      names_ = part_of(file, names->sh_offset, names->sh_size);
    }
  }

  /// The content of the section; empty if there is no such section, or if it is compressed.
  [[nodiscard]] Bytes find(std::string_view name) const noexcept {
    const auto section = find_header(name);
    if (!section || section->sh_type == SHT_NOBITS || (section->sh_flags & SHF_COMPRESSED) != 0) return {};
    return part_of(file_, section->sh_offset, section->sh_size);
  }

  [[nodiscard]] bool is_zstd(std::string_view name) const noexcept {
    constexpr ElfW(Word) zstd = 2;
    const auto section = find_header(name);
    if (!section || (section->sh_flags & SHF_COMPRESSED) == 0) return false;
    const auto compressed = read_at<ElfW(Chdr)>(file_, section->sh_offset);
    return compressed && compressed->ch_type == zstd;
  }

  /// The lowest address of a segment with code.
  [[nodiscard]] std::uint64_t code_begin() const noexcept {
    std::uint64_t begin = UINT64_MAX;
    for (unsigned index = 0; header_ && index < header_->e_phnum; ++index) {
      const auto segment = read_at<ElfW(Phdr)>(file_, header_->e_phoff + index * sizeof(ElfW(Phdr)));
      if (segment && segment->p_type == PT_LOAD && (segment->p_flags & PF_X) != 0) {
        begin = std::min<std::uint64_t>(begin, segment->p_vaddr);
      }
    }
    return begin;
  }

 private:
  [[nodiscard]] std::optional<ElfW(Shdr)> header_at(unsigned index) const noexcept {
    return read_at<ElfW(Shdr)>(file_, header_->e_shoff + index * sizeof(ElfW(Shdr)));
  }

  [[nodiscard]] std::optional<ElfW(Shdr)> find_header(std::string_view name) const noexcept {
    for (unsigned index = 0; header_ && index < header_->e_shnum; ++index) {
      const auto section = header_at(index);
      if (section && is_named(*section, name)) return section;
    }
    return std::nullopt;
  }

  [[nodiscard]] bool is_named(const ElfW(Shdr) & section, std::string_view name) const noexcept {
    const Bytes found = part_of(names_, section.sh_name, name.size() + 1);
    return !found.empty() && std::memcmp(found.data(), name.data(), name.size()) == 0 && found.back() == std::byte{0};
  }

  Bytes file_;
  std::optional<ElfW(Ehdr)> header_;
  Bytes names_;
};

/// Maps the content of a file into memory, to read it. Empty if the file cannot be read (`shortage` becomes the errno
/// if descriptors or memory ran out), is empty or not regular, or if `accept(status)` is false.
template <class Accept>
Bytes map_file(const std::string& path, int& shortage, Accept accept) noexcept {
  const auto failed = [&](int error) {
    if (os::is_shortage(error)) shortage = error;
    return Bytes();
  };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return failed(errno);
  Bytes file;
  struct stat status{};
  if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 && accept(status)) {
    const auto size = static_cast<std::size_t>(status.st_size);
    void* const at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    file = at == MAP_FAILED ? failed(errno) : Bytes(static_cast<const std::byte*>(at), size);
  }
  ::close(descriptor);
  return file;
}

void unmap(Bytes file) noexcept {
  if (!file.empty()) ::munmap(const_cast<std::byte*>(file.data()), file.size());
}

/// Whether the file with this status is the one that `module` was loaded from, by size and inode.
bool is_of_module(const struct stat& status, const os::Module& module) noexcept {
  return !module.deleted && static_cast<std::uint64_t>(status.st_size) == module.size &&
         (module.inode == 0 || status.st_ino == module.inode);
}

LineSections line_sections(const Sections& sections) noexcept {
  return {.lines = sections.find(".debug_line"),
          .line_strings = sections.find(".debug_line_str"),
          .strings = sections.find(".debug_str")};
}

InfoSections info_sections(const Sections& sections) noexcept {
  return {.info = sections.find(".debug_info"),
          .abbreviations = sections.find(".debug_abbrev"),
          .strings = sections.find(".debug_str"),
          .line_strings = sections.find(".debug_line_str"),
          .ranges = sections.find(".debug_ranges"),
          .range_lists = sections.find(".debug_rnglists")};
}

}  // namespace

/// The file of a module, mapped into memory. Its tables are read when they are first asked for.
class ModuleLines::File {
 public:
  File(os::ModuleRef module, int& shortage)
      : module_(std::move(module)), bytes_(map_file(module_->path, shortage, [this](const struct stat& status) {
          return is_of_module(status, *module_);
        })) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { unmap(bytes_); }

  [[nodiscard]] bool is_of(const os::ModuleRef& module) const noexcept { return module_ == module; }

  [[nodiscard]] SourceLine find_line(std::uintptr_t address) {
    const Sections sections(bytes_);
    if (!lines_) lines_.emplace(line_sections(sections), sections.code_begin());
    return lines_->find(address - module_->bias);
  }

  [[nodiscard]] std::vector<std::string> find_functions(std::uintptr_t address) {
    if (!names_) names_.emplace(info_sections(Sections(bytes_)));
    return names_->find(address - module_->bias);
  }

 private:
  os::ModuleRef module_;
  Bytes bytes_;
  std::optional<LineTable> lines_;
  std::optional<ScopedNames> names_;
};

ModuleLines::ModuleLines() = default;
ModuleLines::~ModuleLines() = default;

ModuleLines::File* ModuleLines::file_of(const os::ModuleRef& module, int& shortage) {
  const auto file = std::ranges::find_if(files_, [&](const auto& known) { return known->is_of(module); });
  if (file != files_.end()) return file->get();
  if (files_.size() == max_files) return nullptr;
  int file_want = 0;
  auto opened = std::make_unique<File>(module, file_want);
  if (file_want != 0) {
    shortage = file_want;
    return nullptr;
  }
  return files_.emplace_back(std::move(opened)).get();
}

SourceLine ModuleLines::find_line(std::uintptr_t address, const os::ModuleRef& module, int& shortage) {
  File* const file = file_of(module, shortage);
  return file == nullptr ? SourceLine() : file->find_line(address);
}

std::vector<std::string> ModuleLines::find_functions(std::uintptr_t address, const os::ModuleRef& module,
                                                     int& shortage) {
  File* const file = file_of(module, shortage);
  return file == nullptr ? std::vector<std::string>() : file->find_functions(address);
}

bool is_compressed_by_zstd(const std::string& path) {
  const os::Opening opening;
  const os::MayOpen may_open(os::Unlisted::files);
  int shortage = 0;
  const Bytes file = map_file(path, shortage, [](const struct stat&) { return true; });
  const bool is_zstd = Sections(file).is_zstd(".debug_info");
  unmap(file);
  return is_zstd;
}

}  // namespace LEASH_NAMESPACE::track::detail
