"""What a profile of all rows and a look at the rows for practice show: evidence turned into views.  Light."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from engine.records import Json
from engine.stages.columns import Profile, listed, percent
from engine.views import Bars, Cell, Grid, Histogram, Samples, Table, View

MOST_BARS, MOST_ROWS = 20, 1000
EPOCH = datetime(1970, 1, 1)
SHOWN_COLUMNS = 3  # histograms beside a question; the columns' table names all


def profile_views(profile: Profile) -> tuple[View, ...]:
    """All rows, structure only: the columns, how the file was read, what is missing or odd, numbers, dates, texts and
    rare levels."""
    columns = profile.columns
    kinds = {kind: {n: c for n, c in columns.items() if c["type"] == kind} for kind in ("number", "date", "text")}
    kinds["number"] = {n: c for n, c in kinds["number"].items() if not c.get("pixel")}
    views: list[View] = [profile.table(MOST_ROWS)]
    guesses = profile.value.get("guesses") or []
    views += _table("How the file was read", ("setting", "value", "why"), [
        (g["setting"], _text(g["value"]), g["why"]) for g in guesses
    ])  # fmt: skip
    missing = {n: c["missing"] / max(profile.rows, 1) for n, c in columns.items() if c["missing"]}
    if missing:
        most = sorted(missing.items(), key=lambda item: -item[1])[:MOST_BARS]
        views.append(Bars("Empty cells", "% of the rows", [(n, 100 * share) for n, share in most]))
    views += _oddities(profile)
    names = ("min", "q1", "median", "mean", "q3", "max", "skew")
    views += _table("Numbers", ("column", *names, "far out"), [
        (n, *(c.get(key) for key in names), (c.get("outliers") or {}).get("count")) for n, c in kinds["number"].items()
    ])  # fmt: skip
    skewed = sorted(kinds["number"], key=lambda n: -abs(columns[n].get("skew") or 0.0))
    views += [view for n in skewed[:SHOWN_COLUMNS] for view in _distribution(columns[n])]
    views += _table("Dates", ("column", "first", "last", "written"), [
        (n, _moment(c["min"]), _moment(c["max"]), c["date_format"]) for n, c in kinds["date"].items()
    ])  # fmt: skip
    views += [view for n in list(kinds["date"])[:SHOWN_COLUMNS] for view in _distribution(columns[n])]
    views += _table("Texts, in characters", ("column", "shortest", "q1", "median", "q3", "longest", "words"), [
        (n, *c["characters"], c["words"]) for n, c in kinds["text"].items() if c.get("characters")
    ])  # fmt: skip
    views += _table("Levels under 10 rows", ("column", "levels", "of", "rows in them"), [
        (n, c["rare"], c["distinct"], c["rare_rows"]) for n, c in columns.items() if c.get("rare") and not c["id_like"]
    ])  # fmt: skip
    views += _table("Noticed while reading", ("",), [(w,) for w in profile.value.get("warnings") or []])
    return tuple(views)


def _oddities(profile: Profile) -> list[View]:
    """Rows that repeat, values that may mean missing or cannot be true, columns that say next to nothing."""
    columns, copies = profile.columns, profile.value["duplicates"]
    views: list[View] = []
    if copies["exact"]:
        rows = [
            ("rows that repeat an earlier one", copies["exact"]),
            ("rows that have a copy, the first ones included", copies["rows"]),
            ("different rows among these", copies["groups"]),
        ]
        views.append(Table("Copies, keys left out", ("", "rows"), rows))
    if near := copies.get("near"):
        rows = [("rows that are near copies", near["rows"]), ("sets of them", near["clusters"])]
        views += _table(
            "Near copies", ("", "rows"), [*rows, ("the largest set", near["largest"])] if near["rows"] else []
        )
    marks = [(n, m["value"] or "(blank)", m["count"], m["why"]) for n, c in columns.items() for m in c["marks"]]
    views += _table("Read as missing, or perhaps meant so", ("column", "value", "cells", "why"), marks)
    strange = [(f["column"], f["what"], f["count"], f["condition"]) for f in profile.value.get("suspicious") or []]
    views += _table("Values that contradict the name", ("column", "what", "cells", "as a condition"), strange)
    said = [(n, words) for n, c in columns.items() if not c.get("pixel") and (words := _says_little(c))]
    return views + _table("Columns that say little", ("column", "why"), said)


def _says_little(column: Mapping[str, Json]) -> str:
    if column["distinct"] == 0:
        return "every cell is empty"
    if column["constant"]:
        return f"one value only: {column['top'][0][0]}"
    if column["near_constant"]:
        return f"{percent(column['top_share'])} of the rows hold {column['top'][0][0]}"
    return "looks like a row number or a key" if column["id_like"] else ""


def _table(title: str, names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[View]:
    """A table, or nothing where there are no rows; of very many the first ones."""
    if not rows:
        return []
    if len(rows) > MOST_ROWS:
        title = f"{title} (the first {MOST_ROWS:,} of {len(rows):,})"
    return [Table(title, names, rows[:MOST_ROWS])]


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
        some = f", of {value['rows_used']:,} rows" if value["rows_used"] < value["rows"] else ""
        views.append(Bars(f"What goes with the target (0 … 1{some})", "strength", goes))
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
    drawn = column.get("histogram")
    if drawn and column["type"] == "date":
        days = [_moment(_date(edge)) for edge in drawn["edges"]]
        return [Bars(column["name"], "rows from", [(d, float(n)) for d, n in zip(days, drawn["counts"], strict=False)])]
    if drawn and column["type"] == "number":
        found = column["outliers"] or {}
        fences = [("fence", found[end]) for end in ("low", "high") if found.get("count")]
        edges = drawn["edges"]
        marks = [(label, x) for label, x in fences if edges[0] <= x <= edges[-1]]
        return [Histogram(column["name"], "rows", edges, drawn["counts"], marks)]
    if column.get("levels"):
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


def _date(seconds: float) -> str:
    try:
        return str(EPOCH + timedelta(seconds=round(seconds)))
    except OverflowError:  # before the year 1
        return str(round(1970 + seconds / 31_556_952))


def _moment(said: str | None) -> str:
    """“1949-01-01”, or with the time of day where there is one."""
    return (said or "").replace("T", " ").removesuffix(".000000").removesuffix(" 00:00:00")


def _text(value: Json) -> str:
    return "" if value is None else repr(value) if isinstance(value, str) and not value.strip() else str(value)
