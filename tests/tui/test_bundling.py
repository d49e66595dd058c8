"""`rungwise bundle`: what it says, and that a mentor's comments come home."""

from __future__ import annotations

import json
import random
import zipfile

import pytest

from tests.tui.reviewed import sound_session
from tests.tui.test_cli import rungwise  # noqa: F401 - a fixture
from tests.tui.test_reviewing import data, store, store_path  # noqa: F401 - fixtures


def test_out_commented_and_home_again(rungwise, store, data, tmp_path):  # noqa: F811
    sound_session(store, data)
    out, back, elsewhere = tmp_path / "churn.rungwise", tmp_path / "back.rungwise", tmp_path / "mentor.db"
    made = rungwise("bundle", "export", "churn", "-o", out)
    assert made.status == 0
    assert "36 decisions, 4 pieces of evidence and no comments" in made.out
    assert f"{out.stat().st_size:,} bytes" in made.out
    assert (
        rungwise("--store", elsewhere, "bundle", "import", out).out == "Session churn: 36 decisions and no comments.\n"
    )
    rungwise("--store", elsewhere, "comment", "churn", "9", "--question", "Why not costs?", "--author", "berg")
    rungwise("--store", elsewhere, "bundle", "export", "churn", "-o", back)
    assert "new are no decisions and 1 comment." in rungwise("bundle", "import", back).out
    assert "with all that the bundle holds" in rungwise("bundle", "import", back).out
    threads = json.loads(rungwise("review", "churn", "--json").out)["threads"]
    assert [(t["decision"], t["comments"][0]["author"]) for t in threads] == [(9, "berg")]
    assert rungwise("verify").status == 0


def test_redacted_and_with_data(rungwise, store, data, tmp_path):  # noqa: F811
    sound_session(store, data)
    assert rungwise("bundle", "export", "churn", "-o", tmp_path / "r", "--redact").out.endswith("without raw values.\n")
    shown = rungwise("--store", tmp_path / "m.db", "bundle", "import", tmp_path / "r")
    assert "Raw values were left out of it" in shown.out
    assert "the data" in rungwise("bundle", "export", "churn", "-o", tmp_path / "d", "--with-data").out
    assert "Its data lie at" in rungwise("--store", tmp_path / "n.db", "bundle", "import", tmp_path / "d").out
    assert rungwise("bundle", "export", "churn", "-o", tmp_path / "x", "--with-data", "--redact").status == 2


def test_a_redacted_bundle_of_a_real_session_holds_no_cell_of_its_table(rungwise, tmp_path):  # noqa: F811
    """Names, addresses, texts, exact amounts and rare places: none of them, in whatever part of the file."""
    draw = random.Random(5)
    rows = [
        (f"Xq{draw.randrange(10**6):06d} Zw{n}", f"xq{n:04d}@mail.example", f"{draw.gauss(50_000, 9_000):.3f}",
         draw.choice(["Quxville", "Barrowton", "Zedford"]), " ".join(draw.sample(["plonk", "wibble", "snood"], 2)),
         draw.choice(["yes", "no"]))
        for n in range(120)
    ]  # fmt: skip
    file, made = tmp_path / "people.csv", tmp_path / "people.rungwise"
    file.write_text("name,mail,salary,city,note,bought\n" + "\n".join(map(",".join, rows)) + "\n")
    given = ("--target", "bought", "--accept-recommended", "--stop-after", "baseline", "--quiet")
    assert rungwise("run", file, *given).status == 0
    assert rungwise("bundle", "export", "people", "-o", made, "--redact").status == 0
    with zipfile.ZipFile(made) as archive:
        inside = b"".join(archive.read(name) for name in archive.namelist()).decode()
    cells = {cell for row in rows for cell in row[:-1]}
    assert {cell for cell in cells if cell in inside} == set()
    whole = tmp_path / "whole.rungwise"
    assert rungwise("bundle", "export", "people", "-o", whole).status == 0
    with zipfile.ZipFile(whole) as archive:  # or what was looked for could never be found
        everything = b"".join(archive.read(name) for name in archive.namelist()).decode("utf-8", "replace")
    assert {cell for cell in cells if cell in everything}


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("import", "none.rungwise"), 1, "is not there"),
        (("export", "chrun", "-o", "x.rungwise"), 2, "there is churn"),
        (("export", "churn", "-o", "nowhere/x.rungwise"), 1, "No such file or directory"),
    ],
)
def test_what_goes_wrong_is_one_sentence(rungwise, store, data, tmp_path, monkeypatch, words, status, says):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    sound_session(store, data)
    ended = rungwise("bundle", *words)
    assert ended.status == status
    assert says in ended.err
    assert len(ended.err.splitlines()) == 1


def test_help_has_an_example(rungwise):  # noqa: F811
    for command in ("export", "import"):
        shown = rungwise("bundle", command, "--help")
        assert f"rungwise bundle {command}" in shown.out.split("Example")[1]
