"""Trees of scikit-learn as one TreeEnsemble."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import numpy_helper

from engine.export.model.graph.nodes import ML, Graph

LEQ, MEMBER = 0, 6  # modes of a node


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


def sklearn_reader(tree: Any, target: int, trees: int, classes: bool) -> Callable[[int], tuple[Any, ...]]:
    missing = tree.missing_go_to_left

    def read(i: int) -> tuple[Any, ...]:
        left = int(tree.children_left[i])
        if left < 0:
            value = tree.value[i].ravel()
            return "leaf", float(value[target] / value.sum() if classes else value[0]) / trees
        cut = float(tree.threshold[i])
        return "node", int(tree.feature[i]), cut, bool(missing[i]), None, left, int(tree.children_right[i])

    return read


def boosted_reader(predictor: Any) -> Callable[[int], tuple[Any, ...]]:
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
