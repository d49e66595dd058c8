"""The session as plain code: run in a process that cannot reach the program, it gives the session's figures."""

from __future__ import annotations

import ast
import json
import re
import runpy
import subprocess
import sys
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.errors import DataProblem, UsageProblem
from engine.evaluation.crossval import cross_validate
from engine.evaluation.lockbox import lockbox
from engine.export.code.cells import cells
from engine.export.code.estimators import FORMS
from engine.export.code.plan import Part, Plan
from engine.export.code.script import as_script, notebook, plan_of, script
from engine.export.model.terms import NoForm
from engine.models.catalogue import BY_NAME, ModelSpec, as_model
from engine.models.forecasting import forecasts
from engine.records import Check, Evidence
from engine.session import Session
from tests.engine.export.leaving import EVERYTHING, PLAIN, answered_alike, ended
from tests.engine.export.test_markdown import _decision
from tests.engine.tables import Memory, customers, sales

SMALL = {"forest": {"trees": 4}, "extra_trees": {"trees": 4}, "boosting": {"max_iter": 8, "min_samples_leaf": 5},
         "lightgbm": {"max_iter": 8, "min_samples_leaf": 5}, "catboost": {"max_iter": 8, "depth": 3},
         "lasso": {"penalties": 10}, "elastic_net": {"penalties": 5}}  # fmt: skip
DATED = {**EVERYTHING, "types": {**EVERYTHING["types"], "since": "date"}}
TEXTS = {"types": {**PLAIN, "note": "text"}}


def of(name: str, *parts: str, **settings) -> dict:
    """A model made of others, each small."""
    return as_model(name, {"of": [as_model(part, SMALL.get(part)) for part in parts], **settings})


PIXELS = {"material": "image", "types": {f"pixel_{i}": "number" for i in range(16)}, "metric": "accuracy"}
CASES = {
    "a line and everything": ("logistic", "binary", {**DATED, "prepare": {"weights": "balanced"}}),
    "many classes": ("logistic", "multiclass", {"prepare": {"categories": {"encode": "target"}}}),
    "a line of numbers": ("ridge", "regression", {"prepare": {"target": "log1p", "numbers": {"scale": "robust"}}}),
    "bent, clipped, cut": (
        "logistic", "binary", {"prepare": {"numbers": {"skew": "power", "clip": 0.01, "bins": ["income"]}}},
    ),
    "squashed, ranked, chosen": (
        "naive_bayes", "binary",
        {"prepare": {"numbers": {"scale": "squash"}, "categories": {"encode": "ordinal"}, "select": 5}},
    ),
    "a tree": (
        "tree", "regression", {"prepare": {"categories": {"ordered": {"plan": ["basic", "gold, with extras"]}}}},
    ),
    "a forest": ("forest", "multiclass", {}),
    "extra trees": ("extra_trees", "regression", {"prepare": {"dates": {"encode": "elapsed"}}, "types": DATED["types"],
                                                  "features": EVERYTHING["features"]}),
    "boosting": ("boosting", "binary", {**DATED, "prepare": {"weights": "balanced", "select": 6}}),
    "boosting of numbers": ("boosting", "regression", {}),
    "neighbours": ("knn", "multiclass", {"metric": "log_loss"}),
    "one column": ("one_column", "regression", {}),
    "one column of levels": ("one_column", "binary", {"types": {"plan": "category", "zip": "category"}}),
    "a line with few columns": ("lasso", "regression", {}),
    "a line of few and alike": ("elastic_net", "regression", {"split": {"kind": "random", "lockbox": 0.2, "seed": 1}}),
    "few columns for a class": ("sparse_logistic", "multiclass", {"prepare": {"weights": "balanced"}}),
    "a margin": ("linear_svm", "binary", {"prepare": {"weights": "balanced"}}),
    "a margin of classes": ("linear_svm", "multiclass", {}),
    "a tube": ("linear_svm", "regression", {"prepare": {"target": "log1p"}}),
    "a curved border": ("svm", "binary", {}),
    "curved borders": ("svm", "multiclass", {}),
    "another boosting": ("lightgbm", "binary", {"prepare": {"weights": "balanced"}}),
    "another of classes": ("lightgbm", "multiclass", {"prepare": {"select": 4}}),
    "boosting by levels": ("catboost", "binary", {}),
    "boosting of numbers by levels": ("catboost", "regression", {}),
    "what costs least": ("cheapest", "binary", {"metric": "accuracy"}),
    "words": ("logistic", "binary", {**TEXTS, "prepare": {"text": {"encode": "words"}}}),
    "words and letters": ("complement_bayes", "multiclass", {**TEXTS, "prepare": {"text": {"encode": "both"}}}),
    "text as numbers": ("boosting", "regression", {**TEXTS, "prepare": {"text": {"encode": "letters"}}}),
    "text near": ("knn", "binary", {**TEXTS, "prepare": {"text": {"encode": "words"}}}),
    "strings": ("ridge", "regression", {**TEXTS}),
    "levels by the target in groups": (
        "logistic", "binary", {"group": "plan", "split": {"kind": "group", "lockbox": 0, "seed": 0},
                               "types": {"age": "number", "zip": "category"},
                               "prepare": {"categories": {"encode": "target"}}},
    ),
    "levels by the target in time": (
        "ridge", "regression", {"time": "since", "split": {"kind": "time", "lockbox": 0.2, "seed": 0},
                                "types": {"age": "number", "zip": "category"},
                                "prepare": {"categories": {"encode": "target"}}},
    ),
    "pictures along a line": ("logistic", "multiclass", {**PIXELS, "prepare": {"images": {"side": 2}}}),
    "pictures and distances": ("svm", "multiclass", PIXELS),
    "an average": (of("average", "tree", "logistic"), "binary", {"prepare": {"weights": "balanced"}}),
    "an average of numbers": (of("average", "boosting", "ridge"), "regression", {"prepare": {"target": "log1p"}}),
    "draws in an average": (
        {"name": "average", "settings": {"of": [as_model("logistic"), {"name": "average", "settings": {"of": [
            as_model("boosting", {"max_iter": 20} | draw) for draw in ({}, {"draw": 1}, {"draw": 2})]}}]}},
        "binary", {},
    ),
    "bent by a sigmoid": (of("calibrated", "boosting", method="sigmoid", folds=2), "binary", {}),
    "bent by steps": (of("calibrated", "naive_bayes", method="isotonic", folds=2), "binary", {}),
    "cooled": (of("calibrated", "sparse_logistic", folds=2), "multiclass", {"metric": "log_loss"}),
    "a stack": (of("stack", "logistic", "boosting", folds=2), "binary", {}),
    "a stack of classes": (of("stack", "tree", "linear_svm", folds=2), "multiclass", {"metric": "log_loss"}),
    "a stack of numbers": (of("stack", "ridge", "lasso", folds=2), "regression", {}),
    "bent blends": (
        {"name": "calibrated", "settings": {"of": [of("average", "boosting", "naive_bayes")], "method": "sigmoid",
                                            "folds": 2}}, "binary", {},
    ),
    "tuned": (
        {"name": "tuned", "settings": {"of": [as_model("tree")], "trials": 2, "folds": 2, "draw": 0,
                                       "found": {"max_depth": 3}}}, "binary", {},
    ),
    "searched": (of("tuned", "tree", trials=3, folds=2), "binary", {"prepare": {"weights": "balanced"}}),
    "searched past the ends": (of("tuned", "boosting", trials=3, folds=2), "regression", {}),
    "searched and bent": (
        {"name": "calibrated", "settings": {"of": [of("tuned", "logistic", trials=3, folds=2)], "folds": 2}},
        "multiclass", {"metric": "log_loss"},
    ),
    "a rule": (
        as_model("rule", {"rules": [{"when": "age / 2 > 30 AND plan = 'basic'", "then": "leave"}]}), "binary",
        {"metric": "accuracy", **EVERYTHING},
    ),
    "a rule for three": (  # the second one names a computed column
        as_model("rule", {"rules": [{"when": "age > 60", "then": "high"}, {"when": '"per year" > 9', "then": "low"}]}),
        "multiclass", EVERYTHING,
    ),
    "a rule of numbers": (
        as_model("rule", {"rules": [{"when": "age > 60", "then": 120}, {"otherwise": 95.5}]}), "regression", {},
    ),
    "who to call": ("forest", "binary", {"metric": "recall_at_k", "capacity": 0.1}),
    "no model": ("prior", "multiclass", {"metric": "accuracy"}),
}  # fmt: skip


def left(path: Path, model: str | dict, task: str, changes: dict):
    """The session with its practice exams as evidence, and their score."""
    described = as_model(model, SMALL.get(model)) if isinstance(model, str) else model
    dossier, artifact = ended(path, described, task, **changes)
    recipe = artifact.recipe
    order = {name: recipe["types"][name] for name in artifact.fitted.columns}
    types = recipe.get("inputs", order)
    recipe = {**recipe, "types": types}
    seen = cross_validate({"recipe": recipe, "model": described}, Memory(path))
    top = Check(recipe["metric"], seen["value"], None, None, 0.5, "3 exams", "better",
                {"rung": described["name"], "model": described})  # fmt: skip
    decision = _decision(
        2, "simple.champion", described["name"], stage="simple", check=top, evidence=("exams",), why='It "won" \\ so'
    )
    journal = tuple(decision if d.seq == 2 else d for d in dossier.journal)
    evidence = {"exams": Evidence("exams", "cross_validate", seen), "final": dossier.final}
    session = Session("small", "f" * 64, journal)
    return replace(dossier, session=session, journal=journal, evidence=evidence.get), artifact, seen["value"]


def unpacked(product, place: Path, name: str) -> None:
    for ending, content in product.files.items():
        (place / (f"small{ending}" if ending else name)).write_text(str(content))


WITHOUT = """
import runpy, sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("engine", "tui", "storage"):
            raise ImportError(name)
sys.meta_path.insert(0, Without())
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def ran(place: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-c", WITHOUT, *words], cwd=place, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


CODE = '__import__("pathlib").Path("ran").touch()'
BREAKS = f'"\'\n\r\u2028\x0c{CODE}\n"""\n{CODE}\n#'  # out of a literal, a comment and a docstring


def skeleton(code: str) -> set[str]:
    """Every name that a piece of code could reach: what stands in literals and comments is none."""
    nodes = list(ast.walk(ast.parse(code)))
    return {n.id for n in nodes if isinstance(n, ast.Name)} | {n.attr for n in nodes if isinstance(n, ast.Attribute)}


@pytest.mark.parametrize("where", ["C", "max_iter"])
def test_a_setting_of_a_strangers_store_is_no_code(where, tmp_path, monkeypatch):
    """Settings stand in code that is run here: words in place of a number are refused, and would be a literal."""
    monkeypatch.chdir(tmp_path)
    dossier, _, _ = left(customers(tmp_path / "t.csv", 120), "logistic", "binary", {})
    evil = {"name": "logistic", "settings": {**as_model("logistic")["settings"], where: CODE}}
    final = replace(dossier.final, value={**dossier.final.value, "model": evil})
    hostile = replace(dossier, evidence={"exams": dossier.evidence("exams"), "final": final}.get)
    with pytest.raises(UsageProblem, match=f"the setting {where} is a number"):
        script(hostile)
    assert not (tmp_path / "ran").exists()
    monkeypatch.setattr(ModelSpec, "with_defaults", lambda self, given: {**self.settings, **given})
    assert skeleton(as_script(cells(plan_of(hostile)))) == skeleton(as_script(cells(plan_of(dossier))))


@pytest.mark.parametrize("name", [name for name in FORMS if not BY_NAME[name].network])
def test_no_setting_of_any_model_becomes_code(name, monkeypatch):
    """Every setting of every model that leaves as code, in words that are code: the words stay a literal."""
    spec = BY_NAME[name]
    monkeypatch.setattr(ModelSpec, "with_defaults", lambda self, given: {**self.settings, **given})
    for where, plain in spec.settings.items():
        evil = [BREAKS] if isinstance(plain, list) else BREAKS
        for task in spec.tasks & {"binary", "multiclass", "regression", "forecast"}:
            settings = {**spec.settings, where: evil}
            nothing: Any = None
            table: Any = SimpleNamespace(labels=["a", BREAKS])
            plan = Plan(nothing, {"task": task}, {}, None, table, nothing, 0, "s")
            if where in ("costs", "rules"):
                continue  # read as a table of numbers, as conditions over columns; or refused
            made = FORMS[name].write(plan, Part(spec, settings))
            assert not skeleton(made.make) & {"__import__", "touch"}, (where, task)
            for line in (*made.needs, made.before):
                assert BREAKS not in line


def test_no_text_of_others_becomes_code(tmp_path):
    """Whys, names, levels, marks and choices that try to leave their literal, comment or docstring."""
    dossier, _, _ = left(customers(tmp_path / "t.csv", 120), "logistic", "binary", {})
    plan = plan_of(dossier)
    journal = tuple(replace(d, why=BREAKS, reason=BREAKS) for d in dossier.journal)
    hostile = replace(dossier, source=BREAKS, journal=journal, session=Session(BREAKS, "f" * 64, journal))
    numbers = {"impute": BREAKS, "bins": ["age"]}
    categories = {"encode": "ordinal", "ordered": {"plan": [BREAKS]}, "rare": BREAKS}
    recipe = {
        **plan.recipe,
        "target": BREAKS,
        "types": {**plan.recipe["types"], BREAKS: "category"},
        "marks": {"plan": [BREAKS]},
        "impossible": {"age": BREAKS},
        "prepare": {"numbers": numbers, "categories": categories},
    }
    table = replace(plan.table, labels=(BREAKS, BREAKS + "2"))
    made = as_script(cells(replace(plan, d=hostile, recipe=recipe, table=table, stem=BREAKS, threshold=0.5)))
    assert "__import__" in made
    assert not skeleton(made) & {"__import__", "touch"}


EVIL = f'"\'"""\'{CODE}\\#{{{CODE}}}'  # in one line, as a header or a cell may be
KINDS = {
    "texts": ("logistic", "binary"),
    "an average": (of("average", "tree", "ridge"), "regression"),
    "searched": (of("tuned", "tree", trials=2, folds=2), "multiclass"),
    "bent": (of("calibrated", "boosting", folds=2), "binary"),
    "series": ("ridge", "forecast"),
    "pixels": ("svm", "multiclass"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_file_and_journal_run_nothing(kind, tmp_path, monkeypatch):
    """Columns, levels, series, whys and names of every kind of session that are code: the script runs without them."""
    monkeypatch.chdir(tmp_path)
    model, task = KINDS[kind]
    path = tmp_path / "t.csv"
    if task == "forecast":
        frame = pd.read_csv(sales(path, shops=2, months=40))
        frame["shop"] = frame["shop"] + EVIL
        said = {"time": f"month {EVIL}", "id": f"shop {EVIL}", "known": []}
        changes: dict[str, Any] = {**said, "types": {f"price {EVIL}": "number"}, "target": f"sold {EVIL}", "window": 6}
    elif kind == "pixels":
        frame = pd.read_csv(pixels(path, 60))
        changes = {**PIXELS, "types": {f"{name} {EVIL}": "number" for name in PIXELS["types"]}}
    else:
        frame = pd.read_csv(customers(path, 120, task=task))
        frame["plan"] = frame["plan"] + EVIL
        changes = {"types": {f"{name} {EVIL}": what for name, what in {**PLAIN, "note": "text"}.items()},
                   "prepare": {"text": {"encode": "words"}, "numbers": {"bins": [f"age {EVIL}"]}}}  # fmt: skip
    if task in ("binary", "multiclass"):
        frame["target"] = frame["target"] + EVIL
        changes |= {"positive": f"stay{EVIL}" if task == "binary" else None}
    frame.columns = [f"{name} {EVIL}" for name in frame.columns]
    frame.to_csv(path, index=False)
    dossier, _, _ = left(path, model, task, {"target": f"target {EVIL}", **changes})
    journal = tuple(replace(d, why=BREAKS, reason=BREAKS) for d in dossier.journal)
    hostile = replace(dossier, journal=journal, session=Session(BREAKS, "f" * 64, journal), options={"stem": "small"})
    product = script(hostile)
    assert CODE in str(product.files[""])
    assert not skeleton(str(product.files[""])) & {"__import__", "touch"}
    assert not (tmp_path / "ran").exists()


def test_what_cannot_be_code_is_one_sentence(tmp_path, monkeypatch):
    """A choice so long that its literal is broken over lines is no Python, and no traceback."""
    plain = customers(tmp_path / "t.csv", 120)
    dossier, _, _ = left(plain, "knn", "binary", {})
    long = {"name": "knn", "settings": {**as_model("knn")["settings"], "weights": "words " * 40}}
    final = replace(dossier.final, value={**dossier.final.value, "model": long})
    with pytest.raises(DataProblem, match="cannot be written as code"):
        script(replace(dossier, evidence={"exams": dossier.evidence("exams"), "final": final}.get))


def pixels(path: Path, n: int = 120) -> Path:
    """Pictures of 4 × 4 pixels: of each class another corner is bright."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, n)
    light = rng.integers(0, 9, (n, 4, 4))
    light[np.arange(n), kind, kind] += 7
    frame = pd.DataFrame(light.reshape(n, 16), columns=[f"pixel_{i}" for i in range(16)])
    frame.assign(target=[f"class {k}" for k in kind]).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("case", CASES, ids=CASES)
def test_the_script_gives_the_sessions_figures(case, tmp_path, monkeypatch, capsys):
    model, task, changes = CASES[case]
    made = pixels if changes.get("material") == "image" else partial(customers, n=240, task=task)
    dossier, artifact, value = left(made(tmp_path / "t.csv"), model, task, changes)
    product = script(dossier)
    held(product, tmp_path, monkeypatch, capsys, value)
    answered_alike(artifact, tmp_path, rtol=1e-9, atol=1e-12)
    assert any("as the session's" in line for line in product.said)


SHOPS = {"id": "shop", "shops": 3, "months": 48}
SERIES = {
    "a line a step": ("ridge", {}),
    "boosting over shops": ("boosting", {**SHOPS, "metric": "rmsse"}),
    "a forest over shops": ("forest", {**SHOPS, "metric": "rmse", "known": []}),
    "neighbours over shops": ("knn", {**SHOPS, "metric": "wape", "types": {}, "known": []}),
    "smoothing": ("smoothing", {"metric": "mae", "types": {}, "known": []}),
    "the last value": ("naive", {"types": {}, "known": [], "season": 1}),
    "the season before": ("seasonal_naive", {"gaps": "zero", "types": {}, "known": []}),
    "a drift": ("drift", {"gaps": "carry", "types": {}, "known": []}),
    "a season raised": (as_model("season_growth", {"percent": 2.5}), {"types": {}, "known": []}),
    "an average of forecasts": (of("average", "ridge", "seasonal_naive"), {}),
    "a stack of forecasts": (of("stack", "ridge", "tree", folds=2), {"months": 96}),
}
PACES = {
    "quarters": ("2000-01-31", "QE", "%Y-%m-%d", {"season": 4}),
    "numbered years": ("1950-01-01", "YS", "%Y", {"season": 1}),
    "years": ("1950-12-31", "YE", "%Y-%m-%d", {"season": 1}),
    "weeks": ("2020-01-05", "W", "%Y-%m-%d", {"season": 4}),
    "business days": ("2020-01-01", "B", "%Y-%m-%d", {"season": 5}),
    "days": ("2020-01-01", "D", "%Y%m%d", {"season": 7}),
    "hours": ("2020-01-01", "h", "%Y-%m-%d %H:%M:%S", {"season": 6}),
    "15 minutes": ("2020-01-01", "15min", "%Y-%m-%dT%H:%M:%S", {"season": 4}),
    "steps": ("", "", "", {"season": 6}),
}


def held(product, place: Path, monkeypatch, capsys, value: float) -> str:
    """Runs the script of a session as a person would; it says the session's figure.  Returns all it said."""
    unpacked(product, place, "small.py")
    code = (place / "small.py").read_text()
    assert not re.search(r"^\s*(import|from) (engine|tui|storage)\b", code, re.MULTILINE)
    monkeypatch.chdir(place)
    with warnings.catch_warnings():
        runpy.run_path("small.py", run_name="__main__")
    told = capsys.readouterr().out
    found = re.search(r": (-?[\d.e+-]+) over (\d+) practice exams; the session said (-?[\d.e+-]+)", told)
    assert found, told
    assert float(found[1]) == pytest.approx(value, rel=1e-5)
    assert float(found[3]) == pytest.approx(value, rel=1e-5)
    return told


@pytest.mark.parametrize("case", SERIES, ids=SERIES)
def test_a_forecast_leaves_as_code(case, tmp_path, monkeypatch, capsys):
    model, changes = SERIES[case]
    size = {"shops": changes.get("shops", 1), "months": changes.get("months", 60)}
    changes = {key: x for key, x in changes.items() if key not in size}
    dossier, artifact, value = left(sales(tmp_path / "t.csv", **size), model, "forecast", changes)
    history = pd.read_csv(tmp_path / "t.csv")
    if not changes.get("known", ["price"]):
        history.loc[[20, 21, 30], "sold"] = None
        history.to_csv(tmp_path / "t.csv", index=False)
        dossier, artifact, value = left(tmp_path / "t.csv", model, "forecast", changes)
    if "price" in (artifact.recipe["series"].get("known") or ()):  # what is known ahead stands behind the last value
        ahead = pd.DataFrame({"month": pd.date_range("2015-01-01", periods=size["months"] + 3, freq="MS")[-3:]})
        ahead = ahead.assign(month=ahead["month"].dt.strftime("%Y-%m-%d"), price=11.0)
        shops = [ahead.assign(shop=f"shop {k + 1}") for k in range(size["shops"])] if "id" in changes else [ahead]
        pd.concat([history, *shops]).to_csv(tmp_path / "t.csv", index=False)
        dossier, artifact, value = left(tmp_path / "t.csv", model, "forecast", changes)
    held(script(dossier), tmp_path, monkeypatch, capsys, value)
    wanted, told = forecasts(artifact, tmp_path / "t.csv"), pd.read_csv(tmp_path / "small.predictions.csv")
    assert np.allclose(told["prediction"], wanted["prediction"], rtol=1e-9)
    assert list(told["month"]) == list(wanted["month"])


@pytest.mark.parametrize("pace", PACES)
def test_a_forecast_keeps_the_pace_of_its_series(pace, tmp_path, monkeypatch, capsys):
    first, frequency, form, changes = PACES[pace]
    n = 60
    times = pd.date_range(first, periods=n, freq=frequency).strftime(form) if first else np.arange(10, 10 + 2 * n, 2)
    sold = 50 + 10 * np.sin(np.arange(n)) + np.random.default_rng(0).normal(0, 2, n)
    sold[[10, 11, 25]] = np.nan
    pd.DataFrame({"month": times, "sold": sold.round(2)}).drop(index=[30]).to_csv(tmp_path / "t.csv", index=False)
    said = {
        "types": {},
        "known": [],
        "frequency": None if pace in ("steps", "numbered years") else pace,
        "window": 6,
        **changes,
    }
    dossier, artifact, value = left(tmp_path / "t.csv", "ridge", "forecast", said)
    held(script(dossier), tmp_path, monkeypatch, capsys, value)
    wanted, told = forecasts(artifact, tmp_path / "t.csv"), pd.read_csv(tmp_path / "small.predictions.csv", dtype=str)
    assert list(told["month"]) == list(wanted["month"])


def test_the_script_runs_where_the_program_is_not(tmp_path):
    dossier, _, value = left(customers(tmp_path / "t.csv", 240), "tree", "binary", {})
    unpacked(script(dossier), tmp_path, "small.py")
    assert f"{value:.6g} over 3 practice exams" in ran(tmp_path, "small.py")


def test_the_notebook_runs_as_it_stands(tmp_path):
    dossier, _, value = left(customers(tmp_path / "t.csv", 240), "logistic", "binary", {})
    unpacked(notebook(dossier), tmp_path, "small.ipynb")
    book = json.loads((tmp_path / "small.ipynb").read_text())
    assert book["nbformat"] == 4
    assert book["cells"][0]["cell_type"] == "markdown"
    code = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    (tmp_path / "run.py").write_text("\n\n".join(code))
    assert f"{value:.6g} over 3 practice exams" in ran(tmp_path, "run.py")
    assert notebook(dossier).files == notebook(dossier).files


def test_the_notebook_runs_in_a_kernel(tmp_path):
    client, form = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    dossier, _, value = left(customers(tmp_path / "t.csv", 240), "logistic", "binary", {})
    unpacked(notebook(dossier), tmp_path, "small.ipynb")
    book = form.read(tmp_path / "small.ipynb", 4)
    client.NotebookClient(book, timeout=100, resources={"metadata": {"path": str(tmp_path)}}).execute()
    told = "".join(out.get("text", "") for cell in book.cells for out in cell.get("outputs", ()))
    assert f"{value:.6g} over 3 practice exams" in told


def test_the_whys_stand_beside_the_code(tmp_path):
    dossier, _, _ = left(customers(tmp_path / "t.csv", 240), "logistic", "binary", {})
    code = as_script(cells(plan_of(dossier)))
    assert '# It "won" \\ so' in code


def test_a_decimal_comma_and_thousands_are_read_as_the_session_read_them(tmp_path):
    path = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    a = rng.normal(3000, 900, 150)
    lines = [f"{x:,.2f}".translate(str.maketrans(",.", ".,")) + f";{'ja' if x > 3000 else 'nein'}" for x in a]
    path.write_text("a;target\n" + "\n".join(lines) + "\n")
    from engine.data.read import examine

    read = examine(path).settings.as_dict()
    assert read["decimal"] == ","
    dossier, _, value = left(path, "logistic", "binary", {"read": read, "types": {"a": "number"}, "positive": "ja"})
    unpacked(script(dossier), tmp_path, "small.py")
    assert f"{value:.6g} over" in ran(tmp_path, "small.py")


def beside(path: Path, months: int = 48) -> Path:
    """Two series side by side."""
    frame = pd.read_csv(sales(path, shops=2, months=months)).pivot(index="month", columns="shop", values="sold")
    frame.reset_index().to_csv(path, index=False)
    return path


WIDE = {"shape": "wide", "types": {"shop 1": "number", "shop 2": "number"}, "target": "shop 1", "known": []}


def test_series_side_by_side_leave_as_code(tmp_path, monkeypatch, capsys):
    dossier, artifact, value = left(beside(tmp_path / "t.csv"), "ridge", "forecast", WIDE)
    held(script(dossier), tmp_path, monkeypatch, capsys, value)
    wanted, told = forecasts(artifact, tmp_path / "t.csv"), pd.read_csv(tmp_path / "small.predictions.csv")
    assert list(told["series"]) == list(wanted["series"])
    assert np.allclose(told["prediction"], wanted["prediction"], rtol=1e-9)


def test_what_cannot_be_written_is_said_in_a_sentence(tmp_path):
    """Series in a row each: the table turned over."""
    path = tmp_path / "t.csv"
    frame = pd.read_csv(beside(path)).set_index("month").T
    frame.to_csv(path, index_label="shop")
    said = {**WIDE, "shape": "rows", "id": "shop", "target": None, "types": dict.fromkeys(frame.columns, "number")}
    dossier, _ = ended(path, "ridge", "forecast", **said)
    with pytest.raises(NoForm, match="Series that stand in a row each"):
        script(dossier)


def test_code_that_says_something_else_does_not_leave(tmp_path):
    dossier, _, _ = left(customers(tmp_path / "t.csv", 240), "logistic", "binary", {})
    seen = dossier.evidence("exams")
    assert seen is not None
    scores = {"roc_auc": [0.5, *seen.value["scores"]["roc_auc"][1:]]}
    other = replace(seen, value={**seen.value, "scores": scores})
    lying = replace(dossier, evidence=lambda key: other if key == "exams" else dossier.evidence(key))
    with pytest.raises(DataProblem, match="in the first exam and the session"):
        script(lying)


@pytest.mark.parametrize(("model", "task", "metric"), [
    ("logistic", "binary", "f1"), ("boosting", "regression", "mae"), ("tree", "multiclass", "accuracy"),
])  # fmt: skip
def test_the_final_exam_comes_out_as_the_session_saw_it(model, task, metric, tmp_path, monkeypatch, capsys):
    path = customers(tmp_path / "t.csv", 240, task=task)
    split = {"kind": "random", "lockbox": 0.25, "seed": 0}
    dossier, artifact, _ = left(path, model, task, {"metric": metric, "split": split})
    params = {"recipe": artifact.recipe, "model": dossier.final.value["model"], "threshold": artifact.threshold}
    seen = lockbox(params, Memory(path))
    check = Check(metric, seen["value"], seen["low"], seen["high"], 0.5, "60 rows", "shown", {"rows": 60})
    result = _decision(4, "present.result", "shown", stage="present", check=check)

    def ending(checked: Check):
        journal = (*dossier.journal, replace(result, check=checked))
        return replace(dossier, journal=journal, session=Session("small", "f" * 64, journal))

    product = script(ending(check))
    assert any("Its final exam gives" in line for line in product.said)
    unpacked(product, tmp_path, "small.py")
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        runpy.run_path("small.py", run_name="__main__")
    told = capsys.readouterr().out
    assert f"the session said {seen['value']:.6g}" in told
    found = re.search(r"Final exam: .* ([\d.e+-]+); the session said", told)
    assert found
    assert float(found[1]) == pytest.approx(seen["value"], rel=1e-5)
    with pytest.raises(DataProblem, match="in the final exam and the session"):
        script(ending(replace(check, value=seen["value"] + 0.01)))
