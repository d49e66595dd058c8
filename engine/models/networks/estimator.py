"""Networks as scikit-learn estimators over a prepared float32 matrix, so that they are scored like any other model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split

from engine.errors import DataProblem
from engine.models.networks.backend import load_torch
from engine.models.networks.build import Route, scale_head, untrained
from engine.models.networks.losses import Loss
from engine.models.networks.spec import DENSE_64_32, Network
from engine.models.networks.training import EVALUATE, Report, Trained, train


class _Estimator(BaseEstimator):
    """What both share: build, train, answer.

    After `fit`: module_ (the Keras module, in the target's own unit), trained_ (the course of training, without
    weights), loss_, n_features_in_, parameters_, loss_at_start_ (training rows, untrained).
    """

    def __init__(
        self,
        network: Network = DENSE_64_32,
        loss: Loss | None = None,
        n_features: int | None = None,
        seed: int = 0,
        report: Report | None = None,
        balanced: bool = False,
    ) -> None:
        self.network = network
        self.loss = loss
        self.n_features = n_features
        self.seed = seed
        self.report = report
        self.balanced = balanced

    def _fit(
        self, X: np.ndarray, y: np.ndarray, X_val: np.ndarray, y_val: np.ndarray, loss: Loss, outputs: int
    ) -> Trained:
        route = untrained(self.network, loss, X.shape[1], outputs, y, self.seed)
        trained = train(
            route, loss, X, y, X_val, y_val, self.network.training,
            seed=self.seed, report=self.report,
        )  # fmt: skip
        route.put_back(trained.weights)
        self._take(route)
        self.loss_ = loss
        self.trained_ = trained.evidence() | {"device": self.network.training.device, "seed": self.seed}
        self.loss_at_start_ = trained.curve[0]["train loss"]
        return trained

    def _take(self, route: Route) -> None:
        """Answer with this module from now on."""
        self.module_ = module = route.module
        self._route = route
        self._weights = [w.detach() for w in route.weights()]
        self.n_features_in_ = int(module.input_shape[1])
        self.parameters_ = int(module.count_params())

    def _outputs(self, X: np.ndarray) -> np.ndarray:
        """(rows, features) → (rows, outputs) float64, after the softmax where there is one."""
        torch = load_torch()
        X = self._checked(X)
        parts = []
        with torch.inference_mode():
            for at in range(0, max(len(X), 1), EVALUATE):
                out = self._route(self._weights, torch.from_numpy(X[at : at + EVALUATE]), False)
                parts.append(torch.softmax(out, dim=1) if self._route.classes else out)
        return torch.cat(parts).numpy().astype(np.float64)

    def _row(self, x: np.ndarray) -> np.ndarray:
        """(features,) float32 → (outputs,), without checks: the path for one row at a time."""
        torch = load_torch()
        with torch.inference_mode():
            out = self._route(self._weights, torch.from_numpy(x)[None], False)[0]
            return (torch.softmax(out, dim=0) if self._route.classes else out).numpy()

    def _checked(self, X: Any) -> np.ndarray:
        """X as float32 in one piece.  Raises DataProblem: wrong width, or a value that is no number."""
        X = np.ascontiguousarray(X, dtype=np.float32)
        expected = getattr(self, "n_features_in_", self.n_features)
        if X.ndim != 2 or (expected is not None and X.shape[1] != expected):
            raise DataProblem(f"The network takes (rows, {expected or 'features'}), but {X.shape} came.")
        if not np.isfinite(X).all():
            column = int(np.flatnonzero(~np.isfinite(X).all(axis=0))[0])
            raise DataProblem(
                f"Prepared column {column + 1} holds a missing or infinite value; a network takes none. "
                "Fill missing values in the preparation."
            )
        return X

    def _validation(
        self, X: np.ndarray, y: np.ndarray, X_val: Any, y_val: Any, stratify: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Training and validation rows; drawn at random here when none are handed in."""
        if X_val is not None:
            return X, y, self._checked(X_val), np.asarray(y_val)
        training = self.network.training
        if len(X) < 4:
            raise DataProblem(f"{len(X)} rows are too few to train a network and to see when to stop.")
        size = min(max(round(training.validation_share * len(X)), training.validation_rows), len(X) // 3)
        counts = np.unique(y, return_counts=True)[1] if stratify else np.array([2])
        by = y if stratify and counts.min() >= 2 and len(counts) <= size else None
        places = np.arange(len(X))
        inner, held = train_test_split(places, test_size=max(1, size), random_state=self.seed, stratify=by)
        return X[inner], y[inner], X[held], y[held]


class NetworkClassifier(ClassifierMixin, _Estimator):
    """A network that answers with one probability a class.  balanced: the classes of the training rows count alike."""

    def fit(self, X: Any, y: Any, X_val: Any = None, y_val: Any = None) -> Self:
        """X: (rows, features), no missing values; y: (rows,) labels.  Raises DataProblem, NoNetworks, Cancelled."""
        vars(self).pop("n_features_in_", None)  # fitted before, perhaps on other columns
        X, y = self._checked(X), np.asarray(y)
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
            counts = np.bincount(codes)
            loss = replace(loss, weights=tuple((len(codes) / (len(counts) * counts)).tolist()))
        self._fit(X, codes, X_val[known], held, loss, len(self.classes_))
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
    """A network that answers with one number.  The target is standardised by the rows it trains on."""

    def fit(self, X: Any, y: Any, X_val: Any = None, y_val: Any = None) -> Self:
        """X: (rows, features), no missing values; y: (rows,) numbers.  Raises DataProblem, NoNetworks, Cancelled."""
        vars(self).pop("n_features_in_", None)
        X, y = self._checked(X), np.asarray(y, dtype=np.float64)
        X, y, X_val, y_val = self._validation(X, y, X_val, y_val, stratify=False)
        mean, scale = float(np.mean(y)), float(np.std(y)) or 1.0
        targets, held = (((part - mean) / scale).astype(np.float32) for part in (y, y_val))
        self._fit(X, targets, X_val, held, self.loss or Loss("squared"), 1)
        scale_head(self._route, mean, scale)
        self._take(self._route)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(rows, features) → (rows,)."""
        return self._outputs(X)[:, 0]

    def predict_row(self, x: np.ndarray) -> float:
        """(features,) float32 → the number, with as little around it as can be."""
        return float(self._row(x)[0])
