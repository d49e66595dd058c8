"""What a look at the errors shows: its evidence as views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.metrics import figure
from engine.records import Evidence, Json
from engine.session import Session
from engine.stages.ladder import with_interval
from engine.views import Curves, Grid, Histogram, Intervals, Samples, Table, View

MOST_SLICES = 20


def error_views(s: Session, seen: Evidence, more: Mapping[str, Evidence]) -> tuple[View, ...]:
    """The four views, in the order in which a person reads them; `more` by the kind of its trial."""
    v = seen.value
    return (
        *_by_class(v),
        *_slices(v),
        *_rows(s, v, more),
        *_missed(v),
        *_in_time(v),
    )


def _by_class(v: Mapping[str, Json]) -> list[View]:
    rows = v.get("per_class")
    if not rows:
        return []
    names = ("precision", "recall", "f1")
    cells = [(r["label"], *(with_interval(r, name) for name in names), r["support"]) for r in rows]
    labels = [str(r["label"]) for r in rows]
    views: list[View] = [Table("Per class, 95 % intervals", ("class", *names, "rows"), cells)]
    if confusion := v.get("confusion"):
        shares = [[n / sum(line) if sum(line) else None for n in line] for line in confusion]
        views.append(Grid("Confusion: of each class (down) the share said to be (across)", labels, labels, shares))
    return views


def _slices(v: Mapping[str, Json]) -> list[View]:
    slices = v.get("slices")
    if not slices:
        return []
    top = sorted(slices, key=lambda r: (not r["weak"], -(r["ratio"] or 0)))[:MOST_SLICES]
    cells = [
        (
            r["slice"],
            r["rows"],
            figure(r["loss"]),
            figure(r["rest"]),
            "" if r["ratio"] is None else f"{r['ratio']:.2f}",
            _lean(r),
            ", ".join(
                word for word in ("weak" if r["weak"] else "", "protected" if r.get("protected") else "") if word
            ),
        )
        for r in top
    ]
    return [Table("Slices", ("slice", "rows", v.get("loss", "loss"), "rest", "ratio", "leans", ""), cells)]


def _said(value: Json) -> str:
    return figure(value) if isinstance(value, float) else str(value)


def _lean(r: Mapping[str, Json]) -> str:
    off, se = r.get("off"), r.get("off_se")
    if off is None or not se or abs(off) <= 1.96 * se:
        return ""
    return f"{'+' if off > 0 else '−'}{figure(abs(off))}"


def _rows(s: Session, v: Mapping[str, Json], more: Mapping[str, Evidence]) -> list[View]:
    views: list[View] = []
    if digest := v.get("rows_digest"):
        views.append(Samples("Worst rows", digest, ("worst",)))
    elif (worst := v.get("worst")) and (when := v.get("worst_when")):
        views.append(_worst_times(s, worst, when))
    elif worst:
        cells = [(r["row"] + 1, _said(r["label"]), _said(r["prediction"]), figure(r["loss"])) for r in worst]
        views.append(Table("Worst rows", ("row", "label", "said", "loss"), cells))
    why = more.get("reasons")
    if why is not None and why.value.get("rows"):
        views.append(Samples(_why_title(s, why.value), why.value["rows_digest"], ("why",)))
    doubted = more.get("doubts")
    if doubted is not None and doubted.value.get("rows_digest"):
        title = (
            "Is it the label? All models say something else" if v.get("per_class") else "Missed by far by all models"
        )
        views.append(Samples(title, doubted.value["rows_digest"], ("doubted",)))
    return views


def _worst_times(s: Session, worst: Sequence[Mapping[str, Json]], when: Sequence[Mapping[str, Json]]) -> Table:
    """Of a forecast: the times it was furthest off, and from how far away it looked at them."""
    several = len({one["series"] for one in when}) > 1
    who = ("series",) if several else ()
    cells = [
        (one["time"], *((one["series"],) if several else ()), one["step"], _said(r["label"]), _said(r["prediction"]),
         figure(r["loss"]))
        for r, one in zip(worst, when, strict=False)
    ]  # fmt: skip
    return Table("Furthest off", ("time", *who, "steps ahead", "true", "said", "loss"), cells)


def _why_title(s: Session, value: Mapping[str, Json]) -> str:
    about = f", for “{s.choice('problem.positive')}”" if s.task == "binary" else ""
    if value["method"] != "approximation":
        return f"Why the worst rows{about}"
    faithful = value.get("fidelity")
    return f"Why the worst rows{about} (approximation" + (
        f", fidelity {faithful:.2f})" if faithful is not None else ")"
    )


def reliability_view(curve: Sequence[Mapping[str, Json]], title: str) -> Curves:
    """Said against happened, with the 95 % band of what happened."""
    lines = {
        "happened": [(row["said"], row["share"]) for row in curve],
        "as said": [(0.0, 0.0), (1.0, 1.0)],
        "95 % low": [(row["said"], row["low"]) for row in curve if row["low"] is not None],
        "95 % high": [(row["said"], row["high"]) for row in curve if row["high"] is not None],
    }
    return Curves(title, "probability said", "share that happened", lines, ends=False)


def _missed(v: Mapping[str, Json]) -> list[View]:
    views: list[View] = []
    if reliable := v.get("reliability"):
        views.append(reliability_view(reliable["curve"], "Are the probabilities honest?"))
    if missed := v.get("residuals"):
        bins = missed["bins"]
        lines = {
            "mean": [(b["said"], b["mean"]) for b in bins],
            "10 %": [(b["said"], b["low"]) for b in bins],
            "90 %": [(b["said"], b["high"]) for b in bins],
            "none": [(bins[0]["said"], 0.0), (bins[-1]["said"], 0.0)],
        }
        views.append(Curves("True − said, by what was said", "said", "true − said", lines, ends=False))
        if drawn := missed.get("histogram"):
            views.append(Histogram("True − said", "rows", drawn["edges"], drawn["counts"]))
    return views


def _in_time(v: Mapping[str, Json]) -> list[View]:
    views: list[View] = []
    if blocks := v.get("over_time"):
        rows = [(f"from {b['when']}", b["loss"], b["low"], b["high"]) for b in blocks]
        views.append(Intervals("Over time, 95 % intervals", v.get("loss", "loss"), rows, v.get("mean_loss")))
    if steps := v.get("by_step"):
        cells = [(r["step"], r["rows"], figure(r["loss"]), figure(r["bias"])) for r in steps]
        views.append(Table("By how far it looks ahead", ("step", "rows", v["loss"], "bias"), cells))
    return views
