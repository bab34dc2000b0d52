#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "run_program.hpp"
#include "temp_dir.hpp"

/// A folder, and a program that is run in it.
class RunInFolder {
 public:
  Outcome run(const std::string& variables, const std::string& program) const {
    return run_program("cd " + directory_.path() + " && env -u GITHUB_ACTIONS " + variables + " '" + program + "'");
  }

  std::string content(const std::string& name) const {
    std::ifstream in(directory_.path() + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  void put(const std::string& name, const std::string& text) const {
    std::ofstream(directory_.path() + "/" + name) << text;
  }

  std::size_t files() const {
    const std::filesystem::directory_iterator all(directory_.path());
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }

 private:
  TempDir directory_;
};
