"""Nodes and constants of a graph, and the arithmetic that several of its rooms write."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"


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


def held(x: str, low: float, high: float, g: Graph) -> str:
    """Between the two; what is no number stays none."""
    if math.isfinite(low):
        x = g.op("Where", g.op("Less", x, g.const([[low]])), g.const([[low]]), x)
    if math.isfinite(high):
        x = g.op("Where", g.op("Greater", x, g.const([[high]])), g.const([[high]]), x)
    return x


def two(positive: str, g: Graph) -> str:
    return g.op("Concat", g.op("Sub", g.const([[1.0]]), positive), positive, axis=1)


def placed(shares: str, classes: np.ndarray, labels: int, g: Graph) -> str:
    """The shares of these classes among all; a class that the training part did not hold has no chance."""
    if len(classes) == labels:
        return shares
    places = np.zeros((len(classes), labels))
    places[np.arange(len(classes)), classes] = 1.0
    return g.op("MatMul", shares, g.const(places))
