"""Tables and charts that only the suite `track` has."""

import charts as drawing
import tables as forms
import track_suite


def peers(values):
    """What others need for a tag, and how many times that of leash it is."""
    own = ["create_close_16_ns", "create_close_site_ns"]
    rows = [["tag created and closed", "ns", "/ leash", "/ leash, level `site`"]]
    for name, meaning in track_suite.PEER_TAGS:
        value = values.get("peer/" + name)
        cells = [forms.ratio(value, values[other]) for other in own] if value else ["-"] * len(own)
        rows.append([meaning, forms.number(value) if value else "left out", *cells])
    return rows


def stacks(values):
    rows = [["stack of 16 frames, alone", "ns", "/ leash"]]
    for name, meaning in track_suite.PEER_STACKS:
        value = values.get("peer/" + name)
        rows.append([meaning, *([forms.number(value), forms.ratio(value, values["walk_16_ns"])] if value else ["left out", "-"])])
    return rows


def growth(values):
    rows = [["open tags", "leash, 16 frames, ns", "mutex + unordered_set, no stack, ns", "Go article's tracker, 5 frames, ns"]]
    for count in track_suite.OPEN_TAGS:
        if f"open_tags/{count}_ns" in values:
            others = [values.get(f"peer/{peer}_open_tags/{count}_ns") for peer in ["mutex_set", "go_seed"]]
            rows.append([f"{count:,}", forms.number(values[f"open_tags/{count}_ns"]), *[forms.number(v) if v else "-" for v in others]])
    return rows


def stack_growth(values):
    rows = [["different stacks", "ns", "with the 16 calls, ns"]]
    return rows + [[f"{count:,}", forms.number(values[f"stacks/{count}_less_calls_ns"]), forms.number(values[f"stacks/{count}_ns"])]
                   for count in track_suite.STACKS if f"stacks/{count}_ns" in values]


def depth_growth(values):
    rows = [["frames kept", "ns"]]
    return rows + [[str(depth), forms.number(values[f"depth/{depth}_ns"])] for depth in track_suite.DEPTHS if f"depth/{depth}_ns" in values]


def tables(values):
    """By the names that docs/performance.md has for them."""
    return {
        "peers": peers(values),
        "stacks": stacks(values),
        "open-tags": growth(values),
        "different-stacks": stack_growth(values),
        "depth": depth_growth(values),
    }


def charts(values):
    own = [("leash, level site", "create_close_site_ns"), ("leash, 16 frames", "create_close_16_ns")]
    rows = [(label, values[name], True) for label, name in own]
    rows += [(meaning, values["peer/" + name], False) for name, meaning in track_suite.PEER_TAGS if "peer/" + name in values]

    def series(label, form, counts):
        return label, [(count, values[form.format(count)]) for count in counts if form.format(count) in values]

    return {
        "peers": drawing.bars("A tag created and closed, by whom", "ns of processor time, logarithmic", rows),
        "open-tags": drawing.lines(
            "A tag created and closed while others are open", "open tags", "ns",
            [series("leash, 16 frames", "open_tags/{}_ns", track_suite.OPEN_TAGS),
             series("mutex + unordered_set, no stack", "peer/mutex_set_open_tags/{}_ns", track_suite.OPEN_TAGS),
             series("Go article's tracker, 5 frames", "peer/go_seed_open_tags/{}_ns", track_suite.OPEN_TAGS)]),
        "different-stacks": drawing.lines(
            "A tag created and closed, from so many different stacks", "different stacks, in random order", "ns",
            [series("leash, 16 frames", "stacks/{}_less_calls_ns", track_suite.STACKS),
             series("the 16 calls that lead there", "calls/{}_ns", track_suite.STACKS)]),
        "depth": drawing.lines("A tag created and closed, with so many frames", "frames kept", "ns",
                              [series("leash", "depth/{}_ns", track_suite.DEPTHS)]),
    }
