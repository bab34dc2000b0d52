#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Where a program is that the tests can do without: by the variable of the environment, or else along PATH and where
/// servers are. None: a message says that the test was left out.
std::optional<std::string> find_program(std::string_view name, const char* variable = nullptr);

/// A program that runs beside the test, such as a real peer, until the end of the scope at the latest. It ends with the
/// thread that started it, too, even where this process is killed.
class Program {
 public:
  /// Starts `command`, of which the first is a path; what it prints, to both streams, goes to the file `output`. Fails
  /// the test if that cannot be done.
  Program(std::vector<std::string> command, const std::string& output);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  /// Whether it has not ended yet.
  bool runs();

  /// Sends it a signal, unless it is known to have ended.
  void signal(int number) const;

  /// Waits for its end. Returns its exit status, or, if a signal has ended it, the negative number of that.
  int wait();

 private:
  pid_t id_ = -1;  ///< -1 once it was waited for: another process may have the number.
  int status_ = 0;
};

/// What a file contains.
std::string content_of(const std::string& path);
