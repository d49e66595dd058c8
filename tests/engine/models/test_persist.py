"""The model that leaves: the same answers after a round trip, and nothing in a file that can do anything."""

import csv
import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from engine.errors import DataProblem
from engine.models import persist
from engine.models.catalogue import MODELS, as_model
from engine.models.final import final
from engine.models.predict import predict_file
from tests.engine.export.leaving import ended
from tests.engine.models.test_catalogue import settings_of
from tests.engine.tables import Memory, customers, recipe

SQUASHED = {"numbers": {"scale": "squash"}, "categories": {"encode": "target"}}
CASES = [
    (spec, task) for spec in MODELS for task in sorted(spec.tasks - {"forecast"}) if not spec.material
]  # of forecasts see test_forecasting


def left(path, spec, task, **changes):
    ctx = Memory(path)
    params = {"recipe": recipe(task, **changes), "model": {"name": spec.name, "settings": settings_of(spec, task)}}
    value = final({**params, "threshold": 0.4 if task == "binary" else None}, ctx)
    json.dumps(value, allow_nan=False)
    return value, ctx


@pytest.mark.parametrize(("spec", "task"), CASES, ids=[f"{s.name}-{t}" for s, t in CASES])
def test_every_model_survives_the_file(spec, task, tmp_path):
    if spec.network:
        pytest.importorskip("torch")
    path = customers(tmp_path / "t.csv", 200, task=task)
    value, ctx = left(path, spec, task, prepare=SQUASHED)
    again, _ = left(path, spec, task, prepare=SQUASHED)
    assert value["artifact"] == again["artifact"], "the same model is the same bytes"
    assert value["format"] in (("keras", "torch") if spec.network else ("skops",))
    content = ctx.fetch(value["artifact"])
    assert value["bytes"] == len(content)
    artifact = persist.loads(content)
    assert artifact.fitted.parameters == value["parameters"]
    assert artifact.threshold == (0.4 if task == "binary" else None)
    rows = predict_file(artifact, path, tmp_path / "out.csv", chunk=64)
    told = pd.read_csv(tmp_path / "out.csv")
    assert rows == len(told) == 200
    if task == "regression":
        assert list(told.columns) == ["prediction"]
    else:
        shares = told[[f"proba_{label}" for label in artifact.fitted.labels]]
        assert np.allclose(shares.sum(axis=1), 1)
        assert list(told.columns[-1:]) == ["prediction"]
        if task == "binary":
            yes = told["proba_leave"] >= 0.4
            assert (told["prediction"] == np.where(yes, "leave", "stay")).all()


def logistic(tmp_path):
    spec = next(s for s in MODELS if s.name == "logistic")
    path = customers(tmp_path / "t.csv")
    value, ctx = left(path, spec, "binary")
    return path, value, ctx.fetch(value["artifact"])


def rezipped(content, **changed):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, changed.pop(name, old.read(name)))
        for name, extra in changed.items():
            new.writestr(name, extra)
    return out.getvalue()


def test_a_file_with_another_type_is_refused(tmp_path):
    import os
    from collections import Counter
    from functools import partial
    from pathlib import PurePosixPath

    from skops import io as skops_io

    _, _, content = logistic(tmp_path)
    for stranger in (PurePosixPath("/tmp"), Counter("abc"), {"run": print}, partial(os.system, "true")):
        evil = rezipped(content, **{persist.SKOPS: skops_io.dumps(stranger)})
        with pytest.raises(DataProblem, match=r"names the type .*no model of ours is made of"):
            persist.loads(evil)


def test_a_file_with_anything_else_is_refused(tmp_path):
    _, _, content = logistic(tmp_path)
    with pytest.raises(DataProblem, match=r"holds 'run.py'"):
        persist.loads(rezipped(content, **{"run.py": b"print()"}))
    with pytest.raises(DataProblem, match="damaged"):
        persist.loads(content[:500])
    with pytest.raises(DataProblem, match="damaged"):
        persist.loads(b"\x80\x04pickle")
    with pytest.raises(DataProblem, match="another version"):
        persist.loads(rezipped(content, **{persist.CARD: b'{"format": 99}'}))
    with pytest.raises(DataProblem, match="skops cannot read it"):
        persist.loads(rezipped(content, **{persist.SKOPS: b"nothing"}))


def test_the_schema_says_what_comes_in_and_names_no_person(tmp_path):
    _, value, _ = logistic(tmp_path)
    by_name = {c["name"]: c for c in value["schema"]["columns"]}
    assert list(by_name) == list(recipe()["types"])
    assert by_name["plan"]["levels"] == ["[red]pro", "basic", "gold, with extras"]
    assert by_name["age"]["min"] >= 18
    assert by_name["age"]["whole"] is True
    assert set(by_name["note"]) == {"name", "type", "missing"}
    assert value["schema"]["labels"] == ["stay", "leave"]
    assert value["schema"]["positive"] == "leave"


def test_predicts_row_for_row_whatever_the_file_looks_like(tmp_path):
    path, _, content = logistic(tmp_path)
    artifact = persist.loads(content)
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    predict_file(artifact, path, tmp_path / "all.csv")
    rows.drop(columns="target")[list(rows.columns[:-1])[::-1]].to_csv(tmp_path / "new.csv", index=False, sep=";")
    predict_file(artifact, tmp_path / "new.csv", tmp_path / "new_out.csv", chunk=7)
    whole, pieces = pd.read_csv(tmp_path / "all.csv"), pd.read_csv(tmp_path / "new_out.csv")
    pd.testing.assert_frame_equal(whole, pieces, rtol=1e-9)
    rows.loc[3, "target"] = ""
    rows.loc[4, "plan"] = "never seen"
    rows.to_csv(tmp_path / "gaps.csv", index=False)
    assert predict_file(artifact, tmp_path / "gaps.csv", tmp_path / "gaps_out.csv") == len(rows)


def test_says_which_columns_are_missing_and_leaves_no_half_file(tmp_path):
    path, _, content = logistic(tmp_path)
    artifact = persist.loads(content)
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows.drop(columns=["age"]).to_csv(tmp_path / "less.csv", index=False)
    with pytest.raises(DataProblem, match="age"):
        predict_file(artifact, tmp_path / "less.csv", tmp_path / "out.csv")
    (tmp_path / "ragged.csv").write_text(path.read_text() + "1,2\n")
    with pytest.raises(DataProblem):
        predict_file(artifact, tmp_path / "ragged.csv", tmp_path / "out.csv", chunk=10)
    with pytest.raises(DataProblem, match="another"):
        predict_file(artifact, path, path)
    with pytest.raises(DataProblem, match="could not be written"):
        predict_file(artifact, path, tmp_path / "nowhere" / "out.csv")
    assert not (tmp_path / "out.csv").exists()
    assert not list(tmp_path.glob(".*.part"))


def test_a_model_that_is_no_network_is_opened_without_pytorch(tmp_path):
    """skops walks into it when it is first imported; predicting would weigh 300 MB more."""
    dossier, _ = ended(customers(tmp_path / "t.csv", 120), "logistic")
    (tmp_path / "m").write_bytes(dossier.fetch(str(dossier.final.value["artifact"])))
    code = (
        "import sys; from pathlib import Path; from engine.models.persist import loads; "
        "loads(Path(sys.argv[1]).read_bytes()); print(sorted({'torch', 'skops.io'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path / "m")], capture_output=True, text=True, check=True)
    assert ran.stdout == "['skops.io']\n"


def test_labels_of_any_signs_come_back_as_columns_and_answers(tmp_path):
    labels = ['yes, "sure"', "no;way", "größer = 1", "two\nlines"]
    path = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 4, 160)
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["x", "target"])
        rows.writerows((f"{k + rng.normal(0, 0.1):.3f}", labels[k]) for k in kind)
    ctx = Memory(path)
    asked = recipe("multiclass", types={"x": "number"})
    value = final({"recipe": asked, "model": as_model("logistic"), "threshold": None}, ctx)
    predict_file(persist.loads(ctx.fetch(value["artifact"])), path, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as stream:
        head, *told = csv.reader(stream)
    assert sorted(head) == sorted([*(f"proba_{label}" for label in labels), "prediction"])
    assert {row[-1] for row in told} <= set(labels)
    assert np.mean([row[-1] == labels[k] for row, k in zip(told, kind, strict=True)]) > 0.9
