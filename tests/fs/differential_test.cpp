#include <doctest/doctest.h>

#include <array>
#include <leash/detail/escape.hpp>
#include <leash/fs/walk.hpp>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "subjects.hpp"

namespace fs = leash::fs;

namespace {

/// What a file system answered, as text that can be compared.
template <class T, class Print>
std::string answer(const leash::Result<T>& result, Print print) {
  if (!result) return to_string(result.error());
  return print(*result);
}

std::string answer(const leash::Result<void>& result) { return result ? "done" : to_string(result.error()); }

std::string describe(const fs::FileInfo& info) {
  std::string text = info.name + " type " + std::to_string(static_cast<int>(info.type));
  text += " mode " + std::to_string(info.mode);
  if (!info.is_directory()) text += " size " + std::to_string(info.size) + " links " + std::to_string(info.links);
  return text;
}

std::string describe(const std::vector<fs::DirEntry>& entries) {
  std::string text;
  for (const fs::DirEntry& entry : entries)
    text += entry.name + ':' + std::to_string(static_cast<int>(entry.type)) + ' ';
  return text;
}

/// The same sequence of operations for the same seed. Few names, so that they meet.
class Driver {
 public:
  explicit Driver(unsigned seed) : random_(seed) {}

  struct Step {
    std::string question;
    std::string answer;
  };

  /// Decides on an operation and asks both. Both see the same random numbers.
  std::pair<Step, Step> step(fs::FileSystem& a, fs::FileSystem& b) {
    const std::mt19937 before = random_;
    Step first = ask(a, handles_[0]);
    random_ = before;
    Step second = ask(b, handles_[1]);
    return {std::move(first), std::move(second)};
  }

 private:
  using Handles = std::array<std::unique_ptr<fs::File>, 4>;

  unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
  bool chance(unsigned one_in) { return below(one_in) == 0; }

  std::string path() {
    static constexpr std::array names{"a", "b", "c", "d"};
    if (chance(60)) return ".";
    if (chance(200)) return std::string(256, 'n');
    std::string path = names[below(4)];
    while (chance(2)) path += std::string("/") + names[below(4)];
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
    return chance(2) ? path() : odd[below(static_cast<unsigned>(odd.size()))];
  }

  fs::OpenOptions options() {
    fs::OpenOptions options;
    options.read = chance(2);
    options.write = chance(2);
    options.append = options.write && chance(4);
    options.create = options.write && chance(2);
    options.exclusive = options.create && chance(4);
    options.truncate = options.write && chance(4);
    options.directory = chance(8);
    options.no_follow = chance(6);
    options.mode = chance(2) ? 0666 : 0640;
    return options;
  }

  Step ask(fs::FileSystem& files, Handles& handles) {
    const leash::Context ctx;
    const unsigned operation = below(30);
    if (operation >= 17) return use(files, handles[below(4)]);
    const std::string one = path();
    switch (operation) {
      case 0:
        return {"stat " + one, answer(files.stat(ctx, one), [](const auto& info) { return describe(info); })};
      case 1:
        return {"lstat " + one, answer(files.lstat(ctx, one), [](const auto& info) { return describe(info); })};
      case 2:
        return {"read_dir " + one, answer(files.read_dir(ctx, one), [](const auto& all) { return describe(all); })};
      case 3:
      case 4:
        return {"mkdir " + one, answer(files.mkdir(ctx, one, chance(2) ? 0777 : 0700))};
      case 5:
        return {"mkdir_all " + one, answer(files.mkdir_all(ctx, one))};
      case 6:
        return {"remove " + one, answer(files.remove(ctx, one))};
      case 7:
        if (!chance(3)) return {"skip", ""};
        return {"remove_all " + one, answer(files.remove_all(ctx, one))};
      case 8:
      case 9:
      case 10: {
        const std::string two = path();
        return {"rename " + one + ' ' + two, answer(files.rename(ctx, one, two))};
      }
      case 11: {
        const std::string two = path();
        return {"link " + one + ' ' + two, answer(files.link(ctx, one, two))};
      }
      case 12:
      case 13: {
        const std::string to = target();
        return {"symlink " + to + ' ' + one, answer(files.symlink(ctx, to, one))};
      }
      case 14:
        return {"read_link " + one, answer(files.read_link(ctx, one), [](const std::string& to) { return to; })};
      case 15: {
        const unsigned size = below(40);
        return {"truncate " + one + ' ' + std::to_string(size), answer(files.truncate(ctx, one, size))};
      }
      default:
        return {"sync_dir " + one, answer(files.sync_dir(ctx, one))};
    }
  }

  Step use(fs::FileSystem& files, std::unique_ptr<fs::File>& file) {
    if (!file || chance(6)) {
      const std::string one = path();
      const fs::OpenOptions how = options();
      auto opened = files.open(leash::Context(), one, how);
      Step step{"open " + one, answer(opened, [](const auto&) { return std::string("open"); })};
      if (opened) file = *std::move(opened);
      return step;
    }
    const std::string name = " the file " + std::string(file->path());
    const auto number = [](std::uint64_t n) { return std::to_string(n); };
    std::string buffer(below(50), '?');
    const std::string data(below(20), static_cast<char>('a' + below(26)));
    const unsigned offset = below(60);
    const auto bytes = std::as_writable_bytes(std::span(buffer));
    switch (below(8)) {
      case 0: {
        const std::string count = answer(file->read(bytes), number);
        return {"read" + name, count + ' ' + leash::detail::escape(buffer)};
      }
      case 1: {
        const std::string count = answer(file->read_at(bytes, offset), number);
        return {"read_at" + name, count + ' ' + leash::detail::escape(buffer)};
      }
      case 2:
        return {"write" + name, answer(file->write(data))};
      case 3:
        return {"write_at" + name, answer(file->write_at(data, offset))};
      case 4: {
        const auto whence = static_cast<fs::Whence>(below(3));
        return {"seek" + name, answer(file->seek(static_cast<std::int64_t>(below(80)) - 20, whence), number)};
      }
      case 5:
        return {"truncate" + name, answer(file->truncate(offset))};
      case 6:
        return {"stat" + name, answer(file->stat(), [](const auto& info) { return describe(info); })};
      default:
        if (!chance(3)) return {"sync" + name, answer(file->sync())};
        return {"close" + name, answer(file->close())};
    }
  }

  std::mt19937 random_;
  std::array<Handles, 2> handles_;
};

std::string tree_of(fs::FileSystem& files) {
  std::string text;
  const auto visit = [&](std::string_view path, const fs::DirEntry& entry, const std::optional<leash::Error>& error) {
    text += std::string(path) + ' ';
    if (error) text += to_string(*error);
    text += describe(files.lstat(leash::Context(), path).value());
    if (entry.type == fs::FileType::regular) text += ' ' + get(files, path);
    if (entry.type == fs::FileType::symlink) text += ' ' + files.read_link(leash::Context(), path).value();
    text += '\n';
    return fs::WalkNext::go_on;
  };
  REQUIRE(fs::walk(leash::Context(), files, ".", visit));
  return text;
}

void compare(On one, On other, unsigned first_seed, unsigned last_seed) {
  for (unsigned seed = first_seed; seed != last_seed; ++seed) {
    CAPTURE(seed);
    Subject first(one);
    Subject second(other);
    Driver driver(seed);
    std::string history;
    for (int i = 0; i != 400; ++i) {
      const auto [of_first, of_second] = driver.step(first.files(), second.files());
      history += of_first.question + ": " + of_first.answer + '\n';
      INFO(history);
      REQUIRE(of_first.question == of_second.question);
      REQUIRE(of_first.answer == of_second.answer);
    }
    REQUIRE(tree_of(first.files()) == tree_of(second.files()));
  }
}

}  // namespace

TEST_CASE("memory and disk give the same answer to the same operations") {
  SUBCASE("paths resolved by the kernel") { compare(On::memory, On::disk, 0, 15); }
  SUBCASE("paths walked") { compare(On::memory, On::disk_walked, 1000, 1015); }
}

TEST_CASE("a walk follows links that stay in the root as the kernel does") {
  compare(On::disk_in_root, On::disk_in_root_walked, 2000, 2015);
}
