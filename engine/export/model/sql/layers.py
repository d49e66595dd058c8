"""A statement as named steps: each a WITH-query over the one before it, with a line that says what it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.expressions.core import Expr

WIDE = 100  # characters of an expression that stay on one line

# What a step holds: how it is called, and what stands above it.
KINDS: dict[str, tuple[str, str]] = {
    "read": ("cells", "…_read: the cell as the model reads it, empty where a mark says that it is missing"),
    "filled": ("prepared", "…_filled: an empty cell takes the value that was learned for it"),
    "held": ("held", "…_held: extremes are drawn in to the limits that were learned"),
    "scaled": ("prepared", "…_scaled: less the middle of training, over its spread"),
    "squashed": ("squashed", "…_squashed: bent smoothly towards two limits, so that no extreme outweighs the others"),
    "bent": ("bent", "…_bent: by Yeo and Johnson's curve, which draws a long tail in"),
    "log_odds": ("log_odds", "log-odds: what each column adds to, or takes from, the answer"),
    "sum": ("weighed", "the answer: what each column adds to it"),
    "leaf": ("leaf", "the leaf of the tree in which a row ends"),
    "rule": ("rule", "the first rule that holds; the last number where none does"),
    "group": ("grouped", "the group of the one column that decides"),
    "told": ("answers", "what training said of it"),
    "constant": ("answers", "the same for every row: the model looks at nothing"),
    "grown": ("answers", "back from the logarithm that the model learned"),
    "chance": ("chances", "from log-odds to probabilities"),
    "largest": ("largest", "the largest of the log-odds, from which the others are counted"),
    "weight": ("weights", "e to the power of each, counted from the largest"),
    "averaged": ("averaged", "the mean of the parts"),
    "calibrated": ("calibrated", "the probabilities, put right as was measured"),
    "none": ("chances", "a class that training did not hold has no chance"),
}


@dataclass
class Layers:
    """Named expressions, each layer over those before it; names are unlike each other and the table's columns."""

    taken: set[str]
    layers: list[list[tuple[str, Expr]]] = field(default_factory=list)
    kinds: list[dict[str, None]] = field(default_factory=list)

    def add(self, depth: int, kind: str, name: str, expression: Expr) -> str:
        """Put it on a layer, the first is 0; gives the name that it got."""
        while len(self.layers) <= depth:
            self.layers.append([])
            self.kinds.append({})
        free = unlike(name, self.taken)
        self.taken.add(free.casefold())
        self.layers[depth].append((free, expression))
        self.kinds[depth][kind] = None
        return free


def unlike(name: str, taken: set[str]) -> str:
    """The name, or the first numbered one that is free."""
    free, n = name, 2
    while free.casefold() in taken:
        free, n = f"{name}_{n}", n + 1
    return free


@dataclass(frozen=True)
class Statement:
    """A whole statement.  table: the name it reads, in parts.  steps: layer by layer; answer: the prediction."""

    table: tuple[str, ...]
    steps: Layers
    answer: Expr

    def sql(self, dialect: str) -> str:
        """The text in a dialect of sqlglot."""
        names = self._names()
        source = ".".join(_quoted(part, dialect) for part in self.table)
        parts = []
        for name, layer, kinds in zip(names, self.steps.layers, self.steps.kinds, strict=True):
            notes = [f"  -- {note}" for note in dict.fromkeys(KINDS[kind][1] for kind in kinds)]
            columns = [_column(made, expression, dialect) for made, expression in layer]
            lines = [*notes, "  SELECT", ",\n".join(["    *", *columns]), f"  FROM {source}"]
            parts.append(f"{_quoted(name, dialect)} AS (\n" + "\n".join(lines) + "\n)")
            source = _quoted(name, dialect)
        last = "\n".join(["SELECT", f"  *,\n{_column('prediction', self.answer, dialect, 2)}", f"FROM {source}"])
        return ("WITH " + ",\n".join(parts) + "\n" if parts else "") + last

    def _names(self) -> list[str]:
        """One for each layer, unlike the table's: a database would take the one for the other."""
        taken = {part.casefold() for part in self.table}
        names = []
        for kinds in self.steps.kinds:
            name = unlike("_and_".join(dict.fromkeys(KINDS[kind][0] for kind in kinds)), taken)
            taken.add(name.casefold())
            names.append(name)
        return names


def _quoted(name: str, dialect: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect=dialect)


def _column(name: str, expression: Expr, dialect: str, indent: int = 4) -> str:
    lines = laid(expression, dialect)
    if len(lines) > 1:
        lines = ["(", *(f"  {line}" for line in lines), ")"] if isinstance(expression, exp.Add) else lines
    lines[-1] += f" AS {_quoted(name, dialect)}"
    return "\n".join(" " * indent + line for line in lines)


def laid(expression: Expr, dialect: str) -> list[str]:
    """An expression in lines: a long sum has one for each summand, a long CASE one for each WHEN."""
    alone = expression.sql(dialect=dialect)
    if len(alone) <= WIDE or "\n" in alone:  # a line break within a name or a level stays what it is
        return [alone]
    if isinstance(expression, exp.Add):
        return _summed(_summands(expression), dialect)
    if isinstance(expression, exp.Case):
        return _cased(expression, dialect)
    return [alone]


def _summands(expression: Expr) -> list[Expr]:
    found: list[Expr] = []
    while isinstance(expression, exp.Add):
        found.append(expression.expression)
        expression = expression.this
    return [expression, *reversed(found)]


def _summed(parts: Sequence[Expr], dialect: str) -> list[str]:
    lines = laid(parts[0], dialect)
    for part in parts[1:]:
        first, *rest = laid(part, dialect)
        lines += [f"+ {first}", *(f"  {line}" for line in rest)]
    return lines


def _cased(expression: exp.Case, dialect: str) -> list[str]:
    about = expression.args.get("this")
    lines = [f"CASE {about.sql(dialect=dialect)}" if about is not None else "CASE"]
    for branch in expression.args["ifs"]:
        first, *rest = laid(branch.args["true"], dialect)
        lines += [f"  WHEN {branch.this.sql(dialect=dialect)} THEN {first}", *(f"  {line}" for line in rest)]
    if expression.args.get("default") is not None:
        first, *rest = laid(expression.args["default"], dialect)
        lines += [f"  ELSE {first}", *(f"  {line}" for line in rest)]
    return [*lines, "END"]
