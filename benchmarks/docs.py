#!/usr/bin/env python3
"""Writes the figures of the last run into docs/performance.md, between its markers, and draws its charts."""

import argparse
import json
import pathlib
import re

import tables
from suites import SUITES

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"


def machine_text(details):
    """The words about where it was measured."""
    machine = details["machine"]
    versions = ", ".join([machine["compiler"], *machine["peers"]])
    left_out = "".join(f" Left out: {what}, since {why}." for what, why in details["left_out"].items())
    return (f"Measured on {machine['cores']} cores of {machine['processor']}, {machine['kernel']}, "
            f"{machine['libc']}, {versions}; medians of {machine['rounds']} rounds. When the run began, "
            f"{machine['load_before']:.1f} processes were running.{left_out}")


def missed_text(suite, values):
    missed = tables.missed(suite, values)
    return "\n".join(f"- `{suite.PREFIX}{name}`: {why}" for name, why in missed) if missed else "None."


def parts(suite, pages, values, details):
    common = {
        "machine": machine_text(details),
        "goals": tables.markdown(tables.goals(suite, values, details)),
        "missed": missed_text(suite, values),
        "own": tables.markdown(tables.own(suite, values)),
    }
    return common | {name: tables.markdown(rows) for name, rows in pages.tables(values).items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", choices=sorted(SUITES))
    parser.add_argument("--results", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    suite, pages = SUITES[arguments.suite]
    values = {name.removeprefix(suite.PREFIX): value for name, value in json.loads(arguments.results.read_text()).items()
              if name.startswith(suite.PREFIX)}
    details = json.loads(arguments.results.with_name(f"{arguments.suite}_details.json").read_text())

    page = DOCS / "performance.md"
    words = page.read_text()
    for name, part in parts(suite, pages, values, details).items():
        begin, end = f"<!-- {arguments.suite}/{name} -->", f"<!-- end {arguments.suite}/{name} -->"
        words, count = re.subn(f"{begin}.*?{end}", lambda _, part=part: f"{begin}\n{part}\n{end}", words, flags=re.DOTALL)
        if count != 1:
            raise SystemExit(f"{page} should have {begin} and {end} once")
    page.write_text(words)
    folder = DOCS / "performance"
    folder.mkdir(exist_ok=True)
    for name, chart in pages.charts(values).items():
        (folder / f"{arguments.suite}-{name}.svg").write_text(chart)


if __name__ == "__main__":
    main()
