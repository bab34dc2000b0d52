#include <iostream>
#include <span>
#include <string_view>
#include <vector>

#include "report_command.hpp"
#ifdef LEASH_PRELOAD
#include "run_command.hpp"
#endif

namespace {

constexpr std::string_view usage = R"(usage: leash report [OPTION...] FILE...

Reads reports of leash in the format json, adds them up, and writes the sum.

  --format FORMAT  text (the default), json, sarif, junit, github, folded or pprof
  --diff OLD       writes what has changed since the report OLD; in other formats than text, what is worse
  --top N          only the first N groups
  --help           this page

A FILE may be -, which is standard input. Programs write such files where LEASH_REPORT says so:
LEASH_REPORT=json:leaks-%p.json, of which %p is the number of the process.

Exit status: 0 if no report has a failure (with --diff: if none is new or has grown), 1 if one has,
2 if something cannot be read or written.
)";

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string_view> words(arguments + 1, arguments + count);
  if (!words.empty() && (words[0] == "--help" || words[0] == "-h")) {
    return leash_tool::print(usage) ? leash_tool::fine : leash_tool::cannot;
  }
#ifdef LEASH_PRELOAD
  if (!words.empty() && words[0] == "run") return leash_tool::run(std::span(words).subspan(1));
#endif
  if (words.empty() || words[0] != "report") {
    std::cerr << "leash: " << (words.empty() ? "no command" : "there is no command " + std::string(words[0])) << '\n'
              << usage;
    return leash_tool::cannot;
  }
  return leash_tool::report(std::span(words).subspan(1), usage);
}
