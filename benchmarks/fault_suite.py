"""The suite `fault`: its figures, their goals, and how they are measured."""

import re

import programs
from figure import Figure

PREFIX = "fault/"

FIGURES = [
    Figure("no_plan_overhead", "MemoryFS open, read and close: through FaultFS without a plan / without FaultFS", "times", 1.05),
    Figure("sweep_runs_per_second", "a body of ten operations on a fresh MemoryFS through TrackedFS, verdict included", "runs/s",
           100_000, True),
    Figure("isolated_runs_per_second", "the same, each run in a child first", "runs/s", 500, True),
    Figure("counting_loop_speedup", "a loop by hand that fails the nth operation, with a tracker / the sweep, a run", "times", 0.8, True),
]

# Why a goal is missed, where it is.
CAUSES = {
    "no_plan_overhead": "an open passes one more virtual function, and asks the Context for its plan: some 3 ns of 60.",
    "counting_loop_speedup": "a run of the sweep has a Context that can be cancelled and a plan, notes each operation, and is watched; "
                             "its faults take effect or cut what is transferred, where the loop always fails at once.",
}

OWN = [
    ("sweep_run_ns", "a run of the sweep of ten operations, of processor time"),
    ("loop_run_ns", "a run of the loop by hand, the same"),
    ("open_read_close_ns", "open, read and close through FaultFS without a plan"),
    ("sqlite_points", "points of one transaction of SQLite, swept, all clean: [found](found.md)"),
    ("leveldb_points", "points of a batch, a compaction and a second opening of LevelDB, the same"),
]

POINTS = re.compile(r"^sweep: ([\d,]+) points?", re.MULTILINE)


def count_points(build, samples):
    """Sweeps other libraries. A sweep that is not clean, or fails, ends the measurement."""
    program = build / "sweep_foreign" / "sweep_foreign"
    for name in ("sqlite", "leveldb"):
        if f"WITH_{name.upper()}" not in (build / "sweep_foreign" / "libraries.txt").read_text():
            samples.leave_out(f"{name}_points", f"{name} is not installed")
            continue
        found = POINTS.search(programs.run([program, name]).stdout)
        samples.add(f"{name}_points", found.group(1).replace(",", ""))


def measure(build, smoke, rounds):
    """Measures everything, in rounds, so that all have the same good and bad times."""
    samples = programs.Samples()
    min_time = 0.001 if smoke else 0.1
    rounds = 1 if smoke else rounds
    count_points(build, samples)
    for number in range(1, rounds + 1):
        programs.say(f"round {number} of {rounds}: faults and sweeps")
        for entry in programs.google_benchmark(build / "bench_fault", min_time):
            name = entry["name"].split("/")[0]
            if name == "no_plan_overhead":
                samples.add("no_plan_overhead", entry["ratio"])
                samples.add("open_read_close_ns", entry["ours_ns"])
            elif name == "sweep_runs":
                samples.add("sweep_runs_per_second", entry["runs_per_second"])
            elif name == "isolated_runs":
                samples.add("isolated_runs_per_second", entry["runs_per_second"])
            elif name == "counting_loop":
                samples.add("counting_loop_speedup", 1 / entry["ratio"])
                samples.add("sweep_run_ns", entry["ours_ns"])
                samples.add("loop_run_ns", entry["theirs_ns"])
    return samples


def figures(samples):
    """All figures as `name: number`, and how much each varied between the rounds."""
    return samples.medians(), samples.spreads()


def missing(result, samples):
    """The names that should be there and are not."""
    names = [figure.name for figure in FIGURES] + [name for name, _ in OWN]
    return [name for name in names if name not in result and name not in samples.left_out]
