#include <doctest/doctest.h>

#include <string>

#include "run_program.hpp"
#include "temp_dir.hpp"

// `leash run`, over a program that knows nothing of leash, and over programs of the system.

namespace {

const std::string leash = LEASH_TOOL;

Outcome run(const std::string& words) { return run_program(leash + " run " + words); }
Outcome run_part(const std::string& part, const std::string& options = "") {
  return run(options + " " OPENING " " + part);
}

/// Whether what a program prints and its exit status are the same on the leash. Its report goes to `report`.
bool is_same(const std::string& command, std::string& report) {
  const TempDir folder;
  const std::string file = folder.path() + "/report.txt";
  const Outcome alone = run_program(command);
  const Outcome leashed = run("--report text:" + file + " -- " + command);
  report = run_program("cat " + file).output;
  CAPTURE(command);
  CAPTURE(report);
  CHECK(leashed.output == alone.output);
  return leashed.status == alone.status && alone.status == 0;
}

bool is_there(const char* program) { return run_program(std::string("command -v ") + program).status == 0; }

}  // namespace

TEST_CASE("a file that is left open is found, with the line that opened it") {
  const Outcome outcome = run_part("file");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.contains("tests/interpose/opening.cpp:"));
  CHECK(outcome.output.contains(": error: 1 file not closed [leaked]\n  /etc/passwd; open for "));
  CHECK(outcome.output.contains("leave_file"));
  CHECK_FALSE(outcome.output.contains("libleash_interpose"));
}

TEST_CASE("what is closed is not told, by whatever function") {
  for (const char* const part : {"all", "threads", "errno", "handler"}) {
    const Outcome outcome = run_part(part);
    CAPTURE(part);
    CAPTURE(outcome.output);
    CHECK(outcome.status == 0);
    CHECK(outcome.output.empty());
  }
  CHECK(run_part("nothing").status == 3);
}

TEST_CASE("what comes with a message is told, and so is what a child of vfork has closed for itself alone") {
  const Outcome passed = run_part("passed");
  CAPTURE(passed.output);
  CHECK(passed.output.contains("1 received descriptor not closed"));
  CHECK(passed.output.contains("2 sockets not closed"));
  const Outcome child = run_part("child");
  CAPTURE(child.output);
  CHECK(child.output.contains("1 file not closed"));
}

TEST_CASE("the report comes where the program ends by _exit, or has closed standard error") {
  const Outcome quick = run_part("quick");
  CAPTURE(quick.output);
  CHECK(quick.status == 5);
  CHECK(quick.output.contains("1 file not closed"));
  CHECK(run_part("silent").output.contains("1 file not closed"));
}

TEST_CASE("--fail-on-leak makes the exit status 1, and --report writes files") {
  const TempDir folder;
  const std::string file = folder.path() + "/report.json";
  CHECK(run_part("file", "--fail-on-leak").status == 1);
  CHECK(run_part("quick", "--fail-on-leak").status == 1);
  CHECK(run_part("nothing", "--fail-on-leak").status == 3);
  CHECK(run_part("file", "--fail-on-leak --report json:" + file).output.empty());
  CHECK(run_program(leash + " report " + file).output.contains("1 file not closed"));
  CHECK(run_part("quick", "--report json:" + file).output.empty());
  CHECK(run_program(leash + " report " + file).output.contains("1 file not closed"));
}

TEST_CASE("programs that it starts are on the leash only if that is asked for") {
  const std::string shell = "sh -c '" OPENING " file; true'";
  CHECK(run(shell).output.empty());
  CHECK(run("--follow " + shell).output.contains("1 file not closed"));
}

TEST_CASE("what cannot be run is said, with the exit statuses of env(1)") {
  const auto says = [](const std::string& words, int status, const std::string& what) {
    const Outcome outcome = run(words);
    CAPTURE(outcome.output);
    CHECK(outcome.status == status);
    CHECK(outcome.output.contains(what));
  };
  says("no-such-program-here", 127, "leash: run no-such-program-here: there is no such program\n");
  says("./no-such-program-here", 127, "No such file or directory\n");
  says("/etc/passwd", 126, "leash: run /etc/passwd: Permission denied\n");
  says("--bad true", 125, "leash: run --bad: Invalid argument (there is no such option)\n");
  says("", 125, "leash: run: Invalid argument (no program)\n");
  says("--report", 125, "leash: run --report: Invalid argument (it needs a value)\n");
  const TempDir folder;
  const std::string script = folder.path() + "/script";
  run_program("printf 'echo a\\n' > " + script + "; chmod +x " + script);
  says(script, 126, "it is no program, and no script that begins with #!\n");
}

TEST_CASE("programs of the system do what they do without it") {
  const TempDir folder;
  const std::string path = folder.path();
  std::string report;
  if (is_there("sqlite3")) {
    CHECK(is_same("sqlite3 " + path + "/a.db 'create table if not exists t(a); select count(*) from t'", report));
    CHECK(report.contains("Nothing was left open. 2"));
  }
  if (is_there("curl")) {
    CHECK(is_same("curl -s file:///etc/passwd", report));
    CHECK(report.starts_with("Nothing was left open."));
  }
  if (is_there("git")) {
    CHECK(run_program("cd " + path +
                      " && git init -q r && cd r && git -c user.name=a -c user.email=a@b commit -q "
                      "--allow-empty -m a")
              .status == 0);
    CHECK(is_same("git -C " + path + "/r log --format=%s", report));
    CHECK(report.starts_with("Nothing was left open."));
  }
  if (is_there("gcc")) {
    run_program("echo 'int main(){}' > " + path + "/a.c");
    CHECK(is_same("gcc -c " + path + "/a.c -o " + path + "/a.o", report));
    CHECK(report.starts_with("Nothing was left open."));
  }
  if (run_program("test -x /usr/bin/python3").status == 0) {
    CHECK(is_same(
        "/usr/bin/python3 -c 'import json, socket, subprocess, os; print(subprocess.run([\"ls\", \"/etc/passwd\"], "
        "capture_output=True).stdout); os.open(\"/etc/passwd\", os.O_RDONLY)'",
        report));
    CHECK(report.contains("1 file not closed"));
    CHECK(report.contains("/etc/passwd"));
  }
}
