#!/usr/bin/env python3
"""Runs a suite of benchmarks, prints its figures, and adds them to a JSON file of all suites."""

import argparse
import json
import os
import pathlib
import platform
import re

import programs
import tables
from suites import SUITES


def machine(build):
    """Where it was measured, and with what."""
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    cpu = re.search(r"model name\s*: (.*)", cpuinfo)
    virtual = ", virtual machine" if " hypervisor " in cpuinfo else ""
    cache = build.parent / "CMakeCache.txt"
    compiler = re.search(r"CMAKE_CXX_COMPILER:\w+=(.*)", cache.read_text()) if cache.exists() else None
    return {
        "processor": (cpu.group(1) if cpu else platform.processor()) + virtual,
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "libc": " ".join(platform.libc_ver()),
        "compiler": re.sub(r"^[cg]\+\+\S* ", "GCC ", programs.first_line([compiler.group(1) if compiler else "c++", "--version"])),
    }


def merge(path, prefix, values):
    """Replaces the figures of one suite, and keeps the others."""
    kept = {}
    if path.exists():
        kept = {name: value for name, value in json.loads(path.read_text()).items() if not name.startswith(prefix)}
    kept.update({prefix + name: value for name, value in values.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_suffix(".tmp")
    whole.write_text(json.dumps(dict(sorted(kept.items())), indent=2, ensure_ascii=False) + "\n")
    whole.replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", choices=sorted(SUITES))
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where the programs are built")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the JSON file of all figures")
    parser.add_argument("--rounds", type=int, default=9, help="how often everything is measured")
    parser.add_argument("--smoke", action="store_true", help="only see whether everything runs; the figures mean nothing")
    arguments = parser.parse_args()

    suite, pages = SUITES[arguments.suite]
    load = os.getloadavg()[0]
    samples = suite.measure(arguments.build, arguments.smoke, arguments.rounds)
    values, spreads = suite.figures(samples)
    lacking = suite.missing(values, samples)
    if lacking:
        raise SystemExit("not measured: " + ", ".join(lacking))

    merge(arguments.out, suite.PREFIX, values)
    details = {"machine": machine(arguments.build) | {"load_before": load, "peers": samples.peers,
                           "rounds": arguments.rounds},
               "left_out": samples.left_out, "spread_percent": spreads}
    arguments.out.with_name(f"{arguments.suite}_details.json").write_text(
        json.dumps(details, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    if not arguments.smoke:
        print(tables.as_text(suite, pages.tables(values), values, details))
    programs.say(f"all figures: {arguments.out}")


if __name__ == "__main__":
    main()
