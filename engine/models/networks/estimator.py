"""Networks as scikit-learn estimators over a prepared matrix, so that they are scored like any other model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split

from engine.errors import DataProblem
from engine.models.networks.backend import load_torch
from engine.models.networks.inputs import Layout, Stack, plain_layout
from engine.models.networks.losses import Loss
from engine.models.networks.spec import DENSE_64_32, Network
from engine.models.networks.training import Measured, Report, Trained, outputs_of, train

LARGEST = 1e30  # of a target: float32 ends at 3e38


class _Estimator(BaseEstimator):
    """What both share: build, train, answer.

    After `fit`: net_ (the torch module, in the target's own unit), trained_ (the course of training, without weights),
    loss_, n_features_in_, parameters_, loss_at_start_ (training rows, untrained).
    """

    def __init__(
        self,
        network: Network = DENSE_64_32,
        loss: Loss | None = None,
        layout: Layout | None = None,
        seed: int = 0,
        report: Report | None = None,
        balanced: bool = False,
    ) -> None:
        self.network = network
        self.loss = loss
        self.layout = layout
        self.seed = seed
        self.report = report
        self.balanced = balanced

    def _fit(
        self,
        rows: Stack,
        y: np.ndarray,
        held: Stack,
        y_held: np.ndarray,
        loss: Loss,
        outputs: int,
        measure: Measured,
    ) -> Trained:
        from engine.models.networks.modules import untrained

        net = untrained(self.network, loss, self.layout_.inputs, outputs, y, self.seed)
        trained = train(
            net, loss, rows, y, held, y_held, self.network.training,
            seed=self.seed, report=self.report, measure=measure,
        )  # fmt: skip
        self.loss_ = loss
        self.trained_ = trained.evidence() | {"seed": self.seed}
        self.loss_at_start_ = trained.curve[0]["train loss"]
        self._take(net)
        return trained

    def _begin(self, X: Any) -> Any:
        """X checked, and where its columns lie."""
        vars(self).pop("n_features_in_", None)  # fitted before, perhaps on other columns
        self.layout_ = self.layout or plain_layout(np.shape(X)[1] if np.ndim(X) == 2 or hasattr(X, "tocsr") else 0)
        if self.layout is not None and not self.layout.main and np.shape(X)[1:] != (self.layout.width,):
            self.layout_ = replace_width(self.layout, np.shape(X)[1])
        return self._checked(X)

    def _take(self, net: Any) -> None:
        """Answer with this network from now on."""
        self.net_ = net.eval()
        self.n_features_in_ = self.layout_.width
        self.parameters_ = int(net.parameters_)

    @property
    def module_(self) -> Any:
        """The same network as a Keras module, where it has a form there; else NoNetworks."""
        from engine.models.networks.keras_form import keras_form

        return keras_form(self.net_, self.loss_)

    @property
    def format(self) -> str:
        """keras, or torch for what Keras has no form of."""
        from engine.models.networks.layers import has_form

        return "keras" if has_form(self.network, self.layout_.inputs) else "torch"

    def _outputs(self, X: Any) -> np.ndarray:
        """(rows, features) → (rows, outputs) float64, after the softmax where there is one."""
        return self._said(outputs_of(self.net_, self.layout_.tensors(self._checked(X)))).numpy().astype(np.float64)

    def _said(self, out: Any) -> Any:
        """Outputs → probabilities or numbers; members of an ensemble are averaged after that."""
        torch = load_torch()
        out = torch.softmax(out, dim=-1) if self.loss_.classes else out
        return out.mean(dim=1) if out.ndim == 3 else out

    def _row(self, x: np.ndarray) -> np.ndarray:
        """(features,) float32 → (outputs,), without checks: the path for one row at a time."""
        torch = load_torch()
        with torch.inference_mode():
            stack = self.layout_.tensors(x[None])
            return self._said(self.net_(*stack.batch(0, 1)))[0].numpy()

    def _checked(self, X: Any) -> Any:
        """X as numbers in one piece.  Raises DataProblem: wrong width, or a value that is no number."""
        width = getattr(self, "n_features_in_", None) or self.layout_.width
        sparse = hasattr(X, "tocsr")
        if not sparse:
            X = np.asarray(X)
            if X.dtype.kind not in "fiub":
                X = X.astype(np.float32)
        if X.ndim != 2 or X.shape[1] != width:
            raise DataProblem(f"The network takes (rows, {width or 'features'}), but {X.shape} came.")
        values = X.tocsr().data if sparse else X
        with np.errstate(invalid="ignore", over="ignore"):
            finite = np.isfinite(values.astype(np.float32, copy=False))
        if not finite.all():
            where = np.flatnonzero(~finite.all(axis=0)) if not sparse else [0]
            raise DataProblem(
                f"Prepared column {int(where[0]) + 1} holds a missing or infinite value; a network takes none. "
                "Fill missing values in the preparation."
            )
        return X

    def _validation(
        self, X: Any, y: np.ndarray, X_val: Any, y_val: Any, stratify: bool
    ) -> tuple[Any, np.ndarray, Any, np.ndarray]:
        """Training and validation rows; drawn at random here when none are handed in."""
        if X_val is not None:
            return X, y, self._checked(X_val), np.asarray(y_val)
        training, n = self.network.training, X.shape[0]
        if n < 4:
            raise DataProblem(f"{n} rows are too few to train a network and to see when to stop.")
        size = max(1, min(max(round(training.validation_share * n), training.validation_rows), n // 3))
        if self.network.takes == "window":  # the last ones, after a gap that no answer reaches over
            gap = min(self.layout_.inputs.horizon**2, n - size - 1)
            return X[: n - size - gap], y[: n - size - gap], X[n - size :], y[n - size :]
        counts = np.unique(y, return_counts=True)[1] if stratify else np.array([2])
        by = y if stratify and counts.min() >= 2 and len(counts) <= size else None
        places = np.arange(n)
        inner, held = train_test_split(places, test_size=size, random_state=self.seed, stratify=by)
        return X[inner], y[inner], X[held], y[held]


def replace_width(layout: Layout, width: int) -> Layout:
    """The same for a table of another width."""
    return Layout(replace(layout.inputs, shape=(width,)), width)


def _numbers(y: Any) -> np.ndarray:
    """A target of numbers: (rows,) float64.  Raises DataProblem where one is none, or too large to be standardised."""
    y = np.asarray(y, dtype=np.float64)
    if missing := int(np.count_nonzero(~np.isfinite(y))):
        raise DataProblem(
            f"{missing:,} of {len(y):,} values of the target are missing or infinite, which no network can learn from. "
            "Leave these rows out."
        )
    if len(y) and np.abs(y).max() > LARGEST:
        raise DataProblem(
            f"The target reaches {np.abs(y).max():.3g}, and a network takes values up to {LARGEST:.0g}; give it in a "
            "larger unit, or learn its logarithm."
        )
    return y


class NetworkClassifier(ClassifierMixin, _Estimator):
    """A network that answers with one probability a class.  balanced: the classes of the training rows count alike."""

    def fit(self, X: Any, y: Any, X_val: Any = None, y_val: Any = None) -> Self:
        """X: (rows, features), no missing values; y: (rows,) labels.  Raises DataProblem, NoNetworks, Cancelled."""
        X, y = self._begin(X), np.asarray(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise DataProblem("Only one class is in the training rows; a network needs two or more.")
        X, y, X_val, y_val = self._validation(X, y, X_val, y_val, stratify=True)
        codes = np.searchsorted(self.classes_, y).astype(np.int64)
        known = np.isin(y_val, self.classes_)  # a class seen in validation only cannot be learned
        if not known.any():
            raise DataProblem("No validation row has a class of the training rows; use more rows.")
        held = np.searchsorted(self.classes_, y_val[known]).astype(np.int64)
        loss = self.loss or Loss("cross_entropy")
        if self.balanced:
            counts = np.bincount(codes, minlength=len(self.classes_)).clip(min=1)
            loss = replace(loss, weights=tuple((len(codes) / (len(counts) * counts)).tolist()))
        self.loss_ = loss
        wanted = load_torch().from_numpy(held)

        def measure(out: Any) -> Mapping[str, float]:
            hits = self._said(out.float()).argmax(dim=1).cpu() == wanted
            return {"validation accuracy": float(hits.float().mean())}

        rows, apart = self.layout_.tensors(X), self.layout_.tensors(X_val[np.flatnonzero(known)])
        self._fit(rows, codes, apart, held, loss, len(self.classes_), measure)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """(rows, features) → (rows, classes), in the order of classes_."""
        return self._outputs(X)

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_row(self, x: np.ndarray) -> np.ndarray:
        """(features,) float32 → (classes,) probabilities, with as little around it as can be."""
        return self._row(x)


class NetworkRegressor(RegressorMixin, _Estimator):
    """A network that answers with one number.  The target is standardised by the rows it trains on.

    One that takes windows answers all steps of a window at once: rows that ask for them are put together.
    """

    def fit(self, X: Any, y: Any, X_val: Any = None, y_val: Any = None) -> Self:
        """X: (rows, features), no missing values; y: (rows,) numbers.  Raises DataProblem, NoNetworks, Cancelled."""
        X, y = self._begin(X), _numbers(y)
        X, y, X_val, y_val = self._validation(X, y, X_val, y_val, stratify=False)
        mean, scale = float(np.mean(y)), float(np.std(y)) or 1.0
        targets, held = (((part - mean) / scale).astype(np.float32) for part in (y, y_val))
        self.loss_ = loss = self.loss or Loss("squared")
        outputs = 1
        if self.network.takes == "window":
            outputs = self.layout_.inputs.horizon
            inner, apart = self.layout_.windows(X, targets), self.layout_.windows(X_val, held)
            rows, targets, stack, held = inner.stack, inner.y, apart.stack, apart.y
        else:
            rows, stack = self.layout_.tensors(X), self.layout_.tensors(X_val)
        wanted = load_torch().from_numpy(held)
        name, absolute = ("MAE", True) if loss.name != "squared" else ("RMSE", False)

        def measure(out: Any) -> Mapping[str, float]:
            said = self._said(out.float()).cpu()
            gap = (said - wanted if wanted.ndim == 2 else said[:, 0] - wanted).numpy() * scale
            gap = gap[np.isfinite(gap)].astype(np.float64)
            value = np.mean(np.abs(gap)) if absolute else np.sqrt(np.mean(gap**2))
            return {f"validation {name}": float(value)}

        self._fit(rows, targets, stack, held, loss, outputs, measure)
        self.net_.head.rescale(mean, scale)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(rows, features) → (rows,)."""
        if self.network.takes == "window":
            asked = self.layout_.windows(self._checked(X))
            said = outputs_of(self.net_, asked.stack).numpy()
            return said[asked.window, asked.step].astype(np.float64)
        return self._outputs(X)[:, 0]

    def predict_row(self, x: np.ndarray) -> float:
        """(features,) float32 → the number, with as little around it as can be."""
        return float(self.predict(x[None])[0]) if self.network.takes == "window" else float(self._row(x)[0])
