"""Pictures of evidence as inline SVG: no script, no file beside it, colours from the page around it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from engine.export.markup import Html, el, joined
from engine.metrics import figure
from engine.views import Bars, Curves, Grid, Histogram, Intervals, View
from engine.words import short

WIDTH, LABEL, ROW = 720, 250, 26  # of a picture, of the names on its left, of one row; in units of the view box
TOP, FOOT = 10, 40
HEIGHT = 300  # of a picture with two axes
COLOURS = 8  # lines that have a colour of their own (--c0 … in engine.export.style)
MOST_ROWS = 60
FAINT = re.compile(r"\d+ ?%|as said$|none$|by luck$|the cut$")  # lines that the others are held against


def picture(view: View) -> Html | None:
    """The view drawn; None where words or a table say it better."""
    match view:
        case Intervals(title, unit, rows, reference) if rows:
            return _intervals(title, unit, rows[:MOST_ROWS], reference)
        case Bars(title, unit, rows) if rows:
            return _bars(title, unit, rows[:MOST_ROWS])
        case Curves(title, x, y, series) if any(len(points) > 1 for points in series.values()):
            return _curves(title, x, y, {name: points for name, points in series.items() if points})
        case Histogram() if view.counts:
            return _histogram(view)
        case Grid():
            return None
    return None


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round values from low to high, 1, 2 or 5 times a power of ten apart."""
    if not high > low:
        return [low]
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


class _Axis:
    """From values to places.  A range of one point is widened, so that it can be drawn."""

    def __init__(self, values: Sequence[float], start: float, end: float, margin: float = 0.04) -> None:
        low, high = min(values), max(values)
        spread = (high - low) or abs(high) * 0.1 or 1.0
        self.low, self.high = low - margin * spread, high + margin * spread
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        return ticks(self.low, self.high)


def _svg(title: str, height: float, *inside: object) -> Html:
    return el(
        "svg", el("title", title), *inside, viewBox=f"0 0 {WIDTH} {height:g}", role="img", aria_label=title, width=WIDTH
    )


def _word(x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> Html:
    return el("text", said, x=x, y=y, class_=kind or None, text_anchor=anchor)


def _name(label: str, y: float) -> Html:
    return el("text", el("title", label), short(label, 32), x=LABEL - 10, y=y, text_anchor="end")


def _below(axis: _Axis, bottom: float, unit: str) -> Html:
    """A scale along the lower edge, with faint lines up."""
    marks = [
        joined(
            el("line", x1=axis(v), x2=axis(v), y1=TOP, y2=bottom, class_="grid"),
            _word(axis(v), bottom + 16, figure(v), "scale", "middle"),
        )
        for v in axis.ticks()
    ]
    return joined(*marks, _word((axis.start + axis.end) / 2, bottom + 34, unit, "scale", "middle"))


def _intervals(
    title: str,
    unit: str,
    rows: Sequence[tuple[str, float, float | None, float | None]],
    reference: float | None,
) -> Html:
    values = [v for _, *figures in rows for v in figures if v is not None]
    axis = _Axis([*values, *([] if reference is None else [reference])], LABEL, WIDTH - 70)
    bottom = TOP + ROW * len(rows)
    drawn = [_below(axis, bottom, unit)]
    if reference is not None:
        drawn.append(el("line", x1=axis(reference), x2=axis(reference), y1=TOP, y2=bottom, class_="line"))
    for i, (label, value, low, high) in enumerate(rows):
        y = TOP + ROW * i + ROW / 2
        drawn.append(_name(label, y + 4))
        if low is not None and high is not None:
            drawn.append(el("line", x1=axis(low), x2=axis(high), y1=y, y2=y, class_="span"))
        drawn.append(el("circle", cx=axis(value), cy=y, r=5, class_="dot"))
        drawn.append(_word(WIDTH - 60, y + 4, figure(value), "figure"))
    return _svg(title, bottom + FOOT, *drawn)


def _bars(title: str, unit: str, rows: Sequence[tuple[str, float]]) -> Html:
    axis = _Axis([0.0, *(value for _, value in rows)], LABEL, WIDTH - 70, margin=0)
    bottom = TOP + ROW * len(rows)
    drawn = [_below(axis, bottom, unit)]
    for i, (label, value) in enumerate(rows):
        y = TOP + ROW * i
        drawn.append(_name(label, y + ROW / 2 + 4))
        left, right = sorted((axis(0.0), axis(value)))
        drawn.append(el("rect", x=left, y=y + 5, width=round(right - left, 1), height=ROW - 10, class_="bar"))
        drawn.append(_word(WIDTH - 60, y + ROW / 2 + 4, figure(value), "figure"))
    return _svg(title, bottom + FOOT, *drawn)


def _curves(title: str, x: str, y: str, series: dict[str, Sequence[tuple[float, float]]]) -> Html:
    points = [point for line in series.values() for point in line if all(map(math.isfinite, point))]
    across = _Axis([a for a, _ in points], 64, WIDTH - 12)
    up = _Axis([b for _, b in points], TOP + HEIGHT, TOP)
    drawn = [_below(across, TOP + HEIGHT, x), _up(up, y)]
    for i, (name, line) in enumerate(series.items()):
        kind = _colour(name, i) + (" faint" if FAINT.match(name) else "")
        places = [f"{across(a)},{up(b)}" for a, b in line if math.isfinite(a) and math.isfinite(b)]
        if len(places) > 1:
            drawn.append(el("polyline", points=" ".join(places), class_=f"curve {kind}"))
        if len(places) <= 40 and not FAINT.match(name):
            drawn += [
                el("circle", cx=place.split(",")[0], cy=place.split(",")[1], r=3, class_=f"point c{i % COLOURS}")
                for place in places
            ]
    legend = [
        joined(
            el("rect", x=64, y=TOP + HEIGHT + FOOT + 18 * i + 2, width=14, height=4, class_=f"key {_colour(name, i)}"),
            _word(86, TOP + HEIGHT + FOOT + 18 * i + 9, short(name, 80)),
        )
        for i, name in enumerate(series)
    ]
    return _svg(title, TOP + HEIGHT + FOOT + 18 * len(series) + 6, *drawn, *legend)


def _colour(name: str, i: int) -> str:
    return f"c{COLOURS - 1}" if FAINT.match(name) else f"c{i % COLOURS}"


def _up(axis: _Axis, unit: str) -> Html:
    """A scale along the left edge."""
    marks = [
        joined(
            el("line", x1=64, x2=WIDTH - 12, y1=axis(v), y2=axis(v), class_="grid"),
            _word(58, axis(v) + 4, figure(v), "scale", "end"),
        )
        for v in axis.ticks()
    ]
    middle = (axis.start + axis.end) / 2
    turned = el(
        "text", unit, x=14, y=middle, class_="scale", text_anchor="middle", transform=f"rotate(-90 14 {middle:g})"
    )
    return joined(*marks, turned)


def _histogram(view: Histogram) -> Html:
    across = _Axis(list(view.edges), 64, WIDTH - 12, margin=0)
    up = _Axis([0.0, *map(float, view.counts)], TOP + HEIGHT, TOP, margin=0)
    drawn = [_below(across, TOP + HEIGHT, view.title), _up(up, view.unit)]
    for i, count in enumerate(view.counts):
        left, right = across(view.edges[i]), across(view.edges[i + 1])
        top = up(float(count))
        height = round(TOP + HEIGHT - top, 1)
        drawn.append(
            el("rect", x=left, y=top, width=max(0.5, round(right - left - 0.6, 1)), height=height, class_="bar")
        )
    for label, x in view.marks:
        drawn.append(el("line", x1=across(x), x2=across(x), y1=TOP, y2=TOP + HEIGHT, class_="line"))
        drawn.append(_word(across(x) + 4, TOP + 14, short(label, 30), "scale"))
    return _svg(view.title, TOP + HEIGHT + FOOT, *drawn)
