#include "run_command.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <leash/error.hpp>
#include <leash/fault/detail/errno_name.hpp>
#include <leash/fault/rule.hpp>
#include <leash/interpose/fault_rules.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/os/last_error.hpp>
#include <leash/result.hpp>
#include <leash/track/detail/dump.hpp>
#include <leash/track/report/format.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "report_command.hpp"

namespace leash_tool {
namespace {

using leash::fail;
using leash::Result;

constexpr std::string_view usage = R"(usage: leash run [OPTION...] [--] PROGRAM [ARGUMENT...]

Runs a program, which need not know of leash, and says at its end which descriptors it has not closed, and who opened
them. Its streams, signals and exit status are its own.

  --report FORMAT:FILE  writes the report there, and not to standard error: text, json, sarif, junit, github, folded or
                        pprof; %p is the number of the process. May be given several times
  --fail-on-leak        exit status 1 if something was not closed
  --follow              programs that it starts, and what it forks, are on the leash too
  --dump-at N           a report when so many are open, and when there are no more to be had (EMFILE)
  --every TIME          what has changed, as often as that: 60s, 5m, 500ms
  --signal NAME         a report whenever that signal comes: USR1, USR2, CONT, WINCH or a number
  --help                this page

LEASH_FAULTS='fail open "*.db" #2 with EMFILE' makes calls fail. docs/run.md has the rest.
Exit status: that of the program; 125 if leash cannot run it, 126 if it is no program, 127 if there is none.
)";

constexpr int cannot_run = 125;
constexpr int no_program = 126;
constexpr int not_there = 127;

struct Request {
  std::string reports = {};
  bool fail_on_leak = false;
  bool follow = false;
  std::string dump_at = {};
  std::string signal = {};
  std::chrono::milliseconds every{};
  std::vector<std::string> command = {};
  bool help = false;
};

std::unexpected<leash::Error> refuse(std::string_view word, std::string_view why) {
  return fail("run", word, std::errc::invalid_argument, why);
}

/// What is wrong with the value of an option; empty if nothing is.
std::string why_no_value(std::string_view option, const std::string& value) {
  if (option == "--dump-at") {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool is_number = error == std::errc() && end == value.data() + value.size() && number != 0;
    return is_number ? "" : "expected a number of descriptors";
  }
  if (option == "--report") {
    const std::size_t colon = value.find(':');
    const bool has_both = colon != std::string::npos && colon + 1 < value.size() && !value.contains(',');
    if (!has_both) return "expected FORMAT:FILE";
    return leash::track::format_named(value.substr(0, colon)) ? "" : "there is no such format";
  }
  if (option == "--signal" && !leash::track::detail::dump_signal_of(value)) {
    return "expected USR1, USR2, CONT, WINCH or the number of a real-time signal";
  }
  return {};
}

/// What is wrong with the rules of LEASH_FAULTS.
Result<void> check_faults() {
  const char* const text = std::getenv("LEASH_FAULTS");
  if (text == nullptr) return {};
  const Result<std::vector<leash::fault::Rule>> rules = leash::fault::parse_rules(text, "LEASH_FAULTS");
  if (!rules) return std::unexpected(rules.error());
  for (const leash::fault::Rule& rule : *rules) {
    const std::string why = leash::interpose::why_not(rule);
    if (!why.empty()) return fail("LEASH_FAULTS", to_string(rule), std::errc::invalid_argument, why);
  }
  return {};
}

Result<Request> parse(std::span<const std::string_view> words) {
  Request request;
  std::size_t at = 0;
  for (; at < words.size() && words[at].starts_with('-'); ++at) {
    const std::string_view word = words[at];
    if (word == "--") {
      ++at;
      break;
    }
    if (word == "--help" || word == "-h") {
      request.help = true;
      return request;
    }
    if (word == "--fail-on-leak") {
      request.fail_on_leak = true;
    } else if (word == "--follow") {
      request.follow = true;
    } else if (word == "--report" || word == "--dump-at" || word == "--signal" || word == "--every") {
      if (++at == words.size()) return refuse(word, "it needs a value");
      const std::string value(words[at]);
      if (value.empty()) return refuse(word, "its value is empty");
      if (const std::string why = why_no_value(word, value); !why.empty()) return refuse(value, why);
      if (word == "--report") {
        request.reports += (request.reports.empty() ? "" : ",") + value;
      } else if (word == "--every") {
        const auto time = leash::fault::detail::duration_named(value);
        if (!time || *time < std::chrono::milliseconds(1)) return refuse(value, "expected a time, as 60s");
        request.every = std::chrono::duration_cast<std::chrono::milliseconds>(*time);
      } else {
        (word == "--signal" ? request.signal : request.dump_at) = value;
      }
    } else {
      return refuse(word, "there is no such option");
    }
  }
  request.command.assign(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
  if (request.command.empty()) return refuse("", "no program");
  if (request.follow && !request.reports.empty() && !request.reports.contains("%p")) {
    return refuse("--follow", "each process writes a file: its name needs %p, the number of the process");
  }
  return request;
}

/// The file that execvp(3) would run: empty if there is none.
std::string find_program(const std::string& name) {
  if (name.contains('/')) return name;
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  while (true) {
    const std::size_t end = rest.find(':');
    const std::string_view folder = rest.substr(0, end);
    const std::string file = (folder.empty() ? "." : std::string(folder)) + '/' + name;
    struct stat info{};
    if (::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(file.c_str(), X_OK) == 0) return file;
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
}

/// The program that runs a script, by its first line: `#!/bin/sh -e`; empty if it is no script.
std::string interpreter_of(std::string_view beginning) {
  if (!beginning.starts_with("#!")) return {};
  std::string_view line = beginning.substr(2, beginning.find('\n') - 2);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return std::string(line.substr(0, line.find_first_of(" \t")));
}

/// Why the loader of a program, whose path lies at `part` of its file, would load nothing else; empty if it would.
std::string why_not_by_loader(const leash::os::Descriptor& file, const Elf64_Phdr& part) {
  std::string loader(std::min<std::size_t>(part.p_filesz, 4096), '\0');
  if (::pread(file.get(), loader.data(), loader.size(), static_cast<off_t>(part.p_offset)) < 0) return {};
  return loader.contains("ld-linux") ? "" : "it is not a program of the GNU C library";
}

/// Why what is preloaded would not be loaded into the program; empty if it would be. `scripts` is how many scripts led
/// here.
std::string why_not(const std::string& path, unsigned scripts = 0) {
  // To open a pipe that nobody writes to would wait.
  const leash::os::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  const bool gains = ((info.st_mode & S_ISUID) != 0 && info.st_uid != ::geteuid()) ||
                     ((info.st_mode & S_ISGID) != 0 && info.st_gid != ::getegid());
  if (gains) return "it runs with the rights of its owner, and the system loads nothing else into such a program";
  if (::geteuid() != 0 && ::getxattr(path.c_str(), "security.capability", nullptr, 0) > 0) {
    return "it has capabilities, and the system loads nothing else into such a program";
  }
  std::array<char, 256> beginning{};
  const ssize_t size = file ? ::pread(file.get(), beginning.data(), beginning.size(), 0) : -1;
  if (size <= 0) return {};
  const std::string interpreter = interpreter_of({beginning.data(), static_cast<std::size_t>(size)});
  // The system follows as many.
  if (!interpreter.empty() && scripts < 5) {
    const std::string why = why_not(interpreter, scripts + 1);
    return why.empty() ? why : "of its interpreter " + interpreter + ": " + why;
  }
  Elf64_Ehdr header{};
  if (static_cast<std::size_t>(size) < sizeof header) return {};
  std::memcpy(&header, beginning.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return {};
  if (header.e_ident[EI_CLASS] != ELFCLASS64) return "it is not a program of 64 bits";
  for (unsigned at = 0; at < header.e_phnum; ++at) {
    Elf64_Phdr part{};
    const auto offset = static_cast<off_t>(header.e_phoff + at * std::uint64_t{header.e_phentsize});
    if (::pread(file.get(), &part, sizeof part, offset) != sizeof part) return {};
    if (part.p_type == PT_INTERP) return why_not_by_loader(file, part);
  }
  return "it is linked statically, and nothing can be loaded into it";
}

/// The library to preload, which lies where it does beside this program.
Result<std::string> library() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail("read", "/proc/self/exe", error);
  const std::filesystem::path path = (self.parent_path() / LEASH_PRELOAD).lexically_normal();
  if (!std::filesystem::exists(path, error)) return fail("open", path.string(), std::errc::no_such_file_or_directory);
  if (path.string().find_first_of(": ") != std::string::npos) {
    return fail("preload", path.string(), std::errc::invalid_argument,
                "LD_PRELOAD takes no path with a colon or a space");
  }
  return path.string();
}

/// What lib/interpose reads.
std::string orders(const Request& request) {
  std::string words;
  if (request.fail_on_leak) words += "fail,";
  if (request.follow) words += "follow,";
  if (request.every.count() != 0) words += "every=" + std::to_string(request.every.count());
  return words;
}

/// Whether the program is linked with the shared library of AddressSanitizer.
bool needs_asan(const std::string& program) {
  const leash::os::Descriptor file(::open(program.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info{};
  if (!file || ::fstat(file.get(), &info) != 0 || info.st_size == 0) return false;
  // The names of the libraries come early in a file, however large that is.
  const std::size_t size = std::min<std::size_t>(static_cast<std::size_t>(info.st_size), std::size_t{64} << 20U);
  void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (memory == MAP_FAILED) return false;
  const bool found = std::string_view(static_cast<const char*>(memory), size).contains("libasan.so.");
  ::munmap(memory, size);
  return found;
}

void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }

}  // namespace

int run(std::span<const std::string_view> words) {
  const Result<Request> request = parse(words);
  if (!request) {
    std::cerr << "leash: " << request.error() << '\n' << usage;
    return cannot_run;
  }
  if (request->help) return print(usage) ? fine : cannot_run;
  const std::string& name = request->command.front();
  const std::string program = find_program(name);
  if (program.empty()) {
    std::cerr << "leash: run " << name << ": there is no such program\n";
    return not_there;
  }
  if (const std::string why = why_not(program); !why.empty()) {
    std::cerr << "leash: run " << program << ": " << why << '\n';
    return cannot_run;
  }
  if (const Result<void> faults = check_faults(); !faults) {
    std::cerr << "leash: " << faults.error() << '\n';
    return cannot_run;
  }
  const Result<std::string> preloaded = library();
  if (!preloaded) {
    std::cerr << "leash: " << preloaded.error() << '\n';
    return cannot_run;
  }
  const char* const before = std::getenv("LD_PRELOAD");
  set("LD_PRELOAD", before == nullptr || *before == '\0' ? *preloaded : *preloaded + ':' + before);
  if (!request->reports.empty()) set("LEASH_REPORT", request->reports);
  if (!request->dump_at.empty()) set("LEASH_DUMP_AT", request->dump_at);
  if (!request->signal.empty()) set("LEASH_DUMP_SIGNAL", request->signal);
  set("LEASH_RUN", orders(*request));
  if (needs_asan(program)) {
    // It refuses to start where another library comes before it.
    const char* const options = std::getenv("ASAN_OPTIONS");
    set("ASAN_OPTIONS", (options == nullptr ? "" : options + std::string(":")) + "verify_asan_link_order=0");
  }
  std::vector<char*> arguments;
  arguments.reserve(request->command.size() + 1);
  for (const std::string& each : request->command) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  const int error = errno;
  const std::string why =
      error == ENOEXEC ? "it is no program, and no script that begins with #!" : std::generic_category().message(error);
  std::cerr << "leash: run " << program << ": " << why << '\n';
  return error == ENOENT ? not_there : no_program;
}

}  // namespace leash_tool
