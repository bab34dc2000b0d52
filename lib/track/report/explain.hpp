#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/track/report.hpp>
#include <leash/track/rule.hpp>
#include <optional>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::track {

/// A place in a source file; without a line where it is not known.
struct Location {
  std::string file = {};
  unsigned line = 0;    ///< From 1 on; 0 if unknown.
  unsigned column = 0;  ///< From 1 on; 0 if unknown.

  explicit operator bool() const noexcept { return !file.empty(); }
  friend bool operator==(const Location&, const Location&) = default;
};

struct ExplainOptions {
  /// What is hidden beside what the report's tracker hides: see `Options::plumbing`.
  std::vector<std::string> plumbing = {};

  /// How many groups are explained, the first ones; if not set, what the report's tracker says (`Options::max_groups`).
  std::optional<std::size_t> max_groups = std::nullopt;

  /// Whether source files are read for the lines around each place.
  bool excerpts = true;
};

/// A Report with all that a reader is told worked out once: every format is a small writer over it. A plain value,
/// whose texts are as the program had them: a writer makes them harmless for where it writes.
///
/// It shows no frame of leash, of what invokes functions in Asio and the standard library, or of a test runner.
struct Explained {
  /// A function on the way to an event.
  struct Frame {
    std::string function = {};  ///< Demangled and abridged; empty if unknown.
    Location place = {};        ///< Empty if unknown.
    bool inlined = false;       ///< Whether it is inlined into the next one.
    std::string module = {};    ///< The program or library it lies in; empty if that was unloaded.
    std::uint64_t offset = 0;   ///< Where in it, as `addr2line -e module` takes it.
    std::vector<std::string> lines =
        {};  ///< Up to two lines of source, of which the last is that of the event's place.

    friend bool operator==(const Frame&, const Frame&) = default;
  };

  /// Something that happened to the resources of a group.
  struct Event {
    std::string verb = {};           ///< "opened at", "first closed at".
    Location place = {};             ///< The line of the reader's that caused it.
    std::vector<Frame> frames = {};  ///< The innermost first; one alone where no stack was kept.
    bool has_stack = false;          ///< Whether a stack was kept.
    std::string unread = {};         ///< Why names are missing, if the system lacked what it takes to read them.

    friend bool operator==(const Event&, const Event&) = default;
  };

  struct LastUse {
    Location place = {};
    Clock::duration ago{};    ///< Before
    std::string before = {};  ///< this: "before it was dropped"; or "ago", which is before the report.

    friend bool operator==(const LastUse&, const LastUse&) = default;
  };

  struct Instance {
    std::string name = {};
    std::string parent = {};  ///< The name of what it depends on, if there is such a thing.
    int descriptor = -1;
    unsigned thread = 0;
    Clock::duration age{};
    std::vector<std::string> notes = {};  ///< Of the Context, the outermost first.
    std::optional<LastUse> last_use = {};

    friend bool operator==(const Instance&, const Instance&) = default;
  };

  /// Equal findings; in a snapshot, what is open from one place.
  struct Group {
    Rule rule = Rule::leaked;
    Severity severity = Severity::failure;
    bool finding = true;     ///< False for what is only open, in a snapshot.
    bool counted = false;    ///< Nothing more is known than how many there are: level `count`.
    std::string kind = {};   ///< "connection", and
    std::string kinds = {};  ///< "connections".
    std::string what = {};   ///< "3 connections not closed".
    Location place = {};     ///< The line to look at first.
    std::uint64_t count = 0;
    std::vector<unsigned> threads = {};  ///< That opened them, ascending.
    Clock::duration min_age{};
    Clock::duration max_age{};
    std::vector<Event> events = {};        ///< The one at `place` first.
    std::vector<Instance> instances = {};  ///< The first ones, in the order of creation.
    Location others_closed_at = {};        ///< `leaked`: where another one from the same place was closed.
    std::string advice = {};               ///< Empty if it is no finding.
    std::string suppression = {};          ///< A line for `Suppressions` that silences it.

    /// 16 hexadecimal digits that stay the same while code elsewhere changes: of the rule, the kind, the functions on
    /// the way, and what the line of the place says; not of its number.
    std::string fingerprint = {};

    friend bool operator==(const Group&, const Group&) = default;
  };

  /// What is open, or was found, from one place; stacks that differ are one.
  struct Summand {
    Rule rule = Rule::leaked;
    std::uint64_t count = 0;
    std::string things = {};  ///< "connections"; "connection" of one.
    Location place = {};

    friend bool operator==(const Summand&, const Summand&) = default;
  };

  std::string headline = {};           ///< The most important, in at most 80 columns; empty if there are no groups.
  std::vector<Summand> summands = {};  ///< Of all groups, the largest first.
  std::vector<Group> groups = {};      ///< The largest first.

  bool verdict = false;                   ///< Whether the tracker was closed: else what is open is no finding.
  bool ok = true;                         ///< Whether there is no failure.
  std::uint64_t total_groups = 0;         ///< With those left out by `max_groups`, and
  std::uint64_t total_resources = 0;      ///< the resources in all of them.
  std::string sums = {};                  ///< "172 connections, 31 files": the same by kind.
  std::uint64_t opened = 0;               ///< Tags created so far; 0 in what goes to `Options::on_late`.
  std::uint64_t closed = 0;               ///< How many of them are not open any more.
  std::vector<std::string> remarks = {};  ///< What is not known for a reason that can be named: whole sentences.

  /// The suppressions there were, each as its line says it, and how often it was used.
  struct Suppression {
    std::string where = {};  ///< `leash.supp:12`
    std::string line = {};   ///< `leaked connection legacy::Pool::* max=4`
    std::string reason = {};
    std::uint64_t findings = 0;
    std::uint64_t resources = 0;

    friend bool operator==(const Suppression&, const Suppression&) = default;
  };
  std::vector<Suppression> suppressions = {};

  friend bool operator==(const Explained&, const Explained&) = default;
};

/// Works out what `report` tells. Looks names up and reads sources, so it may take long the first time. Thread-safe.
[[nodiscard]] Explained explain(const Report& report, const ExplainOptions& options = {});

/// The headline in at most `width` columns, but with one place at least: "24 open: 12 connections svc.cpp:86, 6 files
/// cache.cpp:101, …". Empty if there are no groups.
[[nodiscard]] std::string headline(const Explained& explained, std::size_t width);

}  // namespace LEASH_NAMESPACE::track
