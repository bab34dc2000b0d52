"""The suite `report`: its figures, their goals, and how they are measured."""

import programs
from figure import Figure

PREFIX = "report/"

FIGURES = [
    Figure("json_1m_ms", "1,000,000 handles from 1,000 stacks: from the snapshot to JSON, symbols known", "ms", 100),
    Figure("pprof_1m_ms", "the same to a profile of pprof", "ms", 100),
    Figure("pprof_1000_stacks_kb", "that profile, compressed", "KiB", 80),
    Figure("merge_1000_ms", "1,000 reports of 1,000 groups each, added up in memory", "ms", 1000),
    Figure("listener_overhead_ns", "a test that opens nothing: what its listener does", "ns", 1000),
    Figure("open_wait_p999_us", "what a thread that opens waits while snapshots are taken: the 999th of 1,000", "µs", 5),
]

# Why a goal is missed, where it is.
CAUSES = {}

OWN = [
    ("snapshot_1m_ms", "of json_1m_ms and pprof_1m_ms: the snapshot"),
    ("explain_1m_ms", "and what explain takes"),
    ("counts_ns", "`Tracker::counts` with 1,000,000 handles open, from one thread"),
]


def measure(build, smoke, rounds):
    """Measures everything, in rounds, so that all have the same good and bad times."""
    samples = programs.Samples()
    min_time = 0.001 if smoke else 0.3
    rounds = 1 if smoke else rounds
    for number in range(1, rounds + 1):
        programs.say(f"round {number} of {rounds}: reports")
        for entry in programs.google_benchmark(build / "bench_report", min_time):
            name = entry["name"].split("/")[0]
            if name == "open_wait":
                samples.add("open_wait_p999_us", entry["p999_us"])
                continue
            if name == "listener_overhead":
                samples.add("listener_overhead_ns", entry["cpu_time"])
                continue
            if name == "counts":
                samples.add("counts_ns", entry["cpu_time"])
                continue
            samples.add(f"{name}_ms", entry["real_time"])
            if name == "pprof_1m":
                samples.add("pprof_1000_stacks_kb", entry["kb"])
    return samples


def figures(samples):
    """All figures as `name: number`, and how much each varied between the rounds."""
    return samples.medians(), samples.spreads()


def missing(result, _):
    """The names that should be there and are not."""
    return [name for name in [figure.name for figure in FIGURES] + [name for name, _ in OWN] if name not in result]
