"""The suite `track`: its figures, their goals, and how they are measured."""

import re
import tempfile

import programs
from figure import Figure

PREFIX = "track/"

FIGURES = [
    Figure("create_close_16_ns", "a tag created and closed, 16 frames", "ns", 110),
    Figure("create_close_16_close_stack_ns", "the default, and the stack of the close too", "ns", 190),
    Figure("create_close_site_ns", "level `site`", "ns", 25),
    Figure("speedup_vs_go_seed", "the Go article's tracker with 5 frames / leash with 16", "times", 9, True),
    Figure("speedup_vs_go_pprof", "Go's profile / leash, both 16 frames", "times", 20, True),
    Figure("scaling_2_threads", "what two threads do / one, as a share of what an independent loop gains", "", 0.9, True),
    Figure("bytes_per_open_tag", "a million open from a thousand stacks, names up to 15 bytes, resident", "bytes", 96),
    Figure("report_1m_ms", "snapshot, grouping and text of these, names of functions already known", "ms", 150),
    Figure("new_tracker_ns", "a tracker made, one tag created and closed, the verdict, all destroyed", "ns", 1000),
    Figure("tracked_open_extra_ns", "open and close through TrackedFS over DiskFS, less DiskFS alone", "ns", 200),
    Figure("off_open_extra_instructions", "tracking compiled out: one open through TrackedFS, less direct", "instructions", 25),
    Figure("off_read_extra_instructions", "the same for one read", "instructions", 0),
]

# Why a goal is missed, where it is: what callgrind showed.
CAUSES = {
    "create_close_site_ns": "some 440 instructions, of which 180 make the record, 100 close it, 70 give it back and 60 read the clock.",
    "tracked_open_extra_ns": "some 1,050 instructions: the tag with its stack, and the decorator with its memory. They run with the cold "
                             "caches that a system call leaves.",
    "speedup_vs_go_seed": "on this machine Go's tracker takes half of the 1,000 ns that the goal was reckoned with.",
    "speedup_vs_go_pprof": "on this machine Go's profile takes less than half of the 3,100 ns that the goal was reckoned with.",
}

# Trackers that keep what a tag keeps, and ways to take a stack: (name, what it is).
PEER_TAGS = [
    ("go_seed_5_ns", "Go article's tracker, 5 frames"),
    ("go_seed_16_ns", "Go article's tracker, 16 frames"),
    ("go_pprof_16_ns", "Go runtime/pprof profile, 16 frames"),
    ("mutex_set_no_stack_ns", "mutex + unordered_set, no stack"),
    ("mutex_set_leash_stack_16_ns", "mutex + unordered_set, leash's walk"),
    ("mutex_set_libunwind_16_ns", "mutex + unordered_set, libunwind"),
    ("mutex_set_unwind_backtrace_16_ns", "mutex + unordered_set, _Unwind_Backtrace"),
    ("mutex_set_glibc_backtrace_16_ns", "mutex + unordered_set, glibc backtrace"),
    ("mutex_set_boost_stacktrace_16_ns", "mutex + unordered_set, Boost.Stacktrace"),
]
PEER_STACKS = [
    ("libunwind_16_ns", "libunwind, unw_backtrace"),
    ("unwind_backtrace_16_ns", "libgcc, _Unwind_Backtrace"),
    ("glibc_backtrace_16_ns", "glibc, backtrace"),
    ("boost_stacktrace_16_ns", "Boost.Stacktrace, safe_dump_to"),
]
OWN = [
    ("create_close_count_ns", "level `count`"),
    ("create_close_site_ns", "level `site`"),
    ("create_close_16_ns", "level `stack` (the default)"),
    ("create_close_16_close_stack_ns", "the same, and the stack of the close too"),
    ("create_close_16_system_ns", "level `stack`, `_Unwind_Backtrace`"),
    ("walk_16_ns", "the walk alone"),
    ("walk_16_system_ns", "the walk alone, `_Unwind_Backtrace`"),
    ("new_tracker_without_verdict_ns", "a tracker and one tag, not closed"),
    ("disk_open_close_ns", "a file opened and closed by DiskFS alone"),
    ("first_report_1m_ms", "the first report of a million tags, which loads the names of functions"),
    ("peer/mutex_set_scaling_2_threads", "`scaling_2_threads` of the mutex and the set, without stacks"),
    ("off_close_extra_instructions", "tracking compiled out: one close through TrackedFS, less direct"),
]

OPEN_TAGS = [10**n for n in range(3, 8)]
STACKS = [10**n for n in range(6)]
DEPTHS = [2**n for n in range(7)]

# Which tool a figure needs besides the compiler; without it the figure is left out.
NEEDS_GO = {"speedup_vs_go_seed", "speedup_vs_go_pprof"}
NEEDS_VALGRIND = {"off_open_extra_instructions", "off_read_extra_instructions"}


def measure(build, smoke, rounds):
    """Measures everything: in rounds, each of which runs all programs, so that all have the same good and bad times."""
    samples = programs.Samples()
    min_time = 0.001 if smoke else 0.1
    rounds = 1 if smoke else rounds
    for number in range(1, rounds + 1):
        programs.say(f"round {number} of {rounds}: tags, files, threads, peers")
        fast_round(samples, build, min_time)
    # Slow, and not as sensitive.
    slow_rounds = 1 if smoke else max(1, rounds // 3)
    for number in range(1, slow_rounds + 1):
        programs.say(f"round {number} of {slow_rounds}: growth and memory")
        slow_round(samples, build, min_time, smoke)
    programs.say("instructions where tracking is compiled out")
    off(samples, build)
    return samples


def fast_round(samples, build, min_time):
    def take(program, pattern=None, prefix=""):
        for entry in programs.google_benchmark(program, min_time, pattern):
            name = re.sub(r"/(min_time:.*|manual_time)$", "", entry["name"])
            if name == "tracked_open":
                samples.add("tracked_open_extra_ns", entry["tracked_open_extra_ns"])
                samples.add("disk_open_close_ns", entry["disk_open_close_ns"])
            elif name == "scaling_of_tags":
                samples.add("scaling_2_threads", entry["share"])
                samples.add("independent_loop_2_threads", entry["loop"])
            elif name == "scaling_of_mutex_set":
                samples.add("peer/mutex_set_scaling_2_threads", entry["share"])
            elif name.startswith("mutex_set"):
                samples.add("peer/" + name, programs.nanoseconds(entry))
            else:
                samples.add(prefix + name, programs.nanoseconds(entry))

    take(build / "bench_track")
    take(build / "peers/bench_peers", pattern="-open_tags", prefix="peer/")
    libunwind = build / "peers/bench_peers_libunwind"
    if libunwind.exists():
        take(libunwind, prefix="peer/")
    else:
        samples.leave_out("libunwind", "its headers are not installed")
    if "peer/boost_stacktrace_16_ns" not in samples.values:
        samples.leave_out("Boost.Stacktrace", "its headers are not installed")
    go = build / "peers/bench_peers_go"
    if go.exists():
        samples.peers = [programs.first_line(["go", "version"]).removeprefix("go version ")]
        for entry in programs.json_output([go, f"-min_time={min_time}"])["benchmarks"]:
            samples.add("peer/" + entry["name"], programs.nanoseconds(entry))
    else:
        samples.leave_out("the Go programs", "there is no go, 1.18 or newer")


def slow_round(samples, build, min_time, smoke):
    # A smoke test makes no millions of tags.
    entries = programs.google_benchmark(build / "bench_track_growth", min_time, "-/1000000" if smoke else None)
    for entry in entries:
        samples.add(entry["name"] + "_ns", programs.nanoseconds(entry))
    pattern = "open_tags/1000$" if smoke else "open_tags"
    for entry in programs.google_benchmark(build / "peers/bench_peers", min_time, pattern):
        samples.add("peer/" + entry["name"] + "_ns", programs.nanoseconds(entry))
    go = build / "peers/bench_peers_go"
    if go.exists():
        output = programs.json_output([go, f"-min_time={min_time}", f"-growth={1000 if smoke else OPEN_TAGS[-1]}"])
        for entry in output["benchmarks"]:
            samples.add("peer/" + entry["name"] + "_ns", programs.nanoseconds(entry))
    memory = programs.json_output([build / "bench_track_memory", *(["10000"] if smoke else [])])
    for name, value in memory.items():
        samples.add(name, value)


def off(samples, build):
    program = build / "off/benchmarks/bench_off_files"
    times = 100
    for operation in ["open", "read", "close"]:
        counts = []
        with tempfile.TemporaryDirectory() as directory:
            for mode in ["tracked", "direct"]:
                counts.append(programs.instructions(program, [mode, times, directory], "bench_" + operation))
        if None in counts:
            samples.leave_out("instructions where tracking is compiled out", "there is no valgrind")
            return
        samples.add(f"off_{operation}_extra_instructions", (counts[0] - counts[1]) / times)


def figures(samples):
    """All figures as `name: number`, and how much each varied between the rounds."""
    result = samples.medians()
    own = result["create_close_16_ns"]
    for peer, name in [("go_seed_5_ns", "speedup_vs_go_seed"), ("go_pprof_16_ns", "speedup_vs_go_pprof")]:
        if "peer/" + peer in result:
            result[name] = result["peer/" + peer] / own
    for count in STACKS:
        if f"calls/{count}_ns" in result:
            result[f"stacks/{count}_less_calls_ns"] = result[f"stacks/{count}_ns"] - result[f"calls/{count}_ns"]
    return result, samples.spreads()


def missing(result, samples):
    """The names that should be there and are not, but for those whose tools are not installed."""
    excused = set()
    if "the Go programs" in samples.left_out:
        excused |= NEEDS_GO
    if "instructions where tracking is compiled out" in samples.left_out:
        excused |= NEEDS_VALGRIND | {"off_close_extra_instructions"}
    wanted = [figure.name for figure in FIGURES] + [name for name, _ in OWN]
    wanted += [f"open_tags/{count}_ns" for count in OPEN_TAGS[:3]] + [f"stacks/{count}_less_calls_ns" for count in STACKS]
    wanted += [f"depth/{depth}_ns" for depth in DEPTHS]
    return [name for name in wanted if name not in result and name not in excused]
