"""The model as an ONNX graph, preparation included: numbers as doubles (NaN where empty), everything else as text ("").

The graph is written from the terms of the fitted preparation and the figures of the fitted model, in doubles
throughout.  skl2onnx 1.20 was tried and does not fit: of trees that saw empty cells it loses where those go (a forest
was off by 0.19), its histogram boosting does not build with this onnx, and it knows none of our own steps.
Operators: ONNX 21, ai.onnx.ml 5 (TreeEnsemble), see onnx.ai/onnx/operators.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engine.data.computed import columns_to_read
from engine.data.settings import ReadSettings
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

OPSET, ML_OPSET, IR = 21, 5, 10
ML = "ai.onnx.ml"
LEQ, MEMBER = 0, 6  # modes of a node


@dataclass
class Graph:
    """Nodes and constants, each given a name of its own."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    made: int = 0

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """A node; gives the name of its one output."""
        self.made += 1
        name = f"{kind.lower()}_{self.made}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def const(self, value: Any, dtype: Any = np.float64) -> str:
        self.made += 1
        name = f"const_{self.made}"
        array = np.asarray(value, dtype=dtype)
        if array.dtype.kind in "UO":
            texts: Any = [str(v).encode() for v in array.ravel()]
            tensor = helper.make_tensor(name, TensorProto.STRING, array.shape, texts)
        else:
            tensor = numpy_helper.from_array(array, name)
        self.constants.append(tensor)
        return name

    def input(self, name: str, kind: int) -> str:
        """A column of the table: (n, 1)."""
        self.inputs.append(helper.make_tensor_value_info(name, kind, [None, 1]))
        return name


# -- the columns -----------------------------------------------------------------------------------------------------


@dataclass
class Columns:
    """The inputs of the graph; marks that mean missing are emptied inside it."""

    graph: Graph
    recipe: Mapping[str, Json]
    known: dict[str, str] = field(default_factory=dict)

    def kind(self, name: str) -> str:
        return str(self.recipe["types"][name])

    def marks(self, name: str) -> list[str]:
        told = list((self.recipe.get("marks") or {}).get(name) or ())
        return told + list(ReadSettings.from_dict(self.recipe.get("read") or {}).missing)

    def number(self, name: str) -> str:
        if name not in self.known:
            g = self.graph
            x = g.input(name, TensorProto.DOUBLE)
            for mark in self.marks(name):
                value = _as_number(mark)
                if value is not None:
                    x = g.op("Where", g.op("Equal", x, g.const([[value]])), g.const([[np.nan]]), x)
            self.known[name] = x
        return self.known[name]

    def text(self, name: str) -> str:
        if name not in self.known:
            self.known[name] = self.graph.input(name, TensorProto.STRING)
        return self.known[name]


def _as_number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def prepared(terms: Sequence[Term], columns: Columns) -> str:
    """(n, len(terms)) doubles."""
    g = columns.graph
    parts: list[str] = []
    order: list[int] = []
    by_column: dict[str, list[tuple[int, Levels]]] = {}
    for place, term in enumerate(terms):
        if columns.kind(term.column) == "number":
            parts.append(_of_number(term, columns))
            order.append(place)
        else:
            by_column.setdefault(term.column, []).append((place, _as_levels(term)))
    for column, found in by_column.items():
        parts.append(_looked_up([term for _, term in found], columns.text(column), columns.marks(column), g))
        order += [place for place, _ in found]
    whole = g.op("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
    back = np.argsort(np.array(order))
    return whole if list(back) == list(range(len(back))) else g.op("Gather", whole, g.const(back, np.int64), axis=1)


def _as_levels(term: Term) -> Levels:
    match term:
        case Levels():
            return term
        case IsMissing(column):
            return Levels(column, {}, 1.0, 0.0)
        case Always(column, value):
            return Levels(column, {}, value, value)
    raise NoForm(f"Column {term.column} is no number, and is used as one; take --to model.")


def _looked_up(terms: Sequence[Levels], text: str, marks: Sequence[str], g: Graph) -> str:
    """A row of a table for each level, one for any other, one for an empty cell."""
    levels = list(dict.fromkeys(level for term in terms for level in term.figures))
    table = np.array(
        [[term.figures.get(level, term.other) for term in terms] for level in levels]
        + [[term.other for term in terms], [term.missing for term in terms]]
    )
    other, missing = len(levels), len(levels) + 1
    keys = {level: place for place, level in enumerate(levels)} | dict.fromkeys(["", *marks], missing)
    place = g.op(
        "LabelEncoder",
        text,
        domain=ML,
        keys_strings=list(keys),
        values_int64s=list(keys.values()),
        default_int64=other,
    )
    rows = g.op("Gather", g.const(table), place, axis=0)  # (n, 1, k)
    return g.op("Reshape", rows, g.const([-1, len(terms)], np.int64))


def _of_number(term: Term, columns: Columns) -> str:
    g = columns.graph
    x = columns.number(term.column)
    match term:
        case Number(_, operations):
            return _worked(operations, x, g)
        case IsMissing():
            return g.op("Cast", g.op("IsNaN", x), to=TensorProto.DOUBLE)
        case Always(_, value):
            return g.op("Where", g.op("IsNaN", x), g.const([[value]]), g.const([[value]]))
        case Within(_, operations, low, high):
            worked = _worked(operations, x, g)
            above = g.op("GreaterOrEqual", worked, g.const([[low]]))
            inside = g.op("And", above, g.op("Less", worked, g.const([[high]])))
            return g.op("Cast", inside, to=TensorProto.DOUBLE)
    raise NoForm(f"Column {term.column} is a number, and is used as levels; take --to model.")


def _worked(operations: Sequence[Operation], x: str, g: Graph) -> str:
    for operation in operations:
        match operation:
            case Fill(value):
                x = g.op("Where", g.op("IsNaN", x), g.const([[value]]), x)
            case Hold(low, high):
                x = held(x, low, high, g)
            case Line(slope, shift):
                x = g.op("Add", g.op("Mul", x, g.const([[slope]])), g.const([[shift]]))
            case Squash(limit):
                share = g.op("Div", x, g.const([[limit]]))
                x = g.op("Div", x, g.op("Sqrt", g.op("Add", g.op("Mul", share, share), g.const([[1.0]]))))
            case Bend(zero, unit, power):
                x = _bent(x, zero, unit, power, g)
    return x


def held(x: str, low: float, high: float, g: Graph) -> str:
    """Between the two; what is no number stays none."""
    if math.isfinite(low):
        x = g.op("Where", g.op("Less", x, g.const([[low]])), g.const([[low]]), x)
    if math.isfinite(high):
        x = g.op("Where", g.op("Greater", x, g.const([[high]])), g.const([[high]]), x)
    return x


def _bent(x: str, zero: float, unit: float, power: float, g: Graph) -> str:
    none, one = g.const([[0.0]]), g.const([[1.0]])
    x = g.op("Sub", g.op("Div", x, g.const([[unit]])), g.const([[zero / unit]]))
    x = held(x, -FARTHEST, FARTHEST, g)
    up = g.op("Add", held(x, 0.0, np.inf, g), one)
    down = g.op("Add", held(g.op("Neg", x), 0.0, np.inf, g), one)

    def raised(base: str, to: float) -> str:
        if to == 0:
            return g.op("Log", base)
        return g.op("Div", g.op("Sub", g.op("Pow", base, g.const([[to]])), one), g.const([[to]]))

    left = g.op("Neg", raised(down, 2.0 - power))
    return g.op("Where", g.op("GreaterOrEqual", x, none), raised(up, power), left)


# -- models ----------------------------------------------------------------------------------------------------------


def said_by(fitted: Any, columns: Columns) -> str:
    """Probabilities (n, K) in the order of the labels, or values (n, 1).  Raises NoForm, saying why."""
    parts = getattr(fitted, "parts", None)
    if parts:
        said = [said_by(part, columns) for part in parts]
        return _joined(fitted, said, columns.graph)
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
    if len(classes) == len(fitted.labels):
        return shares
    places = np.zeros((len(classes), len(fitted.labels)))
    places[np.arange(len(classes)), classes] = 1.0
    return g.op("MatMul", shares, g.const(places))


def _two(positive: str, g: Graph) -> str:
    return g.op("Concat", g.op("Sub", g.const([[1.0]]), positive), positive, axis=1)


def _line(fitted: Fitted, X: str, g: Graph) -> str:
    weights = np.atleast_2d(np.asarray(fitted.estimator.coef_, dtype=np.float64))
    shifts = np.broadcast_to(np.atleast_1d(np.asarray(fitted.estimator.intercept_, dtype=np.float64)), len(weights))
    z = g.op("Add", g.op("MatMul", X, g.const(weights.T)), g.const(shifts))
    if not fitted.labels:
        return _grown(fitted, z, g)
    if len(weights) == 1:
        return _every_class(fitted, _two(g.op("Sigmoid", z), g), g)
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


@dataclass
class Forest:
    """Trees as the attributes of a TreeEnsemble: inner nodes and leaves in lists of their own."""

    targets: int
    nodes: dict[str, list[Any]] = field(
        default_factory=lambda: {name: [] for name in ("feature", "split", "mode", "yes", "yes_leaf", "no", "no_leaf",
                                                       "missing")}
    )  # fmt: skip
    leaf_target: list[int] = field(default_factory=list)
    leaf_weight: list[float] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    members: list[float] = field(default_factory=list)

    def leaf(self, target: int, weight: float) -> int:
        self.leaf_target.append(target)
        self.leaf_weight.append(float(weight))
        return len(self.leaf_target) - 1

    def node(self, feature: int, split: float, missing_yes: bool, members: Sequence[float] | None = None) -> int:
        """An inner node whose branches are set by `branch`."""
        n = self.nodes
        for name, value in (
            ("feature", feature), ("split", split), ("mode", LEQ if members is None else MEMBER),
            ("missing", int(missing_yes)), ("yes", 0), ("yes_leaf", 0), ("no", 0), ("no_leaf", 0),
        ):  # fmt: skip
            n[name].append(value)
        if members is not None:
            self.members += [*members, math.nan]
        return len(n["feature"]) - 1

    def branch(self, node: int, side: str, to: int, is_leaf: bool) -> None:
        self.nodes[side][node], self.nodes[f"{side}_leaf"][node] = to, int(is_leaf)

    def grow(self, read: Callable[[int], tuple[Any, ...]], target: int) -> None:
        """A tree.  read(i): ("leaf", weight) or ("node", feature, split, missing_yes, members, left, right)."""

        def place(i: int) -> tuple[int, bool]:
            found = read(i)
            if found[0] == "leaf":
                return self.leaf(target, found[1]), True
            _, feature, split, missing_yes, members, left, right = found
            node = self.node(feature, split, missing_yes, members)
            self.branch(node, "yes", *place(left))
            self.branch(node, "no", *place(right))
            return node, False

        root, is_leaf = place(0)
        if is_leaf:  # a tree of one leaf: a node whose branches say the same
            leaf = root
            root = self.node(0, 0.0, False)
            self.branch(root, "yes", leaf, True)
            self.branch(root, "no", leaf, True)
        self.roots.append(root)

    def add_to(self, g: Graph, X: str) -> str:
        n = self.nodes
        attributes: dict[str, Any] = {
            "tree_roots": self.roots,
            "nodes_featureids": n["feature"],
            "nodes_splits": _tensor(np.array(n["split"], dtype=np.float64)),
            "nodes_modes": _tensor(np.array(n["mode"], dtype=np.uint8)),
            "nodes_truenodeids": n["yes"],
            "nodes_trueleafs": n["yes_leaf"],
            "nodes_falsenodeids": n["no"],
            "nodes_falseleafs": n["no_leaf"],
            "nodes_missing_value_tracks_true": n["missing"],
            "leaf_targetids": self.leaf_target,
            "leaf_weights": _tensor(np.array(self.leaf_weight, dtype=np.float64)),
            "n_targets": self.targets,
            "aggregate_function": 1,  # the sum
            "post_transform": 0,  # none
        }
        if self.members:
            attributes["membership_values"] = _tensor(np.array(self.members, dtype=np.float64))
        return g.op("TreeEnsemble", X, domain=ML, **attributes)


def _tensor(array: np.ndarray) -> Any:
    return numpy_helper.from_array(array, "values")


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
            forest.grow(_sklearn_reader(tree.tree_, target, len(trees), bool(fitted.labels)), 0)
        columns.append(forest.add_to(g, X32))
    if not fitted.labels:
        return _grown(fitted, columns[0], g)
    return _every_class(fitted, g.op("Concat", *columns, axis=1) if k > 1 else columns[0], g)


def _sklearn_reader(tree: Any, target: int, trees: int, classes: bool) -> Callable[[int], tuple[Any, ...]]:
    missing = tree.missing_go_to_left

    def read(i: int) -> tuple[Any, ...]:
        left = int(tree.children_left[i])
        if left < 0:
            value = tree.value[i].ravel()
            return "leaf", float(value[target] / value.sum() if classes else value[0]) / trees
        cut = float(tree.threshold[i])
        return "node", int(tree.feature[i]), cut, bool(missing[i]), None, left, int(tree.children_right[i])

    return read


def _boosted(fitted: Fitted, X: str, g: Graph) -> str:
    estimator = fitted.estimator
    k = estimator.n_trees_per_iteration_
    columns = []
    for target in range(k):
        forest = Forest(1)
        for iteration in estimator._predictors:
            predictor = iteration[target]
            forest.grow(_boosted_reader(predictor), 0)
        columns.append(forest.add_to(g, X))
    raw = g.op("Concat", *columns, axis=1) if k > 1 else columns[0]
    raw = g.op("Add", raw, g.const(np.asarray(estimator._baseline_prediction, dtype=np.float64).reshape(1, -1)))
    if not fitted.labels:
        return _grown(fitted, raw, g)
    shares = _two(g.op("Sigmoid", raw), g) if k == 1 else g.op("Softmax", raw, axis=1)
    return _every_class(fitted, shares, g)


def _boosted_reader(predictor: Any) -> Callable[[int], tuple[Any, ...]]:
    nodes = predictor.nodes

    def read(i: int) -> tuple[Any, ...]:
        node = nodes[i]
        if node["is_leaf"]:
            return "leaf", float(node["value"])
        left, right = int(node["left"]), int(node["right"])
        feature, missing = int(node["feature_idx"]), bool(node["missing_go_to_left"])
        if node["is_categorical"]:
            bits = predictor.raw_left_cat_bitsets[node["bitset_idx"]]
            members = [float(v) for v in range(256) if bits[v // 32] >> np.uint32(v % 32) & 1]
            return "node", feature, 0.0, missing, members, left, right
        cut = float(node["num_threshold"])
        return "node", feature, float(np.finfo(np.float64).max) if math.isinf(cut) else cut, missing, None, left, right

    return read


def _joined(fitted: Any, said: Sequence[str], g: Graph) -> str:
    """What a head makes of the answers of the parts."""
    head = fitted.head
    kind = type(head).__name__
    if kind == "Average":
        total = said[0]
        for more in said[1:]:
            total = g.op("Add", total, more)
        return g.op("Div", total, g.const([[float(len(said))]]))
    if kind == "Calibrated":
        return _calibrated(head, said[0], g)
    if kind == "Stack":
        return _stacked(fitted, head, said, g)
    if len(said) == 1 and head is None:
        return said[0]
    raise NoForm(f"{fitted.spec.title} has no ONNX form here; take --to model.")


def _calibrated(head: Any, said: str, g: Graph) -> str:
    from engine.models.calibrators import CLIP

    if head.method == "temperature":
        logs = g.op("Log", held(said, CLIP, np.inf, g))
        return g.op("Softmax", g.op("Mul", logs, g.const([[head.b]])), axis=1)
    p = g.op("Gather", said, g.const([1], np.int64), axis=1)
    if head.method == "sigmoid":
        inside = held(p, CLIP, 1 - CLIP, g)
        odds = g.op("Log", g.op("Div", inside, g.op("Sub", g.const([[1.0]]), inside)))
        z = g.op("Add", g.op("Mul", odds, g.const([[head.b]])), g.const([[head.a]]))
        return _two(g.op("Sigmoid", z), g)
    total = g.const([[head.ys[0]]])  # straight lines between corners: each adds its rise, as far as p has come
    for x0, x1, y0, y1 in zip(head.xs, head.xs[1:], head.ys, head.ys[1:], strict=False):
        way = held(g.op("Sub", p, g.const([[x0]])), 0.0, x1 - x0, g)
        total = g.op("Add", total, g.op("Mul", way, g.const([[(y1 - y0) / (x1 - x0)]])))
    return _two(g.op("Add", total, g.op("Mul", p, g.const([[0.0]]))), g)


def _stacked(fitted: Any, head: Any, said: Sequence[str], g: Graph) -> str:
    from engine.models.composed import LEAST_SHARE

    inputs = []
    for one in said:
        if not fitted.labels:
            inputs.append(one)
            continue
        logs = g.op("Log", held(one, LEAST_SHARE, 1.0, g))
        if len(fitted.labels) == 2:
            first, second = (g.op("Gather", logs, g.const([i], np.int64), axis=1) for i in (0, 1))
            logs = g.op("Sub", second, first)
        inputs.append(logs)
    X = g.op("Concat", *inputs, axis=1) if len(inputs) > 1 else inputs[0]
    z = g.op("Add", g.op("MatMul", X, g.const(head.weights.T)), g.const(head.intercepts))
    if not head.of:
        return z
    if len(head.classes) == 1:
        raise NoForm("This stack met one class only and says nothing else; take --to model.")
    shares = _two(g.op("Sigmoid", z), g) if len(head.classes) == 2 else g.op("Softmax", z, axis=1)
    if len(head.classes) == head.of:
        return shares
    places = np.zeros((len(head.classes), head.of))
    places[np.arange(len(head.classes)), list(head.classes)] = 1.0
    return g.op("MatMul", shares, g.const(places))


# -- the whole graph -------------------------------------------------------------------------------------------------


def model_of(artifact: Artifact, name: str) -> onnx.ModelProto:
    """Inputs: one (n, 1) tensor a column.  Outputs: `prediction` (n, 1), and of classes `probabilities` (n, K).

    Raises NoForm for a model that has no ONNX form.
    """
    fitted, recipe = artifact.fitted, artifact.recipe
    if recipe.get("material") not in (None, "table"):
        raise NoForm("Only models of tables have an ONNX form here; take --to model.")
    g = Graph()
    columns = Columns(g, recipe)
    said = said_by(fitted, columns)
    outputs = []
    if fitted.labels:
        chosen = _chosen(fitted, said, artifact.threshold, g)
        g.nodes += [
            helper.make_node(
                "Gather", [g.const(np.array(fitted.labels, dtype=object), object), chosen], ["prediction"]
            ),
            helper.make_node("Identity", [said], ["probabilities"]),
        ]
        outputs = [
            helper.make_tensor_value_info("prediction", TensorProto.STRING, [None, 1]),
            helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, [None, len(fitted.labels)]),
        ]
    else:
        g.nodes.append(helper.make_node("Identity", [said], ["prediction"]))
        outputs = [helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, [None, 1])]
    graph = helper.make_graph(g.nodes, "model", g.inputs, outputs, g.constants)
    made = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)],
        ir_version=IR,
        producer_name="rungwise",
    )
    helper.set_model_props(
        made,
        {
            "session": name,
            "target": str(recipe["target"]),
            "labels": "\n".join(fitted.labels),
            "threshold": "" if artifact.threshold is None else repr(artifact.threshold),
            "columns": "\n".join(columns.known),
        },
    )
    onnx.checker.check_model(made)
    return made


def _chosen(fitted: Any, said: str, threshold: float | None, g: Graph) -> str:
    """(n, 1) places of the classes said."""
    if threshold is not None and len(fitted.labels) == 2:
        p = g.op("Gather", said, g.const([1], np.int64), axis=1)
        return g.op("Cast", g.op("GreaterOrEqual", p, g.const([[threshold]])), to=TensorProto.INT64)
    return g.op("ArgMax", said, axis=1, keepdims=1)


def to_compute(recipe: Mapping[str, Json]) -> list[str]:
    """What a caller must do before the rows reach the graph, in sentences."""
    found = [f"compute the column {made['name']} = {made['formula']}" for made in recipe.get("features") or ()]
    types = columns_to_read(recipe)
    return found + [
        f"empty {name} where {text}" for name, text in (recipe.get("impossible") or {}).items() if name in types
    ]
