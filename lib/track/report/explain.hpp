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

/// A file of source with a line and a column in it, as far as they are known.
struct Location {
  std::string file = {};
  unsigned line = 0;    ///< From 1 on; 0 if unknown.
  unsigned column = 0;  ///< From 1 on; 0 if unknown.

  explicit operator bool() const noexcept { return !file.empty(); }
  friend bool operator==(const Location&, const Location&) = default;
};

struct ExplainOptions {
  /// Frames to leave out in addition to those that the report's tracker leaves out (`Options::plumbing`).
  std::vector<std::string> plumbing = {};

  /// How many groups are explained at most, counted from the first one. If not set: as many as the
  /// `Options::max_groups` of the report's tracker.
  std::optional<std::size_t> max_groups = std::nullopt;

  /// Whether `Explained::Frame::lines` is filled in. The source files are read in either case: the fingerprints depend
  /// on their lines.
  bool excerpts = true;
};

/// All that a report tells its reader, worked out from a Report once, so that a writer for some format (text, JSON, …)
/// only has to put it down. A plain value. Its texts are as the program had them, with control characters and the like:
/// a writer must escape them for its format.
///
/// It has no frames of leash, of the functions in Asio and the standard library that call the user's, or of test
/// runners.
struct Explained {
  /// A function on the stack of an event.
  struct Frame {
    std::string function = {};  ///< Demangled and abridged; empty if unknown.
    Location place = {};        ///< Empty if unknown.
    bool inlined = false;       ///< Whether it is inlined into the function of the next frame.
    std::string module =
        {};  ///< The path of its program or library; empty if that was unloaded, or if only the site is known.
    std::uint64_t offset = 0;  ///< Its address in the file `module`, as `addr2line -e module` takes it.
    /// Lines of source: the line `Event::place`, and before it the line above. Only one frame of a group has them, a
    /// frame of its first event; empty in the others, or if the file cannot be read.
    std::vector<std::string> lines = {};

    friend bool operator==(const Frame&, const Frame&) = default;
  };

  /// Something that happened to the resources of a group.
  struct Event {
    std::string verb = {};           ///< "opened at", "first closed at".
    Location place = {};             ///< The line of the user's code that caused it, if that is known.
    std::string operation = {};      ///< As in LastUse: the line that caused it is not known then.
    std::vector<Frame> frames = {};  ///< The innermost first. If no stack was captured, one at most.
    bool has_stack = false;          ///< Whether a stack was captured.
    std::string unread = {};  ///< Why names are missing: the error, if descriptors or memory ran out. Else empty.

    friend bool operator==(const Event&, const Event&) = default;
  };

  struct LastUse {
    Location place = {};  ///< Of the user's code, if that is known.
    /// The operation of Asio in whose code `place` is: `asio::async_read`, which a coroutine awaits. Else empty.
    std::string operation = {};
    Clock::duration ago{};    ///< The time from the last use to the event that `before` names.
    std::string before = {};  ///< "before it was dropped" and the like; "ago" if the event is the report.

    friend bool operator==(const LastUse&, const LastUse&) = default;
  };

  struct Instance {
    std::string name = {};
    std::string parent = {};  ///< The name of the resource it depends on, if it is a child.
    int descriptor = -1;      ///< -1 if it has none.
    unsigned thread = 0;      ///< The number of the thread that opened it: see `track::Instance`.
    Clock::duration age{};
    std::vector<std::string> notes = {};  ///< Of the Context it was opened with, the outermost first.
    std::optional<LastUse> last_use = {};
    std::uint64_t bytes_in = 0;   ///< How many bytes were read from it,
    std::uint64_t bytes_out = 0;  ///< and written to it, if that is counted.
    bool perhaps_closed = false;  ///< As `track::Instance::perhaps_closed`.

    friend bool operator==(const Instance&, const Instance&) = default;
  };

  /// Findings that are equal: see `track::Group`. In a snapshot: resources that are open, opened at the same place.
  struct Group {
    Rule rule = Rule::leaked;
    Severity severity = Severity::failure;
    bool finding = true;     ///< False if the resources are only open: in a report without a verdict.
    bool counted = false;    ///< Only the number of resources is known: level `count`.
    std::string kind = {};   ///< The singular: "connection".
    std::string kinds = {};  ///< The plural: "connections".
    std::string what = {};   ///< What is wrong: "3 connections not closed".
    Location place = {};     ///< The line to look at first: that of the first event which has one.
    std::uint64_t count = 0;
    std::vector<unsigned> threads = {};    ///< The numbers of the threads that opened them, ascending.
    Clock::duration min_age{};             ///< The age of the youngest of them,
    Clock::duration max_age{};             ///< and of the oldest;
    Clock::duration total_age{};           ///< the sum of all.
    std::vector<Event> events = {};        ///< The one to look at first comes first.
    std::vector<Instance> instances = {};  ///< As in `track::Group`.
    Location others_closed_at = {};        ///< `leaked`: where another one from the same place was closed.
    std::string advice = {};               ///< Empty if it is no finding.
    std::string suppression = {};          ///< A line for `Suppressions` that silences it.

    /// 16 hexadecimal digits that identify the finding across versions of the program. They depend on the rule, the
    /// kind, the name of the file (not its folder), the functions on the stack without their parameters, and the text
    /// of the line at `place`, if its source can be read; not on line numbers. Functions that a test framework has
    /// named do not count. A group without events has its suppression line instead of functions and lines. Of groups
    /// that are equal in all these, each has another fingerprint, by the order of their lines.
    std::string fingerprint = {};

    friend bool operator==(const Group&, const Group&) = default;
  };

  /// How many resources of one kind have findings of one rule at one place. Adds up groups that differ in other things,
  /// such as their stacks.
  struct Summand {
    Rule rule = Rule::leaked;
    std::uint64_t count = 0;
    std::string things = {};  ///< The kind: "connections", or "connection" if `count` is 1.
    Location place = {};

    friend bool operator==(const Summand&, const Summand&) = default;
  };

  std::string headline = {};           ///< `track::headline` with 80 columns.
  std::vector<Summand> summands = {};  ///< Sums over all groups, also those not in `groups`. The largest first.
  std::vector<Group> groups = {};      ///< In the order of `Report::groups`.

  bool verdict = false;                   ///< As `Report::verdict`: if false, open resources are no findings.
  bool ok = true;                         ///< `Report::ok`.
  std::uint64_t total_groups = 0;         ///< The number of groups, with those left out by `max_groups`,
  std::uint64_t total_resources = 0;      ///< and of the resources in them.
  std::string sums = {};                  ///< `total_resources` by kind: "172 connections, 31 files".
  std::uint64_t opened = 0;               ///< Tags created so far; 0 in what goes to `Options::on_late`.
  std::uint64_t closed = 0;               ///< How many of them are not open any more.
  std::vector<std::string> remarks = {};  ///< Sentences that say why something is not known.

  /// A line of the tracker's suppressions, and how much it left out of the report.
  struct Suppression {
    std::string where = {};       ///< The file and line that it was read from: `leash.supp:12`.
    std::string line = {};        ///< Without the reason: `leaked connection legacy::Pool::* max=4`.
    std::string reason = {};      ///< What follows its `#`.
    std::uint64_t findings = 0;   ///< How many groups it left out,
    std::uint64_t resources = 0;  ///< and how many resources in them.

    friend bool operator==(const Suppression&, const Suppression&) = default;
  };
  std::vector<Suppression> suppressions = {};

  friend bool operator==(const Explained&, const Explained&) = default;
};

/// Works out what `report` tells its reader. Looks up function names and reads source files, so it may take long,
/// especially the first time. Thread-safe.
[[nodiscard]] Explained explain(const Report& report, const ExplainOptions& options = {});

/// How many resources there are in all groups, and the largest of `explained.summands`, as many as fit into `width`
/// columns but at least one: "24 open: 12 connections svc.cpp:86, 6 files cache.cpp:101, …". Empty if there are no
/// groups.
[[nodiscard]] std::string headline(const Explained& explained, std::size_t width);

}  // namespace LEASH_NAMESPACE::track
