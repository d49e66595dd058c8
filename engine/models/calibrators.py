"""Heads that turn a model's scores into probabilities that can be taken at face value.  (Catalogue, improve.calibrate.)

Each is fitted to answers that the model gave about rows it had not seen: its own training answers are too sure of
themselves.  Sigmoid: Platt (1999), on the logit.  Isotonic: Zadrozny & Elkan (2002).  Temperature: Guo et al. (2017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from engine.errors import UsageProblem
from engine.models.setting import Setting
from engine.records import Json

METHODS = ("sigmoid", "isotonic", "temperature")
CLIP = 1e-6  # probabilities are held this far from 0 and 1 before their logit is taken
MOST_STEPS = 50
SLOPES = (-6.0, 6.0)  # between which the logarithm of the temperature is looked for


@dataclass(frozen=True)
class Calibrated:
    """One map from what a model says to how likely it is.

    sigmoid (two classes): knots (a, b) of 1/(1 + exp(−a − b·logit p)).  isotonic (two classes): xs and ys, rising, and
    straight lines between.  temperature (any number of classes): logits divided by it, which leaves their order alone.
    """

    method: str
    a: float = 0.0
    b: float = 1.0
    xs: tuple[float, ...] = ()
    ys: tuple[float, ...] = ()

    learns: ClassVar[bool] = True

    @classmethod
    def learn(cls, scores: Sequence[np.ndarray], y: np.ndarray, setting: Setting) -> Calibrated:
        """scores: one array (m, K) of probabilities out of fold.  y: (m,) codes.

        Raises UsageProblem for a method that does not fit the number of classes.
        """
        method = str(setting.settings["method"])
        two = len(setting.labels) == 2
        if method not in METHODS or (method in ("sigmoid", "isotonic") and not two):
            fits = "sigmoid, isotonic or temperature for two classes; temperature for more"
            raise UsageProblem(f'"{method}" does not calibrate {len(setting.labels)} classes: {fits}.')
        (p,) = scores
        if method == "temperature":
            return cls(method, b=1.0 / temperature(p, y))
        positive = (y == 1).astype(float)
        if method == "sigmoid":
            a, b = sigmoid(logit(p[:, 1]), positive)
            return cls(method, a, b)
        xs, ys = isotonic(p[:, 1], positive)
        return cls(method, xs=tuple(xs), ys=tuple(ys))

    @classmethod
    def of_state(cls, state: Mapping[str, Json]) -> Calibrated:
        known = {**state, "xs": tuple(state["xs"]), "ys": tuple(state["ys"])}
        return cls(**known)

    def state(self) -> dict[str, Json]:
        return {"method": self.method, "a": self.a, "b": self.b, "xs": list(self.xs), "ys": list(self.ys)}

    def combine(self, scores: Sequence[np.ndarray]) -> np.ndarray:
        """(n, K) probabilities, which add up to 1."""
        (p,) = scores
        if self.method == "temperature":
            return softmax(np.log(np.clip(p, CLIP, None)) * self.b)
        if self.method == "sigmoid":
            z = self.a + self.b * logit(p[:, 1])
            high = 0.5 * (1.0 + np.tanh(0.5 * z))
        else:
            high = np.interp(p[:, 1], self.xs, self.ys)
        return np.column_stack([1.0 - high, high])

    @property
    def parameters(self) -> int:
        return {"sigmoid": 2, "temperature": 1}.get(self.method, 2 * len(self.xs))


def logit(p: np.ndarray) -> np.ndarray:
    held = np.clip(p, CLIP, 1 - CLIP)
    return np.log(held) - np.log1p(-held)


def softmax(z: np.ndarray) -> np.ndarray:
    """z: (n, K).  Rows that add up to 1."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def sigmoid(
    z: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None, start: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, float]:
    """Intercept a and slope b of y ~ a + b·z by maximum likelihood (Newton's method, halved where it overshoots).

    z: (n,) logits, y: (n,) of 0 and 1, weights: (n,) or None.  start: where to begin.  The least of penalties (1e-6 on
    b − 1) keeps the answer finite where the classes part completely.
    """
    w = np.ones(len(z)) if weights is None else weights
    theta, ridge = np.array(start), 1e-6 * max(float(w.sum()), 1.0)

    def loss(t: np.ndarray) -> float:
        eta = t[0] + t[1] * z
        return float(w @ (np.logaddexp(0.0, eta) - y * eta) + 0.5 * ridge * (t[1] - 1) ** 2)

    now = loss(theta)
    for _ in range(MOST_STEPS):
        p = 0.5 * (1.0 + np.tanh(0.5 * (theta[0] + theta[1] * z)))
        r, v = w * (p - y), w * p * (1 - p)
        gradient = np.array([r.sum(), r @ z + ridge * (theta[1] - 1)])
        hessian = np.array([[v.sum() + 1e-12, v @ z], [v @ z, v @ (z * z) + ridge]])
        step, size = np.linalg.solve(hessian, gradient), 1.0
        while (after := loss(theta - size * step)) > now + 1e-12 and size > 1e-6:
            size /= 2
        theta, before, now = theta - size * step, now, after
        if before - now <= 1e-12 * max(1.0, abs(now)):
            break
    return float(theta[0]), float(theta[1])


def isotonic(p: np.ndarray, y: np.ndarray) -> tuple[list[float], list[float]]:
    """Corners of the rising line that fits best (scikit-learn's pool of adjacent violators).

    Its ends are held to (½ of a row) from 0 and 1, so that no row of a small pool is called impossible.
    """
    from sklearn.isotonic import IsotonicRegression

    found: Any = IsotonicRegression(out_of_bounds="clip").fit(p, y)
    xs, ys = np.asarray(found.X_thresholds_, dtype=float), np.asarray(found.y_thresholds_, dtype=float)
    least = 0.5 / (len(y) + 1)
    return xs.tolist(), np.clip(ys, least, 1 - least).tolist()


def temperature(p: np.ndarray, y: np.ndarray) -> float:
    """The number that logits are divided by for the least log loss.  p: (n, K), y: (n,) codes."""
    from scipy.optimize import minimize_scalar

    z = np.log(np.clip(p, CLIP, None))
    rows = np.arange(len(y))

    def loss(log_t: float) -> float:
        scaled = z / np.exp(log_t)
        return float(np.mean(np.logaddexp.reduce(scaled, axis=1) - scaled[rows, y]))

    found: Any = minimize_scalar(loss, bounds=SLOPES, method="bounded", options={"xatol": 1e-8})
    return float(np.exp(found.x))
