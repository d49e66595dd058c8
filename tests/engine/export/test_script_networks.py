"""Networks as plain code: what torch alone trains comes to the session's figures."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.errors import DataProblem, UsageProblem
from engine.export.code.cells import cells
from engine.export.code.script import as_script, notebook, plan_of, script
from engine.export.model.terms import NoForm
from engine.models.catalogue import ModelSpec, as_model
from engine.models.networks.backend import HOW_TO_ADD, installed
from engine.session import Session
from tests.engine.export.leaving import answered_alike
from tests.engine.export.test_script import (
    BREAKS,
    CODE,
    PIXELS,
    held,
    left,
    of,
    pixels,
    ran,
    skeleton,
    unpacked,
)
from tests.engine.tables import customers

pytestmark = pytest.mark.skipif(not installed(), reason=HOW_TO_ADD)

FEW = {"epochs": 5, "patience": 2}
LOOK = {"epochs": 4, "widths": [4, 8]}
TARGETS = {"encode": "target"}
CASES = {
    "a line that weighs its classes": (
        as_model("net_linear", FEW), "binary", {"prepare": {"weights": "balanced", "select": 6}},
    ),
    "one layer": (as_model("net_one", FEW), "multiclass", {"metric": "log_loss", "prepare": {"categories": TARGETS}}),
    "a small net": (as_model("net_small", FEW), "regression", {"prepare": {"target": "log1p"}}),
    "of absolute errors": (as_model("net_one", {**FEW, "batch": 32, "last_tie": True}), "regression",
                           {"metric": "mae", "prepare": {"numbers": {"scale": "none"}}}),
    "of a quantile": (as_model("net_one", {**FEW, "widths": [5]}), "regression",
                      {"metric": "pinball", "costs": {"under": 3, "over": 1}}),
    "at a falling rate": (
        as_model("net_small", {**FEW, "schedule": "cosine", "warm_up": 0.2, "clip": 0.5, "drop_last": True}),
        "binary", {"metric": "log_loss", "types": {"age": "number", "note": "text", "since": "date"}},
    ),
    "at a rate in waves": (as_model("net_one", {**FEW, "schedule": "coslog4"}), "binary", {"metric": "log_loss"}),
    "columns weighed first": (
        as_model("net_real", {"epochs": 4, "widths": [8, 8, 8], "batch": 32}), "multiclass", {"metric": "accuracy"},
    ),
    "columns weighed first, for numbers": (
        as_model("net_real", {"epochs": 4, "widths": [8, 8], "batch": 32, "schedule": "constant"}), "regression", {},
    ),
    "columns weighed first, in waves": (
        as_model("net_real", {"epochs": 4, "widths": [8, 8, 8], "batch": 32}), "binary", {"metric": "log_loss"},
    ),
    "labels smoothed": (as_model("net_one", {**FEW, "smoothing": 0.1, "dropout": 0.0}), "multiclass",
                        {"metric": "accuracy", "prepare": {"weights": "balanced"}}),
    "pictures": (as_model("image_small", LOOK), "multiclass", {**PIXELS, "metric": "log_loss"}),
    "pictures moved": (as_model("image_small", {**LOOK, "shift": 0.3, "mirror": True}), "multiclass",
                       {**PIXELS, "metric": "log_loss"}),
    "pictures and columns beside them": (
        as_model("image_small", LOOK), "multiclass",
        {"material": "image", "metric": "log_loss",
         "types": {**PIXELS["types"], "shop": "category"}},
    ),
    "words averaged": (as_model("text_mean", FEW), "binary",
                       {"types": {"note": "text"}, "metric": "log_loss", "prepare": {"weights": "balanced"}}),
    "words averaged, and columns beside them": (
        as_model("text_mean", {**FEW, "widths": [8]}), "regression",
        {"types": {"age": "number", "note": "text", "plan": "category", "since": "date"}},
    ),
    "two nets and a line": (
        of("average", "logistic") | {"settings": {"of": [as_model("net_small", FEW), as_model("net_one", FEW),
                                                         as_model("logistic")]}}, "binary", {},
    ),
    "a cooled net": (
        {"name": "calibrated", "settings": {"of": [as_model("net_one", FEW)], "folds": 2}}, "multiclass",
        {"metric": "log_loss"},
    ),
}  # fmt: skip


def shops(path: Path) -> Path:
    """Pictures, and where each was taken."""
    frame = pd.read_csv(pixels(path))
    frame["shop"] = np.where(np.arange(len(frame)) % 3 == 0, "north", "south")
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("case", CASES, ids=CASES)
def test_a_network_leaves_as_code(case, tmp_path, monkeypatch, capsys):
    model, task, changes = CASES[case]
    made = shops if changes.get("material") == "image" else partial(customers, n=240, task=task)
    dossier, artifact, value = left(made(tmp_path / "t.csv"), model, task, changes)
    product = script(dossier)
    held(product, tmp_path, monkeypatch, capsys, value)
    answered_alike(artifact, tmp_path, rtol=1e-6, atol=1e-9)
    assert any("as the session's" in line for line in product.said)


@pytest.fixture
def small(tmp_path: Path):
    return left(customers(tmp_path / "t.csv", 160), as_model("net_one", FEW), "binary", {})


def test_the_script_of_a_network_runs_where_the_program_is_not(small, tmp_path):
    dossier, _, value = small
    product = script(dossier)
    assert "Needs pandas, scikit-learn and torch" in str(product.files[""])
    unpacked(product, tmp_path, "small.py")
    assert f"{value:.6g} over 3 practice exams" in ran(tmp_path, "small.py")


def test_the_notebook_of_a_network_runs_as_it_stands(small, tmp_path):
    dossier, _, value = small
    unpacked(notebook(dossier), tmp_path, "small.ipynb")
    book = json.loads((tmp_path / "small.ipynb").read_text())
    code = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    (tmp_path / "run.py").write_text("\n\n".join(code))
    assert f"{value:.6g} over 3 practice exams" in ran(tmp_path, "run.py")


def test_each_layer_says_what_it_is_for(small):
    code = as_script(cells(plan_of(small[0])))
    assert (
        "# mixes the columns: each unit is one learned combination of inputs\n            nn.Linear(inputs, 32),"
        in code
    )


def test_a_long_training_is_not_silent(small, tmp_path):
    """Every ten seconds at most, and on stderr, where it does not get among the figures."""
    unpacked(script(small[0]), tmp_path, "small.py")
    code = (tmp_path / "small.py").read_text()
    assert ">= 10:" in code
    (tmp_path / "small.py").write_text(code.replace(">= 10:", ">= 0:"))  # as if each step took so long
    done = subprocess.run([sys.executable, "small.py"], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.stderr.splitlines()[0] == "Practice exam 1 of 3"
    assert re.fullmatch(r"Training: epoch 1 of at most 5, loss of the rows beside [\d.]+", done.stderr.splitlines()[1])
    assert "Practice exam 3 of 3" in done.stderr
    assert "Training" not in done.stdout


def hostile(dossier, model: dict):
    final = replace(dossier.final, value={**dossier.final.value, "model": model})
    return replace(dossier, evidence={"exams": dossier.evidence("exams"), "final": final}.get)


def test_words_in_place_of_a_number_are_refused(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dossier = small[0]
    for where, evil, said in (
        ("learning_rate", CODE, "the setting learning_rate is a number"),
        ("widths", [CODE], "cannot be written as code"),
        ("batch", CODE, "cannot be written as code|does not run"),
    ):
        model = {"name": "net_one", "settings": {**as_model("net_one")["settings"], where: evil}}
        with pytest.raises((UsageProblem, DataProblem), match=said):
            script(hostile(dossier, model))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["net_small", "net_embed", "net_tabm", "text_words", "image_small"])
def test_no_setting_of_a_network_becomes_code(name, small, tmp_path, monkeypatch):
    """Where nobody looked at the settings before: the words stay a literal, or no code is made at all."""
    monkeypatch.setattr(ModelSpec, "with_defaults", lambda self, given: {**self.settings, **(given or {})})
    dossier = small[0]
    if name == "image_small":
        dossier = left(pixels(tmp_path / "p.csv", 60), as_model(name, {**LOOK, "epochs": 1}), "multiclass", PIXELS)[0]
    plain = as_model(name)["settings"]
    known = skeleton(as_script(cells(plan_of(hostile(dossier, {"name": name, "settings": plain})))))
    written = 0
    for where, usual in {**plain, "schedule": "constant", "betas": [0.9, 0.999], "clip": 1.0, "precision": ""}.items():
        evil = [BREAKS] if isinstance(usual, list) else BREAKS
        model = {"name": name, "settings": {**plain, where: evil}}
        try:
            made = as_script(cells(plan_of(hostile(dossier, model))))
        except (UsageProblem, DataProblem, NoForm):
            continue
        written += 1
        assert not skeleton(made) - known - {"max", "min"}, where
    assert written


def test_a_hostile_journal_of_a_network_runs_nothing(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dossier = small[0]
    journal = tuple(replace(d, why=BREAKS, reason=BREAKS) for d in dossier.journal)
    other = replace(dossier, journal=journal, session=Session(BREAKS, "f" * 64, journal), options={"stem": "small"})
    product = script(other)
    assert CODE in str(product.files[""])
    assert not skeleton(str(product.files[""])) & {"__import__", "touch"}
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(("settings", "said"), [
    ({"device": "cuda"}, "trained on a graphics card"),
    ({"precision": "bf16"}, "another precision than 32 bits"),
])  # fmt: skip
def test_what_no_code_can_repeat_is_said_in_a_sentence(settings, said, small):
    model = as_model("net_one", {**FEW, **settings})
    with pytest.raises(NoForm, match=said):
        script(hostile(small[0], model))


def test_a_training_that_a_person_ended_does_not_leave(small, monkeypatch):
    monkeypatch.setattr("engine.models.fitting.Fitted.ended_by_person", property(lambda self: True))
    with pytest.raises(NoForm, match="A person ended the training"):
        script(small[0])


def test_figures_of_another_machine_do_not_leave(small):
    dossier = small[0]
    seen = dossier.evidence("exams")
    scores = {"roc_auc": [0.5, *seen.value["scores"]["roc_auc"][1:]]}
    other = replace(seen, value={**seen.value, "scores": scores})
    lying = replace(dossier, evidence=lambda key: other if key == "exams" else dossier.evidence(key))
    with pytest.raises(DataProblem, match="only on the machine that trained it"):
        script(lying)
