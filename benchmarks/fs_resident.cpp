// What a MemoryFS takes of memory, and what it takes to fill much of it: in a process of its own, since what another
// benchmark gave back would be taken again.
#include <sys/mman.h>
#include <fs_common.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <leash/fs/memory_fs.hpp>
#include <limits>
#include <resident.hpp>

namespace {

using bench::kib;
using bench::mib;
using bench::must;
using bench::resident_bytes;
using leash::Context;
using leash::fs::MemoryFS;

constexpr std::size_t piece = 64 * kib;

/// A thousandth of the files in each folder.
double bytes_per_empty_file(std::size_t count) {
  const Context& ctx = Context::background();
  const double before = resident_bytes();
  MemoryFS files;
  std::string name;
  for (std::size_t folder = 0; folder < 1000; ++folder) {
    const std::string folder_name = "folder-" + std::to_string(folder);
    must(files.mkdir(ctx, folder_name));
    for (std::size_t i = 0; i < count / 1000; ++i) {
      name.assign(folder_name).append("/file-").append(std::to_string(i));
      must(must(files.create(ctx, name))->close());
    }
  }
  return (resident_bytes() - before) / static_cast<double>(count);
}

double write_seconds(const std::string& content, std::size_t size) {
  const Context& ctx = Context::background();
  MemoryFS files;
  const auto file = must(files.create(ctx, "data.bin"));
  return bench::processor_seconds([&] {
    for (std::size_t done = 0; done < size; done += content.size()) must(file->write(content));
  });
}

double copy_seconds(const std::string& content, std::size_t size) {
  char* memory = nullptr;
  const double result = bench::processor_seconds([&] {
    void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(mapped != MAP_FAILED);
    memory = static_cast<char*>(mapped);
    for (std::size_t done = 0; done < size; done += content.size()) {
      std::memcpy(memory + done, content.data(), content.size());
    }
  });
  ::munmap(memory, size);
  return result;
}

double longest_append_seconds(const std::string& content, std::size_t size) {
  const Context& ctx = Context::background();
  MemoryFS files;
  const auto file = must(files.append(ctx, "data.bin"));
  double longest = 0;
  for (std::size_t done = 0; done < size; done += content.size()) {
    longest = std::max(longest, bench::processor_seconds([&] { must(file->write(content)); }));
  }
  return longest;
}

}  // namespace

int main(int count, char** arguments) {
  const bool smoke = count > 1 && std::strcmp(arguments[1], "smoke") == 0;
  const std::size_t size = (smoke ? 16 : 1024) * mib;
  constexpr int repetitions = 5;

  const double per_file = bytes_per_empty_file(smoke ? 10'000 : 1'000'000);

  const std::string content(piece, 'x');
  std::vector<double> ratios;
  std::vector<double> bandwidths;
  double longest = std::numeric_limits<double>::infinity();
  for (int i = 0; i < (smoke ? 1 : repetitions); ++i) {
    const double ours = write_seconds(content, size);
    ratios.push_back(copy_seconds(content, size) / ours);
    bandwidths.push_back(static_cast<double>(size) / ours / 1e9);
    longest = std::min(longest, longest_append_seconds(content, size));
  }
  std::printf(
      "{\"memory_bytes_per_empty_file\": %.2f, \"memory_seq_write_bandwidth_vs_memcpy\": %.4f, "
      "\"memory_seq_write_gb_per_s\": %.3f, \"memory_longest_append_us\": %.3f}\n",
      per_file, bench::median(ratios), bench::median(bandwidths), 1e6 * longest);
}
