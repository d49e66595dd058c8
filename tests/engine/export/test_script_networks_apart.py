"""The larger networks as plain code: run where the program is not, torch alone comes to the session's figures."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.evaluation.crossval import cross_validate
from engine.evaluation.seeds import seeds
from engine.export.code.networks.case import Case
from engine.export.code.networks.rows import at_once
from engine.export.code.script import _once, script
from engine.export.dossier import Dossier
from engine.models.catalogue import as_model
from engine.models.forecasting import forecasts
from engine.models.networks.backend import HOW_TO_ADD, installed
from engine.models.networks.declarations import NETWORKS
from engine.models.networks.layers import Inputs
from engine.models.networks.losses import Loss
from engine.models.networks.training import CELLS, EVALUATE
from engine.records import Evidence
from engine.session import Session
from engine.stages.deep.training import SEEDS
from tests.engine.export.leaving import answered_alike
from tests.engine.export.test_script import WITHOUT, held, left, unpacked
from tests.engine.export.test_script_networks import CASES
from tests.engine.tables import Memory, customers, sales

pytestmark = pytest.mark.skipif(not installed(), reason=HOW_TO_ADD)

FEW = {"epochs": 4, "patience": 2}
NARROW = {**FEW, "widths": [8]}
LEVELS = {"types": {"age": "number", "since": "date", "zip": "category", "plan": "category", "member": "yes_no"}}
NOTE = {"types": {"note": "text"}}
AGED = {"types": {"age": "number", "note": "text", "plan": "category"}}
DIGITS = {"material": "image", "types": {f"pixel_{i}": "number" for i in range(64)}, "metric": "log_loss"}
ALONE = {"types": {}, "known": []}
GROUPS: dict[str, dict[str, tuple[dict, str, dict[str, Any]]]] = {
    "many nets in one": {
        "balanced": (as_model("net_tabm", {**FEW, "widths": [16, 8]}), "binary",
                     {"metric": "log_loss", "prepare": {"weights": "balanced"}}),
        "numbers": (as_model("net_tabm", NARROW), "regression", {}),
        "a quantile": (as_model("net_tabm", NARROW), "regression",
                       {"metric": "pinball", "costs": {"under": 3, "over": 1}}),
        "a forecast": (as_model("net_tabm", NARROW), "forecast", {"known": [], "id": "shop"}),
    },
    "columns embedded": {
        "classes": (as_model("net_embed", {**NARROW, "batch": 32}), "multiclass", {"metric": "accuracy", **LEVELS}),
        "levels of many": (as_model("net_embed", {**NARROW, "batch": 32}), "regression",
                           {"prepare": {"categories": {"encode": "target", "rare": 2}, "select": 3}}),
        "levels alone": (as_model("net_embed", {**NARROW, "batch": 32}), "binary",
                         {"types": {"plan": "category", "member": "category"}}),
        "numbers alone": (as_model("net_embed", {**NARROW, "batch": 32}), "binary",
                          {"types": {"age": "number", "income": "number"}}),
        "a forecast": (as_model("net_embed", {**NARROW, "batch": 32}), "forecast", {"known": []}),
    },
    "texts": {
        "words and pairs": (as_model("text_words", FEW), "binary", {**NOTE, "metric": "log_loss"}),
        "letters, and columns": (as_model("text_words", NARROW), "regression",
                                 {**AGED, "prepare": {"text": {"encode": "both"}}}),
        "five at a time": (as_model("text_conv", FEW), "binary", {**AGED, "metric": "log_loss"}),
        "both ways": (as_model("text_gru", {**FEW, "widths": [8, 4]}), "multiclass", {**NOTE, "metric": "log_loss"}),
        "weighed": (as_model("text_attend", {**FEW, "widths": [8, 8]}), "regression", AGED),
    },
    "pictures": {
        "digits": (as_model("image_residual", {"epochs": 2, "widths": [4, 8, 8]}), "multiclass", DIGITS),
        "digits moved": (as_model("image_residual", {"epochs": 2, "widths": [4, 8], "shift": 0.2}), "multiclass",
                         DIGITS),
    },
    "windows": {
        "a window": (as_model("series_window", FEW), "forecast", ALONE),
        "what is known ahead": (as_model("series_window", NARROW), "forecast",
                                {"id": "shop", "types": {"price": "number"}}),
        "convolutions": (as_model("series_conv", FEW), "forecast", {"known": [], "gaps": "zero", "metric": "rmse"}),
        "a memory": (as_model("series_gru", {**FEW, "widths": [4, 8]}), "forecast", ALONE),
        "a longer memory": (as_model("series_lstm", {**FEW, "widths": [4]}), "forecast",
                            {"known": [], "metric": "pinball", "costs": {"under": 3, "over": 1}}),
        "with a line": ({"name": "average", "settings": {"of": [as_model("series_conv", NARROW), as_model("ridge")]}},
                        "forecast", {"known": []}),
    },
}  # fmt: skip
EACH = WITHOUT.replace(
    'runpy.run_path(sys.argv[1], run_name="__main__")',
    'import os\nfor place in sys.argv[1:]:\n    os.chdir(place)\n    print("##", place)\n'
    '    runpy.run_path("small.py", run_name="__main__")',
)


def digits(path: Path) -> Path:
    """Written digits of 8 × 8 pixels, real ones."""
    from sklearn.datasets import load_digits

    found: Any = load_digits()
    frame = pd.DataFrame(found.data[:150], columns=[f"pixel_{i}" for i in range(64)])
    frame.assign(target=[f"a {k}" for k in found.target[:150]]).to_csv(path, index=False)
    return path


def months(path: Path, said: dict[str, Any]) -> Path:
    """Sales of one shop or of two; the price of the next months where it is known ahead."""
    frame = pd.read_csv(sales(path, shops=2 if "id" in said else 1, months=60))
    if said.get("known") is None:
        shops = sorted(set(frame["shop"]))
        ahead = [{"month": f"2020-0{i}-01", "shop": shop, "price": 9 + i} for shop in shops for i in (1, 2, 3)]
        pd.concat([frame, pd.DataFrame(ahead)]).to_csv(path, index=False)
    return path


def table(path: Path, task: str, said: dict[str, Any]) -> Path:
    if task == "forecast":
        return months(path, said)
    return digits(path) if said.get("material") == "image" else customers(path, n=200, task=task)


@pytest.mark.parametrize("group", GROUPS)
def test_larger_networks_leave_as_code(group, tmp_path):
    """All scripts of a group, one after the other, in one process that cannot reach the program."""
    made = {}
    for case, (model, task, changes) in GROUPS[group].items():
        place = tmp_path / case.replace(" ", "-")
        place.mkdir()
        dossier, artifact, value = left(table(place / "t.csv", task, changes), model, task, dict(changes))
        product = script(dossier)
        assert any("as the session's" in line for line in product.said), case
        unpacked(product, place, "small.py")
        made[str(place)] = artifact, value
    run = [sys.executable, "-I", "-c", EACH, *made]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    told = dict(re.findall(r"^## (.+)\n((?:(?!##).*\n)+)", done.stdout, re.MULTILINE))
    for place, (artifact, value) in made.items():
        scores = re.search(r": (-?[\d.e+-]+) over \d practice exams; the session said (-?[\d.e+-]+)", told[place])
        assert scores, told[place]
        assert float(scores[1]) == pytest.approx(value, rel=1e-5), place
        assert float(scores[2]) == pytest.approx(value, rel=1e-5), place
        if artifact.recipe["task"] != "forecast":
            answered_alike(artifact, Path(place), rtol=1e-6, atol=1e-9)
            continue
        wanted, said = forecasts(artifact, Path(place) / "t.csv"), pd.read_csv(Path(place) / "small.predictions.csv")
        assert len(wanted) == len(said)
        assert np.allclose(said["prediction"], wanted["prediction"], rtol=1e-6), place


def strictly(path: Path, model: dict[str, Any]) -> tuple[Dossier, float]:
    """A session whose network was held to strict proof: three seeds on every exam, and their mean is its score."""
    dossier, artifact, _ = left(path, model, "binary", {"metric": "log_loss"})
    types = {name: artifact.recipe["types"][name] for name in artifact.fitted.columns}
    params = {"recipe": {**artifact.recipe, "types": types}, "model": model}
    own = {str(seed): cross_validate(params, Memory(path, seed=seed)) for seed in SEEDS}
    there: Any = SimpleNamespace(uses=tuple(own), evidence=own.__getitem__)
    mean = seeds({}, there)
    journal = tuple(
        replace(d, check=replace(d.check, value=mean["value"])) if d.seq == 2 and d.check else d
        for d in dossier.journal
    )
    evidence = {"exams": Evidence("exams", "seeds", mean), "final": dossier.final}
    session = Session("small", "f" * 64, journal)
    return replace(dossier, session=session, journal=journal, evidence=evidence.get), mean["value"]


def test_a_network_under_strict_proof_comes_to_the_mean_over_its_seeds(tmp_path, monkeypatch, capsys):
    dossier, value = strictly(customers(tmp_path / "t.csv", 120), as_model("net_one", {"epochs": 2}))
    product = script(dossier)
    assert any("first practice exam" in line for line in product.said)
    assert "for seed in (0, 1000, 2000):" in str(product.files[""])
    assert "over 3 practice exams" in held(product, tmp_path, monkeypatch, capsys, value)
    assert '"exam 3, seed 2000"' in str(product.files[".splits.csv"])


def test_rows_that_were_fitted_are_not_fitted_again():
    """The model that leaves learned from the rows for practice only: it took the final exam already."""
    plan = pd.DataFrame({"final exam": list("LLVT"), "model": list("LLV."), "final exam, fold 1": list("LTT."),
                         "model, fold 1": list("LTT."), "exam 1": list("LVT.")})  # fmt: skip
    fits = []
    fitted = _once(lambda frame, y, plan, name, seed: fits.append((name, seed)) or name)
    assert [fitted(None, None, plan, name, seed=0) for name in ("exam 1", "final exam", "model")] == [
        "exam 1", "final exam", "final exam",
    ]  # fmt: skip
    fitted(None, None, plan, "model", seed=1)
    fitted(None, None, plan.assign(**{"model, fold 1": list("LLT.")}), "model", seed=0)
    assert fits == [("exam 1", 0), ("final exam", 0), ("model", 1), ("model", 0)]


GIVEN = {  # the least shape that a case is written from, and one as it comes
    "table": (Inputs("table", (1,)), Inputs("table", (150,))),
    "terms": (Inputs("terms", (1,)), Inputs("terms", (20_000,))),
    "tokens": (Inputs("tokens", (1,), beside=1, rows=2), Inputs("tokens", (400,), beside=7, rows=90)),
    "window": (Inputs("window", (48, 1), beside=1, horizon=3), Inputs("window", (48, 1), beside=9, horizon=3)),
    "picture": (Inputs("picture", (28, 28, 1), beside=1), Inputs("picture", (28, 28, 1), beside=5)),
}


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_as_many_rows_are_answered_at_once_as_in_the_session(network):
    """The last digits of an answer hang on how many rows go through the network together."""
    least, given = GIVEN[network.takes]
    units = 3
    case = Case("Net", network.resolved(least), Loss("cross_entropy"), least, units, False)
    said = {"X": SimpleNamespace(shape=(9, *given.shape)), "x": SimpleNamespace(shape=(9, *given.shape)),
            "beside": SimpleNamespace(shape=(9, given.beside))}  # fmt: skip
    cells = given.width + network.count(given, units).activations
    assert eval(at_once(case), said) == max(1, min(EVALUATE, CELLS // cells))


def test_every_declared_network_leaves():
    shown = [model for cases in (CASES, *GROUPS.values()) for model, _, _ in cases.values()]
    names = {part["name"] for model in shown for part in [model, *model["settings"].get("of", [])]}
    assert {network.name for network in NETWORKS} <= names
