"""Can this column be the target?  Its values and labels, or one sentence that says why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from engine.data.cells import Cells, to_numbers, to_texts, whole
from engine.data.naming import quoted, shown
from engine.data.read import Raw
from engine.errors import DataProblem
from engine.records import Json

YES = frozenset(
    {
        "yes",
        "y",
        "true",
        "t",
        "1",
        "positive",
        "pos",
        "bad",
        "fraud",
        "churned",
        "sick",
        "ill",
        "dead",
        "died",
        "default",
        "defaulted",
        "spam",
    }
)
NO = frozenset(
    {
        "no",
        "n",
        "false",
        "f",
        "0",
        "-1",
        "negative",
        "neg",
        "good",
        "legit",
        "retained",
        "healthy",
        "well",
        "alive",
        "survived",
        "paid",
        "ham",
    }
)


def check_target(
    raw: Raw,
    target: str,
    task: str,
    marks: Sequence[str] = (),
    positive: str | None = None,
    rare: Mapping[str, Json] | None = None,
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """The target's values of the labelled rows, its labels, and which rows of the file are labelled (bool mask).

    rare: {"below": k, "as": label} puts the classes with fewer than k rows under one label; {"below": k, "as": null}
    leaves their rows out, as if they had no label.  More than two classes only.
    Raises DataProblem when the target is missing, empty, constant, has one row, or does not fit the task.
    """
    cells = raw.cells(target)
    where = f"{raw.path}: the target {quoted(target)}"
    if raw.rows < 2:
        raise DataProblem(f"{raw.path} has one row only: a model needs examples to compare. Give more rows.")
    if task == "regression":
        return _numeric_target(raw, cells, where, list(marks))
    texts = to_texts(cells, list(marks))
    if rare and task == "multiclass":
        texts = _without_rare(texts, int(rare["below"]), rare.get("as"))
    kept = np.array([text is not None for text in texts], dtype=bool)
    if not kept.any():
        raise DataProblem(f"{where} is empty in all {raw.rows:,} rows: choose another column, or fill it.")
    codes, found = pd.factorize(texts[kept])
    labels = [str(label) for label in found]
    if len(labels) == 1:
        raise DataProblem(
            f"{where} is {quoted(labels[0])} in all {kept.sum():,} labelled rows: there is one class only, so nothing "
            "to tell apart. Choose another target, or add rows of another class."
        )
    if kept.sum() < 4:
        raise DataProblem(f"{where} has {kept.sum()} labelled rows: too few to learn and to test. Give more rows.")
    counts = np.bincount(codes)
    if task == "binary":
        if len(labels) != 2:
            raise DataProblem(
                f"{where} has {len(labels)} classes ({shown(labels, 5)}), not two: choose the task 'multiclass', or "
                "name the texts that mean 'missing'."
            )
        order = binary_order(labels, counts, positive, where)
    else:
        order = label_order(labels)
        if len(labels) > max(50, kept.sum() // 2):
            raise DataProblem(
                f"{where} has {len(labels):,} different values in {kept.sum():,} rows: these are no classes. Choose "
                "the task 'regression', or another target."
            )
    place = np.empty(len(labels), dtype=np.int64)
    place[order] = np.arange(len(labels))
    return place[codes], [labels[i] for i in order], kept


def _numeric_target(raw: Raw, cells: Cells, where: str, marks: list[str]) -> tuple[np.ndarray, list[str], np.ndarray]:
    values, bad = to_numbers(cells, raw.settings.decimal, marks, raw.settings.thousands)
    kept = np.isfinite(values)
    if sum(bad.values()) > 0.05 * max(1, raw.rows):
        raise DataProblem(
            f"{where} holds texts such as {shown(list(bad), 3)}, so it is no number: choose a classification task, "
            "or another target."
        )
    if not kept.any():
        raise DataProblem(f"{where} is empty in all {raw.rows:,} rows: choose another column, or fill it.")
    y = values[kept]
    if len(y) < 4:
        raise DataProblem(f"{where} has {len(y)} labelled rows: too few to learn and to test. Give more rows.")
    if np.all(y == y[0]):
        raise DataProblem(f"{where} is {y[0]:g} in all {len(y):,} labelled rows: nothing to predict. Choose another.")
    return y, [], kept


def _without_rare(texts: np.ndarray, below: int, label: str | None) -> np.ndarray:
    codes, found = pd.factorize(texts)
    few = np.bincount(codes[codes >= 0], minlength=len(found)) < below
    names = np.array([label if rare else text for rare, text in zip(few, found, strict=True)] + [None], dtype=object)
    return names[codes]


def positive_guess(labels: Sequence[str], counts: Sequence[int] | np.ndarray) -> str:
    """Which of two labels is the one to find: yes against no, else the rarer, else the later in the alphabet.

    A yes that more than four rows in five hold is the usual case: the other one is looked for (`paid` = no).  1 against
    2 is a code, no yes.
    """
    known = [label for label in labels if label.lower() in YES]
    denied = [label for label in labels if label.lower() in NO]
    rarer = labels[int(counts[1] < counts[0])]
    if min(counts) < 0.2 * sum(counts):
        return rarer
    if known == ["1"] and not denied and "2" in labels:
        known = []
    if len(known) == 1 and known != denied:
        return known[0]
    if len(denied) == 1:
        return next(label for label in labels if label != denied[0])
    return rarer if counts[0] != counts[1] else max(labels)


def binary_order(labels: list[str], counts: np.ndarray, positive: str | None, where: str) -> list[int]:
    """Positions of [negative, positive] in `labels`."""
    wanted = positive_guess(labels, counts) if positive is None else whole(str(positive).strip())
    if wanted not in labels:
        raise DataProblem(f"{where} has no class {quoted(wanted)} to find; its classes are {shown(labels)}.")
    at = labels.index(wanted)
    return [1 - at, at]


def label_order(labels: list[str]) -> list[int]:
    """Positions in reading order: by number when all are numbers, else by text."""
    try:
        numbers = [float(label) for label in labels]
    except ValueError:
        return sorted(range(len(labels)), key=labels.__getitem__)
    return sorted(range(len(labels)), key=numbers.__getitem__)
