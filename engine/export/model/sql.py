"""The model as one SELECT: a few layers of plain expressions, in the dialect wanted.

Preparation is folded in: scaling into the weights, empty cells into COALESCE, levels into CASE.  Dialects, quoting and
what differs between databases are sqlglot's.  Before it leaves, the statement is run in SQLite and DuckDB on rows of
the session and held against the model.  (Decision catalogue, present.sql.)

orbital 0.6, which writes scikit-learn pipelines as SQL by way of ONNX, was tried: it is right where every step is
scikit-learn's own, and refuses all others (columns that say what is missing, yes/no columns, robust scaling, chosen
columns), which nearly every model here has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlglot
from sqlglot import exp
from sqlglot.expressions.core import Expr

from engine.data.computed import columns_to_read
from engine.data.conditions import fold, validate_condition
from engine.data.settings import ReadSettings
from engine.errors import UsageProblem
from engine.export.model.terms import (
    Always,
    Bend,
    Fill,
    Hold,
    IsMissing,
    Levels,
    Line,
    NoForm,
    Number,
    Operation,
    Squash,
    Term,
    Within,
    terms_of,
)
from engine.models.columns import FARTHEST
from engine.models.fitting import Fitted
from engine.models.persist import Artifact
from engine.records import Json

DIALECTS = {"sqlite": "SQLite", "postgres": "PostgreSQL", "duckdb": "DuckDB", "bigquery": "BigQuery"}
STEEPEST = 700.0  # EXP of more is beyond a double
MOST_LEAVES = 64  # of a tree that a person can still read
SHORT = 8  # characters of a number


# -- small words of SQL ----------------------------------------------------------------------------------------------


def num(value: float) -> Expr:
    """A number as it stands in the model, to the last digit."""
    if not math.isfinite(value):
        raise NoForm("The model holds a figure that is no number, which SQL cannot write; take --to model.")
    literal = exp.Literal.number(repr(abs(float(value))))
    return exp.Neg(this=literal) if value < 0 else literal


def lit(value: str) -> Expr:
    return exp.Literal.string(value)


def col(name: str) -> Expr:
    return exp.column(exp.to_identifier(name, quoted=True))


def case(pairs: Sequence[tuple[Expr, Expr]], otherwise: Expr) -> Expr:
    if not pairs:
        return otherwise
    made = exp.Case()
    for when, then in pairs:
        made = made.when(when.copy(), then.copy())
    return made.else_(otherwise.copy())


def times(a: Expr, b: Expr) -> Expr:
    return exp.Mul(this=exp.paren(a) if isinstance(a, exp.Binary) else a, expression=_group(b))


def plus(parts: Sequence[Expr]) -> Expr:
    total = parts[0]
    for part in parts[1:]:
        total = exp.Add(this=total, expression=_group(part))
    return total


def over(a: Expr, b: Expr) -> Expr:
    return exp.Div(this=_group(a), expression=_group(b), typed=True)  # of doubles: nothing is cut off


def _group(part: Expr) -> Expr:
    return exp.paren(part) if isinstance(part, exp.Binary) else part


def holding(x: Expr, low: float, high: float) -> Expr:
    pairs = []
    if math.isfinite(low):
        pairs.append((exp.LT(this=x, expression=num(low)), num(low)))
    if math.isfinite(high):
        pairs.append((exp.GT(this=x, expression=num(high)), num(high)))
    return case(pairs, x)


def as_double(x: Expr) -> Expr:
    return exp.cast(x, "DOUBLE")


def as_text(x: Expr) -> Expr:
    return exp.cast(x, "TEXT")


def exponential(x: Expr) -> Expr:
    """EXP that no database refuses."""
    return exp.Exp(this=holding(x, -STEEPEST, STEEPEST))


# -- the columns of the table ----------------------------------------------------------------------------------------


@dataclass
class Source:
    """The cells as the model sees them: typed, marks emptied, columns computed.

    A table is expected that holds numbers as numbers and NULL where a cell is empty; everything else is compared as the
    text that stood in the file.
    """

    recipe: Mapping[str, Json]
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
        marks = list((self.recipe.get("marks") or {}).get(name) or ())
        marks += list(ReadSettings.from_dict(self.recipe.get("read") or {}).missing)
        if self.types[name] == "number":
            typed, told = as_double(col(name)), [num(value) for mark in marks if (value := _number(mark)) is not None]
        elif self.types[name] in ("category", "yes_no"):
            typed, told = as_text(col(name)), [lit(mark) for mark in marks]
        else:
            raise NoForm(f"Column {name} is a {self.types[name]}, which has no SQL form yet; take --to model.")
        for mark in told:
            typed = exp.Nullif(this=typed, expression=mark)
        return typed

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


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


# -- terms -----------------------------------------------------------------------------------------------------------


def of_term(term: Term, source: Source) -> Expr:
    """The prepared column as an expression; NULL where it is empty."""
    match term:
        case Number(column, operations):
            return _worked(operations, source(column))
        case Within(column, operations, low, high):
            x = _worked(operations, source(column))
            inside = []
            if math.isfinite(low):
                inside.append(exp.GTE(this=x.copy(), expression=num(low)))
            if math.isfinite(high):
                inside.append(exp.LT(this=x.copy(), expression=num(high)))
            return case([(exp.and_(*inside), num(1.0))], num(0.0)) if inside else num(1.0)
        case Levels():
            return _looked_up(term, source, 1.0)
        case IsMissing(column):
            return case([(_empty(source(column)), num(1.0))], num(0.0))
        case Always(_, value):
            return num(value)


def _empty(x: Expr) -> Expr:
    return exp.Is(this=x, expression=exp.null())


def _looked_up(term: Levels, source: Source, weight: float) -> Expr:
    """CASE over the levels: those that say the same as any other are not named."""

    def told(value: float) -> Expr:
        return exp.null() if math.isnan(value) else num(weight * value)

    x = source(term.column)
    by_figure: dict[str, list[str]] = {}
    figures: dict[str, float] = {}
    for level, value in term.figures.items():
        if value != term.other and not (math.isnan(value) and math.isnan(term.other)):
            by_figure.setdefault(repr(value), []).append(level)
            figures[repr(value)] = value
    pairs = []
    missing_is_other = term.missing == term.other or (math.isnan(term.missing) and math.isnan(term.other))
    if not missing_is_other:
        pairs.append((_empty(x), told(term.missing)))
    for key, levels in by_figure.items():
        pairs.append((_is_one_of(x, levels), told(figures[key])))
    return case(pairs, told(term.other))


def _is_one_of(x: Expr, levels: Sequence[str]) -> Expr:
    if len(levels) == 1:
        return exp.EQ(this=x.copy(), expression=lit(levels[0]))
    return exp.In(this=x.copy(), expressions=[lit(level) for level in levels])


def _worked(operations: Sequence[Operation], x: Expr) -> Expr:
    for operation in operations:
        match operation:
            case Fill(value):
                x = exp.Coalesce(this=x, expressions=[num(value)])
            case Hold(low, high):
                x = holding(x, low, high)
            case Line(slope, shift):
                x = exp.paren(plus([times(x, num(slope)), num(shift)]))
            case Squash(limit):
                squared = plus([num(1.0), times(exp.Pow(this=x.copy(), expression=num(2.0)), num(1.0 / limit**2))])
                x = over(x, exp.Sqrt(this=squared))
            case Bend(zero, unit, power):
                x = _bent(exp.paren(plus([times(x, num(1.0 / unit)), num(-zero / unit)])), power)
    return x


def _bent(placed: Expr, power: float) -> Expr:
    x = holding(placed, -FARTHEST, FARTHEST)
    right, left = plus([x.copy(), num(1.0)]), plus([num(1.0), exp.Neg(this=exp.paren(x.copy()))])
    if power == 0:
        up: Expr = exp.Ln(this=right)
    else:
        up = over(exp.paren(plus([exp.Pow(this=right, expression=num(power)), num(-1.0)])), num(power))
    if power == 2:
        down: Expr = exp.Neg(this=exp.Ln(this=left))
    else:
        raised = plus([exp.Pow(this=left, expression=num(2.0 - power)), num(-1.0)])
        down = over(exp.paren(raised), num(power - 2.0))
    return case([(exp.GTE(this=x.copy(), expression=num(0.0)), up)], down)


# -- models ----------------------------------------------------------------------------------------------------------


@dataclass
class Layers:
    """Named expressions, each layer over those before it; names are unlike each other and the table's columns."""

    taken: set[str]
    layers: list[list[tuple[str, Expr]]] = field(default_factory=list)

    def add(self, depth: int, name: str, expression: Expr) -> str:
        """Put it on a layer, the first is 0; gives the name that it got."""
        while len(self.layers) <= depth:
            self.layers.append([])
        free = name
        n = 2
        while free.casefold() in self.taken:
            free, n = f"{name}_{n}", n + 1
        self.taken.add(free.casefold())
        self.layers[depth].append((free, expression))
        return free


@dataclass(frozen=True)
class Said:
    """Where a model's answers stand: the layer that they are ready after, and their names (one a class, or one)."""

    depth: int
    names: tuple[str, ...]


def said_by(fitted: Any, source: Source, layers: Layers, prefix: str = "") -> Said:
    """Put a model on layers.  Raises NoForm, saying why, for one that has no SQL form."""
    from engine.data.rules import RuleClassifier, RuleRegressor

    parts = getattr(fitted, "parts", None)
    if parts:
        return _composed(fitted, source, layers, prefix)
    if fitted.own_scale or fitted.task == "forecast":
        raise NoForm("A forecast takes the past of its series, which no SELECT over single rows has; take --to model.")
    estimator = fitted.estimator
    if isinstance(estimator, (RuleClassifier, RuleRegressor)):
        return _rule(fitted, source, layers, prefix)
    if type(estimator).__name__ in ("DummyClassifier", "DummyRegressor", "Cheapest"):
        return _constant(fitted, layers, prefix)
    if hasattr(estimator, "groups_of"):
        return _one_column(fitted, source, layers, prefix)
    if hasattr(estimator, "tree_"):
        return _tree(fitted, source, layers, prefix)
    if hasattr(estimator, "coef_") and fitted.prepare is not None:
        return _line(fitted, source, layers, prefix)
    raise NoForm(
        f"{fitted.spec.title} has no SQL form here: it is no line, no rule and no small tree.  Take --to onnx or "
        "--to model, or ship a simpler rung."
    )


def _labels(fitted: Fitted, prefix: str, stem: str) -> list[str]:
    return [f"{prefix}{stem}_{label}" for label in fitted.labels]


def _line(fitted: Fitted, source: Source, layers: Layers, prefix: str) -> Said:
    """Log-odds, or the value, as a sum over the input columns."""
    estimator = fitted.estimator
    terms = terms_of(fitted)
    weights = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
    shifts = np.broadcast_to(np.atleast_1d(np.asarray(estimator.intercept_, dtype=np.float64)), len(weights))
    sums = [weighed(terms, row, float(shift), source) for row, shift in zip(weights, shifts, strict=True)]
    if not fitted.labels:
        name = layers.add(0, f"{prefix}value", sums[0])
        if fitted.most is None:
            return Said(1, (name,))
        held = holding(col(name), -np.inf, fitted.most)
        grown = plus([exp.Exp(this=held), num(-1.0)])
        return Said(2, (layers.add(1, f"{prefix}grown", grown),))
    classes = np.asarray(getattr(estimator, "classes_", np.arange(len(fitted.labels))), dtype=int)
    labels = [fitted.labels[k] for k in classes]
    about = labels[-len(sums) :]  # of two classes the second alone
    odds = [layers.add(0, f"{prefix}log_odds_{label}", z) for label, z in zip(about, sums, strict=True)]
    if len(classes) == 2 and len(sums) == 1:
        one = over(num(1.0), exp.paren(plus([num(1.0), exponential(exp.Neg(this=col(odds[0])))])))
        name = layers.add(1, f"{prefix}proba_{labels[1]}", one)
        other = layers.add(2, f"{prefix}proba_{labels[0]}", exp.Sub(this=num(1.0), expression=col(name)))
        return _every_class(fitted, classes, [other, name], 3, layers, prefix)
    if type(estimator).__name__ == "Margin":
        each = [holding(_logistic(col(z)), 1e-12, np.inf) for z in odds]
        ones = [layers.add(1, f"{prefix}each_{label}", one) for label, one in zip(labels, each, strict=True)]
        total = plus([col(one) for one in ones])
        shares = [over(col(one), exp.paren(total.copy())) for one in ones]
        depth = 2
    else:
        depth, shares = softmax(odds, labels, 1, layers, prefix)
    names = [layers.add(depth, f"{prefix}proba_{label}", p) for label, p in zip(labels, shares, strict=True)]
    return _every_class(fitted, classes, names, depth + 1, layers, prefix)


def softmax(
    odds: Sequence[str], labels: Sequence[str], depth: int, layers: Layers, prefix: str
) -> tuple[int, list[Expr]]:
    """The layer that it takes, and the share of each class: its EXP among all, counted from the largest."""
    pairs = [
        (exp.and_(*(exp.GTE(this=col(z), expression=col(o)) for o in odds[i + 1 :])), col(z))
        for i, z in enumerate(odds[:-1])
    ]
    top = layers.add(depth, f"{prefix}largest", case(pairs, col(odds[-1])))
    grown = [
        layers.add(
            depth + 1,
            f"{prefix}weight_{label}",
            exp.Exp(this=holding(exp.Sub(this=col(z), expression=col(top)), -STEEPEST, np.inf)),
        )
        for z, label in zip(odds, labels, strict=True)
    ]
    total = exp.paren(plus([col(name) for name in grown]))
    return depth + 2, [over(col(name), total.copy()) for name in grown]


def _logistic(z: Expr) -> Expr:
    return over(num(1.0), exp.paren(plus([num(1.0), exponential(exp.Neg(this=z))])))


def _every_class(
    fitted: Fitted, classes: np.ndarray, names: list[str], depth: int, layers: Layers, prefix: str
) -> Said:
    """The names in the order of the labels; a class that was not learned has no chance."""
    by_class = dict(zip(classes.tolist(), names, strict=True))
    for k, label in enumerate(fitted.labels):
        if k not in by_class:
            by_class[k] = layers.add(depth - 1, f"{prefix}proba_{label}", num(0.0))
    return Said(depth, tuple(by_class[k] for k in range(len(fitted.labels))))


def weighed(terms: Sequence[Term], weights: np.ndarray, shift: float, source: Source) -> Expr:
    """Σ weight · term + shift: one summand for each input column that counts, straight scaling folded in."""
    parts: list[Expr] = []
    levels: dict[str, list[tuple[float, Levels]]] = {}
    for term, weight in zip(terms, map(float, weights), strict=True):
        if weight == 0.0:
            continue
        match term:
            case Levels():
                levels.setdefault(term.column, []).append((weight, term))
            case Always(_, value):
                shift += weight * value
            case Number(column, operations) if operations and isinstance(operations[-1], Line):
                last = operations[-1]
                parts.append(times(_worked(operations[:-1], source(column)), num(weight * last.slope)))
                shift += weight * last.shift
            case IsMissing(column):
                parts.append(case([(_empty(source(column)), num(weight))], num(0.0)))
            case _:
                parts.append(times(of_term(term, source), num(weight)))
    for column, found in levels.items():
        every = list(dict.fromkeys(level for _, term in found for level in term.figures))
        together = Levels(
            column,
            {level: sum(w * term.figures.get(level, term.other) for w, term in found) for level in every},
            sum(w * term.missing for w, term in found),
            sum(w * term.other for w, term in found),
        )
        parts.append(_looked_up(together, source, 1.0))
    return plus([as_double(num(shift)), *parts])


def _tree(fitted: Fitted, source: Source, layers: Layers, prefix: str) -> Said:
    tree = fitted.estimator.tree_
    if tree.n_leaves > MOST_LEAVES:
        raise NoForm(
            f"A tree of {tree.n_leaves} leaves is not written as SQL, at most {MOST_LEAVES} are; take --to onnx."
        )
    terms = terms_of(fitted)

    def leaf(node: int) -> Expr:
        if tree.children_left[node] < 0:
            return exp.Literal.number(int(node))
        term = terms[tree.feature[node]]
        cut = float(tree.threshold[node])
        to_left = bool(tree.missing_go_to_left[node]) if hasattr(tree, "missing_go_to_left") else False
        left = _goes_left(term, cut, to_left, source)
        return case([(left, leaf(tree.children_left[node]))], leaf(tree.children_right[node]))

    name = layers.add(0, f"{prefix}leaf", leaf(0))
    leaves = [node for node in range(tree.node_count) if tree.children_left[node] < 0]

    def told(values: Mapping[int, float]) -> Expr:
        pairs = [(exp.EQ(this=col(name), expression=exp.Literal.number(n)), num(values[n])) for n in leaves[:-1]]
        return as_double(case(pairs, num(values[leaves[-1]])))

    if not fitted.labels:
        values = {n: float(tree.value[n].ravel()[0]) for n in leaves}
        if fitted.most is not None:
            values = {n: float(np.expm1(min(v, fitted.most))) for n, v in values.items()}
        return Said(2, (layers.add(1, f"{prefix}value", told(values)),))
    classes = np.asarray(fitted.estimator.classes_, dtype=int)
    shares = {n: tree.value[n].ravel() / tree.value[n].sum() for n in leaves}
    names = [
        layers.add(1, f"{prefix}proba_{fitted.labels[c]}", told({n: float(shares[n][k]) for n in leaves}))
        for k, c in enumerate(classes)
    ]
    return _every_class(fitted, classes, names, 2, layers, prefix)


def _goes_left(term: Term, cut: float, missing_left: bool, source: Source) -> Expr:
    """The test of a node.  A tree looks at 32-bit numbers: the cut is moved to where 64-bit ones part alike."""
    if isinstance(term, Levels):
        return _levels_left(term, cut, missing_left, source)
    if isinstance(term, IsMissing):
        empty = _empty(source(term.column))
        return exp.not_(empty) if cut >= 0 else exp.false()
    x = of_term(term, source)
    if math.isinf(cut):  # whether there is a value at all is the question
        return exp.not_(_empty(x)) if cut > 0 else _empty(x)
    test = exp.LTE(this=x, expression=num(exact_cut(cut)))
    return exp.or_(_empty(x.copy()), test) if missing_left else test


def _levels_left(term: Levels, cut: float, missing_left: bool, source: Source) -> Expr:
    """Which levels go left, named or the others, whichever are fewer."""

    def left(value: float) -> bool:
        return missing_left if math.isnan(value) else float(np.float32(value)) <= cut

    x = source(term.column)
    going = [level for level, value in term.figures.items() if left(value)]
    staying = [level for level, value in term.figures.items() if not left(value)]
    if left(term.other):
        test = exp.not_(_is_one_of(x, staying)) if staying else exp.true()
    else:
        test = _is_one_of(x, going) if going else exp.false()
    empty = _empty(x.copy())
    return exp.or_(empty, test) if left(term.missing) else exp.and_(exp.not_(empty), test)


def exact_cut(cut: float) -> float:
    """The largest double whose nearest 32-bit number is at most `cut`: a tree compares in 32 bits, a database in 64.

    A short cut, such as 16.5, stays as it is: no number of up to seven digits lies between the two.
    """
    if len(repr(cut)) <= SHORT:
        return cut
    low = np.float32(cut)
    if float(low) > cut:
        low = np.nextafter(low, np.float32(-np.inf))
    high = np.nextafter(low, np.float32(np.inf))
    middle = (float(low) + float(high)) / 2
    return middle if float(np.float32(middle)) <= cut else float(np.nextafter(middle, -np.inf))


def _rule(fitted: Fitted, source: Source, layers: Layers, prefix: str) -> Said:
    from engine.data.rules import SURE

    estimator = fitted.estimator
    rules = [rule for rule in estimator.rules if "when" in rule]
    follows = [float(value) for value in estimator.follows_]
    pairs = [(source.condition(rule["when"]), exp.Literal.number(i)) for i, rule in enumerate(rules)]
    name = layers.add(0, f"{prefix}rule", case(pairs, exp.Literal.number(len(rules))))

    def told(values: Sequence[float]) -> Expr:
        chosen = [(exp.EQ(this=col(name), expression=exp.Literal.number(i)), num(v)) for i, v in enumerate(values[:-1])]
        return as_double(case(chosen, num(values[-1])))

    if not fitted.labels:
        return Said(2, (layers.add(1, f"{prefix}value", told(follows)),))
    k = len(fitted.labels)
    places = [int(value) for value in follows]
    names = []
    for c, label in enumerate(fitted.labels):
        shares = [SURE if place == c else (1 - SURE) / max(k - 1, 1) for place in places]
        names.append(layers.add(1, f"{prefix}proba_{label}", told(shares if k > 1 else [1.0] * len(places))))
    return Said(2, tuple(names))


def _one_column(fitted: Fitted, source: Source, layers: Layers, prefix: str) -> Said:
    """One column cut into groups, and what each group says; the last two are other levels and empty cells."""
    e = fitted.estimator
    if fitted_kind(fitted, source) == "date":
        raise NoForm(f"Column {e.column_} is a date, which has no SQL form yet; take --to model.")
    x = source(e.column_)
    other, empty = len(e.table_) - 2, len(e.table_) - 1
    pairs = [(_empty(x), exp.Literal.number(empty))]
    if e.edges_ is not None:
        pairs += [(exp.LT(this=x, expression=num(edge)), exp.Literal.number(i)) for i, edge in enumerate(e.edges_)]
        rest = len(e.edges_)
    else:
        pairs += [(_is_one_of(x, [level]), exp.Literal.number(i)) for i, level in enumerate(e.levels_)]
        rest = other
    group = layers.add(0, f"{prefix}group", case(pairs, exp.Literal.number(rest)))

    def told(values: np.ndarray) -> Expr:
        chosen = [(exp.EQ(this=col(group), expression=exp.Literal.number(i)), num(float(v)))
                  for i, v in enumerate(values[:-1])]  # fmt: skip
        return as_double(case(chosen, num(float(values[-1]))))

    if not fitted.labels:
        return Said(2, (layers.add(1, f"{prefix}value", told(e.table_)),))
    names = [layers.add(1, name, told(e.table_[:, k])) for k, name in enumerate(_labels(fitted, prefix, "proba"))]
    return Said(2, tuple(names))


def fitted_kind(fitted: Fitted, source: Source) -> str:
    """The type of the one column that a model looks at."""
    return str(source.recipe["types"][fitted.estimator.column_])


def _constant(fitted: Fitted, layers: Layers, prefix: str) -> Said:
    import pandas as pd

    if fitted.settings.get("strategy") == "stratified":
        raise NoForm("A weighted coin draws its answers, and SQL cannot draw the same; take --to model.")
    scores = fitted.scores(pd.DataFrame({name: [None] for name in fitted.columns}))
    if not fitted.labels:
        return Said(1, (layers.add(0, f"{prefix}value", as_double(num(float(scores[0])))),))
    names = [
        layers.add(0, f"{prefix}proba_{label}", as_double(num(float(p))))
        for label, p in zip(fitted.labels, scores[0], strict=True)
    ]
    return Said(1, tuple(names))


def _composed(fitted: Any, source: Source, layers: Layers, prefix: str) -> Said:
    """A tuned model is the one inside; an average, and probabilities put right, are arithmetic on top of the parts."""
    head, parts = fitted.head, fitted.parts
    if len(parts) == 1 and head is None:
        return said_by(parts[0], source, layers, prefix)
    kind = type(head).__name__
    if kind not in ("Average", "Calibrated"):
        raise NoForm(f"{fitted.spec.title} has no SQL form here; take --to model.")
    alone = len(parts) == 1
    said = [
        said_by(part, source, layers, f"{prefix}{'raw' if alone else f'part_{i + 1}'}_") for i, part in enumerate(parts)
    ]
    depth = max(each.depth for each in said)
    if kind == "Average":
        found = [
            layers.add(depth, name, over(exp.paren(plus([col(each.names[k]) for each in said])), num(float(len(said)))))
            for k, name in enumerate(_labels(fitted, prefix, "proba") if fitted.labels else [f"{prefix}value"])
        ]
        return Said(depth + 1, tuple(found))
    return _calibrated(fitted, head, said[0], layers, prefix)


def _calibrated(fitted: Any, head: Any, said: Said, layers: Layers, prefix: str) -> Said:
    from engine.models.calibrators import CLIP

    names = _labels(fitted, prefix, "proba")
    if head.method == "temperature":
        logs = [exp.Ln(this=holding(col(name), CLIP, np.inf)) for name in said.names]
        scaled = [
            layers.add(said.depth, f"{prefix}scaled_{label}", times(log, num(head.b)))
            for label, log in zip(fitted.labels, logs, strict=True)
        ]
        depth, shares = softmax(scaled, fitted.labels, said.depth + 1, layers, prefix)
        found = [layers.add(depth, name, p) for name, p in zip(names, shares, strict=True)]
        return Said(depth + 1, tuple(found))
    if head.method == "sigmoid":
        held = holding(col(said.names[1]), CLIP, 1 - CLIP)
        odds = exp.Ln(this=over(held, exp.paren(exp.Sub(this=num(1.0), expression=held.copy()))))
        z = layers.add(said.depth, f"{prefix}log_odds", plus([num(head.a), times(odds, num(head.b))]))
        high = layers.add(said.depth + 1, names[1], _logistic(col(z)))
        depth = said.depth + 1
    else:
        high = layers.add(said.depth, names[1], _between(col(said.names[1]), head.xs, head.ys))
        depth = said.depth
    low = layers.add(depth + 1, names[0], exp.Sub(this=num(1.0), expression=col(high)))
    return Said(depth + 2, (low, high))


def _between(x: Expr, xs: Sequence[float], ys: Sequence[float]) -> Expr:
    """Straight lines between corners, level beyond the ends."""
    pairs = [(exp.LTE(this=x, expression=num(xs[0])), num(ys[0]))]
    for (x0, y0), (x1, y1) in zip(zip(xs, ys, strict=True), list(zip(xs, ys, strict=True))[1:], strict=False):
        slope = (y1 - y0) / (x1 - x0)
        rise = times(exp.paren(exp.Sub(this=x.copy(), expression=num(x0))), num(slope))
        pairs.append((exp.LTE(this=x, expression=num(x1)), plus([num(y0), rise])))
    return as_double(case(pairs, num(ys[-1])))


# -- the whole statement ---------------------------------------------------------------------------------------------


def statement(artifact: Artifact, table: str) -> exp.Select:
    """One SELECT over a table: all its columns, then what the model works out, `proba_<label>`s and `prediction`.

    Raises NoForm for a model that has no SQL form.
    """
    fitted = artifact.fitted
    if artifact.recipe.get("material") not in (None, "table"):
        raise NoForm("Only models of tables have an SQL form; take --to model.")
    source = Source(artifact.recipe)
    wanted = {"prediction", *(f"proba_{label}".casefold() for label in fitted.labels)}
    taken = {name.casefold() for name in source.types}
    if wanted & taken:
        raise NoForm(f"The table has a column {min(wanted & taken)} already, where the prediction would stand.")
    layers = Layers({*taken, "prediction", str(artifact.recipe.get("target")).casefold()})
    said = said_by(fitted, source, layers)
    layers.taken.discard("prediction")
    layers.add(said.depth, "prediction", _prediction(fitted, said, artifact.threshold))
    made: Expr = exp.Table(this=exp.to_identifier(table, quoted=True))
    for depth, layer in enumerate(layers.layers):
        alias = f"t{depth}"
        select = exp.select(exp.Column(this=exp.Star(), table=exp.to_identifier(alias)))
        for name, expression in layer:
            select = select.select(exp.alias_(expression, name, quoted=True))
        below = exp.alias_(made, alias, table=True) if isinstance(made, exp.Table) else made.subquery(alias)
        made = select.from_(below)
    assert isinstance(made, exp.Select)
    return made


def _prediction(fitted: Fitted, said: Said, threshold: float | None) -> Expr:
    if not fitted.labels:
        return col(said.names[0])
    if threshold is not None and len(fitted.labels) == 2:
        reached = exp.GTE(this=col(said.names[1]), expression=num(float(threshold)))
        return case([(reached, lit(fitted.labels[1]))], lit(fitted.labels[0]))
    pairs = []
    for k, label in enumerate(fitted.labels[:-1]):
        later = [exp.GTE(this=col(said.names[k]), expression=col(other)) for other in said.names[k + 1 :]]
        pairs.append((exp.and_(*later), lit(label)))
    return case(pairs, lit(fitted.labels[-1]))


def text_of_sql(select: exp.Select, dialect: str) -> str:
    """Raises UsageProblem for a dialect that there is not."""
    if dialect not in DIALECTS:
        raise UsageProblem(f"There is no dialect {dialect!r}; there is {', '.join(DIALECTS)}.")
    return select.sql(dialect=dialect, pretty=True, max_text_width=110)
