"""Charts as SVG, drawn from nothing but numbers. They follow the reader's choice of light or dark."""

import math
from xml.sax.saxutils import escape

STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.quiet { fill: #57606a }
.paper { fill: #ffffff }
.grid { stroke: #d0d7de; stroke-width: 1 }
.first { fill: #0969da; stroke: #0969da }
.second { fill: #bc4c00; stroke: #bc4c00 }
.third { fill: #1a7f37; stroke: #1a7f37 }
.line { fill: none; stroke-width: 2.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .quiet { fill: #9198a1 }
  .paper { fill: #0d1117 }
  .grid { stroke: #30363d }
  .first { fill: #58a6ff; stroke: #58a6ff }
  .second { fill: #f0883e; stroke: #f0883e }
  .third { fill: #3fb950; stroke: #3fb950 }
  .line { fill: none }
}
</style>"""

CLASSES = ["first", "second", "third"]


def number(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def text(x, y, words, anchor="start", kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'


def rule(x1, y1, x2, y2):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="grid"/>'


def document(width, height, title, parts):
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{escape(title)}">')
    paper = f'<rect width="{width}" height="{height}" rx="6" class="paper"/>'
    return "\n".join([head, STYLE, paper, text(20, 28, title, kind="title"), *parts, "</svg>", ""])


def bars(title, unit, rows):
    """Horizontal bars on a logarithmic scale. `rows`: (label, value, whether it is leash's)."""
    left, width, top, step = 310, 800, 52, 26
    room = width - left - 80
    low = 10 ** math.floor(math.log10(min(value for _, value, _ in rows)))
    decades = max(1, math.ceil(math.log10(max(value for _, value, _ in rows) / low)))
    bottom = top + step * len(rows)

    def place(value):
        return left + room * math.log10(value / low) / decades

    parts = []
    for decade in range(decades + 1):
        x = place(low * 10**decade)
        parts += [rule(x, top - 6, x, bottom), text(x, bottom + 18, number(low * 10**decade), "middle", "quiet")]
    for i, (label, value, own) in enumerate(rows):
        y = top + step * i
        parts.append(text(left - 10, y + 14, label, "end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{max(1.0, place(value) - left):.1f}" height="{step - 8}" rx="2" '
                     f'class="{CLASSES[0 if own else 1]}"/>')
        parts.append(text(place(value) + 6, y + 14, number(value)))
    parts.append(text(left + room / 2, bottom + 36, unit, "middle", "quiet"))
    return document(width, bottom + 48, title, parts)


def lines(title, x_title, y_title, series):
    """Lines over a logarithmic scale. `series`: (label, [(x, y)])."""
    width, height, left, right, top, bottom = 800, 368, 70, 50, 92, 318
    xs = sorted({x for _, points in series for x, _ in points})
    highest = max(y for _, points in series for _, y in points)
    step = 10 ** math.floor(math.log10(highest))
    step = next(step * part for part in [0.2, 0.5, 1, 2] if highest / (step * part) <= 6)
    top_value = step * math.ceil(highest / step)

    def place(x, y):
        share = math.log(x / xs[0]) / math.log(xs[-1] / xs[0])
        return left + (width - left - right) * share, bottom - (bottom - top) * y / top_value

    parts = []
    for i in range(round(top_value / step) + 1):
        y = place(xs[0], i * step)[1]
        parts += [rule(left, y, width - right, y), text(left - 8, y + 4, number(i * step) if i else "0", "end", "quiet")]
    for x in xs:
        parts.append(text(place(x, 0)[0], bottom + 20, f"{x:,}", "middle", "quiet"))
    start = left
    for kind, (label, points) in zip(CLASSES, [each for each in series if each[1]]):
        placed = [place(x, y) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(f'<polyline points="{path}" class="line {kind}" style="fill: none"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="{kind}"/>' for x, y in placed]
        parts += [f'<rect x="{start}" y="46" width="12" height="12" rx="2" class="{kind}"/>', text(start + 18, 57, label)]
        start += 40 + 7.2 * len(label)
    parts += [text(left, top - 8, y_title, kind="quiet"), text((left + width - right) / 2, bottom + 40, x_title, "middle", "quiet")]
    return document(width, height, title, parts)
