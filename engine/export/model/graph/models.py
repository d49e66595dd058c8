"""Each kind of model as nodes: lines, trees and forests, boosting, naive Bayes, one column."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto

from engine.export.model.graph.columns import Columns, prepared
from engine.export.model.graph.forest import Forest, boosted_reader, sklearn_reader
from engine.export.model.graph.nodes import Graph, held, placed, two
from engine.export.model.terms import Always, IsMissing, Levels, NoForm, Term, Within, terms_of
from engine.models.fitting import Fitted


def said_by(fitted: Fitted, columns: Columns) -> str:
    """Probabilities (n, K) in the order of the labels, or values (n, 1).  Raises NoForm, saying why."""
    if fitted.own_scale or fitted.task == "forecast":
        raise NoForm("A forecast takes the past of its series, which ONNX gets no rows of here; take --to model.")
    if hasattr(fitted.estimator, "groups_of"):
        return _one_column(fitted, columns)
    if fitted.prepare is None:
        raise NoForm(f"{fitted.spec.title} learns nothing that takes ONNX; take --to sql or --to model.")
    answer = _answerer(fitted)
    X = prepared(terms_of(fitted), columns)
    return answer(fitted, X, columns.graph)


def _one_column(fitted: Fitted, columns: Columns) -> str:
    """Which group a cell is in, 0 or 1 each, times what the groups say."""
    e, g = fitted.estimator, columns.graph
    kind = columns.kind(e.column_)
    if kind == "date":
        raise NoForm(f"Column {e.column_} is a date, which has no ONNX form yet; take --to model.")
    groups = len(e.table_)
    if e.edges_ is not None:
        ends = [-np.inf, *e.edges_, np.inf]
        terms: list[Term] = [Within(e.column_, (), low, high) for low, high in itertools.pairwise(ends)]
        terms += [Always(e.column_, 0.0), IsMissing(e.column_)]
    else:
        terms = [
            Levels(e.column_, {level: float(i == k) for k, level in enumerate(e.levels_)}, float(i == groups - 1),
                   float(i == groups - 2))
            for i in range(groups)
        ]  # fmt: skip
    said = g.op("MatMul", prepared(terms, columns), g.const(e.table_.reshape(groups, -1)))
    return said


def _answerer(fitted: Fitted) -> Callable[[Fitted, str, Graph], str]:
    estimator = fitted.estimator
    if hasattr(estimator, "coef_"):
        return _line
    if hasattr(estimator, "tree_") or hasattr(estimator, "_predictors") or _is_forest(estimator):
        return _trees
    if hasattr(estimator, "theta_"):
        return _bayes
    raise NoForm(
        f"{fitted.spec.title} has no ONNX form here: lines, trees, forests, scikit-learn's boosting and naive Bayes of "
        "numbers have.  Take --to model."
    )


def _is_forest(estimator: Any) -> bool:
    found = getattr(estimator, "estimators_", None)
    return isinstance(found, list) and bool(found) and all(hasattr(tree, "tree_") for tree in found)


def _grown(fitted: Fitted, value: str, g: Graph) -> str:
    """Back from the logarithm of the target, where it learned that."""
    if fitted.most is None:
        return value
    return g.op("Sub", g.op("Exp", held(value, -np.inf, fitted.most, g)), g.const([[1.0]]))


def _every_class(fitted: Fitted, shares: str, g: Graph) -> str:
    """A class that the training part did not hold has no chance."""
    classes = np.asarray(getattr(fitted.estimator, "classes_", np.arange(len(fitted.labels))), dtype=int)
    return placed(shares, classes, len(fitted.labels), g)


def _line(fitted: Fitted, X: str, g: Graph) -> str:
    weights = np.atleast_2d(np.asarray(fitted.estimator.coef_, dtype=np.float64))
    shifts = np.broadcast_to(np.atleast_1d(np.asarray(fitted.estimator.intercept_, dtype=np.float64)), len(weights))
    z = g.op("Add", g.op("MatMul", X, g.const(weights.T)), g.const(shifts))
    if not fitted.labels:
        return _grown(fitted, z, g)
    if len(weights) == 1:
        return _every_class(fitted, two(g.op("Sigmoid", z), g), g)
    if type(fitted.estimator).__name__ == "Margin":
        each = held(g.op("Sigmoid", z), 1e-12, np.inf, g)
        total = g.op("ReduceSum", each, g.const([1], np.int64), keepdims=1)
        return _every_class(fitted, g.op("Div", each, total), g)
    return _every_class(fitted, g.op("Softmax", z, axis=1), g)


def _bayes(fitted: Fitted, X: str, g: Graph) -> str:
    """Gaussian naive Bayes: the logarithm of each class is a parabola in every column."""
    e = fitted.estimator
    logs = []
    for middle, spread, share in zip(e.theta_, e.var_, e.class_prior_, strict=True):
        away = g.op("Sub", X, g.const(middle.reshape(1, -1)))
        far = g.op("MatMul", g.op("Mul", away, away), g.const((-0.5 / spread).reshape(-1, 1)))
        logs.append(g.op("Add", far, g.const([[np.log(share) - 0.5 * np.log(2 * np.pi * spread).sum()]])))
    return _every_class(fitted, g.op("Softmax", g.op("Concat", *logs, axis=1), axis=1), g)


def _trees(fitted: Fitted, X: str, g: Graph) -> str:
    estimator = fitted.estimator
    if hasattr(estimator, "_predictors"):
        return _boosted(fitted, X, g)
    trees = [estimator] if hasattr(estimator, "tree_") else list(estimator.estimators_)
    k = max(1, len(getattr(estimator, "classes_", ())))
    X32 = g.op("Cast", g.op("Cast", X, to=TensorProto.FLOAT), to=TensorProto.DOUBLE)  # trees look at 32-bit numbers
    columns = []
    for target in range(k):  # a leaf of an ensemble has one target: the shares of each class are an ensemble
        forest = Forest(1)
        for tree in trees:
            forest.grow(sklearn_reader(tree.tree_, target, len(trees), bool(fitted.labels)), 0)
        columns.append(forest.add_to(g, X32))
    if not fitted.labels:
        return _grown(fitted, columns[0], g)
    return _every_class(fitted, g.op("Concat", *columns, axis=1) if k > 1 else columns[0], g)


def _boosted(fitted: Fitted, X: str, g: Graph) -> str:
    estimator = fitted.estimator
    k = estimator.n_trees_per_iteration_
    columns = []
    for target in range(k):
        forest = Forest(1)
        for iteration in estimator._predictors:
            predictor = iteration[target]
            forest.grow(boosted_reader(predictor), 0)
        columns.append(forest.add_to(g, X))
    raw = g.op("Concat", *columns, axis=1) if k > 1 else columns[0]
    raw = g.op("Add", raw, g.const(np.asarray(estimator._baseline_prediction, dtype=np.float64).reshape(1, -1)))
    if not fitted.labels:
        return _grown(fitted, raw, g)
    shares = two(g.op("Sigmoid", raw), g) if k == 1 else g.op("Softmax", raw, axis=1)
    return _every_class(fitted, shares, g)
