#!/usr/bin/env python3
"""Writes the figures of the last run into docs/performance.md, between its markers, and draws its charts."""

import argparse
import json
import pathlib
import re

import charts
import tables
import track_suite

SUITES = {"track": track_suite}
DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"


def machine_text(details):
    """The words about where it was measured."""
    machine = details["machine"]
    go = machine["go"].removeprefix("go version ")
    left_out = "".join(f" Left out: {what}, since {why}." for what, why in details["left_out"].items())
    return (f"Measured on {machine['cores']} cores of {machine['processor']}, {machine['kernel']}, "
            f"{machine['libc']}, {machine['compiler']}, {go}; medians of {machine['rounds']} rounds. When the run began, "
            f"{machine['load_before']:.1f} processes were running.{left_out}")


def missed_text(suite, values):
    missed = tables.missed(suite, values)
    return "\n".join(f"- `{suite.PREFIX}{name}`: {why}" for name, why in missed) if missed else "None."


def track_parts(suite, values, details):
    return {
        "machine": machine_text(details),
        "goals": tables.markdown(tables.goals(suite, values, details)),
        "missed": missed_text(suite, values),
        "own": tables.markdown(tables.own(suite, values)),
        "peers": tables.markdown(tables.peers(suite, values)),
        "stacks": tables.markdown(tables.stacks(suite, values)),
        "open-tags": tables.markdown(tables.growth(suite, values)),
        "different-stacks": tables.markdown(tables.stack_growth(suite, values)),
        "depth": tables.markdown(tables.depth_growth(suite, values)),
    }


def track_charts(suite, values):
    own = [("leash, level site", "create_close_site_ns"), ("leash, 16 frames", "create_close_16_ns")]
    rows = [(label, values[name], True) for label, name in own]
    rows += [(meaning, values["peer/" + name], False) for name, meaning in suite.PEER_TAGS if "peer/" + name in values]

    def series(label, form, counts):
        return label, [(count, values[form.format(count)]) for count in counts if form.format(count) in values]

    return {
        "peers": charts.bars("A tag created and closed, by whom", "ns of processor time, logarithmic", rows),
        "open-tags": charts.lines(
            "A tag created and closed while others are open", "open tags", "ns",
            [series("leash, 16 frames", "open_tags/{}_ns", suite.OPEN_TAGS),
             series("mutex + unordered_set, no stack", "peer/mutex_set_open_tags/{}_ns", suite.OPEN_TAGS),
             series("Go article's tracker, 5 frames", "peer/go_seed_open_tags/{}_ns", suite.OPEN_TAGS)]),
        "different-stacks": charts.lines(
            "A tag created and closed, from so many different stacks", "different stacks, in random order", "ns",
            [series("leash, 16 frames", "stacks/{}_less_calls_ns", suite.STACKS),
             series("the 16 calls that lead there", "calls/{}_ns", suite.STACKS)]),
        "depth": charts.lines("A tag created and closed, with so many frames", "frames kept", "ns",
                              [series("leash", "depth/{}_ns", suite.DEPTHS)]),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", choices=sorted(SUITES))
    parser.add_argument("--results", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    suite = SUITES[arguments.suite]
    values = {name.removeprefix(suite.PREFIX): value for name, value in json.loads(arguments.results.read_text()).items()
              if name.startswith(suite.PREFIX)}
    details = json.loads(arguments.results.with_name(f"{arguments.suite}_details.json").read_text())

    page = DOCS / "performance.md"
    words = page.read_text()
    for name, part in track_parts(suite, values, details).items():
        begin, end = f"<!-- {arguments.suite}/{name} -->", f"<!-- end {arguments.suite}/{name} -->"
        words, count = re.subn(f"{begin}.*?{end}", lambda _, part=part: f"{begin}\n{part}\n{end}", words, flags=re.DOTALL)
        if count != 1:
            raise SystemExit(f"{page} should have {begin} and {end} once")
    page.write_text(words)
    folder = DOCS / "performance"
    folder.mkdir(exist_ok=True)
    for name, chart in track_charts(suite, values).items():
        (folder / f"{arguments.suite}-{name}.svg").write_text(chart)


if __name__ == "__main__":
    main()
