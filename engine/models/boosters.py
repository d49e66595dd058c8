"""LightGBM and CatBoost, where they are installed (the extra `boosters`), kept as the text that they themselves write.

Both stop on the inner validation rows that they are given, as scikit-learn's boosting does, and count with one thread:
sums over several threads come out in any order, and the last bits with them.  Nothing is unpickled: a stored model is
the library's own text, read by the library's own reader.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from engine.errors import DataProblem
from engine.models.setting import Setting


def lightgbm(setting: Setting) -> Any:
    kind: Any = LightClasses if setting.classifies else LightNumbers
    return kind(dict(setting.settings), len(setting.labels), list(setting.categorical), setting.seed)


def catboost(setting: Setting) -> Any:
    kind: Any = CatClasses if setting.classifies else CatNumbers
    return kind(dict(setting.settings), len(setting.labels), list(setting.categorical), setting.seed)


class _Booster(BaseEstimator):
    """What the two have in common.

    settings: as of the catalogue.  labels: number of classes, 0 for numbers.  categorical: positions of category codes.
    text_: the fitted model as its library writes it.
    """

    def __init__(
        self, settings: dict[str, Any], labels: int = 0, categorical: list[int] | None = None, seed: int = 0
    ) -> None:
        self.settings = settings
        self.labels = labels
        self.categorical = categorical
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        X_val: np.ndarray,
        y_val: np.ndarray,
        sample_weight: np.ndarray | None = None,
        sample_weight_val: np.ndarray | None = None,
    ) -> Self:
        """X: (n, p) float64, NaN where missing; y: (n,) codes or values.  Classes that the training rows lack have no
        chance."""
        if self.labels:
            self.classes_ = np.unique(y)
            place = {label: i for i, label in enumerate(self.classes_.tolist())}
            y = np.searchsorted(self.classes_, y)
            held = np.isin(y_val, self.classes_)  # a class never learned cannot be stopped by
            X_val, y_val = X_val[held], np.array([place[label] for label in y_val[held].tolist()], dtype=int)
            sample_weight_val = None if sample_weight_val is None else sample_weight_val[held]
        if self.labels and len(self.classes_) == 1:
            self.text_, self.parameters_, self.rounds_ = "", 1, 0
            return self
        self._learn((X, y, sample_weight), (X_val, y_val, sample_weight_val))
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_booster"}

    def _learn(self, training: tuple[Any, ...], validation: tuple[Any, ...]) -> None:
        raise NotImplementedError

    def _answers(self, X: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """(n, classes met in training)."""
        if not self.text_:
            return np.ones((len(X), 1))
        return self._answers(np.asarray(X, dtype=np.float64))

    def _loss(self, names: dict[str, str]) -> str:
        """The objective by its name in the library: names of "classes", "two", and of the losses of numbers."""
        if self.labels:
            return names["two" if len(self.classes_) == 2 else "classes"]
        return names[self.settings.get("loss") or "squared_error"]


class _Light(_Booster):
    def _learn(self, training: tuple[Any, ...], validation: tuple[Any, ...]) -> None:
        import lightgbm as lgb

        s = self.settings
        objective = self._loss(
            {"two": "binary", "classes": "multiclass", "squared_error": "regression", "absolute_error": "regression_l1",
             "quantile": "quantile"}
        )  # fmt: skip
        params = {
            "objective": objective,
            "learning_rate": s["learning_rate"],
            "num_leaves": s["max_leaf_nodes"],
            "min_data_in_leaf": s["min_samples_leaf"],
            "lambda_l2": s["l2_regularization"],
            "feature_fraction_bynode": s["column_share"],
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
            **({"num_class": len(self.classes_)} if objective == "multiclass" else {}),
            **({"alpha": s["quantile"]} if objective == "quantile" else {}),
        }
        codes = list(self.categorical or ())
        made = lgb.Dataset(
            training[0], training[1], weight=training[2], categorical_feature=codes or "auto", free_raw_data=False
        )
        valid = made.create_valid(validation[0], validation[1], weight=validation[2])
        stops = [lgb.early_stopping(s["n_iter_no_change"], verbose=False)] if len(validation[0]) else []
        booster = lgb.train(params, made, s["max_iter"], [valid] if stops else None, callbacks=stops)
        best = booster.best_iteration if stops else -1
        self.text_ = booster.model_to_string(num_iteration=best)
        self.rounds_ = int(best if best > 0 else booster.num_trees())
        self.parameters_ = _leaves_of_text(self.text_)

    def _answers(self, X: np.ndarray) -> np.ndarray:
        if not hasattr(self, "_booster"):
            import lightgbm as lgb

            self._booster = lgb.Booster(model_str=self.text_)
        said = np.asarray(self._booster.predict(X, num_threads=1))
        if self.labels and said.ndim == 1:
            return np.column_stack([1 - said, said])
        return said


class LightClasses(ClassifierMixin, _Light):
    """LightGBM for classes."""


class LightNumbers(RegressorMixin, _Light):
    """LightGBM for numbers."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(n,)."""
        return self._answers(np.asarray(X, dtype=np.float64))


class _Cat(_Booster):
    def _learn(self, training: tuple[Any, ...], validation: tuple[Any, ...]) -> None:
        from catboost import CatBoost

        s = self.settings
        quantile = s.get("quantile")
        loss = self._loss(
            {"two": "Logloss", "classes": "MultiClass", "squared_error": "RMSE", "absolute_error": "MAE",
             "quantile": f"Quantile:alpha={quantile}"}
        )  # fmt: skip
        model = CatBoost(
            {
                "loss_function": loss,
                "learning_rate": s["learning_rate"],
                "depth": s["depth"],
                "l2_leaf_reg": s["l2_regularization"],
                "iterations": s["max_iter"],
                "random_seed": self.seed,
                "thread_count": 1,
                "verbose": False,
                "allow_writing_files": False,
                **({"od_type": "Iter", "od_wait": s["n_iter_no_change"]} if len(validation[0]) else {}),
            }
        )
        pools = [_pool(*part, codes=self.categorical or []) for part in (training, validation) if len(part[0])]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(pools[0], eval_set=pools[1] if len(pools) > 1 else None)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.json"
            model.save_model(str(file), format="json", pool=pools[0] if self.categorical else None)
            self.text_ = _settled(file.read_text())
        self.rounds_ = int(model.tree_count_ or 0)
        self.parameters_ = int(np.sum(model.get_tree_leaf_counts())) if self.rounds_ else 1

    def _answers(self, X: np.ndarray) -> np.ndarray:
        if not hasattr(self, "_booster"):
            from catboost import CatBoost

            model = CatBoost()
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "model.json"
                file.write_text(self.text_)
                model.load_model(str(file), format="json")
            self._booster = model
        kind = "Probability" if self.labels else "RawFormulaVal"
        pool = _pool(X, None, None, codes=self.categorical or [])
        return np.asarray(self._booster.predict(pool, prediction_type=kind, thread_count=1), dtype=np.float64)


class CatClasses(ClassifierMixin, _Cat):
    """CatBoost for classes."""


class CatNumbers(RegressorMixin, _Cat):
    """CatBoost for numbers."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(n,)."""
        return self._answers(np.asarray(X, dtype=np.float64))


def _pool(X: np.ndarray, y: Any, weight: Any, *, codes: list[int]) -> Any:
    """A CatBoost pool; codes of categories as whole numbers, −1 where missing."""
    from catboost import FeaturesData, Pool

    rest = [j for j in range(X.shape[1]) if j not in set(codes)]
    numbers = np.ascontiguousarray(X[:, rest], dtype=np.float32) if rest else None
    levels = None
    if codes:
        whole = np.nan_to_num(X[:, codes], nan=-1.0).astype(int)
        levels = np.ascontiguousarray(whole.astype(str).astype("S").astype(object))
    return Pool(FeaturesData(num_feature_data=numbers, cat_feature_data=levels), label=y, weight=weight)


def _settled(text: str) -> str:
    """The model without what differs between two equal trainings: times, a name drawn at random, and the order in which
    the levels of a category happen to be listed."""
    try:
        model = json.loads(text)
    except ValueError as problem:
        raise DataProblem(f"CatBoost wrote a model that cannot be read back ({problem}); take another model.") from None
    info = model.get("model_info", {})
    for name in ("model_guid", "train_finish_time", "training"):
        info.pop(name, None)
    model.get("features_info", {}).get("cat_features_hash", []).sort(key=lambda level: level["hash"])
    return json.dumps(model, sort_keys=True, separators=(",", ":"))


def _leaves_of_text(text: str) -> int:
    """Leaves of all trees, as a LightGBM model counts them."""
    return sum(int(line.partition("=")[2]) for line in text.splitlines() if line.startswith("num_leaves="))
