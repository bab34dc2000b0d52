#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/program.hpp"
#include "run_program.hpp"
#include "temp_dir.hpp"

// `leash run`, over programs of the system, which do what they do without it. What they leave open is told in
// docs/run_programs.md.

namespace {

const std::string tool = LEASH_TOOL;

/// Ends what hangs.
const std::string limited = "timeout --kill-after=5 100 ";

/// A report as JSON.
struct Found {
  std::string json;

  /// What is left open, such as "2 files, 1 socket".
  std::string sums() const {
    const std::string_view key = "\"sums\":\"";
    const std::size_t at = json.find(key);
    if (at == std::string::npos) return "";
    return json.substr(at + key.size(), json.find('"', at + key.size()) - at - key.size());
  }
  /// How many descriptors were opened.
  int opened() const {
    const std::string_view key = "\"opened\":";
    const std::size_t at = json.find(key);
    return at == std::string::npos ? -1 : std::stoi(json.substr(at + key.size()));
  }
  bool nothing_open() const { return json.contains("\"ok\":true") && sums().empty() && opened() > 0; }
};

struct Leashed {
  Outcome outcome;
  std::vector<Found> reports;  ///< Of each process that has made one.
};

/// Runs a command of the shell on the leash, with these options.
Leashed run_leashed(const std::string& command, const std::string& options = "") {
  const TempDir folder;
  const std::string leashed = limited + tool + " run " + options + " --report json:" + folder / "%p.json -- ";
  Leashed result{run_program(leashed + command), {}};
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    result.reports.push_back({content_of(entry.path())});
  }
  return result;
}

/// Runs `command` alone, then on the leash, after `before` each: both must print the same and end well. Returns the
/// reports of the latter.
std::vector<Found> same(const std::string& command, const std::string& options = "",
                        const std::string& before = "true") {
  CAPTURE(command);
  REQUIRE(run_program(before).status == 0);
  const Outcome alone = run_program(limited + command);
  CAPTURE(alone.output);
  CHECK(alone.status == 0);
  REQUIRE(run_program(before).status == 0);
  Leashed leashed = run_leashed(command, options);
  CHECK(leashed.outcome.output == alone.output);
  CHECK(leashed.outcome.status == alone.status);
  REQUIRE(!leashed.reports.empty());
  return std::move(leashed.reports);
}

/// The same of a single process, which is to leave nothing open.
void same_and_nothing_open(const std::string& command, const std::string& before = "true") {
  for (const Found& found : same(command, "", before)) CHECK_MESSAGE(found.nothing_open(), found.json);
}

void write(const std::string& path, std::string_view text) { std::ofstream(path) << text; }

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  address.sin_port = ::htons(static_cast<std::uint16_t>(port));
  return address;
}

class Socket {
 public:
  Socket() : number_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) { REQUIRE(number_ >= 0); }
  explicit Socket(int number) : number_(number) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (number_ >= 0) ::close(number_);
  }

  int get() const { return number_; }

  bool connect(int port) const {
    const sockaddr_in address = loopback(port);
    return ::connect(number_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  /// Binds to a port that the kernel chooses, which it returns.
  int bind() const {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    REQUIRE(::bind(number_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(number_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return ::ntohs(address.sin_port);
  }

 private:
  int number_;
};

/// A port that nobody has.
int free_port() { return Socket().bind(); }

/// A server of HTTP that gives the same answer to any request, one connection after the other.
class Answerer {
 public:
  Answerer() : port_(listener_.bind()) {
    REQUIRE(::listen(listener_.get(), 10) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;
  ~Answerer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + '/'; }

 private:
  void serve() const {
    const std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";
    for (;;) {
      const Socket client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (client.get() < 0) return;
      std::string request;
      char byte = 0;
      while (!request.ends_with("\r\n\r\n") && ::recv(client.get(), &byte, 1, 0) == 1) request += byte;
      ::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }

  const Socket listener_;
  const int port_;
  std::thread thread_;
};

/// Waits until someone listens at `port`, which `server` is to do.
void wait_for(Program& server, int port, const std::string& log) {
  while (!Socket().connect(port)) {
    REQUIRE_MESSAGE(server.runs(), content_of(log));
    std::this_thread::yield();
  }
}

/// Ends a server whose end takes too long, so that whoever waits for it goes on.
class Deadline {
 public:
  explicit Deadline(const Program& server) : thread_([this, &server] { run(server); }) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

 private:
  void run(const Program& server) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(100), [this] { return over_; })) server.signal(SIGKILL);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace

TEST_CASE("sqlite3 closes its databases") {
  const auto sqlite = find_program("sqlite3");
  if (!sqlite) return;
  const TempDir folder;
  const std::string before = "rm -f " + folder / "a.db " + folder / "copy.db";
  const std::string session =
      *sqlite + ' ' +
      folder / "a.db 'create table t(a); insert into t values (1), (2); select sum(a) from t' '.backup " +
      folder / "copy.db'";
  same_and_nothing_open(session, before);
  CHECK(run_program(*sqlite + ' ' + folder / "copy.db 'select sum(a) from t'").output == "3\n");
}

TEST_CASE("curl closes files and connections") {
  const auto curl = find_program("curl");
  if (!curl) return;
  same_and_nothing_open(*curl + " --disable --silent file:///etc/passwd");
  const Answerer server;
  const std::string command = *curl + " --disable --silent --show-error --noproxy '*' " + server.url();
  CHECK(run_program(limited + command).output == "hello\n");
  same_and_nothing_open(command);
  same_and_nothing_open(command + "'?[1-20]'");
}

TEST_CASE("git clones, with all that it starts for it") {
  const auto git = find_program("git");
  if (!git) return;
  const TempDir folder;
  write(folder / "commit", "set -e\ncd " + folder.path() + "\n" + *git +
                               " init -q origin\ncd origin\nfor i in 1 2 3; do\n  echo $i >$i\n  " + *git +
                               " add .\n  " + *git +
                               " -c user.name=a -c user.email=a@b -c commit.gpgsign=false commit -q -m $i\ndone\n");
  REQUIRE(run_program("sh " + folder / "commit").status == 0);
  const std::string before = "rm -rf " + folder / "copy";
  const std::string clone = *git + " clone -q --no-local " + folder / "origin " + folder / "copy";
  same_and_nothing_open(clone, before);
  // git, upload-pack, pack-objects, index-pack and whatever else.
  const std::vector<Found> all = same(clone, "--follow", before);
  CHECK(all.size() >= 4);
  for (const Found& found : all) CHECK_MESSAGE(found.sums().empty(), found.json);
  CHECK(run_program(*git + " -C " + folder / "copy log --format=%s").output == "3\n2\n1\n");
  same_and_nothing_open(*git + " -C " + folder / "copy log -p --no-color");
}

TEST_CASE("gcc compiles and links, with all that it starts for it") {
  const auto gcc = find_program("gcc");
  if (!gcc) return;
  const TempDir folder;
  write(folder / "a.c", "#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n");
  const std::string before = "rm -f " + folder / "a";
  const std::string compile = *gcc + ' ' + folder / "a.c -o " + folder / "a";
  same_and_nothing_open(compile, before);
  // The driver, cc1, as, collect2 and ld.
  const std::vector<Found> all = same(compile, "--follow", before);
  CHECK(all.size() >= 5);
  for (const Found& found : all) CHECK_MESSAGE(found.sums().empty(), found.json);
  CHECK(run_program(folder / "a").output == "hello\n");
}

TEST_CASE("what a script of Python leaves open is told, with the functions of its interpreter") {
  // Not one that is found along the path: that is often a script of a shell, which runs another one.
  if (::access("/usr/bin/python3", X_OK) != 0) {
    MESSAGE("LEFT OUT: there is no /usr/bin/python3");
    return;
  }
  const TempDir folder;
  write(folder / "closes.py",
        "import json, socket, subprocess\n"
        "with open('/etc/passwd') as file, socket.socket() as one:\n"
        "  print(subprocess.run(['cat', '/etc/passwd'], capture_output=True).stdout == file.read().encode())\n");
  same_and_nothing_open("/usr/bin/python3 " + folder / "closes.py");
  write(folder / "leaks.py",
        "import os, socket\n"
        "def leave():\n"
        "  one = socket.socket()\n"
        "  one.bind(('127.0.0.1', 0))\n"
        "  one.detach()\n"
        "  os.open('/etc/passwd', os.O_RDONLY)\n"
        "leave()\n"
        "print('done')\n");
  const std::vector<Found> all = same("/usr/bin/python3 " + folder / "leaks.py");
  CHECK(all.size() == 1);
  CHECK(all.front().sums() == "1 socket, 1 file");
  CHECK(all.front().json.contains("\"name\":\"/etc/passwd\""));
  CHECK(all.front().json.contains("tcp 127.0.0.1:"));
  // From where it evaluates a function of Python up to where the program begins.
  write(folder / "report.json", all.front().json);
  const std::string told = run_program(tool + " report " + folder / "report.json").output;
  CAPTURE(told);
  const std::size_t evaluates = told.find("_PyEval_EvalFrameDefault");
  CHECK(evaluates != std::string::npos);
  CHECK(told.find("Py_BytesMain", evaluates) != std::string::npos);
}

TEST_CASE("tar, perl, find and ls") {
  const TempDir folder;
  std::filesystem::create_directories(folder / "tree/a/b");
  write(folder / "tree/a/b/c", "c\n");
  if (const auto tar = find_program("tar")) {
    same_and_nothing_open(*tar + " -cf " + folder / "a.tar " + folder / "tree");
    same_and_nothing_open(*tar + " -tf " + folder / "a.tar");
    // It keeps the folder that it has changed to, by the name that was given.
    const std::vector<Found> all = same(*tar + " -cf " + folder / "b.tar -C " + folder.path() + " tree");
    CHECK(all.front().sums() == "1 file");
    CHECK(all.front().json.contains("\"name\":\"" + folder.path() + "\""));
  }
  if (const auto perl = find_program("perl")) {
    write(
        folder / "a.pl",
        "opendir(my $folder, '/etc'); open(our $kept, '<', '/etc/passwd'); print scalar <$kept>; print `echo done`;\n");
    same_and_nothing_open(*perl + ' ' + folder / "a.pl");
    // POSIX::open has no object that closes it.
    const std::vector<Found> all = same(*perl + " -MPOSIX -e 'POSIX::open(q{/etc/passwd})'");
    CHECK(all.front().sums() == "1 file");
    CHECK(all.front().json.contains("\"name\":\"/etc/passwd\""));
  }
  if (const auto find = find_program("find")) same_and_nothing_open(*find + ' ' + folder / "tree");
  if (const auto ls = find_program("ls")) same_and_nothing_open(*ls + " -R " + folder / "tree");
}

namespace {

/// What redis-server leaves open after so many connections.
Found open_in_redis(const std::string& server, const std::string& benchmark, int connections) {
  const TempDir folder;
  const std::string log = folder / "log";
  const int port = free_port();
  Program redis({tool, "run", "--report", "json:" + folder / "report.json", "--", server, "--bind", "127.0.0.1",
                 "--port", std::to_string(port), "--save", "", "--dir", folder.path()},
                log);
  wait_for(redis, port, log);
  // -k 0: a connection for each request.
  const Outcome load = run_program(limited + benchmark + " -h 127.0.0.1 -p " + std::to_string(port) +
                                   " -q -k 0 -c 20 -t set -n " + std::to_string(connections));
  CHECK_MESSAGE(load.status == 0, load.output);
  {
    const Socket client;
    REQUIRE(client.connect(port));
    const std::string_view end = "SHUTDOWN NOSAVE\r\n";
    REQUIRE(::send(client.get(), end.data(), end.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(end.size()));
    const Deadline deadline(redis);
    CHECK_MESSAGE(redis.wait() == 0, content_of(log));
  }
  return {content_of(folder / "report.json")};
}

}  // namespace

namespace {

/// What is open by a text such as `2 ends of pipes, 1 connection`, sorted, but for connections: how many of them there
/// are goes by what the server has heard of when it ends, and is no more than its clients have had at once.
std::vector<std::string> without_connections(const std::string& text, int most) {
  const std::regex item("([0-9]+) [a-z ]+");
  std::vector<std::string> items;
  for (std::sregex_iterator each(text.begin(), text.end(), item), end; each != end; ++each) {
    if (each->str().contains("connection")) {
      CHECK(std::stoi((*each)[1]) <= most);
    } else {
      items.push_back(each->str());
    }
  }
  std::ranges::sort(items);
  return items;
}

}  // namespace

TEST_CASE("redis-server: what it leaves open does not grow with its connections") {
  const auto server = find_program("redis-server", "LEASH_REDIS");
  const auto benchmark = find_program("redis-benchmark");
  if (!server || !benchmark) return;
  const Found few = open_in_redis(*server, *benchmark, 100);
  const Found many = open_in_redis(*server, *benchmark, 2000);
  CAPTURE(few.json);
  CHECK(few.opened() > 100);
  CHECK(many.opened() > 2000);
  CHECK(without_connections(many.sums(), 21) == without_connections(few.sums(), 21));
  // The pipe by which its modules wake it, its loop, and the connection that it was told by to end.
  CHECK(few.sums().contains("2 ends of pipes"));
  CHECK(few.sums().contains("1 epoll"));
  CHECK(few.sums().contains(" connection"));
}

namespace {

/// nginx on the leash, which reports to its log, or else to a file.
class Nginx {
 public:
  Nginx(const std::string& file, const std::string& master, bool to_file = false) {
    write(folder_ / "small", "small\n");
    std::string text = "daemon off;\nmaster_process " + master +
                       ";\nworker_processes 2;\nerror_log stderr notice;\npid " +
                       folder_ / "pid;\nevents {}\nhttp {\n  access_log off;\n";
    for (const std::string use : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      text += "  " + use + "_temp_path " + folder_.path() + "/" + use + ";\n";
    }
    write(folder_ / "nginx.conf",
          text + "  server { listen 127.0.0.1:" + std::to_string(port_) + "; root " + folder_.path() + "; }\n}\n");
    // Its workers have other rights.
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
    program_.emplace(command(file, to_file), folder_ / "log");
    wait_for(*program_, port_, folder_ / "log");
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/small"; }

  /// Ends it, and returns what the leash has to say.
  std::string end() {
    program_->signal(SIGQUIT);
    const Deadline deadline(*program_);
    const int status = program_->wait();
    std::string said;
    std::ifstream log(folder_ / "log");
    for (std::string line; std::getline(log, line);) {
      if (!line.contains("[notice]")) said += line + '\n';
    }
    CHECK_MESSAGE(status == 0, said);
    return said;
  }

  /// What is in the file.
  Found found() const { return {content_of(folder_ / "report.json")}; }

 private:
  std::vector<std::string> command(const std::string& file, bool to_file) const {
    std::vector<std::string> words = {tool, "run"};
    if (to_file) words.insert(words.end(), {"--report", "json:" + folder_ / "report.json"});
    words.insert(words.end(), {file, "-p", folder_.path(), "-c", folder_ / "nginx.conf"});
    return words;
  }

  TempDir folder_;
  const int port_ = free_port();
  std::optional<Program> program_;
};

/// A connection for each request.
void request(const std::string& curl, const Nginx& nginx, int times) {
  const Outcome outcome =
      run_program(limited + curl + " --disable --silent --show-error --fail --noproxy '*' -H 'Connection: close' '" +
                  nginx.url() + "?[1-" + std::to_string(times) + "]'");
  CHECK(outcome.status == 0);
  CHECK(std::ranges::count(outcome.output, '\n') == times);
}

/// As many as it can take, by many connections at once.
void load(const Nginx& nginx) {
  std::string command;
  if (const auto wrk = find_program("wrk")) {
    command = *wrk + " -t 1 -c 50 -d 1s -H 'Connection: close' " + nginx.url();
  } else if (const auto ab = find_program("ab")) {
    command = *ab + " -c 50 -n 5000 " + nginx.url();
  } else {
    return;
  }
  const Outcome outcome = run_program(limited + command);
  CHECK_MESSAGE(outcome.status == 0, outcome.output);
}

/// The lines of a report that say how many are open.
std::string findings(const std::string& report) {
  std::string found;
  for (std::size_t at = 0; (at = report.find("error: ", at)) != std::string::npos;) {
    const std::size_t end = report.find('\n', at);
    found += report.substr(at, end - at) + '\n';
    at = end;
  }
  return found;
}

}  // namespace

TEST_CASE("nginx: what it leaves open does not grow with its connections") {
  const auto file = find_program("nginx", "LEASH_NGINX");
  const auto curl = find_program("curl");
  if (!file || !curl) return;
  const auto open_after = [&](bool loaded) {
    Nginx nginx(*file, "off");
    request(*curl, nginx, loaded ? 1000 : 10);
    if (loaded) load(nginx);
    return nginx.end();
  };
  const std::string few = open_after(false);
  CAPTURE(few);
  CHECK(without_connections(findings(few), 1) ==
        std::vector<std::string>{"1 epoll not closed ", "1 eventfd not closed "});
  CHECK(few.contains("ngx_single_process_cycle"));
  CHECK(without_connections(findings(open_after(true)), 51) == without_connections(findings(few), 1));
}

TEST_CASE("nginx: the master of workers closes all that it opens") {
  const auto file = find_program("nginx", "LEASH_NGINX");
  const auto curl = find_program("curl");
  if (!file || !curl) return;
  Nginx nginx(*file, "on", true);
  request(*curl, nginx, 100);
  load(nginx);
  // Its workers are children that run no other program, and no process of their own to the leash.
  CHECK(nginx.end().empty());
  CHECK_MESSAGE(nginx.found().nothing_open(), nginx.found().json);
}
