"""The whole of a script, cell by cell."""

from __future__ import annotations

import re

from engine.data.settings import ReadSettings
from engine.export.code.borrowed import borrow
from engine.export.code.exams import exams, final
from engine.export.code.fitting import borrowed_heads, model, written
from engine.export.code.plan import Cell, Plan
from engine.export.code.preparing import own_steps, preparation, styles
from engine.export.code.reading import SQL, reading
from engine.export.model.terms import NoForm
from engine.export.told import exam_of, measured, name_of
from engine.records import Check
from engine.words import literal

MATERIALS = {"series": "Series"}
OUR_NAMES = ("TARGET", "TYPES", "MARKS", "MISSING", "DATA", "SPLITS", "OUT", "LABELS", "DATES", "EPS", "NUMBERS",
             "CATEGORIES", "YES_NO", "DATES_USED", "ORDERED", "TEXTS", "PIXELS", "texts", "numbers", "dates", "load",
             "answers", "sql", "fitted", "folds", "out_of_fold", "at", "examine", "score", "split", "locked", "leaves",
             "predictions", "preparation", "frame", "y", "plan", "scores", "lower", "Any", "Path")  # fmt: skip

HEAD = """from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
"""


def writable(plan: Plan) -> None:
    """Raises NoForm for rows that plain code does not read so far."""
    material = plan.recipe.get("material")
    if material in MATERIALS:
        raise NoForm(f"{MATERIALS[str(material)]} do not leave as plain code so far; take --to model.")
    if ReadSettings.from_dict(plan.recipe.get("read") or {}).format != "csv":
        raise NoForm(
            "Only delimited text files are read by plain code so far; save the table as CSV, or take --to model."
        )


def cells(plan: Plan) -> list[Cell]:
    """In the order in which they run.  Raises NoForm for what cannot be written as plain code."""
    learned = model(plan)
    prepared = preparation(plan) if styles(plan) else None
    return [
        _head(plan),
        reading(plan),
        *_formulas(plan),
        *_taken_over(plan, prepared.code if prepared else ""),
        *([prepared] if prepared else []),
        learned,
        exams(plan),
        final(plan),
    ]


def _head(plan: Plan) -> Cell:
    s = plan.d.session
    told = [f"{plan.d.name}: predicts {s.target} from {plan.d.source}."]
    if s.rungs:
        top = s.rungs[-1]
        check = Check(top.metric, top.value, top.low, top.high)
        told.append(f"{name_of(top)}, {measured(check)} on the practice exams.")
    result = s.decision("present.result")
    if result is not None and result.check is not None:
        told.append(f"Final exam: {exam_of(result.check)}.")
    words = " ".join(literal(line) for line in told)
    code = f"""{HEAD}
DATA = Path({plan.d.source!r})  # the table, as it was when the session read it
SPLITS = Path({plan.stem + ".splits.csv"!r})  # which rows learn (L), stop (V) and are asked about (T) in which fit
OUT = Path({plan.stem + ".predictions.csv"!r})

warnings.simplefilter("ignore")  # levels never met have their place in the preparation
"""
    return Cell(plan.d.name, words, code)


def _formulas(plan: Plan) -> list[Cell]:
    if not (plan.recipe.get("impossible") or plan.recipe.get("features")):
        return []
    return [Cell("Formulas", "Computed columns are SQL expressions over one row.", SQL)]


def _taken_over(plan: Plan, prepared: str) -> list[Cell]:
    """The source of the few steps and models that scikit-learn lacks, as the program has them."""
    found = []
    steps = own_steps(prepared)
    estimators = list(dict.fromkeys(one for made in written(plan).values() for one in made.borrows))
    heads = borrowed_heads(plan)
    if wanted := [*steps, *estimators, *heads]:
        taken = borrow(wanted, OUR_NAMES)
        used = "\n".join(line for line in taken.imports if line not in HEAD)
        what = " and ".join(name for name, some in (("steps", steps), ("models", estimators + heads)) if some)
        found.append(Cell(f"What scikit-learn lacks: {what}", "As the session ran them; each learns in `fit` only.",
                          f"{used}\n\n\n{taken.code}\n"))  # fmt: skip
    if re.search(r"\bpreprocessor=lower\b", prepared):
        lower = '''def lower(text: str | None) -> str:
    """An empty cell is a text without words."""
    return (text or "").lower()
'''
        found.append(Cell("Texts", "Words and letters are counted in small letters.", lower))
    return found
