"""The columns of the table, as expressions: cells as the model reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.expressions.core import Expr

from engine.data.computed import columns_to_read
from engine.data.conditions import fold, validate_condition
from engine.export.model.sql.words import as_double, as_text, case, col, lit, num
from engine.export.model.terms import NoForm, as_number, marks_of
from engine.records import Json


def truths_of(schema: Mapping[str, Json]) -> dict[str, tuple[str, str]]:
    """Of each column whose only levels are true and false, in any letters: how it writes them."""
    found = {}
    for column in schema["columns"]:
        by_word = {str(level).lower(): str(level) for level in column.get("levels") or ()}
        if len(column.get("levels") or ()) == 2 and set(by_word) == {"true", "false"}:
            found[str(column["name"])] = (by_word["true"], by_word["false"])
    return found


@dataclass
class Cells:
    """The cells as the model sees them: typed, marks emptied, columns computed.

    A table is expected that holds numbers as numbers and NULL where a cell is empty; everything else is compared as the
    text that stood in the file.  truths: of columns whose levels are words for true and false, these two: a database
    keeps such a column as truth values, which it writes otherwise (true, 1).
    """

    recipe: Mapping[str, Json]
    truths: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    types: dict[str, str] = field(init=False)
    formulas: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.types = columns_to_read(self.recipe)
        self.formulas = {made["name"]: made["formula"] for made in self.recipe.get("features") or ()}

    def __call__(self, name: str) -> Expr:
        """The expression for an input column."""
        if name in self.formulas:
            made = self._read(self.formulas[name], self._emptied)
            kind = self.recipe["types"].get(name)
            return as_double(exp.paren(made)) if kind == "number" else as_text(exp.paren(made))
        return self._emptied(name)

    def _read_cell(self, name: str) -> Expr:
        marks = marks_of(self.recipe, name)
        if self.types[name] == "number":
            typed, told = as_double(col(name)), [num(value) for mark in marks if (value := as_number(mark)) is not None]
        elif self.types[name] in ("category", "yes_no"):
            typed, told = self._text(name), [lit(mark) for mark in marks]
        else:
            raise NoForm(f"Column {name} is a {self.types[name]}, which has no SQL form yet; take --to model.")
        for mark in told:
            typed = exp.Nullif(this=typed, expression=mark)
        return typed

    def _text(self, name: str) -> Expr:
        plain = as_text(col(name))
        if name not in self.truths:
            return plain
        true, false = map(lit, self.truths[name])
        told = ((lit("true"), true), (lit("1"), true), (lit("false"), false), (lit("0"), false))
        return case(told, plain, of=exp.Lower(this=plain))

    def _emptied(self, name: str) -> Expr:
        typed = self._read_cell(name)
        text = (self.recipe.get("impossible") or {}).get(name)
        if not text:
            return typed
        return exp.Case().when(self._read(text, self._read_cell), exp.null()).else_(typed)

    def _read(self, text: str, cell: Callable[[str], Expr]) -> Expr:
        """A condition or formula of SQLite, over the cells that `cell` gives."""
        read = validate_condition(text, self.types)
        by_name = {fold(name): name for name in read.columns}
        parsed = sqlglot.parse_one(read.text, read="sqlite")

        def placed(node: Expr) -> Expr:
            if isinstance(node, exp.Column) and fold(node.name) in by_name:
                return cell(by_name[fold(node.name)])
            return node

        return exp.paren(parsed.transform(placed))

    def condition(self, text: str) -> Expr:
        """A condition of an expert's rule: it sees the inputs, computed ones included."""
        names = {**self.types, **{name: self.recipe["types"].get(name, "category") for name in self.formulas}}
        read = validate_condition(text, names)
        by_name = {fold(name): name for name in read.columns}

        def placed(node: Expr) -> Expr:
            if isinstance(node, exp.Column) and fold(node.name) in by_name:
                return self(by_name[fold(node.name)])
            return node

        return exp.paren(sqlglot.parse_one(read.text, read="sqlite").transform(placed))
