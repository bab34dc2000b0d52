"""Tables of the figures, for the terminal and for documentation."""


def number(value):
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ratio(peer, own):
    return f"{peer / own:.1f}" if own else "-"


def goals(suite, values, details):
    """One row a figure that has a goal."""
    rows = [["figure", "measured", "± %", "goal", "", "meaning"]]
    for figure in suite.FIGURES:
        name = f"`{suite.PREFIX}{figure.name}`"
        spread = details["spread_percent"].get(figure.name)
        if figure.name in values:
            met = "met" if figure.met(values[figure.name]) else "MISSED"
            value = number(values[figure.name])
        else:
            met, value = "left out", "-"
        rows.append([name, value, "" if spread is None else f"{spread / 2:.1f}", figure.goal_text(), met, figure.meaning])
    return rows


def missed(suite, values):
    """The figures that miss their goals, each with the reason."""
    names = [figure.name for figure in suite.FIGURES if figure.name in values and not figure.met(values[figure.name])]
    return [(name, suite.CAUSES.get(name, "the reason is not known.")) for name in names]


def peers(suite, values):
    """What others need for a tag, and how many times that of leash it is."""
    own = ["create_close_16_ns", "create_close_site_ns"]
    rows = [["tag created and closed", "ns", "/ leash", "/ leash, level `site`"]]
    for name, meaning in suite.PEER_TAGS:
        value = values.get("peer/" + name)
        cells = [ratio(value, values[other]) for other in own] if value else ["-"] * len(own)
        rows.append([meaning, number(value) if value else "left out", *cells])
    return rows


def stacks(suite, values):
    rows = [["stack of 16 frames, alone", "ns", "/ leash"]]
    for name, meaning in suite.PEER_STACKS:
        value = values.get("peer/" + name)
        rows.append([meaning, *([number(value), ratio(value, values["walk_16_ns"])] if value else ["left out", "-"])])
    return rows


def own(suite, values):
    rows = [["figure", "measured", "meaning"]]
    return rows + [[f"`{suite.PREFIX}{name}`", number(values[name]), meaning] for name, meaning in suite.OWN if name in values]


def growth(suite, values):
    rows = [["open tags", "leash, 16 frames, ns", "mutex + unordered_set, no stack, ns", "Go article's tracker, 5 frames, ns"]]
    for count in suite.OPEN_TAGS:
        if f"open_tags/{count}_ns" in values:
            others = [values.get(f"peer/{peer}_open_tags/{count}_ns") for peer in ["mutex_set", "go_seed"]]
            rows.append([f"{count:,}", number(values[f"open_tags/{count}_ns"]), *[number(v) if v else "-" for v in others]])
    return rows


def stack_growth(suite, values):
    rows = [["different stacks", "ns", "with the 16 calls, ns"]]
    return rows + [[f"{count:,}", number(values[f"stacks/{count}_less_calls_ns"]), number(values[f"stacks/{count}_ns"])]
                   for count in suite.STACKS if f"stacks/{count}_ns" in values]


def depth_growth(suite, values):
    rows = [["frames kept", "ns"]]
    return rows + [[str(depth), number(values[f"depth/{depth}_ns"])] for depth in suite.DEPTHS if f"depth/{depth}_ns" in values]


def markdown(rows):
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("---" if i == 0 else "---:" if rows[1][i][:1].isdigit() else "---"
                                   for i in range(len(rows[0]))) + "|")
    return "\n".join(lines)


def text(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width) for cell, width in zip(row, widths)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines).replace("`", "")


def as_text(suite, values, details):
    parts = [goals(suite, values, details), own(suite, values), peers(suite, values), stacks(suite, values),
             growth(suite, values), stack_growth(suite, values), depth_growth(suite, values)]
    result = "\n\n".join(text(part) for part in parts if len(part) > 1)
    for what, why in details["left_out"].items():
        result += f"\n\nLEFT OUT: {what}: {why}"
    names = [name for name, _ in missed(suite, values)]
    result += f"\n\n{len(names)} goals missed: {', '.join(names)}" if names else "\n\nAll goals met."
    return result
