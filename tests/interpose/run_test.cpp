#include <doctest/doctest.h>

#include <string>

#include "run_program.hpp"
#include "temp_dir.hpp"

// `leash run`, over a program that knows nothing of leash.

namespace {

const std::string leash = LEASH_TOOL;

Outcome run(const std::string& words) { return run_program(leash + " run " + words); }
Outcome run_part(const std::string& part, const std::string& options = "") {
  return run(options + " " OPENING " " + part);
}

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
  for (const char* const part : {"all", "threads", "errno"}) {
    const Outcome outcome = run_part(part);
    CAPTURE(part);
    CAPTURE(outcome.output);
    CHECK(outcome.status == 0);
    CHECK(outcome.output.empty());
  }
  CHECK(run_part("nothing").status == 3);
}

TEST_CASE("a handler that interrupts leash opens and closes, and what has no tag is counted") {
  const Outcome outcome = run_part("handler");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK_FALSE(outcome.output.contains("not closed"));
  // As good as always it interrupts leash more than once.
  CHECK((outcome.output.empty() || outcome.output.contains("opened by a signal handler while leash was at work")));
}

TEST_CASE("a second close is told, with the first one") {
  const Outcome outcome = run_part("twice");
  CAPTURE(outcome.output);
  CHECK(outcome.output.contains("error: 1 file closed twice [double-close]\n  descriptor "));
  CHECK(outcome.output.contains("closed again at\n    tests/interpose/opening.cpp:"));
  CHECK(outcome.output.contains("first closed at\n    tests/interpose/opening.cpp:"));
  CHECK(outcome.output.contains("opened at\n    tests/interpose/opening.cpp:"));
  CHECK(run_part("twice", "--fail-on-leak").status == 1);
}

TEST_CASE("a close of somebody else's descriptor is told from a second close of one's own") {
  const Outcome outcome = run_part("other");
  CAPTURE(outcome.output);
  CHECK(outcome.output.contains("error: 1 file closed by who did not open it [closed-by-other]\n"));
  CHECK(outcome.output.contains("Session::end"));
  CHECK(outcome.output.contains("its owner's own close failed at\n"));
}

TEST_CASE("an address that was refused is told of the socket, and the other end of a pipe") {
  const Outcome refused = run_part("refused");
  CAPTURE(refused.output);
  CHECK(refused.output.contains("error: 1 socket not closed [leaked]"));
  CHECK(refused.output.contains("while: connect 127.0.0.1:"));
  CHECK(refused.output.contains(": Connection refused\n"));
  const Outcome pipe = run_part("pipe");
  CAPTURE(pipe.output);
  CHECK(pipe.output.contains("read end of pipe:["));
  CHECK(pipe.output.contains("; write end: descriptor "));
}

TEST_CASE("a program that takes the place of this one is on the leash too") {
  for (const char* const part : {"become", "'become anew'"}) {
    const Outcome outcome = run_part(part);
    CAPTURE(outcome.output);
    CHECK(outcome.status == 0);
    CHECK(outcome.output.contains("1 file not closed"));
    CHECK(outcome.output.contains("1 finding: 1 file. 1 handle opened"));
  }
}

TEST_CASE("a forked child is followed if that is asked for, and what its parent has open is not its own") {
  const Outcome alone = run_part("fork");
  CAPTURE(alone.output);
  CHECK(alone.output.contains("/etc/passwd"));
  CHECK_FALSE(alone.output.contains("/etc/hosts"));
  const TempDir folder;
  CHECK(run_part("fork", "--follow --report text:" + folder.path() + "/%p").status == 0);
  const std::string child = run_program("grep -l /etc/hosts " + folder.path() + "/*").output;
  const std::string parent = run_program("grep -l /etc/passwd " + folder.path() + "/*").output;
  CHECK_FALSE(child.empty());
  CHECK_FALSE(parent.empty());
  CHECK(child != parent);
  CHECK(run_part("fork", "--follow --report text:one").output.contains("its name needs %p"));
}

TEST_CASE("LEASH_FAULTS makes calls fail, and says what it cannot do") {
  const auto with_faults = [](const std::string& rules) {
    return run_program("LEASH_FAULTS='" + rules + "' " + leash + " run " OPENING " faults").output;
  };
  CHECK(run_part("faults").output == "read read read\n");
  CHECK(with_faults("fail open \"*hosts\" #2 with EMFILE") == "read failed read\n");
  CHECK(with_faults("fail open \"/etc/passwd\" always with EACCES") == "read read failed\n");
  CHECK(with_faults("short read 1").contains("(here a call can only fail, or be delayed)"));
  CHECK(with_faults("fail fopen with EIO").contains("(there is no such operation here)"));
  CHECK(with_faults("fail open wth EIO").contains("LEASH_FAULTS:1:"));
}

TEST_CASE("reports while it runs: as often as is asked for, and when there are no more descriptors") {
  const TempDir folder;
  const std::string said = folder.path() + "/said";
  const std::string command = leash + " run --every 10ms " OPENING " 'until said' " + said + " 'new: 1 file'";
  CHECK(run_program("(timeout 60 " + command + " 2> " + said + ')').status == 0);
  CHECK(run_program("cat " + said).output.contains(" open:\nnew: 1 file"));
  const Outcome out = run_part("EMFILE", "--dump-at 1000");
  CAPTURE(out.output);
  CHECK(out.status == 0);
  CHECK(out.output.contains("leash: out of descriptors (EMFILE):\n"));
  CHECK(run_part("file", "--every soon").output.contains("leash: run soon: Invalid argument (expected a time"));
}

TEST_CASE("threads are cancelled in open and accept as ever") {
  const TempDir folder;
  const Outcome outcome = run_program("timeout 60 " + leash + " run " OPENING " cancel " + folder.path() + "/fifo");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.empty());
}

TEST_CASE("a program with AddressSanitizer is on the leash too") {
  const Outcome file = run(OPENING_ASAN " file");
  CAPTURE(file.output);
  CHECK(file.status == 0);
  CHECK(file.output.contains("error: 1 file not closed [leaked]"));
  CHECK(run(OPENING_ASAN " all").output.empty());
}

TEST_CASE("the report never goes to a file of the program's, which has the number of standard error") {
  const TempDir folder;
  const std::string data = folder.path() + "/data";
  CHECK(run_program("(" + leash + " run " OPENING " data " + data + " 2>&-)").status == 0);
  CHECK(run_program("cat " + data).output == "DATA\n");
}

TEST_CASE("a library that starts a thread while it is loaded, which opens, does not wait for itself") {
  const Outcome outcome = run_program("timeout 60 " + leash + " run " OPENING " load " STARTING);
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
}

TEST_CASE("exit statuses are the program's, whatever state it ends in") {
  // A thread waits for standard input, which says nothing.
  const TempDir folder;
  const std::string silent = folder.path() + "/silent";
  CHECK(run_program("(mkfifo " + silent + " && exec 9<>" + silent + " && timeout 50 " + leash +
                    " run --fail-on-leak " OPENING " reading <&9)")
            .status == 1);
  // Nobody reads the report.
  CHECK(run_program(OPENING " 'without reader' " + leash + " run " OPENING " file").status == 0);
  // On the small stack of a handler, in a thread that is to be cancelled, or where a handler forks.
  for (const char* const part : {"'small stack'", "cancelled", "'fork in handler'"}) {
    const Outcome outcome = run_program("timeout 60 " + leash + " run " OPENING " " + part);
    CAPTURE(part);
    CAPTURE(outcome.output);
    CHECK(outcome.status == 3);
  }
}

TEST_CASE("who waits for the end of standard error does not wait for a daemon") {
  const Outcome outcome = run_program("timeout 20 sh -c '" + leash + " run " OPENING " daemon 2>&1 | cat'");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  // It is still there, until now.
  CHECK(run_program("kill " + outcome.output.substr(0, outcome.output.find('\n'))).status == 0);
}

TEST_CASE("as many descriptors as there may be") {
  const Outcome outcome = run_part("many 15000");
  CAPTURE(outcome.output);
  if (outcome.status != 0) {
    MESSAGE("LEFT OUT: this process may not have as many");
    return;
  }
  CHECK(outcome.output.contains("15,000 duplicates not closed"));
}

TEST_CASE("what comes with a message is told, and so is what a child of vfork has closed for itself alone") {
  const Outcome passed = run_part("passed");
  CAPTURE(passed.output);
  CHECK(passed.output.contains("1 received descriptor not closed"));
  CHECK(passed.output.contains("2 sockets not closed"));
  const Outcome child = run_part("child");
  CAPTURE(child.output);
  CHECK(child.status == 0);
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

TEST_CASE("the program of docs/run.md runs out of descriptors, and the report has the line") {
  const Outcome outcome = run_program("(ulimit -n 64 && " + leash + " run " SETTINGS " > /dev/null)");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 1);
  CHECK(outcome.output.contains("/etc/os-release: Too many open files\n"));
  // How many fit depends on what this process has got from its parent.
  CHECK(outcome.output.contains("examples/settings.cpp:8: error: "));
  CHECK(outcome.output.contains(" streams not closed [leaked]\n"));
  CHECK(outcome.output.contains("examples/settings.cpp:25  serve"));
}

TEST_CASE("a program that is linked with leash::interpose says the same without `leash run`") {
  const Outcome file = run_program(OPENING_LINKED " file");
  CAPTURE(file.output);
  CHECK(file.status == 0);
  CHECK(file.output.contains("error: 1 file not closed [leaked]"));
  CHECK(run_program(OPENING_LINKED " threads").output.empty());
  CHECK(run_program(OPENING_LINKED " twice").output.contains("1 file closed twice"));
  CHECK(run_program(OPENING_LINKED " nothing").status == 3);
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
  says(OPENING_STATIC, 125, "it is linked statically, and nothing can be loaded into it\n");
  says("--report json true", 125, "leash: run json: Invalid argument (expected FORMAT:FILE)\n");
  says("--report toml:a true", 125, "(there is no such format)\n");
  says("--dump-at many true", 125, "(expected a number of descriptors)\n");
  says("--signal KILL true", 125, "(expected USR1, USR2, CONT, WINCH or the number of a real-time signal)\n");
  says("--report", 125, "leash: run --report: Invalid argument (it needs a value)\n");
  const TempDir folder;
  // Only root can give a program to someone else.
  const std::string owned = folder.path() + "/owned";
  if (run_program("cp /bin/true " + owned + " && chown 65534 " + owned + " && chmod 4755 " + owned).status == 0) {
    says(owned, 125, "it runs with the rights of its owner, and the system loads nothing else into such a program\n");
  }
  const Outcome unwritten = run_part("file", "--report text:/no/such/folder/report");
  CAPTURE(unwritten.output);
  CHECK(unwritten.status == 0);
  CHECK(unwritten.output.contains("/no/such/folder/report"));
  CHECK(unwritten.output.contains("No such file or directory"));
  run_program("printf '#! " OPENING_STATIC " nothing\\n' > " + folder.path() + "/static; chmod +x " + folder.path() +
              "/static");
  says(folder.path() + "/static", 125, "of its interpreter " OPENING_STATIC ": it is linked statically");
  const std::string script = folder.path() + "/script";
  run_program("printf 'echo a\\n' > " + script + "; chmod +x " + script);
  says(script, 126, "it is no program, and no script that begins with #!\n");
}
