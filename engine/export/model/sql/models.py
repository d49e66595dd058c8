"""Each kind of model on layers of a statement: lines, small trees, rules, one column, constants."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlglot import exp
from sqlglot.expressions.core import Expr

from engine.data.rules import SURE, RuleClassifier, RuleRegressor
from engine.export.model.sql.layers import Layers
from engine.export.model.sql.prepared import Prepared
from engine.export.model.sql.words import (
    STEEPEST,
    as_double,
    case,
    col,
    holding,
    is_empty,
    is_one_of,
    less,
    lit,
    logistic,
    minus,
    num,
    over,
    place,
    plus,
)
from engine.export.model.terms import IsMissing, Levels, NoForm, Term, terms_of
from engine.models.fitting import Fitted

MOST_LEAVES = 64  # of a tree that a person can still read
SHORT = 8  # characters of a number


@dataclass(frozen=True)
class Said:
    """Where a model's answers stand: the layer that they are ready after, and their names (one a class, or one)."""

    depth: int
    names: tuple[str, ...]


def said_by(fitted: Fitted, prepared: Prepared, prefix: str) -> Said:
    """Put a model on layers.  Raises NoForm, saying why, for one that has no SQL form."""
    if fitted.own_scale or fitted.task == "forecast":
        raise NoForm("A forecast takes the past of its series, which no SELECT over single rows has; take --to model.")
    estimator: Any = fitted.estimator
    if isinstance(estimator, (RuleClassifier, RuleRegressor)):
        return _rule(fitted, prepared, prefix)
    if type(estimator).__name__ in ("DummyClassifier", "DummyRegressor", "Cheapest"):
        return _constant(fitted, prepared.layers, prefix)
    if hasattr(estimator, "groups_of"):
        return _one_column(fitted, prepared, prefix)
    if hasattr(estimator, "tree_"):
        return _tree(fitted, prepared, prefix)
    if hasattr(estimator, "coef_") and fitted.prepare is not None:
        return _line(fitted, prepared, prefix)
    raise NoForm(
        f"{fitted.spec.title} has no SQL form here: it is no line, no rule and no small tree.  Take --to onnx or "
        "--to model, or ship a simpler rung."
    )


def probas(fitted: Any, prefix: str) -> list[str]:
    return [f"{prefix}proba_{label}" for label in fitted.labels]


# -- lines -----------------------------------------------------------------------------------------------------------


def _line(fitted: Fitted, prepared: Prepared, prefix: str) -> Said:
    """Log-odds, or the value, as a sum over the input columns."""
    estimator, layers = fitted.estimator, prepared.layers
    terms = terms_of(fitted)
    weights = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
    shifts = np.broadcast_to(np.atleast_1d(np.asarray(estimator.intercept_, dtype=np.float64)), len(weights))
    sums = [
        prepared.weighed(terms, row, float(shift), again=len(weights) > 1)
        for row, shift in zip(weights, shifts, strict=True)
    ]
    depth = max(each.depth for each in sums)
    if not fitted.labels:
        name = layers.add(depth, "sum", f"{prefix}value", sums[0].x)
        if fitted.most is None:
            return Said(depth + 1, (name,))
        grown = minus(exp.Exp(this=holding(col(name), -np.inf, fitted.most)), 1.0)
        return Said(depth + 2, (layers.add(depth + 1, "grown", f"{prefix}grown", grown),))
    classes = np.asarray(getattr(estimator, "classes_", np.arange(len(fitted.labels))), dtype=int)
    labels = [fitted.labels[k] for k in classes]
    about = labels[-len(sums) :]  # of two classes the second alone
    odds = [
        layers.add(depth, "log_odds", f"{prefix}log_odds_{label}", z.x) for label, z in zip(about, sums, strict=True)
    ]
    depth += 1
    if len(classes) == 2 and len(sums) == 1:
        shares = [logistic(odds[0], -1), logistic(odds[0])]
    elif type(estimator).__name__ == "Margin":
        each = [holding(logistic(z), 1e-12, np.inf) for z in odds]
        ones = [layers.add(depth, "chance", f"{prefix}each_{la}", one) for la, one in zip(labels, each, strict=True)]
        total = plus([col(one) for one in ones])
        shares, depth = [over(col(one), total.copy()) for one in ones], depth + 1
    else:
        depth, shares = softmax(odds, labels, depth, layers, prefix)
    names = [layers.add(depth, "chance", f"{prefix}proba_{la}", p) for la, p in zip(labels, shares, strict=True)]
    return _every_class(fitted, classes, names, depth + 1, layers, prefix)


def softmax(
    odds: Sequence[str], labels: Sequence[str], depth: int, layers: Layers, prefix: str
) -> tuple[int, list[Expr]]:
    """The layer that it takes, and the share of each class: its EXP among all, counted from the largest."""
    pairs = [
        (exp.and_(*(exp.GTE(this=col(z), expression=col(o)) for o in odds[i + 1 :])), col(z))
        for i, z in enumerate(odds[:-1])
    ]
    top = layers.add(depth, "largest", f"{prefix}largest", case(pairs, col(odds[-1])))
    grown = [
        layers.add(
            depth + 1,
            "weight",
            f"{prefix}weight_{label}",
            exp.Exp(this=holding(less(col(z), col(top)), -STEEPEST, np.inf)),
        )
        for z, label in zip(odds, labels, strict=True)
    ]
    total = plus([col(name) for name in grown])
    return depth + 2, [over(col(name), total.copy()) for name in grown]


def _every_class(
    fitted: Fitted, classes: np.ndarray, names: list[str], depth: int, layers: Layers, prefix: str
) -> Said:
    """The names in the order of the labels; a class that was not learned has no chance."""
    by_class = dict(zip(classes.tolist(), names, strict=True))
    for k, label in enumerate(fitted.labels):
        if k not in by_class:
            by_class[k] = layers.add(depth - 1, "none", f"{prefix}proba_{label}", num(0.0))
    return Said(depth, tuple(by_class[k] for k in range(len(fitted.labels))))


# -- trees -----------------------------------------------------------------------------------------------------------


def _tree(fitted: Fitted, prepared: Prepared, prefix: str) -> Said:
    tree, layers = fitted.estimator.tree_, prepared.layers
    if tree.n_leaves > MOST_LEAVES:
        raise NoForm(
            f"A tree of {tree.n_leaves} leaves is not written as SQL, at most {MOST_LEAVES} are; take --to onnx."
        )
    terms = terms_of(fitted)
    depth = 0

    def leaf(node: int) -> Expr:
        nonlocal depth
        if tree.children_left[node] < 0:
            return place(node)
        cut, empty_left = float(tree.threshold[node]), bool(tree.missing_go_to_left[node])
        left, below = _goes_left(terms[tree.feature[node]], cut, empty_left, prepared)
        depth = max(depth, below)
        return case([(left, leaf(tree.children_left[node]))], leaf(tree.children_right[node]))

    reached = leaf(0)
    name = layers.add(depth, "leaf", f"{prefix}leaf", reached)
    leaves = [node for node in range(tree.node_count) if tree.children_left[node] < 0]
    if not fitted.labels:
        values = {n: float(tree.value[n].ravel()[0]) for n in leaves}
        if fitted.most is not None:
            values = {n: float(np.expm1(min(v, fitted.most))) for n, v in values.items()}
        return Said(depth + 2, (layers.add(depth + 1, "told", f"{prefix}value", _told(name, values)),))
    classes = np.asarray(fitted.estimator.classes_, dtype=int)
    shares = {n: tree.value[n].ravel() / tree.value[n].sum() for n in leaves}
    names = [
        layers.add(
            depth + 1,
            "told",
            f"{prefix}proba_{fitted.labels[c]}",
            _told(name, {n: float(shares[n][k]) for n in leaves}),
        )
        for k, c in enumerate(classes)
    ]
    return _every_class(fitted, classes, names, depth + 2, layers, prefix)


def _told(name: str, values: Mapping[int, float]) -> Expr:
    """What each place says: the last one is what is left."""
    *first, last = values.items()
    return as_double(case([(exp.EQ(this=col(name), expression=place(n)), num(v)) for n, v in first], num(last[1])))


def _goes_left(term: Term, cut: float, missing_left: bool, prepared: Prepared) -> tuple[Expr, int]:
    """The test of a node and the layer it may stand on.  A tree looks at 32-bit numbers: the cut is moved to where
    64-bit ones part alike."""
    if isinstance(term, (Levels, IsMissing)):
        cell = prepared.cell(term.column)
        if isinstance(term, Levels):
            return _levels_left(term, cut, missing_left, cell.x), cell.depth
        return exp.not_(is_empty(cell.x.copy())) if cut >= 0 else exp.false(), cell.depth
    found = prepared.of(term, again=True)
    x = found.x.copy()
    if math.isinf(cut):  # whether there is a value at all is the question
        return exp.not_(is_empty(x)) if cut > 0 else is_empty(x), found.depth
    test = exp.LTE(this=x, expression=num(exact_cut(cut)))
    return exp.or_(is_empty(x.copy()), test) if missing_left else test, found.depth


def _levels_left(term: Levels, cut: float, missing_left: bool, x: Expr) -> Expr:
    """Which levels go left, named or the others, whichever are fewer."""

    def left(value: float) -> bool:
        return missing_left if math.isnan(value) else float(np.float32(value)) <= cut

    going = [level for level, value in term.figures.items() if left(value)]
    staying = [level for level, value in term.figures.items() if not left(value)]
    if left(term.other):
        test = exp.not_(is_one_of(x, staying)) if staying else exp.true()
    else:
        test = is_one_of(x, going) if going else exp.false()
    empty = is_empty(x.copy())
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


# -- rules, one column, constants ------------------------------------------------------------------------------------


def _rule(fitted: Fitted, prepared: Prepared, prefix: str) -> Said:
    estimator, layers = fitted.estimator, prepared.layers
    rules = [rule for rule in estimator.rules if "when" in rule]
    follows = [float(value) for value in estimator.follows_]
    pairs = [(prepared.cells.condition(rule["when"]), place(i)) for i, rule in enumerate(rules)]
    name = layers.add(0, "rule", f"{prefix}rule", case(pairs, place(len(rules))))
    if not fitted.labels:
        return Said(2, (layers.add(1, "told", f"{prefix}value", _told(name, dict(enumerate(follows)))),))
    k = len(fitted.labels)
    names = []
    for c, called in enumerate(probas(fitted, prefix)):
        shares = [SURE if int(to) == c else (1 - SURE) / max(k - 1, 1) for to in follows] if k > 1 else [1.0]
        names.append(layers.add(1, "told", called, _told(name, dict(enumerate(shares)))))
    return Said(2, tuple(names))


def _one_column(fitted: Fitted, prepared: Prepared, prefix: str) -> Said:
    """One column cut into groups, and what each group says; the last two are other levels and empty cells."""
    e: Any = fitted.estimator
    layers = prepared.layers
    if str(prepared.cells.recipe["types"][e.column_]) == "date":
        raise NoForm(f"Column {e.column_} is a date, which has no SQL form yet; take --to model.")
    cell = prepared.cell(e.column_)
    other, empty = len(e.table_) - 2, len(e.table_) - 1
    pairs = [(is_empty(cell.x.copy()), place(empty))]
    if e.edges_ is not None:
        pairs += [(exp.LT(this=cell.x.copy(), expression=num(edge)), place(i)) for i, edge in enumerate(e.edges_)]
        rest = len(e.edges_)
    else:
        pairs += [(is_one_of(cell.x, [level]), place(i)) for i, level in enumerate(e.levels_)]
        rest = other
    group = layers.add(cell.depth, "group", f"{prefix}group", case(pairs, place(rest)))
    columns = [e.table_] if not fitted.labels else list(np.asarray(e.table_).T)
    names = probas(fitted, prefix) if fitted.labels else [f"{prefix}value"]
    return Said(
        cell.depth + 2,
        tuple(
            layers.add(cell.depth + 1, "told", name, _told(group, dict(enumerate(map(float, values)))))
            for name, values in zip(names, columns, strict=True)
        ),
    )


def _constant(fitted: Fitted, layers: Layers, prefix: str) -> Said:
    if fitted.settings.get("strategy") == "stratified":
        raise NoForm("A weighted coin draws its answers, and SQL cannot draw the same; take --to model.")
    scores = fitted.scores(pd.DataFrame({name: [None] for name in fitted.columns}))
    names = probas(fitted, prefix) if fitted.labels else [f"{prefix}value"]
    figures = scores[0] if fitted.labels else [scores[0]]
    added = [layers.add(0, "constant", n, as_double(num(float(p)))) for n, p in zip(names, figures, strict=True)]
    return Said(1, tuple(added))


def prediction(labels: Sequence[str], said: Said, threshold: float | None) -> Expr:
    """The answer: the value, the class from the cut on, or the first of the likeliest classes."""
    if not labels:
        return col(said.names[0])
    if threshold is not None and len(labels) == 2:
        reached = exp.GTE(this=col(said.names[1]), expression=num(float(threshold)))
        return case([(reached, lit(labels[1]))], lit(labels[0]))
    pairs = []
    for k, label in enumerate(labels[:-1]):
        later = [exp.GTE(this=col(said.names[k]), expression=col(other)) for other in said.names[k + 1 :]]
        pairs.append((exp.and_(*later), lit(label)))
    return case(pairs, lit(labels[-1]))
