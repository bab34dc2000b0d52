#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "run_program.hpp"
#include "temp_dir.hpp"

namespace leash_test {

/// The content of a section of a library; empty if it has none.
inline std::vector<std::byte> section_of(const std::string& library, const std::string& name) {
  const TempDir folder;
  const std::string content = folder / "section";
  // Where there is no such section, that is a warning, and no file.
  run_program(std::string(OBJCOPY) + " --dump-section " + name + "=" + content + " " + library + " " +
              (folder / "copy"));
  std::ifstream file(content, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto* const begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

/// Of the code of lines_dwarf_….
inline std::vector<std::uint64_t> some_addresses() {
  std::vector<std::uint64_t> addresses;
  for (std::uint64_t address = 0x1000; address < 0x9000; address += 5) addresses.push_back(address);
  return addresses;
}

}  // namespace leash_test
