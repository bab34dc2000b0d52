#include "program.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <ranges>
#include <sstream>
#include <utility>

namespace {

std::optional<std::string> find_along_path(std::string_view name) {
  const char* const path = std::getenv("PATH");
  const std::string folders = std::string(path == nullptr ? "" : path) + ":/usr/local/sbin:/usr/sbin:/sbin";
  for (const auto folder : std::views::split(folders, ':')) {
    const std::string file = std::string(folder.begin(), folder.end()) + "/" + std::string(name);
    if (::access(file.c_str(), X_OK) == 0) return file;
  }
  return std::nullopt;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

std::optional<std::string> find_program(std::string_view name, const char* variable) {
  if (const char* const chosen = variable == nullptr ? nullptr : std::getenv(variable)) return chosen;
  auto found = find_along_path(name);
  if (!found) MESSAGE("LEFT OUT: there is no ", std::string(name));
  return found;
}

Program::Program(std::vector<std::string> command, const std::string& output) {
  // What posix_spawn(3) cannot ask for (PR_SET_PDEATHSIG).
  if (const auto setpriv = find_along_path("setpriv")) {
    command.insert(command.begin(), {*setpriv, "--pdeathsig", "KILL"});
  }

  posix_spawn_file_actions_t actions;
  REQUIRE(::posix_spawn_file_actions_init(&actions) == 0);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  const int error = ::posix_spawn(&id_, command[0].c_str(), &actions, nullptr, pointers_to(command).data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  REQUIRE_MESSAGE(error == 0, "cannot run ", command[0], ": ", std::strerror(error));
}

Program::~Program() {
  signal(SIGKILL);
  wait();
}

bool Program::runs() {
  if (id_ > 0 && ::waitpid(id_, &status_, WNOHANG) == id_) id_ = -1;
  return id_ > 0;
}

void Program::signal(int number) const {
  if (id_ > 0) ::kill(id_, number);
}

int Program::wait() {
  if (id_ > 0) {
    while (::waitpid(id_, &status_, 0) == -1 && errno == EINTR) {
    }
    id_ = -1;
  }
  return WIFSIGNALED(status_) ? -WTERMSIG(status_) : WEXITSTATUS(status_);
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}
