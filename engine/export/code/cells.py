"""The whole of a script, cell by cell."""

from __future__ import annotations

import ast
import re

from engine.export.code.borrowed import borrow
from engine.export.code.exams import exams, final
from engine.export.code.fitting import borrowed_heads, model, written
from engine.export.code.networks import networks
from engine.export.code.plan import Cell, Plan, not_code
from engine.export.code.preparing import BRIGHTNESS, own_steps, preparation, styles
from engine.export.code.reading import SQL, reading
from engine.export.code.rules import RULES
from engine.export.code.series import BORROWED, series
from engine.export.code.sources import file_of, settings_of
from engine.export.told import exam_of, measured, name_of
from engine.records import Check
from engine.words import literal

HEAD = """from __future__ import annotations

import re
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
"""


def cells(plan: Plan) -> list[Cell]:
    """In the order in which they run.  Raises NoForm for what cannot be written as plain code."""
    written(plan)  # what cannot be written is said first
    prepared = preparation(plan) if styles(plan) else None
    before = [reading(plan), *([series(plan)] if plan.forecasts else []), *_formulas(plan)]
    after = [*([prepared] if prepared else []), *networks(plan), model(plan), exams(plan), final(plan)]
    taken = names_made("\n".join(cell.code for cell in (*before, *after)))
    return [_head(plan), *before, *_taken_over(plan, prepared.code if prepared else "", taken), *after]


def names_made(code: str) -> list[str]:
    """What code defines on its outermost level, or imports there: what is taken over must not be called the same."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError) as problem:
        raise not_code(problem) from None
    stored = [n.id for node in body if isinstance(node, ast.Assign | ast.AnnAssign)
              for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]  # fmt: skip
    defined = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [*stored, *defined, "frame", "y", "plan", "scores", "DATA", "SPLITS", "OUT"]


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
DATA = Path({file_of(plan)!r})  # {_what(plan)}, as it was when the session read it
# of each fit the rows that learn (L), say when to stop (V), serve the preparation alone (P), are asked about (T)
SPLITS = Path({plan.stem + ".splits.csv"!r})
OUT = Path({plan.stem + ".predictions.csv"!r})

warnings.simplefilter("ignore")  # levels never met have their place in the preparation
LAST = [time.monotonic()]


def progress(words: str) -> None:
    \"\"\"Say on stderr how far it is, every ten seconds at most.\"\"\"
    if time.monotonic() - LAST[0] >= 10:
        LAST[0] = time.monotonic()
        print(words, file=sys.stderr, flush=True)
"""
    return Cell(plan.d.name, words, code)


def _what(plan: Plan) -> str:
    kinds = {"excel": "the workbook", "sqlite": "the database", "duckdb": "the database",
             "images": "the folder of pictures", "texts": "the folder of texts"}  # fmt: skip
    return kinds.get(settings_of(plan).format, "the table")


def _formulas(plan: Plan) -> list[Cell]:
    rules = any(leaf.spec.name == "rule" for leaf in plan.whole.leaves)
    found = []
    if rules or plan.recipe.get("impossible") or plan.recipe.get("features"):
        found.append(Cell("Formulas", "Computed columns and conditions are SQL expressions over one row.", SQL))
    if rules:
        found.append(Cell("The rule", "As an experienced person wrote it.", RULES))
    return found


def _taken_over(plan: Plan, prepared: str, names: list[str]) -> list[Cell]:
    """The source of the few steps and models that scikit-learn lacks, as the program has them."""
    found = []
    steps = own_steps(prepared)
    estimators = list(dict.fromkeys(one for made in written(plan).values() for one in made.borrows))
    heads = [*(BORROWED if plan.forecasts else ()), *borrowed_heads(plan)]
    if wanted := [*steps, *estimators, *heads]:
        taken = borrow(wanted, names, HEAD)
        used = "\n".join(taken.imports)
        what = " and ".join(name for name, some in (("steps", steps), ("models", estimators + heads)) if some)
        found.append(Cell(f"What scikit-learn lacks: {what}", "As the session ran them; each learns in `fit` only.",
                          f"{used}\n\n\n{taken.code}\n"))  # fmt: skip
    if re.search(r"\bpreprocessor=lower\b", prepared):
        lower = '''def lower(text: str | None) -> str:
    """An empty cell is a text without words."""
    return (text or "").lower()
'''
        found.append(Cell("Texts", "Words and letters are counted in small letters.", lower))
    if re.search(r"\bBrightness\(", prepared):
        found.append(Cell("Pictures", "Each column is a pixel.", BRIGHTNESS))
    return found
