"""The exports *script* and *notebook*: the session as plain code, held against the session before it leaves."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from engine.data.address import logs_beside, split
from engine.data.table import load
from engine.errors import DataProblem, RungwiseError
from engine.evaluation.bench import bench_of
from engine.export.code.cells import cells
from engine.export.code.marks import splits_of
from engine.export.code.plan import Cell, Plan, not_code
from engine.export.code.sources import file_of, packages
from engine.export.dossier import Dossier, Product
from engine.export.model.common import artifact_of, furthest, leaves, said_of
from engine.export.model.terms import NoForm
from engine.metrics import figure, title_of
from engine.models.forecasting import forecasts
from engine.words import literal

ALLOWED = 1e-9
OF_NETWORKS = 1e-6  # their answers are 32-bit figures, whose last digits hang on the number of threads
SEED = 0  # of the trials that examine models and of the one that keeps the last


def script(d: Dossier) -> Product:
    """A script and, beside it, which rows learned and were asked about in which exam."""
    plan, said = checked(d)
    return Product({"": as_script(cells(plan)), ".splits.csv": splits_of(plan)}, tuple(said))


def notebook(d: Dossier) -> Product:
    """The same as a notebook."""
    plan, said = checked(d)
    return Product({"": as_notebook(cells(plan)), ".splits.csv": splits_of(plan)}, tuple(said))


def plan_of(d: Dossier) -> Plan:
    """Raises NoForm for a model that cannot be written as plain code."""
    artifact = artifact_of(d)
    recipe = artifact.recipe
    if "inputs" in recipe:  # of a series: its rows are made of what the file holds
        recipe = {**recipe, "types": recipe["inputs"]}
    else:  # in the order in which the model learned them: it counts where columns are pixels
        recipe = {**recipe, "types": {name: recipe["types"][name] for name in artifact.fitted.columns}}
    table = load(d.data(), recipe)
    bench = bench_of(recipe, table)
    if any(leaf.ended_by_person for leaf in leaves(artifact.fitted)):
        raise NoForm("A person ended the training of this network, which no code can know; take --to model.")
    stem = d.options.get("stem") or d.name
    return Plan(d, bench.recipe, dict(d.final.value["model"]), artifact.threshold, table, bench, SEED, stem)


def checked(d: Dossier) -> tuple[Plan, list[str]]:
    """The plan, and what was found when its code was run: rows, first exam, predictions.

    Raises DataProblem when the code says something else than the session.
    """
    plan = plan_of(d)
    with _beside(plan) as place, _in_a_sentence():
        names = run(cells(plan), place)
        if _unlike(names, plan):
            plan = replace(plan, careful=True)
            names = run(cells(plan), place)
            if column := _unlike(names, plan):
                raise NoForm(
                    f"The column {column} is written in a way that plain pandas reads differently; take --to model."
                )
        frame, y, splits = names["split"]()
        names["fitted"] = _once(names["fitted"])
        said = [f"Plain pandas reads the {len(y):,} rows as the session did."]
        said += _first_exam(plan, names, frame, y, splits)
        said += _final_exam(plan, names, frame, y, splits)
        answers, wanted = _answers(plan, names, names["leaves"](frame, y, splits), frame)
        largest = furthest(answers, wanted, "The script", 1e-6)
        said.append(f"Its predictions differ from the model's by {largest:.2g} at most.")
    return plan, said


def _once(fit: Any) -> Any:
    """The function that fits, which fits no rows twice: where the model that leaves learned from the rows for practice
    only, it is the one that took the final exam."""
    known: dict[Any, Any] = {}

    def fitted(frame: Any, y: Any, plan: Any, name: str, seed: int) -> Any:
        within = [column for column in plan if column == name or column.startswith((f"{name}, ", f"{name}: "))]
        marks = {column.removeprefix(name): "".join(plan[column]) for column in within}
        key = seed, *({**marks, "": marks[""].replace("T", ".")}.items())  # who is asked changes nothing
        if key not in known:
            known[key] = fit(frame, y, plan, name, seed)
        return known[key]

    return fitted


def _answers(plan: Plan, names: dict[str, Any], answer: Any, frame: Any) -> tuple[Any, Any]:
    """What the code says and what the model says: of the rows of the table, or of what comes after a series."""
    artifact = artifact_of(plan.d)
    if not plan.forecasts:
        return names["predictions"](answer, frame), said_of(artifact, plan.table.frame)
    told, wanted = names["predictions"](answer, names["history"](names["DATA"])), forecasts(artifact, plan.d.data())
    shared = [column for column in wanted.columns if column in told.columns]
    return told[shared], wanted[shared]


def _first_exam(plan: Plan, names: dict[str, Any], frame: Any, y: Any, splits: Any) -> list[str]:
    seen = plan.examined
    if seen is None:
        return []
    metric = str(plan.recipe["metric"])
    wanted = seen.value["scores"][metric][0]
    (found,) = names["examine"](frame, y, splits, only=1)
    if wanted is not None and _differ(plan, found, wanted):
        raise DataProblem(
            f"The script scores {found:.9g} {title_of(metric)} in the first exam and the session {wanted:.9g}; nothing "
            f"was written.  {_what_now(plan)}"
        )
    return [f"Its first practice exam gives {figure(found)} {title_of(metric)}, as the session's."]


def _final_exam(plan: Plan, names: dict[str, Any], frame: Any, y: Any, splits: Any) -> list[str]:
    """The locked rows once more, where the script asks about them.  Raises DataProblem where the score differs."""
    result = plan.d.session.decision("present.result")
    if "locked" not in names or result is None or result.check is None or result.check.value is None:
        return []
    found, wanted = names["locked"](frame, y, splits), result.check.value
    title = title_of(str(plan.recipe["metric"]))
    if _differ(plan, found, wanted):
        raise DataProblem(
            f"The script scores {found:.9g} {title} in the final exam and the session {wanted:.9g}; nothing was "
            f"written.  {_what_now(plan)}"
        )
    return [f"Its final exam gives {figure(found)} {title}, as the session's."]


def _differ(plan: Plan, found: float, wanted: float) -> bool:
    allowed = OF_NETWORKS if _trains(plan) else ALLOWED
    return abs(found - wanted) > allowed * max(1.0, abs(wanted))


def _trains(plan: Plan) -> bool:
    return any(leaf.spec.network for leaf in plan.whole.leaves)


def _what_now(plan: Plan) -> str:
    if _trains(plan):
        return "A network comes out the same only on the machine that trained it: export it there, or take --to model."
    return "Please report this."


def _unlike(names: dict[str, Any], plan: Plan) -> str:
    """The first column that the code reads differently; "" where all are alike."""
    frame, y, _ = names["split"]()
    for column in plan.table.frame.columns:
        a, b = frame[column], plan.table.frame[column]
        if b.dtype.kind == "f":
            alike = np.array_equal(a.to_numpy(dtype=float), b.to_numpy(), equal_nan=True)
        elif b.dtype.kind == "M":
            alike = bool(((a == b) | (a.isna() & b.isna())).all())
        else:
            alike = a.dtype == b.dtype and list(a) == list(b)  # None where empty: an encoder may tell it from NaN
        if not alike:
            return str(column)
    return "" if np.array_equal(y, plan.table.y) else str(plan.recipe["target"])


@contextmanager
def _in_a_sentence() -> Any:
    """What goes wrong while the code runs, as DataProblem."""
    try:
        yield
    except RungwiseError:
        raise
    except Exception as problem:
        first = (str(problem).splitlines() or ["no message"])[0]
        raise DataProblem(
            f"The code does not run on these rows ({type(problem).__name__}: {first}); nothing was written.  Take --to "
            "model, and please report this."
        ) from problem


@contextmanager
def _beside(plan: Plan) -> Any:
    """A folder with the data and the splits, as somebody who runs the script has them."""
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / f"{plan.stem}.splits.csv").write_text(splits_of(plan), encoding="utf-8")
        data = split(plan.d.data())[0]
        for file in (data, *logs_beside(data)):  # a database may keep rows in a log
            os.symlink(file.absolute(), Path(place) / (file_of(plan) + file.name.removeprefix(data.name)))
        yield Path(place)


def run(made: Sequence[Cell], place: Path) -> dict[str, Any]:
    """The names that the code makes; what stands under `__main__` is not run.

    The code is ours: texts of others, a stranger's store included, stand in it as literals and comments.  Raises
    DataProblem where one of them is such that it is no code at all.
    """
    module = ModuleType("script")
    names = vars(module)
    try:
        code = compile(as_script(made), "<script>", "exec")
    except (SyntaxError, ValueError) as problem:
        raise not_code(problem) from None
    before = sys.modules.get("script")
    sys.modules["script"] = module  # dataclasses look themselves up there
    try:
        exec(code, names)  # noqa: S102
    finally:
        if before is None:
            del sys.modules["script"]
        else:
            sys.modules["script"] = before
    for name in ("DATA", "SPLITS"):
        names[name] = place / names[name]
    names["progress"] = lambda words: None  # whoever exports has a screen of their own
    return names


def as_script(made: Sequence[Cell]) -> str:
    """The cells one below the other, each with its heading."""
    first, *others = made
    code = "\n".join(cell.code for cell in made)
    torch = ["torch"] if "import torch" in code else []
    *most, last = ["pandas", "scikit-learn", *torch, *packages(code)]
    needs = f"Needs {', '.join(most)} and {last}, and skrub where it is imported."
    parts = [f'"""{_plain(first.words)}\n\n{needs}\n"""\n\n{first.code}']
    for cell in others:
        words = "".join(f"# {line}\n" for line in _wrapped(cell.words))
        parts.append(f"\n\n# %% {cell.title}\n{words}\n{cell.code.strip(chr(10))}\n")
    return "".join(parts)


def _plain(words: str) -> str:
    return "\n".join(_wrapped(words.replace("\\", "/").replace('"', "'")))


def _wrapped(words: str) -> list[str]:
    import textwrap

    return textwrap.wrap(literal(words), 112)


def as_notebook(made: Sequence[Cell]) -> str:
    """JSON of a notebook, form 4.5."""
    import nbformat

    found = []
    for i, cell in enumerate(made):
        found.append(nbformat.v4.new_markdown_cell(f"{'#' if i == 0 else '##'} {cell.title}\n\n{cell.words}"))
        found.append(nbformat.v4.new_code_cell(cell.code.strip("\n")))
    for i, cell in enumerate(found):
        cell["id"] = f"cell-{i}"  # the same session gives the same file
    book = nbformat.v4.new_notebook(cells=found)
    book["metadata"] = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.validate(book)
    return nbformat.writes(book) + "\n"
