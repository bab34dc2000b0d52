#include <doctest/doctest.h>

#include <sys/auxv.h>
#include <sys/stat.h>

#include <barrier>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <leash/track/symbol/debug_info.hpp>
#include <leash/track/symbol/exported_symbol.hpp>
#include <leash/track/symbols.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "plugin.hpp"
#include "temp_dir.hpp"

using leash::track::Frame;
using leash::track::resolve;
using plugin::Plugin;

namespace {

namespace files = std::filesystem;

/// Of the function that is not inlined.
Frame frame_of(const Plugin& loaded) { return resolve(loaded.address()).back(); }

void check_is(const Frame& frame, const Plugin& loaded, const std::string& function) {
  CHECK(frame.function == "symbols_plugin::" + function + "(void (*)())");
#ifdef LEASH_HAVE_LIBBACKTRACE
  const Frame innermost = resolve(loaded.address()).front();
  CHECK(innermost.inlined);
  CHECK(innermost.function.contains("inlined"));
  CHECK(innermost.line == loaded.line());
  CHECK(innermost.file == "tests/track/symbol/symbols_plugin.cpp");
#else
  CHECK(loaded.line() != 0);
#endif
}

}  // namespace

TEST_CASE("a library that is loaded after names were looked up has names") {
  const auto here = reinterpret_cast<std::uintptr_t>(&std::qsort) + 1;
  CHECK(resolve(here).front().function.contains("qsort"));
  const Plugin loaded(SYMBOLS_PLUGIN_FIRST);
  check_is(frame_of(loaded), loaded, "first");
  CHECK(frame_of(loaded).module == SYMBOLS_PLUGIN_FIRST);
}

TEST_CASE("an address keeps its names when its library is unloaded, until another one is loaded") {
  std::optional<Plugin> first(SYMBOLS_PLUGIN_FIRST);
  const std::uintptr_t address = first->address();
  const std::string name = frame_of(*first).function;
  first.reset();
  CHECK(resolve(address).back().function == name);
  const Plugin other(SYMBOLS_PLUGIN_OTHER);
  CHECK(resolve(address).back().function != name);
}

TEST_CASE("a library that is loaded where another one was has its own names") {
  std::optional<Plugin> first(SYMBOLS_PLUGIN_FIRST);
  const std::uintptr_t address = first->address();
  check_is(frame_of(*first), *first, "first");
  first.reset();
  std::optional<Plugin> other(SYMBOLS_PLUGIN_OTHER);
  REQUIRE(other->address() == address);
  check_is(frame_of(*other), *other, "other");
  other.reset();
  first.emplace(SYMBOLS_PLUGIN_FIRST);
  REQUIRE(first->address() == address);
  check_is(frame_of(*first), *first, "first");
}

TEST_CASE("an address of a library that is gone, when another one came since, has no name") {
  std::uintptr_t address = 0;
  {
    const Plugin gone(SYMBOLS_PLUGIN_FIRST);
    address = gone.address();
    check_is(frame_of(gone), gone, "first");
  }
  // Takes the place, and then leaves it as well.
  {
    const Plugin other(SYMBOLS_PLUGIN_OTHER);
  }
  const Frame frame = resolve(address).back();
  CHECK(frame.function.empty());
  CHECK(frame.module.empty());
  CHECK(frame.line == 0);
}

TEST_CASE("a library that replaces the file of one that was loaded at the same place has its own names") {
  const TempDir folder;
  const std::string path = folder / "plugin.so";
  files::copy_file(SYMBOLS_PLUGIN_FIRST, path);
  std::optional<Plugin> loaded(path);
  const std::uintptr_t address = loaded->address();
  check_is(frame_of(*loaded), *loaded, "first");
  loaded.reset();
  files::copy_file(SYMBOLS_PLUGIN_OTHER, folder / "new.so");
  files::rename(folder / "new.so", path);
  loaded.emplace(path);
  REQUIRE(loaded->address() == address);
  check_is(frame_of(*loaded), *loaded, "other");
}

TEST_CASE("a library whose file is replaced while it is loaded gets no names of the new file") {
  const TempDir folder;
  const std::string path = folder / "plugin.so";
  files::copy_file(SYMBOLS_PLUGIN_FIRST, path);
  const Plugin loaded(path);
  files::copy_file(SYMBOLS_PLUGIN_OTHER, folder / "new.so");
  files::rename(folder / "new.so", path);
  const Frame frame = frame_of(loaded);
  CHECK(frame.function == "symbols_plugin::first(void (*)())");
  CHECK(frame.line == 0);
  CHECK(frame.module == path);
}

TEST_CASE("a pipe where a library's file was is not waited for") {
  const TempDir folder;
  const std::string path = folder / "plugin.so";
  files::copy_file(SYMBOLS_PLUGIN_FIRST, path);
  const Plugin loaded(path);
  files::remove(path);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  files::copy_file(SYMBOLS_PLUGIN_OTHER, folder / "other.so");
  const Plugin other(folder / "other.so");
  CHECK(frame_of(loaded).function == "symbols_plugin::first(void (*)())");
  CHECK(frame_of(loaded).module == path);
  CHECK(frame_of(other).function == "symbols_plugin::other(void (*)())");
}

TEST_CASE("a library loaded by a relative name has names after the working directory changed") {
  const TempDir folder;
  const files::path before = files::current_path();
  files::copy_file(SYMBOLS_PLUGIN_FIRST, folder / "plugin.so");
  files::current_path(folder.path());
  const Plugin loaded("./plugin.so");
  files::current_path(before);
  CHECK(frame_of(loaded).module == folder / "plugin.so");
  CHECK(frame_of(loaded).function == "symbols_plugin::first(void (*)())");
}

TEST_CASE("libraries loaded again and again at the same place are read once, and too many different ones not at all") {
  const TempDir folder;
  leash::track::detail::DebugInfo info;
  int shortage = 0;
  const auto symbol_of = [&](const Plugin& loaded) {
    const auto modules = leash::os::loaded_modules({}, shortage);
    return info.look_up(loaded.address(), module_of(modules, loaded.address()), modules).symbol;
  };
  leash::os::Modules known;
  for (int again = 0; again < 3; ++again) {
    const Plugin loaded(SYMBOLS_PLUGIN_FIRST);
    auto modules = leash::os::loaded_modules(known, shortage);
    if (again > 0) CHECK(module_of(modules, loaded.address()) == module_of(known, loaded.address()));
    known = std::move(modules);
  }
  std::string last;
  for (std::size_t copy = 0; copy <= leash::track::detail::DebugInfo::max_states; ++copy) {
    const std::string path = folder / (std::to_string(copy) + ".so");
    files::copy_file(SYMBOLS_PLUGIN_FIRST, path);
    last = symbol_of(Plugin(path));
#ifdef LEASH_HAVE_LIBBACKTRACE
    CHECK(last.empty() == (copy == leash::track::detail::DebugInfo::max_states));
#endif
  }
  CHECK(last.empty());
}

TEST_CASE("threads that resolve while others load and unload libraries get right names or none") {
  constexpr int rounds = 20;
  const auto load = [](const char* path, const std::string& function) {
    for (int round = 0; round < rounds; ++round) {
      const Plugin loaded(path);
      CHECK(frame_of(loaded).function == "symbols_plugin::" + function + "(void (*)())");
    }
  };
  const auto here = reinterpret_cast<std::uintptr_t>(&std::qsort) + 1;
  const std::string name = resolve(here).front().function;
  std::vector<std::jthread> threads;
  threads.emplace_back(load, SYMBOLS_PLUGIN_FIRST, "first");
  threads.emplace_back(load, SYMBOLS_PLUGIN_OTHER, "other");
  threads.emplace_back([&] {
    for (int round = 0; round < 50 * rounds; ++round) CHECK(resolve(here).front().function == name);
  });
}

TEST_CASE("exported functions are named from memory") {
  using leash::track::detail::exported_symbol;
  const auto begin = reinterpret_cast<std::uintptr_t>(&std::qsort);
  CHECK(exported_symbol(begin).contains("qsort"));
  CHECK(exported_symbol(begin + 1).contains("qsort"));
  CHECK(exported_symbol(0).empty());
  CHECK(exported_symbol(~std::uintptr_t{0}).empty());
  const Plugin loaded(SYMBOLS_PLUGIN_FIRST);
  CHECK(exported_symbol(loaded.address()) == "_ZN14symbols_plugin5firstEPFvvE");
}

TEST_CASE("functions of the kernel's own library are named") {
  const std::uintptr_t begin = ::getauxval(AT_SYSINFO_EHDR);
  if (begin == 0) return;
  bool found = false;
  for (std::uintptr_t address = begin; address < begin + 8192 && !found; address += 8) {
    found = leash::track::detail::exported_symbol(address).contains("clock_gettime");
  }
  CHECK(found);
}
