"""Runs the programs that measure, and reads what they say."""

import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

NANOSECONDS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}


def say(text):
    print(text, file=sys.stderr, flush=True)


class Samples:
    """What was measured: for each name the values of all rounds, which peers of which version, and why something was not measured."""

    def __init__(self):
        self.values = {}
        self.peers = []
        self.left_out = {}

    def add(self, name, value):
        self.values.setdefault(name, []).append(float(value))

    def leave_out(self, what, why):
        if what not in self.left_out:
            say(f"LEFT OUT: {what}: {why}")
        self.left_out[what] = why

    def medians(self):
        return {name: statistics.median(values) for name, values in self.values.items()}

    def spreads(self):
        """For each name, how far the middle half of its values is apart, in per cent of the median."""
        result = {}
        for name, values in self.values.items():
            middle = statistics.median(values)
            if len(values) >= 3 and middle:
                low, _, high = statistics.quantiles(values, n=4, method="inclusive")
                result[name] = 100 * abs((high - low) / middle)
        return result


def run(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "none"


def google_benchmark(program, min_time, pattern=None):
    """The entries that the program writes."""
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory) / "out.json"
        command = [program, f"--benchmark_min_time={min_time}", f"--benchmark_out={out}", "--benchmark_out_format=json"]
        if pattern:
            command.append(f"--benchmark_filter={pattern}")
        run(command)
        entries = json.loads(out.read_text())["benchmarks"]
    for entry in entries:
        if entry.get("error_occurred"):
            raise SystemExit(f"{program}: {entry['name']}: {entry.get('error_message')}")
    return entries


def nanoseconds(entry):
    """How long the processor worked on it: what other processes take meanwhile is not in it."""
    return entry["cpu_time"] * NANOSECONDS[entry["time_unit"]]


def json_output(command):
    return json.loads(run(command).stdout)


def instructions(program, arguments, function):
    """How many instructions run in `function` and what it calls, as callgrind counts them; None without valgrind."""
    if shutil.which("valgrind") is None:
        return None
    done = run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no",
                f"--toggle-collect={function}", program, *arguments])
    found = re.search(r"Collected : (\d+)", done.stderr)
    if not found:
        raise SystemExit(f"callgrind says nothing of {program}:\n{done.stderr}")
    return int(found.group(1))
