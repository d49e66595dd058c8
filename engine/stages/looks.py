"""What a profile of all rows and a look at the rows for practice show: evidence turned into views.  Light."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.records import Json
from engine.stages.columns import Profile, listed, percent
from engine.views import Bars, Grid, Histogram, Samples, Table, View

MOST_BARS = 20
SHOWN_COLUMNS = 3  # histograms beside a question; the columns' table names all


def profile_views(profile: Profile) -> tuple[View, ...]:
    """All rows, structure only: the columns, how the file was read, numbers, rare levels, what is missing."""
    views: list[View] = [profile.table()]
    guesses = profile.value.get("guesses") or []
    if guesses:
        rows = [(g["setting"], _text(g["value"]), g["why"]) for g in guesses]
        views.append(Table("How the file was read", ("setting", "value", "why"), rows))
    missing = {n: c["missing"] / max(profile.rows, 1) for n, c in profile.columns.items() if c["missing"]}
    if missing:
        most = sorted(missing.items(), key=lambda item: -item[1])[:MOST_BARS]
        views.append(Bars("Empty cells", "% of the rows", [(n, 100 * share) for n, share in most]))
    numbers = [(n, c) for n, c in profile.columns.items() if c["type"] == "number" and not c.get("pixel")]
    if numbers:
        names = ("min", "q1", "median", "mean", "q3", "max", "skew")
        rows = [(n, *(c.get(key) for key in names)) for n, c in numbers]
        views.append(Table("Numbers", ("column", *names), rows))
    if warnings := profile.value.get("warnings"):
        views.append(Table("Noticed while reading", ("",), [(w,) for w in warnings]))
    return tuple(views)


def look_views(value: Mapping[str, Json]) -> tuple[View, ...]:
    """The rows for practice: some rows, the target, what goes with it, what is missing together, early against late."""
    views: list[View] = [
        Samples("Some rows", value["rows_digest"], ("random",)),
        Samples("The furthest values", value["rows_digest"], ("extreme",)),
        _target(value["target"]),
    ]
    if value["target"].get("classes"):
        views.insert(2, Samples("Examples of each class", value["rows_digest"], ("classes",)))
    goes = [(f"{column}", float(size)) for column, _, size in value["associations"][:MOST_BARS]]
    if goes:
        views.append(Bars("What goes with the target (0 … 1)", "strength", goes))
        rows = [(column, measure, size) for column, measure, size in value["associations"]]
        views.append(Table("Strength and measure", ("column", "measure", "strength"), rows))
    views += _missing(value["missing"])
    if value["early_late"]:
        rows = [(column, measure, size) for column, measure, size in value["early_late"]]
        views.append(
            Table(f"Late rows against early ones, by {value['ordered_by']}", ("column", "measure", "size"), rows)
        )
    if value["pairs"]:
        views.append(Table("Inputs that say nearly the same", ("column", "column", "strength"), value["pairs"]))
    outliers = [(c["name"], c["outliers"]) for c in value["columns"] if (c["outliers"] or {}).get("count")]
    if outliers:
        rows = [(n, o["count"], percent(o["share"]), o["low"], o["high"]) for n, o in outliers]
        views.append(Table("Beyond three quartile ranges", ("column", "rows", "share", "below", "above"), rows))
    rare = [(c["name"], c["rare"], c["rare_rows"]) for c in value["columns"] if c["rare"]]
    if rare:
        views.append(Table("Levels under 10 rows", ("column", "levels", "rows in them"), rare))
    views += column_views(value, _most_telling(value))
    return tuple(views)


def column_views(value: Mapping[str, Json], columns: Iterable[str]) -> tuple[View, ...]:
    """The distribution of some columns among the rows for practice."""
    known = {c["name"]: c for c in value["columns"]}
    return tuple(view for name in columns if name in known for view in _distribution(known[name]))


def _distribution(column: Mapping[str, Json]) -> list[View]:
    if column["histogram"] and column["type"] == "number":
        found = column["outliers"] or {}
        fences = [("fence", found[end]) for end in ("low", "high") if found.get("count")]
        edges = column["histogram"]["edges"]
        marks = [(label, x) for label, x in fences if edges[0] <= x <= edges[-1]]
        return [Histogram(column["name"], "rows", edges, column["histogram"]["counts"], marks)]
    if column["levels"]:
        return [Bars(column["name"], "rows", [(str(v), float(n)) for v, n in column["levels"]])]
    return []


def _most_telling(value: Mapping[str, Json]) -> list[str]:
    return [column for column, _, _ in value["associations"][:SHOWN_COLUMNS]]


def _target(target: Mapping[str, Json]) -> View:
    if "classes" in target:
        return Bars("The target", "rows", [(label, float(n)) for label, n in target["classes"].items()])
    return Histogram("The target", "rows", target["histogram"]["edges"], target["histogram"]["counts"])


def _missing(missing: Mapping[str, Json]) -> list[View]:
    views: list[View] = []
    if missing["patterns"]:
        rows = [(listed(columns), n) for columns, n in missing["patterns"]]
        views.append(Table("Empty together", ("columns", "rows"), rows))
    names = list(dict.fromkeys(name for a, b, _ in missing["together"] for name in (a, b)))
    if len(names) > 1:
        shares = {(a, b): share for a, b, share in missing["together"]}
        cells = [[1.0 if a == b else shares.get((a, b), shares.get((b, a))) for b in names] for a in names]
        views.append(Grid("Empty in the same rows (share of those where either is)", names, names, cells))
    if missing["by_target"]:
        parts = list(missing["by_target"][0][1])
        rows = [(column, *(percent(shares[part]) for part in parts)) for column, shares in missing["by_target"]]
        views.append(Table("Share empty, by the target", ("column", *parts), rows))
    return views


def _text(value: Json) -> str:
    return "" if value is None else repr(value) if isinstance(value, str) and not value.strip() else str(value)
