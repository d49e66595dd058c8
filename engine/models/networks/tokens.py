"""Texts as numbers of their words: a vocabulary of its own, learned from the training part."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

MOST_WORDS, FEWEST_TIMES, LONGEST, SHARE = 20_000, 2, 500, 95
BEHIND, UNKNOWN = 0, 1  # behind the end of a text; a word that is not in the vocabulary
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*|[!?]")


class Tokens(TransformerMixin, BaseEstimator):
    """Each text as the numbers of its first words, 0 behind its end; text columns follow one another.

    most: words in the vocabulary, the most frequent of those that stand at least twice in the training part.  longest:
    of a text, in words; the 95th percentile of the training part where that is less.  (Decision catalogue, 5.5.)

    Learned: words_, one a line, numbered from 2 on; length_.
    """

    def __init__(self, most: int = MOST_WORDS, longest: int = LONGEST) -> None:
        self.most = most
        self.longest = longest

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """X: (n, columns) of texts or None."""
        said = [words(text) for text in _joined(X)]
        times = Counter(word for text in said for word in text)
        kept = sorted((w for w, n in times.items() if n >= FEWEST_TIMES), key=lambda w: (-times[w], w))[: self.most]
        lengths = [len(text) for text in said] or [1]
        self.words_ = "\n".join(kept)
        self.length_ = max(1, min(self.longest, int(np.ceil(np.percentile(lengths, SHARE)))))
        self._numbers = None
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """(n, length_) float64, whole numbers."""
        numbers = self._known()
        said = np.zeros((len(X), self.length_))
        for i, text in enumerate(_joined(X)):
            found = [numbers.get(word, UNKNOWN) for word in words(text)[: self.length_]]
            said[i, : len(found)] = found
        return said

    @property
    def rows(self) -> int:
        """Rows of an embedding: the vocabulary, the unknown word, and what lies behind the end."""
        return len(self._known()) + UNKNOWN + 1

    def _known(self) -> dict[str, int]:
        known: dict[str, int] | None = getattr(self, "_numbers", None)
        if known is None:
            known = {word: i for i, word in enumerate(self.words_.split("\n"), start=UNKNOWN + 1) if word}
            self._numbers = known
        return known

    def decoded(self, row: np.ndarray) -> str:
        """The words of one transformed row, ‹?› for one that is not known."""
        by_number = {number: word for word, number in self._known().items()}
        return " ".join(by_number.get(int(number), "‹?›") for number in row if number != BEHIND)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        return np.asarray([f"word {i + 1}" for i in range(self.length_)], dtype=object)

    def sources(self) -> list[int]:
        """For each number the place of the column it was made from: the first, as texts follow one another."""
        return [0] * self.length_

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_numbers"}


def words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _joined(X: pd.DataFrame) -> list[str]:
    cells = X.to_numpy(dtype=object)
    return ["\n".join("" if cell is None or cell != cell else str(cell) for cell in row) for row in cells]
