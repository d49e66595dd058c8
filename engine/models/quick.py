"""One row through a fitted preparation, without what a table of many rows needs: a few tenths of a millisecond.

scikit-learn checks and copies frames column by column, which for a single row takes twenty times as long as the
arithmetic.  Here the same fitted steps are read out once, and give the same numbers to the last bit; a step that is not
known here is asked as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

Part = Callable[[Sequence[Any], pd.DataFrame], np.ndarray]  # cells of the row, the row itself → (1, numbers)

STRANGER = "\0 never seen"
MOST_LEVELS = 2_000  # of a column whose answers are kept as a table


def quick(prepare: Any, columns: Sequence[str]) -> Callable[[pd.DataFrame], Any] | None:
    """What `prepare.transform` gives for a frame of one row with these columns; None where there is no quick way.

    prepare: a fitted ColumnTransformer, or a Pipeline of one and the choice of its columns.
    """
    from engine.models.pipeline import parts_of

    made, kept = parts_of(prepare)
    steps = [(step, list(names)) for name, step, names in made.transformers_ if name != "remainder" and len(names)]
    if not steps or any(getattr(step, "dimensions", 1) is None for step, _ in steps):  # thousands of sparse terms
        return None
    place = {name: i for i, name in enumerate(columns)}
    parts = [_part(step, names, [place[name] for name in names]) for step, names in steps]

    def transform(row: pd.DataFrame) -> Any:
        cells = row.to_numpy(dtype=object)[0]
        found = np.concatenate([part(cells, row) for part in parts], axis=1)
        if made.sparse_output_:
            import scipy.sparse as sp

            found = sp.csr_matrix(found)
        return found if kept is None else found[:, kept]

    return transform


def _part(step: Any, names: list[str], places: list[int]) -> Part:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

    from engine.models.columns import MissingFlags, YesNo

    if isinstance(step, FunctionTransformer) and step.func is None:  # numbers as they are
        return lambda cells, row: _numbers(cells, places)
    if isinstance(step, Pipeline) and isinstance(step.steps[0][1], SimpleImputer):
        chain = [_arithmetic(inner) for _, inner in step.steps if inner != "passthrough"]

        def numbers(cells: Sequence[Any], row: pd.DataFrame) -> np.ndarray:
            values = _numbers(cells, places)
            for turn in chain:
                values = turn(values)
            return values

        return numbers
    if isinstance(step, (OneHotEncoder, OrdinalEncoder, YesNo)) and max(map(len, _levels(step))) <= MOST_LEVELS:
        return _looked_up(step, names, places)
    if isinstance(step, MissingFlags):
        return lambda cells, row: np.array([[float(cells[i] is None or cells[i] != cells[i]) for i in places]])
    return lambda cells, row: _dense(step.transform(row.loc[:, names]))


def _numbers(cells: Sequence[Any], places: list[int]) -> np.ndarray:
    return np.array([[cells[i] for i in places]], dtype=np.float64)


def _dense(made: Any) -> np.ndarray:
    return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)


def _arithmetic(step: Any) -> Callable[[np.ndarray], np.ndarray]:
    """A fitted step for numbers, as it acts on (1, k)."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    from engine.models.columns import Robust

    if isinstance(step, SimpleImputer):
        filled = np.asarray(step.statistics_, dtype=np.float64)
        return lambda values: np.where(np.isnan(values), filled, values)
    if isinstance(step, (StandardScaler, Robust)):
        middle: Any = step.mean_ if isinstance(step, StandardScaler) else step.center_
        unit: Any = step.scale_
        return lambda values: (values - middle) / unit
    return lambda values: _dense(step.transform(values))


def _looked_up(step: Any, names: list[str], places: list[int]) -> Part:
    """A step that gives each level its numbers: asked once for every level, for none, and for one never seen."""
    asked = [[level for level in known if level is not None and level == level] for known in _levels(step)]
    longest = max(map(len, asked)) + 2
    rows = {
        name: np.array([*known, *[None] * (longest - 1 - len(known)), STRANGER], dtype=object)
        for name, known in zip(names, asked, strict=True)
    }
    frame = pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in rows.items()})
    table = step.transform(frame)
    widths = _widths(step, len(names))
    edges = np.cumsum([0, *widths])
    answers: list[dict[Any, np.ndarray]] = []
    for j, name in enumerate(names):
        part = _dense(table[:, edges[j] : edges[j + 1]])
        answers.append({level: part[i] for i, level in enumerate(rows[name])})

    def looked_up(cells: Sequence[Any], row: pd.DataFrame) -> np.ndarray:
        found = [known.get(cells[i], known[STRANGER]) for known, i in zip(answers, places, strict=True)]
        return np.concatenate(found)[None, :]

    return looked_up


def _levels(step: Any) -> list[Sequence[Any]]:
    return step.levels_ if hasattr(step, "levels_") else step.categories_


def _widths(step: Any, columns: int) -> list[int]:
    """How many numbers each column becomes."""
    from sklearn.preprocessing import OneHotEncoder

    if not isinstance(step, OneHotEncoder):
        return [1] * columns
    return [int(n) for n in step._n_features_outs]
