#!/usr/bin/env python3
"""Runs the benchmarks of a suite, prints a table, and keeps the figures in a flat JSON file.

usage: bench.py SUITE BUILD_DIR RESULTS [--quick]

BUILD_DIR holds the builds `plain`, `frame-pointers` and `off`. Figures of other suites in RESULTS stay as they are.
With --quick each program runs for as short as it can: to see that all works, not to learn anything.
"""
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile


class Programs:
    """Runs the programs of a build."""

    def __init__(self, folder, quick):
        self.folder = folder
        self.quick = quick

    def path(self, build, name):
        return os.path.join(self.folder, build, "benchmarks", name)

    def google(self, build, name, only=".", repetitions=9, min_time=0.05):
        """Medians of a Google Benchmark program: {name: {field: value}}. None if it was not built."""
        path = self.path(build, name)
        if not os.path.exists(path):
            return None
        print(f"  {build}/{name} {only}", file=sys.stderr, flush=True)
        if self.quick:
            repetitions, min_time = 1, 0.001
        with tempfile.NamedTemporaryFile(suffix=".json") as out:
            subprocess.run(
                [path, f"--benchmark_filter={only}", f"--benchmark_repetitions={repetitions}",
                 f"--benchmark_min_time={min_time}", "--benchmark_enable_random_interleaving=true",
                 f"--benchmark_out={out.name}", "--benchmark_out_format=json", "--benchmark_format=json"],
                check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            runs = json.load(open(out.name))["benchmarks"]
        values = {}
        for run in runs:
            if run.get("run_type") == "aggregate":
                continue
            if run.get("error_occurred"):
                sys.exit(f"{name}: {run['name']}: {run['error_message']}")
            for field, value in run.items():
                if isinstance(value, (int, float)):
                    values.setdefault(run["run_name"], {}).setdefault(field, []).append(value)
        return {run: {field: statistics.median(all_) for field, all_ in fields.items()}
                for run, fields in values.items()}

    def json(self, build, name, *arguments):
        print(f"  {build}/{name}", file=sys.stderr, flush=True)
        output = subprocess.run([self.path(build, name), *arguments], check=True, stdout=subprocess.PIPE).stdout
        return json.loads(output)

    def instructions(self, build, name):
        """What callgrind counted between the client requests: {request: instructions}. None without valgrind."""
        print(f"  {build}/{name} under callgrind", file=sys.stderr, flush=True)
        counts = {}
        with tempfile.TemporaryDirectory() as folder:
            try:
                subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no",
                                f"--callgrind-out-file={folder}/out", self.path(build, name)],
                               check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            except FileNotFoundError:
                return None
            for file in os.listdir(folder):
                text = open(os.path.join(folder, file)).read()
                request = re.search(r"^desc: Trigger: Client Request: (\w+)", text, re.M)
                total = re.search(r"^(?:summary|totals): (\d+)", text, re.M)
                if request and total:
                    counts[request.group(1)] = int(total.group(1))
        return counts


def go(programs):
    path = programs.path("plain", "bench_peer_go")
    if not os.path.exists(path):
        return None
    print("  plain/bench_peer_go", file=sys.stderr, flush=True)
    medians = {}
    for _ in range(1 if programs.quick else 5):
        output = subprocess.run([path, "-min_time", "0.01" if programs.quick else "0.3"],
                                check=True, stdout=subprocess.PIPE).stdout
        for run in json.loads(output)["benchmarks"]:
            medians.setdefault(run["name"], []).append(run["real_time"])
    return {name: statistics.median(times) for name, times in medians.items()}


def track(programs):
    """The figures of lib/track, and what could not be measured."""
    figures = {}
    missing = []
    ns = "cpu_time"

    own = programs.google("plain", "bench_track",
                          "create_close/(tables|system|close_stack|site|count)|stack_only|new_tracker")
    pointers = programs.google("frame-pointers", "bench_track", "create_close/frame_pointers")
    figures["create_close_16_ns"] = own["create_close/tables"][ns]
    figures["create_close_16_fp_ns"] = pointers["create_close/frame_pointers"][ns]
    figures["create_close_16_close_stack_ns"] = own["create_close/close_stack"][ns]
    figures["create_close_16_system_ns"] = own["create_close/system"][ns]
    figures["create_close_site_ns"] = own["create_close/site"][ns]
    figures["create_close_count_ns"] = own["create_close/count"][ns]
    figures["stack_16_ns"] = own["stack_only/tables"][ns]
    figures["stack_16_system_ns"] = own["stack_only/system"][ns]
    figures["new_tracker_ns"] = own["new_tracker"][ns]

    threads = programs.google("plain", "bench_track", "in_threads|independent_loop", repetitions=15)

    def speedup(name):
        return (threads[f"{name}/real_time/threads:2"]["items_per_second"] /
                threads[f"{name}/real_time/threads:1"]["items_per_second"])

    figures["scaling_2_threads"] = speedup("create_close/in_threads") / speedup("independent_loop")

    opens = programs.google("plain", "bench_track", "tracked_open", repetitions=5, min_time=0.4)["tracked_open"]
    figures["tracked_open_extra_ns"] = opens["extra_ns"]
    figures["disk_open_ns"] = opens["alone_ns"]

    million = programs.json("plain", "bench_track_million", *(["20000"] if programs.quick else []))
    figures["bytes_per_open_tag"] = million["bytes_per_open_tag"]
    figures["report_1m_ms"] = million["report_ms"]

    growth = programs.google("plain", "bench_track_growth", "." if not programs.quick else "/(1|1000|16)$",
                             repetitions=3)
    for name, values in growth.items():
        what, *rest = name.split("/")
        if what == "distinct_stacks":
            if rest[0] == "tracked":
                alone = growth[f"distinct_stacks/alone/{rest[1]}"][ns]
                figures[f"distinct_stacks_{rest[1]}_ns"] = values[ns] - alone
        else:
            figures[f"{what}_{rest[0]}_ns"] = values[ns]

    counts = programs.instructions("off", "bench_track_off")
    if counts:
        figures["off_open_extra_instructions"] = counts["tracked_open"] - counts["direct_open"]
        figures["off_read_extra_instructions"] = counts["tracked_read"] - counts["direct_read"]
        figures["off_open_instructions"] = counts["direct_open"]
    else:
        missing.append("valgrind (instructions where tracking is compiled out)")

    peers = programs.google("plain", "bench_peer_stacktrace", "." if not programs.quick else "_16|no_stack|/1000$")
    libunwind = programs.google("plain", "bench_peer_libunwind")
    for name, values in (peers | (libunwind or {})).items():
        figures["peer_" + re.sub(r"\W+", "_", name.split("/threads:")[0].removesuffix("/real_time")) + "_ns"] = values[ns]
    if libunwind is None:
        missing.append("libunwind")
    if not any("boost" in name for name in peers):
        missing.append("Boost.Stacktrace")
    by_go = go(programs)
    if by_go:
        for name, value in by_go.items():
            figures[f"peer_{name}_ns"] = value
        figures["speedup_vs_go_seed"] = by_go["go_seed_5"] / figures["create_close_16_ns"]
        figures["speedup_vs_go_pprof"] = by_go["go_pprof_16"] / figures["create_close_16_ns"]
    else:
        missing.append("Go")
    return figures, missing


# What is to be reached: at most, or at least, that.
GOALS = {
    "track": [
        ("create_close_16_ns", "<=", 110, "a tag created and closed, 16 frames, unwind tables"),
        ("create_close_16_fp_ns", "<=", 60, "the same by frame pointers"),
        ("create_close_16_close_stack_ns", "<=", 190, "the default with close_stack on"),
        ("create_close_site_ns", "<=", 25, "level site"),
        ("speedup_vs_go_seed", ">=", 9, "a tracker of one mutex and one map in Go, 5 frames / ours, 16"),
        ("speedup_vs_go_pprof", ">=", 20, "Go's pprof profile / ours, 16 frames each"),
        ("scaling_2_threads", ">=", 0.9, "throughput of two threads, as a share of an independent loop's"),
        ("bytes_per_open_tag", "<=", 96, "1,000,000 open from 1,000 stacks, resident memory"),
        ("report_1m_ms", "<=", 150, "snapshot, group and render these"),
        ("new_tracker_ns", "<=", 1000, "made, one tag, closed, destroyed"),
        ("tracked_open_extra_ns", "<=", 200, "open and close of a file through TrackedFS, less DiskFS alone"),
        ("off_open_extra_instructions", "<=", 25, "compiled out: through TrackedFS less direct, one open"),
        ("off_read_extra_instructions", "<=", 0, "compiled out: one read"),
    ],
}

PEERS = {
    "track": ("create_close_16_ns", [
        ("peer_go_seed_5_ns", "Go: mutex and map, 5 frames"),
        ("peer_go_pprof_16_ns", "Go: pprof profile, 16 frames"),
        ("peer_mutex_set_no_stack_ns", "C++: mutex and unordered_set, no stack"),
        ("peer_glibc_backtrace_16_ns", "the same with glibc's backtrace, 16 frames"),
        ("peer_boost_stacktrace_16_ns", "the same with Boost.Stacktrace, 16 frames"),
        ("peer_libunwind_16_ns", "the same with libunwind, 16 frames"),
    ]),
}

SUITES = {"track": track}


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def reached(value, relation, goal):
    return value <= goal if relation == "<=" else value >= goal


def print_table(suite, figures):
    print(f"\n{'figure':<40} {'value':>10}  {'goal':>8}")
    for name, relation, goal, meaning in GOALS[suite]:
        value = figures.get(name)
        if value is None:
            print(f"{suite + '/' + name:<40} {'-':>10}  {relation} {goal:<6}  not measured")
            continue
        verdict = "" if reached(value, relation, goal) else "  MISSED"
        print(f"{suite + '/' + name:<40} {number(value):>10}  {relation} {goal:<6}{verdict:<8}  {meaning}")
    base, peers = PEERS[suite]
    print(f"\n{'peer':<48} {'ns':>10}  {'times ours':>10}")
    for name, meaning in peers:
        if name in figures:
            print(f"{meaning:<48} {number(figures[name]):>10}  {figures[name] / figures[base]:>10.1f}")


def processor():
    try:
        return re.search(r"^model name\s*: (.*)$", open("/proc/cpuinfo").read(), re.M).group(1)
    except (OSError, AttributeError):
        return platform.machine()


def main():
    suite, folder, results = sys.argv[1:4]
    quick = "--quick" in sys.argv[4:]
    figures, missing = SUITES[suite](Programs(folder, quick))
    print_table(suite, figures)
    for what in missing:
        print(f"LEFT OUT: {what}, which is not here")
    print(f"\n{os.cpu_count()} processors, {processor()}, Linux {platform.release()}")
    wanted = [name for name, *_ in GOALS[suite]]
    absent = [name for name in wanted if name not in figures]
    if absent and not missing:
        sys.exit(f"not measured: {', '.join(absent)}")

    known = {}
    if os.path.exists(results):
        with open(results) as file:
            known = json.load(file)
    known = {name: value for name, value in known.items() if not name.startswith(suite + "/")}
    known |= {f"{suite}/{name}": round(value, 3) for name, value in figures.items()}
    with open(results + ".new", "w") as file:
        json.dump(dict(sorted(known.items())), file, indent=1)
        file.write("\n")
    os.replace(results + ".new", results)
    print(f"{len(figures)} figures in {results}")


main()
