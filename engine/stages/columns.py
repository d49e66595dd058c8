"""What the profile of a table says, in the words and views that the stages use.  Light: reads evidence only."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from engine.records import Json
from engine.views import Bars, Cell, Table, View

TYPE_MARKS = {"number": "#", "category": "a", "yes_no": "±", "date": "◷", "text": "¶", "id": "⚿", "drop": "–"}


def percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def counted(n: int, one: str, many: str = "") -> str:
    """“1 row”, “1,056 rows”, “no rows”."""
    if n == 1:
        return f"1 {one}"
    return f"{n:,} {many or one + 's'}" if n else f"no {many or one + 's'}"


def listed(words: Iterable[Any], most: int = 12) -> str:
    """“a, b and c”; a long list is cut and says so."""
    words = [str(w) for w in words]
    if len(words) > most:
        return ", ".join(words[:most]) + f" and {len(words) - most} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1] if words else ""]))


def sentence(values: Iterable[Json]) -> str:
    return " · ".join(str(v) for v in values if v is not None)


class Profile:
    """The evidence of a `profile` trial."""

    def __init__(self, value: Mapping[str, Json]) -> None:
        self.value = value
        self.rows: int = value["rows"]
        self.bad_lines: int = value.get("bad_lines", 0)
        self.columns: dict[str, dict[str, Json]] = {c["name"]: c for c in value["columns"]}

    def of_type(self, kind: str) -> list[str]:
        return [name for name, c in self.columns.items() if c["type"] == kind]

    def kind_words(self, name: str) -> str:
        """A column's type as one says it: “yes/no”."""
        return str(self.columns[name]["type"]).replace("_", "/")

    def words(self, name: str) -> str:
        """A column in a few words: “category, 2 values, 3 % missing”."""
        c = self.columns[name]
        missing = f", {percent(c['missing'] / max(self.rows, 1))} missing" if c["missing"] else ""
        return f"{self.kind_words(name)}, {c['distinct']:,} values{missing}"

    def classes(self, name: str) -> dict[str, int]:
        """Rows per label, in the file's spelling, largest first."""
        return {str(value): count for value, count in self.columns[name]["top"]}

    def shares(self, name: str) -> dict[str, float]:
        classes = self.classes(name)
        total = sum(classes.values()) or 1
        return {label: count / total for label, count in classes.items()}

    def task_of(self, name: str) -> tuple[str, str]:
        """The kind of answer that a target asks for, and why.  (Decision catalogue, problem.task.)"""
        c = self.columns[name]
        said = f"“{name}” has {c['distinct']:,} distinct values of type {c['type'].replace('_', '/')}"
        if c["distinct"] == 2:
            return "binary", f"{said}: one of two classes."
        if c["type"] == "number" and (not c.get("integer") or c["distinct"] > 20):
            return "regression", f"{said}: a number."
        return "multiclass", f"{said}: one of several classes."

    def table(self, most: int | None = None) -> Table:
        """One row a column, of the first so many columns."""
        rows: list[list[Cell]] = [
            [
                f"{TYPE_MARKS.get(c['type'], ' ')} {name}",
                c["type"].replace("_", "/"),
                c["distinct"],
                percent(c["missing"] / max(self.rows, 1)) if c["missing"] else "",
                sentence(c.get("examples", [])[:3]),
            ]
            for name, c in itertools.islice(self.columns.items(), most)
        ]
        cut = f", the first {len(rows):,} of them" if len(rows) < len(self.columns) else ""
        return Table(
            f"{len(self.columns):,} columns{cut}, {self.rows:,} rows",
            ("column", "type", "distinct", "missing", "e.g."),
            rows,
        )

    def distribution(self, name: str) -> View:
        """The classes of a column as bars; of a number its quantiles."""
        c = self.columns[name]
        if c["type"] == "number" and c["distinct"] > 20:
            figures = [("smallest", "min"), ("lower quartile", "q1"), ("median", "median"), ("mean", "mean"),
                       ("upper quartile", "q3"), ("largest", "max"), ("skew", "skew")]  # fmt: skip
            return Table(f"{name}", ("", name), [(label, c.get(key)) for label, key in figures])
        return Bars(f"{name}", "rows", [(str(v), float(n)) for v, n in c["top"][:20]])
