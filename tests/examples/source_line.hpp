#pragma once

#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

/// `examples/mirror/client.cpp:84`, for the first line of that source that holds `text`, counted from the `nth` on.
inline std::string source_line(const std::string& file, std::string_view text, int nth = 1) {
  std::ifstream in(std::string(SOURCES) + "/" + file);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.find(text) != std::string::npos && --nth == 0) return file + ":" + std::to_string(number);
  }
  throw std::runtime_error(file + " does not hold " + std::string(text));
}
