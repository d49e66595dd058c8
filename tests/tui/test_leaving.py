"""A session walked to its end, and everything that it leaves, by the command line."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from engine.export.registry import EXPORTS
from engine.records import Evidence
from tests.tui.scripted import until
from tui.app import RungwiseApp
from tui.cli import status_of
from tui.screens.leaving import ExportBox, forms
from tui.store_desk import StoreDesk
from tui.widgets.rows import Rows

WHY = "It is the model that the inspectors have read and approved already"


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store whose session kept a logistic regression."""
    place = tmp_path_factory.mktemp("walked")
    draw = random.Random(1)
    rows = [(draw.gauss(0, 1), draw.choice("uvw")) for _ in range(150)]
    lines = [f"{x:.3f},{level},{'yes' if x + draw.gauss(0, 0.7) > 0.5 else 'no'}" for x, level in rows]
    (place / "leads.csv").write_text("x,level,bought\n" + "\n".join(lines) + "\n")
    words = ["run", place / "leads.csv", "--store", place / "s.db", "--target", "bought", "--accept-recommended",
             "--skip-deep", "-q", "--answer", "simple.candidates=logistic",
             "--answer", "simple.champion=logistic", "--why", f"simple.champion={WHY}"]  # fmt: skip
    assert status_of([str(word) for word in words]) == 0
    return place


@pytest.fixture
def say(walked: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = status_of([str(word) for word in (*words, "--store", walked / "s.db")])
        said = capsys.readouterr()
        assert "mistake" not in said.err, said.err
        return status, said.out, said.err

    return run


@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.name)
def test_every_form_leaves(export, say, tmp_path) -> None:
    for package in export.packages:
        pytest.importorskip(package)
    place = tmp_path / f"leads{export.ending}"
    status, out, err = say("export", "leads", "--to", export.name, "-o", place)
    assert status == 0, err
    assert str(place) in out
    assert place.is_dir() == (export.shape == "folder")
    held = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert all(file.stat().st_size for file in held)
    assert not [file for file in held if file.suffix == ".part"]
    again, _, err = say("export", "leads", "--to", export.name, "-o", place)
    assert again == 2
    assert "is there already" in err
    assert say("export", "leads", "--to", export.name, "-o", place, "--force")[0] == 0


def test_a_check_that_takes_long_is_announced(say, tmp_path, monkeypatch) -> None:
    assert not say("export", "leads", "--to", "script", "-o", tmp_path / "quick.py")[2]
    monkeypatch.setattr("tui.cli.exporting.LONG", 0.0)
    _, _, err = say("export", "leads", "--to", "script", "-o", tmp_path / "leads.py")
    assert "The code is run before it is written" in err
    assert not say("export", "leads", "--to", "adr", "-o", tmp_path / "decisions")[2]


def test_a_folder_may_leave_as_a_zip(say, tmp_path) -> None:
    assert say("export", "leads", "--to", "model", "-o", tmp_path / "leads.zip")[0] == 0
    with zipfile.ZipFile(tmp_path / "leads.zip") as archive:
        assert "leads/model.rungwise" in archive.namelist()


def test_one_text_is_printed_without_a_file(say) -> None:
    status, out, _ = say("export", "leads", "--to", "html")
    assert status == 0
    assert out.startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--to", "pdf"), "it can as md, html"),
        (("--to", "onnx"), "name where it goes with -o leads.onnx"),
        (("--to", "model"), "name where it goes with -o leads"),
        (("--to", "script"), "makes several files"),
        (("--to", "md", "--dialect", "duckdb"), "--dialect goes with --to sql, not with --to md"),
        (("--to", "sql", "--dialect", "oracle"), "there is sqlite, postgres"),
        (("--to", "md", "-o", "/nowhere/at/all.md"), "cannot be written"),
    ],
)
def test_what_cannot_leave_is_said_in_one_sentence(words, says, say) -> None:
    status, out, err = say("export", "leads", *words)
    assert status in (1, 2)
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert not out


def test_the_help_names_every_form(say, capsys) -> None:
    status_of(["export", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert all(f"{export.name}: " in told for export in EXPORTS)


def test_predictions_say_why_and_what_differs(say, walked, tmp_path) -> None:
    lines = (walked / "leads.csv").read_text().splitlines()
    (tmp_path / "new.csv").write_text("\n".join([lines[0], "99,u,yes", "0.1,z,no", *lines[1:20]]) + "\n")
    status, out, err = say("predict", "leads", tmp_path / "new.csv", "-o", tmp_path / "out.csv", "--why")
    assert status == 0
    assert "21 rows written" in out
    assert "'x': 1 of 21 cells is outside what was seen in training" in err
    assert "'level': 1 of 21 cells is of a level that training did not have: 'z'" in err
    first = (tmp_path / "out.csv").read_text().splitlines()[1]
    assert "x = 99: odds ×" in first


def test_predictions_go_through_a_pipe(say, walked, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = (walked / "leads.csv").read_bytes()
    assert say("predict", "leads", walked / "leads.csv", "-o", "out.csv")[0] == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(table)))
    status, out, err = say("predict", "leads", "-", "-o", "-")
    assert status == 0
    assert out == (tmp_path / "out.csv").read_text()
    assert "rows written to the standard output" in err
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"other\n1\n2\n")))
    status, out, err = say("predict", "leads", "-", "-o", "-")
    assert status == 1
    assert out == ""
    assert err.startswith("The standard input ")
    assert len(err.strip().splitlines()) == 1
    assert [place.name for place in tmp_path.iterdir()] == ["out.csv"]


def test_what_is_not_of_its_type_is_said_once(say, walked, tmp_path) -> None:
    lines = (walked / "leads.csv").read_text().splitlines()
    (tmp_path / "new.csv").write_text("\n".join([lines[0], "much,u,yes", *lines[1:20]]) + "\n")
    status, out, err = say("predict", "leads", tmp_path / "new.csv", "-o", tmp_path / "out.csv")
    assert status == 0
    assert (out + err).count("taken as empty") == 1


@pytest.mark.parametrize(
    "value", [{"artifact": 3}, {"artifact": "0" * 64, "rows": "many"}, {"artifact": None, "rows": []}]
)
def test_a_stranger_s_model_that_is_none_is_said_in_one_sentence(value, say, walked, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tui.cli.predicting._final", lambda *_: Evidence("final", "final", value))
    status, _, err = say("predict", "leads", walked / "leads.csv", "-o", tmp_path / "out.csv")
    assert status == 1
    assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_predictions_say_which_rows_a_person_should_see(say, walked, tmp_path) -> None:
    out = tmp_path / "out.csv"
    assert say("predict", "leads", walked / "leads.csv", "-o", out, "--check")[0] == 0
    rows = [line.split(",") for line in out.read_text().splitlines()]
    assert rows[0][-1] == "check"
    stopped = [row for row in rows[1:] if row[-1] == "not sure"]
    assert 1 <= len(stopped) <= 0.15 * len(rows)
    assert max(abs(float(row[1]) - 0.5) for row in stopped) < 0.2


def test_the_portfolio_lists_every_session(say, tmp_path) -> None:
    status, out, _ = say("portfolio", "-o", tmp_path / "p.html")
    assert status == 0
    assert "project" in out
    page = (tmp_path / "p.html").read_text()
    assert "1. leads" in page or "2. leads" in page
    assert "bought" in page
    assert "script" not in page
    assert say("portfolio", "-o", tmp_path / "p.html")[0] == 2


def test_a_session_without_a_model_says_where_it_is_fitted(say, walked, tmp_path) -> None:
    words = ("--accept-recommended", "--target", "bought", "--stop-after", "define", "--name", "begun", "-q")
    assert say("run", walked / "leads.csv", *words)[0] == 0
    for form in ("model", "sql", "script"):
        status, _, err = say("export", "begun", "--to", form, "-o", tmp_path / "x")
        assert status == 2
        assert "has no model yet" in err
    assert say("export", "begun", "--to", "card", "-o", tmp_path / "card.md")[0] == 0
    assert "begun" in json.dumps((tmp_path / "card.md").read_text())


# -- from within the app: a key a form, and nothing replaced unasked ---------------------------------------------------


def said(app) -> str:
    return str(app.screen.query_one("#said", Static).content)


def test_every_form_has_a_letter_and_a_file_of_its_own():
    found = forms("churn", "main")
    assert len({form.key for form in found}) == len({form.file for form in found}) == len(EXPORTS) + 1
    assert {"h", "s", "b"} <= {form.key for form in found}
    assert all(form.words[-2:] == ("--branch", "main") for form in found[:-1])


async def test_a_form_is_written_and_replaced_only_when_asked_twice(walked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = RungwiseApp(lambda: StoreDesk(walked / "s.db"))
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(ExportBox("leads"))
        await until(pilot, lambda: isinstance(app.screen, ExportBox))
        await pilot.press("c")
        box = app.screen
        await until(pilot, lambda: box.stands.get("c") == "✓", 60)
        card = tmp_path / "leads-card.md"
        assert card.read_text(encoding="utf-8").startswith("# Model card")
        assert str(card)[-14:] in said(app).replace("\n", "")
        card.write_text("mine")
        await pilot.press("c")
        await until(pilot, lambda: "press c once more" in said(app), 60)
        assert card.read_text() == "mine"
        await pilot.press("c")
        await until(pilot, lambda: card.read_text(encoding="utf-8") != "mine", 60)
        await until(pilot, lambda: box.stands.get("c") == "✓", 60)


async def test_a_folder_that_is_not_there_is_said_and_the_letters_can_be_typed_there(walked, tmp_path):
    app = RungwiseApp(lambda: StoreDesk(walked / "s.db"))
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(ExportBox("leads"))
        await until(pilot, lambda: isinstance(app.screen, ExportBox))
        await pilot.press("tab")
        field = app.screen.query_one("#folder", Input)
        field.value = str(tmp_path / "no")
        await pilot.press("end", "h", "enter")
        assert field.value.endswith("noh")
        assert app.screen.query_one(Rows).has_focus
        await pilot.press("s")
        await until(pilot, lambda: "There is no folder" in said(app))
        assert not list(tmp_path.iterdir())
