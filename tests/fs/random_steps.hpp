#pragma once

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/fs/open_options.hpp>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "step.hpp"

namespace differential {

/// Makes the same sequence for the same seed. Few names, so that they meet. `largest` is the greatest offset that a
/// file may have on the disk: on ext4 less than in memory.
class RandomSteps {
 public:
  RandomSteps(unsigned seed, std::uint64_t largest) : random_(seed), largest_(largest) {}

  std::vector<Step> make(std::size_t count) {
    std::vector<Step> steps;
    while (steps.size() != count) steps.emplace_back(step());
    steps.emplace_back();
    return steps;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool chance(unsigned one_in) { return below(one_in) == 0; }
  template <class T, std::size_t size>
  T one_of(const std::array<T, size>& all) {
    return all[below(size)];
  }

  std::string path() {
    static constexpr std::array names{"a", "a", "b", "c", "d", "e"};
    static constexpr std::array invalid{"", "/", "/a", "a/", "a//b", "..", "../a", "a/../b", "./a", "a/."};
    if (chance(50)) return ".";
    if (chance(200)) return one_of(invalid);
    if (chance(200)) return {"a\0b", 3};
    std::string path = one_of(names);
    while (chance(3)) path += std::string("/") + one_of(names);
    if (chance(60)) path += '/' + std::string(chance(2) ? 255 : 256, 'n');
    if (chance(150)) {
      const std::size_t size = 4093 + below(5);
      while (path.size() < size) path += "/a";
    }
    return path;
  }

  std::string target() {
    static constexpr std::array odd{".",
                                    "..",
                                    "/",
                                    "/a",
                                    "a/",
                                    "../a",
                                    "a/..",
                                    "b/../..",
                                    "./b",
                                    "c//d",
                                    "../../a",
                                    "a/.",
                                    "d/./",
                                    "b/../c",
                                    "a/b/",
                                    "../b/c",
                                    "./../a/b",
                                    "c/../../d",
                                    "/a/b",
                                    "/../b",
                                    "//c//",
                                    "/../..",
                                    "a/../../../b/c",
                                    "/d/../a",
                                    "../../../../..",
                                    "a/b/c/../../../d",
                                    ""};
    if (chance(40)) return std::string(4094 + below(4), 'a');
    return chance(2) ? path() : one_of(odd);
  }

  leash::fs::OpenOptions options() {
    leash::fs::OpenOptions options;
    options.read = !chance(3);
    options.write = !chance(3);
    if (chance(12)) {
      options.unnamed = true;
      options.exclusive = chance(3);
      return options;
    }
    options.append = (options.write || chance(30)) && chance(4);
    options.create = (options.write || chance(30)) && !chance(3);
    options.exclusive = (options.create || chance(30)) && chance(4);
    options.truncate = (options.write || chance(30)) && chance(6);
    options.directory = (!options.write || chance(30)) && chance(3);
    options.no_follow = chance(6);
    options.mode = chance(2) ? 0666 : 0640;
    return options;
  }

  std::uint64_t offset() {
    static constexpr auto limit = static_cast<std::uint64_t>(INT64_MAX);
    static constexpr std::array<std::uint64_t, 16> hostile{
        4095,      4096,      65535,     65536, 65537,     131072,    200000,         std::uint64_t{1} << 32U,
        limit / 2, limit - 9, limit - 1, limit, limit + 1, limit + 9, UINT64_MAX - 1, UINT64_MAX};
    if (!chance(6)) return below(80);
    const std::uint64_t picked = one_of(hostile);
    return picked > largest_ && picked <= limit ? largest_ / 2 : picked;
  }

  std::uint64_t size() {
    if (chance(10)) return below(150000);
    return chance(30) ? 0 : below(60);
  }

  std::int64_t seek_by() {
    static constexpr std::array<std::int64_t, 5> hostile{INT64_MIN, INT64_MIN + 1, INT64_MAX, INT64_MAX - 9, -1};
    if (!chance(8)) return static_cast<std::int64_t>(below(80)) - 20;
    const std::int64_t picked = one_of(hostile);
    return picked > 0 && largest_ != static_cast<std::uint64_t>(INT64_MAX) ? 100000 : picked;
  }

  std::uint32_t mode() {
    if (chance(20)) return 010000;
    // Those of a user whom permissions stop, if the test runs as one, are not what memory has.
    if (::geteuid() != 0) return 0700 | static_cast<std::uint32_t>(below(0100));
    return static_cast<std::uint32_t>(below(010000));
  }

  std::optional<leash::Clock::system_time_point> time() {
    if (chance(3)) return std::nullopt;
    return leash::Clock::system_time_point(std::chrono::nanoseconds(
        static_cast<std::int64_t>(below(2'000'000'000)) * 1'000'000'000 + static_cast<std::int64_t>(below(1'000'000))));
  }

  Kind kind() {
    static constexpr std::array<std::pair<Kind, unsigned>, 46> weights{{
        {Kind::stat, 4},           {Kind::lstat, 3},
        {Kind::read_dir, 3},       {Kind::read_dir_info, 3},
        {Kind::list_in_pieces, 3}, {Kind::mkdir, 8},
        {Kind::mkdir_all, 4},      {Kind::remove, 4},
        {Kind::remove_file, 3},    {Kind::remove_dir, 3},
        {Kind::remove_all, 1},     {Kind::rename, 10},
        {Kind::link, 5},           {Kind::symlink, 6},
        {Kind::read_link, 3},      {Kind::chmod, 3},
        {Kind::set_times, 2},      {Kind::truncate, 3},
        {Kind::sync_dir, 1},       {Kind::space, 1},
        {Kind::open, 36},          {Kind::file_read, 6},
        {Kind::file_write, 8},     {Kind::file_read_at, 6},
        {Kind::file_write_at, 6},  {Kind::file_seek, 6},
        {Kind::file_truncate, 4},  {Kind::file_allocate, 3},
        {Kind::file_sync, 1},      {Kind::file_sync_data, 1},
        {Kind::file_stat, 4},      {Kind::file_chmod, 2},
        {Kind::file_set_times, 2}, {Kind::file_try_lock, 8},
        {Kind::file_lock, 4},      {Kind::file_unlock, 4},
        {Kind::file_close, 2},     {Kind::map, 8},
        {Kind::map_read, 5},       {Kind::map_write, 5},
        {Kind::map_sync, 1},       {Kind::map_close, 3},
        {Kind::open_dir, 4},       {Kind::dir_read, 4},
        {Kind::dir_stat, 2},       {Kind::dir_close, 1},
    }};
    unsigned sum = 0;
    for (const auto& [kind, weight] : weights) sum += weight;
    auto left = static_cast<unsigned>(below(sum));
    for (const auto& [kind, weight] : weights) {
      if (left < weight) return kind;
      left -= weight;
    }
    return Kind::tree;
  }

  Step step() {
    Step step;
    step.kind = kind();
    step.file = static_cast<unsigned>(below(files_kept));
    step.map = static_cast<unsigned>(below(maps_kept));
    step.dir = static_cast<unsigned>(below(dirs_kept));
    step.path = path();
    step.other = step.kind == Kind::symlink ? target() : path();
    step.options = options();
    step.offset = offset();
    step.size = size();
    step.by = seek_by();
    step.whence = static_cast<leash::fs::Whence>(below(3));
    step.mode = mode();
    if ((step.kind == Kind::mkdir || step.kind == Kind::mkdir_all) && !chance(20)) step.mode = chance(2) ? 0777 : 0700;
    // Large writes and maps at the beginning, so that maps lie in several chunks of memory.
    if (step.size > 1000 && chance(2)) step.offset = below(70000);
    step.lock = static_cast<leash::fs::LockMode>(below(2));
    step.mapping = static_cast<leash::fs::MapMode>(below(2));
    step.accessed = time();
    step.modified = time();
    step.fill = static_cast<char>('a' + below(26));
    if (step.kind == Kind::truncate || step.kind == Kind::file_truncate) step.size = chance(3) ? offset() : size();
    // What the disk has room for is not compared, and fallocate(2) near its greatest offset is about that.
    if (step.kind == Kind::file_allocate && step.offset > largest_ / 2 && step.offset <= INT64_MAX) step.offset = 70000;
    if (step.kind == Kind::file_try_lock || step.kind == Kind::file_lock || step.kind == Kind::file_unlock) {
      if (chance(20)) step.size = chance(2) ? UINT64_MAX : INT64_MAX;
    }
    if (step.kind == Kind::map && !chance(10) && step.offset > INT64_MAX / 4) step.offset = below(80);
    return step;
  }

  std::mt19937 random_;
  std::uint64_t largest_;
};

}  // namespace differential
