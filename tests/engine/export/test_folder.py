"""The folder of a model: used by itself, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from engine.data.read import examine
from engine.export.model.folder import MODEL, as_file, model
from engine.models import persist
from engine.models.predict import predict_file
from tests.engine.export.leaving import EVERYTHING, PLAIN, ended
from tests.engine.tables import customers

ROOT = Path(__file__).resolve().parents[3]
DATED = {**EVERYTHING, "types": {**EVERYTHING["types"], "since": "date", "note": "text"}}


def unpacked(product, place: Path) -> Path:
    for name, content in product.files.items():
        (place / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return place


def ran(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=place, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin"},
                          capture_output=True, text=True, timeout=120)  # fmt: skip


@pytest.mark.parametrize(("task", "kind"), [("binary", "logistic"), ("regression", "tree")])
def test_the_folder_predicts_and_checks_itself(task, kind, tmp_path):
    path = customers(tmp_path / "t.csv", 150, task=task)
    dossier, artifact = ended(path, kind, task, **DATED)
    product = model(dossier)
    assert set(product.files) == {
        MODEL, "README.md", "predict.py", "check.py", "golden.csv", "golden-answers.csv", "requirements.txt"
    }  # fmt: skip
    (tmp_path / "m").mkdir()
    place = unpacked(product, tmp_path / "m")
    predict_file(artifact, path, tmp_path / "here.csv")
    done = ran(place, "predict.py", str(path), "there.csv")
    assert "150 rows written" in done.stdout, done.stderr
    assert (place / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    assert "All 20 golden rows get the answers" in ran(place, "check.py").stdout
    answers = (place / "golden-answers.csv").read_text().splitlines()
    changed = answers[3].split(",")
    changed[0] = "0.123456"
    (place / "golden-answers.csv").write_text("\n".join([*answers[:3], ",".join(changed), *answers[4:]]) + "\n")
    assert "Rows [3] of golden.csv get other answers" in ran(place, "check.py").stderr
    assert "There is no file" in ran(place, "predict.py", "nowhere.csv", "x.csv").stderr
    assert persist.loads((place / MODEL).read_bytes()).schema == artifact.schema


def test_a_version_of_a_strangers_store_gives_pip_no_orders(tmp_path):
    dossier, _ = ended(customers(tmp_path / "t.csv", 150), "logistic")
    told = {"versions": {"scikit-learn": "1.9.0\n-r /etc/passwd", "skops": "0.13.0+local", "skrub": "1 ; x"}}
    needs = model(replace(dossier, environment=lambda key: told)).files["requirements.txt"]
    assert [line for line in str(needs).splitlines() if not line.startswith("#")] == ["skops==0.13.0"]
    assert str(needs).count("rungwise") == 0  # whoever owns that name in a public registry is not us


def test_the_readme_names_every_column_and_what_was_seen(tmp_path):
    dossier, _ = ended(customers(tmp_path / "t.csv", 150), "logistic")
    told = str(model(dossier).files["README.md"])
    assert all(f"| {name} |" in told for name in PLAIN)
    assert "basic" in told
    assert "from a probability of 0.4 on" in told
    assert any("holds 20 rows of the data" in line for line in model(dossier).said)


def test_golden_rows_are_written_as_the_file_was(tmp_path):
    path = tmp_path / "t.csv"
    lines = ["a;wann;target"] + [f"{i},5;{1 + i % 28:02}.03.2024;{'ja' if i % 3 else 'nein'}" for i in range(120)]
    path.write_text("\n".join(lines) + "\n")
    read = examine(path).settings.as_dict() | {"dates": {"wann": "%d.%m.%Y"}}
    dossier, artifact = ended(path, "logistic", read=read, types={"a": "number", "wann": "date"}, positive="ja")
    golden = str(model(dossier).files["golden.csv"])
    assert golden.splitlines()[:2] == ["a;wann", "0,5;01.03.2024"]
    frame = pd.DataFrame({"a": [1.0, float("nan"), 1e300], "wann": pd.to_datetime(["2024-02-29", None, "2023-01-01"])})
    assert as_file(frame, artifact.recipe).splitlines()[1:] == ["1;29.02.2024", ";", "1e+300;01.01.2023"]
    json.dumps(artifact.schema)
