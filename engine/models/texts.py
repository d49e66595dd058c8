"""Words and letters of a text as numbers: one vocabulary a column, learned from the training part."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import ComplementNB

from engine.models.columns import joined

MOST_TERMS = 20_000
_KINDS: dict[str, dict[str, Any]] = {
    "words": {"ngram_range": (1, 2)},
    "letters": {"analyzer": "char_wb", "ngram_range": (3, 5)},
}


class Vocabulary(TransformerMixin, BaseEstimator):
    """TF-IDF of the words (1-2) or the letters (3-5, within words) of each text column.

    kinds: "words", "letters", or both.  dimensions: at most so many numbers a column are made of the terms, by a
    truncated singular value decomposition; None leaves the terms, sparse.  A term stands in two texts at least, where
    any does; a column without a term gives no numbers, an empty text zeros.  Source: the text guide [TG], 20,000 terms.

    What is learned is kept as plain strings and arrays (learned_), one a column and kind: scikit-learn's vectorizer
    would be stored as a file a term.
    """

    def __init__(self, kinds: list[str], dimensions: int | None = None, seed: int = 0) -> None:
        self.kinds = kinds
        self.dimensions = dimensions
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Any = None) -> Vocabulary:
        self.fit_transform(X)
        return self

    def fit_transform(self, X: pd.DataFrame, y: Any = None, **_: Any) -> Any:
        """X: (n, k) frame of texts or None.  Returns (n, numbers), sparse without `dimensions`."""
        self.learned_: list[dict[str, Any]] = []
        self._vectorizers: list[TfidfVectorizer] = []
        parts: list[Any] = []
        for j, column in enumerate(X.columns):
            texts = _texts(X, j)
            for kind in self.kinds:
                vectorizer = _learn(kind, texts)
                if vectorizer is None:
                    continue
                terms = vectorizer.transform(texts)
                words = "\n".join(vectorizer.get_feature_names_out())  # no term holds a line's end
                components = self._components(terms)
                learned = {"place": j, "column": str(column), "kind": kind, "terms": words, "idf": vectorizer.idf_}
                self.learned_.append({**learned, "components": components, "scale": 1.0})
                if components is not None:
                    widest = float(np.std(terms @ components.T, axis=0).max())
                    self.learned_[-1]["scale"] = widest or 1.0
                self._vectorizers.append(vectorizer)
                parts.append(self._reduced(terms, self.learned_[-1]))
        return joined(parts or [np.zeros((len(X), 0))])

    def transform(self, X: pd.DataFrame) -> Any:
        if not hasattr(self, "_vectorizers"):  # read back from a file
            self._vectorizers = [_restored(learned) for learned in self.learned_]
        parts = [
            self._reduced(vectorizer.transform(_texts(X, learned["place"])), learned)
            for learned, vectorizer in zip(self.learned_, self._vectorizers, strict=True)
        ]
        return joined(parts or [np.zeros((len(X), 0))])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        return np.asarray([name for learned in self.learned_ for name in _names(learned)], dtype=object)

    def sources(self) -> list[int]:
        """For each number the place of the column that it was made from."""
        return [learned["place"] for learned in self.learned_ for _ in _names(learned)]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_vectorizers"}

    def _components(self, terms: Any) -> np.ndarray | None:
        """(dimensions, terms) that make few numbers of many terms; None where there are few."""
        most = None if self.dimensions is None else max(1, self.dimensions // len(self.kinds))
        if most is None or terms.shape[1] <= most:
            return None
        found = TruncatedSVD(max(1, min(most, terms.shape[0] - 1)), random_state=self.seed).fit(terms)
        return np.ascontiguousarray(found.components_)

    def _reduced(self, terms: Any, learned: dict[str, Any]) -> Any:
        """The widest of the made numbers has a spread of 1, the others keep their ratio to it: standardised, the last
        ones, mere noise, would count as much as the first."""
        if self.dimensions is None:
            return terms
        components = learned["components"]
        return terms.toarray() if components is None else (terms @ components.T) / learned["scale"]


def _texts(X: pd.DataFrame, j: int) -> list[str]:
    return ["" if cell is None or cell != cell else str(cell) for cell in X.iloc[:, j].to_numpy(dtype=object)]


def _learn(kind: str, texts: list[str]) -> TfidfVectorizer | None:
    for fewest in (2, 1):
        try:
            found = TfidfVectorizer(**_KINDS[kind], min_df=fewest, max_features=MOST_TERMS, sublinear_tf=True)
            return found.fit(texts)
        except ValueError:  # no term is left
            continue
    return None


def _restored(learned: dict[str, Any]) -> TfidfVectorizer:
    vectorizer = TfidfVectorizer(**_KINDS[learned["kind"]], vocabulary=learned["terms"].split("\n"), sublinear_tf=True)
    vectorizer.idf_ = learned["idf"]
    return vectorizer


def _names(learned: dict[str, Any]) -> list[str]:
    column, kind = learned["column"], learned["kind"]
    if learned["components"] is not None:
        return [f"{column}: {kind} {i + 1}" for i in range(len(learned["components"]))]
    terms = learned["terms"].split("\n")
    return [f"{column}: {term}" if kind == "words" else f"{column}: letters “{term}”" for term in terms]


class WordBayes(ComplementNB):
    """Complement naive Bayes (Rennie et al. 2003) of counts; a number below 0, from a column beside the text, counts as
    none."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> WordBayes:
        return super().fit(_at_least_zero(X), y, sample_weight)

    def predict(self, X: Any) -> np.ndarray:
        return super().predict(_at_least_zero(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n, classes)."""
        joint = self._joint_log_likelihood(_at_least_zero(X))
        shifted = np.exp(joint - joint.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)


def _at_least_zero(X: Any) -> Any:
    return X.maximum(0) if hasattr(X, "maximum") else np.maximum(np.asarray(X, dtype=float), 0)
