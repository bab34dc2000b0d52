#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <leash/context.hpp>
#include <leash/fs/file_system.hpp>
#include <must.hpp>
#include <paired.hpp>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the programs of the suite `fs` share.
namespace bench {

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;

/// So many different paths, in folders of at most a thousand.
inline std::vector<std::string> paths(std::size_t count, std::string_view folder = "data") {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < count; ++i) {
    result.push_back(std::string(folder) + std::to_string(i / 1000) + "/file-" + std::to_string(i % 1000) + ".csv");
  }
  return result;
}

/// Random ones of the paths, which lie in memory in the order in which they are used.
inline std::vector<std::string> some_of(const std::vector<std::string>& names) {
  constexpr std::size_t most = 100'000;
  std::mt19937_64 random(1);
  std::vector<std::string> result;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i) result.push_back(names[random() % names.size()]);
  return result;
}

inline constexpr std::size_t block_size = 4 * kib;
using Block = std::array<std::byte, block_size>;

/// A path and 4 KiB of content are enough for the figures about files that are opened, read and closed. Sixteen of them
/// lie in the second cache, with whoever has them.
inline constexpr std::size_t few_files = 16;

/// Creates the files with a content of so many bytes each, and the folders above them.
inline void fill(leash::fs::FileSystem& files, const std::vector<std::string>& names, std::size_t size) {
  const leash::Context& ctx = leash::Context::background();
  const std::string content(size, 'x');
  std::string_view last_folder;
  for (const std::string& name : names) {
    const std::string_view folder = std::string_view(name).substr(0, name.rfind('/'));
    if (folder != last_folder) must(files.mkdir_all(ctx, folder));
    last_folder = folder;
    auto file = must(files.create(ctx, name));
    must(file->write(content));
    must(file->close());
  }
}

/// Opens a file, reads its first bytes and closes it.
inline void open_read_close(const leash::Context& ctx, leash::fs::FileSystem& files, std::string_view path,
                            Block& block) {
  auto file = files.open(ctx, path);
  if (!file) std::abort();
  if ((*file)->read(block) != block.size() || !(*file)->close()) std::abort();
  benchmark::DoNotOptimize(block.data());
  benchmark::ClobberMemory();
}

/// Creates a file, writes to it and closes it.
inline void create_write_close(const leash::Context& ctx, leash::fs::FileSystem& files, std::string_view path,
                               const Block& block) {
  auto file = files.create(ctx, path);
  if (!file) std::abort();
  if (!(*file)->write(block) || !(*file)->close()) std::abort();
}

}  // namespace bench
