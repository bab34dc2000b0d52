"""Tables of the figures, for the terminal and for documentation."""

import programs


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


def own(suite, values):
    rows = [["figure", "measured", "meaning"]]
    return rows + [[f"`{suite.PREFIX}{name}`", number(values[name]), meaning] for name, meaning in suite.OWN if name in values]


def compared(suite, values):
    """The same work by leash and by others."""
    rows = [["work", "unit", "leash", "other", "its", "/ leash"]]
    for what, unit, name, others in suite.COMPARED:
        scale = programs.NANOSECONDS[unit.replace("µ", "u")]
        mine = values.get(name)
        for other, meaning in others:
            value = values.get("peer/" + other)
            pair = [number(value / scale), f"{value / mine:.2f}"] if value and mine else ["left out", "-"]
            rows.append([what, unit, number(mine / scale) if mine else "-", meaning, *pair])
    return rows


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


def as_text(suite, others, values, details):
    """`others`: the tables that only this suite has, by their names."""
    parts = [goals(suite, values, details), own(suite, values), *others.values()]
    result = "\n\n".join(text(part) for part in parts if len(part) > 1)
    for what, why in details["left_out"].items():
        result += f"\n\nLEFT OUT: {what}: {why}"
    names = [name for name, _ in missed(suite, values)]
    result += f"\n\n{len(names)} goals missed: {', '.join(names)}" if names else "\n\nAll goals met."
    return result
