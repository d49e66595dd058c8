"""Computing again what a session measured: all of it, one stage, or from a decision on."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.test_cli import Result
from tui.cli import status_of


@pytest.fixture(scope="module")
def leads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a session on 120 rows, taken up to the baseline."""
    folder = tmp_path_factory.mktemp("leads")
    draw = random.Random(1)
    rows = [(draw.gauss(0, 1), draw.choice("uvw")) for _ in range(120)]
    lines = [f"{x:.3f},{level},{'yes' if x + draw.gauss(0, 0.7) > 0.5 else 'no'}" for x, level in rows]
    (folder / "leads.csv").write_text("x,level,bought\n" + "\n".join(lines) + "\n")
    given = [str(folder / "leads.csv"), "--target", "bought", "--accept-recommended", "--stop-after", "baseline", "-q"]
    assert status_of(["run", *given, "--store", str(folder / "s.sqlite3")]) == 0
    return folder / "s.sqlite3"


@pytest.fixture
def rungwise(leads: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    def run(*arguments: object) -> Result:
        capsys.readouterr()
        status = status_of([str(a) for a in arguments] + ["--store", str(leads)])
        said = capsys.readouterr()
        return Result(status, said.out, said.err)

    return run


def test_one_stage_is_computed_again_on_what_the_store_has_of_the_others(rungwise):
    found = json.loads(rungwise("replay", "leads", "--rerun", "--stage", "baseline", "--json").out)
    assert {trial["kind"] for trial in found["rerun"]} >= {"cross_validate"}
    assert "split" not in {trial["kind"] for trial in found["rerun"]}
    assert found["counts"]["reproduced"] == len(found["rerun"])
    assert {step["stage"] for step in found["steps"]} == {"define", "prepare", "baseline"}


def test_from_a_decision_on_only_what_was_measured_after_it_is_computed(rungwise):
    steps = json.loads(rungwise("replay", "leads", "--json").out)["steps"]
    last = steps[-1]["seq"]
    lines = [
        json.loads(line) for line in rungwise("replay", "leads", "--rerun", "--from", last, "--each").out.splitlines()
    ]
    *trials, end = lines
    everything = json.loads(rungwise("replay", "leads", "--rerun", "--stage", "baseline", "--json").out)["rerun"]
    assert {t["key"] for t in trials} < {t["key"] for t in everything}
    assert end["counts"]["reproduced"] == len(trials)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--rerun", "--stage", "simpel"), "There is no stage simpel; there are define, prepare, baseline, simple"),
        (("--stage", "simple"), "together with --rerun"),
        (("--from", "3"), "together with --rerun"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_computed(rungwise, options, says):
    refused = rungwise("replay", "leads", *options)
    assert refused.status == 2
    assert says in refused.err


def test_data_that_are_not_what_they_were_end_the_replay_with_a_status_and_a_count(rungwise, leads):
    table = leads.with_name("leads.csv")
    before = table.read_text()
    count = len(json.loads(rungwise("replay", "leads", "--json").out)["steps"])
    try:
        table.write_text(before.replace("yes", "no", 1))
        changed = rungwise("replay", "leads", "--rerun")
        as_json = rungwise("replay", "leads", "--rerun", "--json")
    finally:
        table.write_text(before)
    assert changed.status == as_json.status == 1
    assert "leads.csv has changed since the session read it" in changed.out
    assert "could not be reached" in changed.out
    found = json.loads(as_json.out)
    assert found["unreached"] == count - len(found["steps"]) > 0
    sound = rungwise("replay", "leads", "--rerun", "--json")
    assert (sound.status, json.loads(sound.out)["unreached"]) == (0, 0)


def test_answers_are_replayed_in_words(rungwise):
    assert "problem.material = A table" in rungwise("replay", "leads").out
