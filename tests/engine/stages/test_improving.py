"""Rounds of improving on a small table: in which order, held to what, kept where, and the same again on replay."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.conductor import Conductor
from engine.errors import InvalidAnswer, WhyNeeded
from engine.models.composed import Composed
from engine.models.persist import loads
from engine.questions import Level
from engine.records import Evidence, Json
from engine.session import Session
from engine.stages.ladder import Candidate
from engine.stages.simple import improving
from engine.stages.simple.improving import Item
from engine.stages.simple.rounds import Standing, family, trials_of
from tests.engine.evaluation.test_ideas import shop
from tests.engine.walking import MemoryJournal, Walk, asked, said, texts

TABLE = {
    "problem.target": "target",
    "problem.positive": "leave",
    "split.plan": {"folds": 4, "repeats": 2},
    "data.expert": {},
    "simple.candidates": ["logistic", "tree"],
    "simple.champion": "logistic",
}
WHYS = {
    "simple.champion": "The desk prints a line of coefficients, and nobody there can follow a list of branches.",
    "improve.feature": "What somebody pays a month drives them away, and the line only sees the sum of all months.",
    "improve.next": "The desk told us so and wants to see it before anything else is done here.",
    "improve.accept": "Both agree on the customers that matter to the desk, and waiting costs nothing there.",
}
ROUNDS = {
    "improve.next:1": "feature",
    "improve.feature:1": {"rate": "charges / months"},
    "improve.next:2": "tune",
    "improve.next:3": "stop",
}


@pytest.fixture(scope="module", autouse=True)
def hurried() -> Any:
    """Timing is not what these tests look at."""
    patch = pytest.MonkeyPatch()
    patch.setattr("engine.evaluation.latency.CAP", 0.02)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return Walk(shop(tmp_path_factory.mktemp("shop") / "t.csv", 600))


def both(path: Path, n: int = 500) -> Path:
    """Half a line, half two columns that act together: lines and trees are about as good, and err in other places."""
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, n))
    target = np.where(a + 0.8 * b + 0.7 * a * c + rng.normal(size=n) > 0, "leave", "stay")
    pd.DataFrame({"charges": a, "months": b, "age": c, "target": target}).to_csv(path, index=False)
    return path


def kinds(walk: Walk) -> list[str]:
    return [e.kind for e in walk.evidence.known.values()]


@pytest.fixture(scope="module")
def improved(walk: Walk) -> tuple[Conductor, MemoryJournal]:
    journal = MemoryJournal()
    return walk.headless({**TABLE, **ROUNDS}, WHYS, journal=journal, stop_after="simple"), journal


def test_a_column_that_tells_is_kept_and_every_later_model_has_it(improved: tuple[Conductor, MemoryJournal]) -> None:
    c, _ = improved
    kept = said(c, "improve.keep_feature", "1")
    assert kept.choice == "keep"
    assert kept.check is not None
    comparison = kept.check.details["comparison"]
    assert comparison["accepted"]
    assert comparison["alpha"] == pytest.approx(0.10 / 6), "the climb was the first round of this rung"
    assert comparison["diff"] > 0
    assert c.session.features() == [{"name": "rate", "formula": "charges / months", "type": "number"}]
    assert c.session.recipe()["features"] == c.session.features()
    assert "features" not in c.session.before_improving().recipe()
    assert [r.model for r in c.session.rungs][-2:] == ["logistic", "logistic"]
    proposals = asked(c, "improve.feature", "1").shows[0]
    assert proposals.rows[0][0] == "charges per months"  # pyright: ignore


def test_why_it_got_better_is_asked_and_tested(improved: tuple[Conductor, MemoryJournal]) -> None:
    c, _ = improved
    assert said(c, "improve.why", "1").choice == "signal"
    assert said(c, "improve.why_test", "1").choice == "shuffle"
    tested = said(c, "improve.why_tested", "1")
    assert tested.check is not None
    assert tested.check.reference == said(c, "improve.why_effect", "1").choice
    assert tested.choice == "yes"
    assert "Shuffling rate costs" in tested.why
    assert said(c, "improve.parked").choice == ""


def test_knobs_are_turned_inside_the_training_parts_and_shown(improved: tuple[Conductor, MemoryJournal]) -> None:
    c, _ = improved
    ask = asked(c, "improve.accept", "2")
    table, curve = ask.shows[1], ask.shows[2]
    assert table.title == "Settings tried, on inner exams"
    assert table.rows[0][2] == "as it is without a search"  # pyright: ignore
    line = [y for _, y in curve.series["best"]]  # pyright: ignore
    assert line == sorted(line)
    decision = said(c, "improve.accept", "2")
    assert decision.check is not None
    assert decision.check.details["comparison"]["alpha"] == pytest.approx(0.10 / 12)
    model = decision.check.details["model"]
    assert model["name"] == "tuned"
    assert model["settings"]["trials"] == said(c, "improve.trials", "2").choice == 6
    if decision.choice == "keep":
        assert "rung" not in decision.check.details


def test_no_text_has_a_gap_a_brace_or_a_wrong_number(improved: tuple[Conductor, MemoryJournal]) -> None:
    for exchange in improved[0].transcript:
        if exchange.ask.question not in improving.QUESTIONS:
            continue
        for text in texts(exchange.ask):
            assert not re.search(r"\{\w+(:[^{}]*)?\}", text), text
            assert not any(gap in text for gap in (" ? ", " ?.", " ?,", "  ", "..", "None", "nan")), text
            assert not re.search(r"(?<![\d.,])1 (rows|settings|exams|slices|comparisons|models)\b", text), text


def test_taken_up_again_it_is_the_same_path(walk: Walk, improved: tuple[Conductor, MemoryJournal]) -> None:
    c, journal = improved
    known = len(walk.evidence.known)
    again = walk.conductor(journal=MemoryJournal(journal.taken), read_only=True, stop_after="simple")
    walk.on(again)
    assert again.differences == []
    assert again.session.snapshot() == c.session.snapshot()
    assert len(walk.evidence.known) == known, "nothing is computed again"


def test_the_deep_stage_takes_what_stands_and_computes_nothing_again(
    walk: Walk, improved: tuple[Conductor, MemoryJournal]
) -> None:
    pytest.importorskip("torch")
    _, journal = improved
    before = kinds(walk)
    c = walk.headless({**TABLE, **ROUNDS}, WHYS, journal=MemoryJournal(journal.taken), stop_after="deep")
    gate = asked(c, "deep.gate")
    assert "the ladder is done" in str(gate.shows[0])
    assert kinds(walk).count("cross_validate") == before.count("cross_validate")
    assert kinds(walk).count("latency") == before.count("latency")


def test_what_was_recorded_before_there_were_rounds_still_replays(
    walk: Walk, improved: tuple[Conductor, MemoryJournal]
) -> None:
    c, journal = improved
    rounds = {q.id for q in improving.QUESTIONS}
    old = [d for d in journal.taken if d.question not in rounds]
    again = walk.conductor(journal=MemoryJournal(old), read_only=True, stop_after="simple")
    walk.on(again)
    assert any("improve.next:1: not asked when this was recorded" in said for said in again.differences)
    assert said(again, "simple.ship_now").choice == said(c, "simple.ship_now").choice
    assert again.session.recipe() == again.session.before_improving().recipe()


def test_a_blend_leaves_whole_when_somebody_insists(tmp_path: Path) -> None:
    """The rule says no; a person with a reason may, the review will show it, and the blend is what is examined."""
    answers = {**TABLE, "simple.candidates": ["logistic", "boosting"], "deep.enter": "skip", "improve.next:1": "blend",
               "improve.accept:1": "accept", "improve.next:2": "stop"}  # fmt: skip
    walk = Walk(both(tmp_path / "t.csv"))
    with pytest.raises(WhyNeeded):
        walk.headless(answers, {**WHYS, "improve.accept": "nicer"}, stop_after="simple")
    c = walk.headless(answers, WHYS)
    accepted = said(c, "improve.accept", "1")
    if not accepted.check.details["comparison"]["accepted"]:  # pyright: ignore
        assert "M03" in accepted.flags
    assert c.session.rungs[-1].model == "average:logistic+boosting"
    artifact = said(c, "present.export").check.details["artifact"]  # pyright: ignore
    assert isinstance(loads(walk.place.artifacts.fetch(artifact)).fitted, Composed)
    assert said(c, "improve.why", "1").choice == "noise"
    assert said(c, "improve.why_tested", "1").check is not None


def test_with_many_rows_the_search_is_done_once_and_fixed(tmp_path: Path) -> None:
    walk = Walk(shop(tmp_path / "t.csv", 13_000))
    answers = {**TABLE, "split.plan": {"folds": 5, "repeats": 1}, "improve.next:1": "tune", "improve.next:2": "stop"}
    c = walk.headless(answers, WHYS, stop_after="simple")
    accepted = said(c, "improve.accept", "1")
    assert accepted.check is not None
    assert accepted.check.details["model"]["settings"]["found"].keys() == {"C"}
    assert kinds(walk).count("tune") == 1
    assert "once, on " in accepted.reason
    table: Any = asked(c, "improve.accept", "1").shows[1]
    assert [row[-1] for row in table.rows].count("taken") == 1


def test_left_alone_it_ends_and_stays_cheap(walk: Walk) -> None:
    c = walk.headless({k: v for k, v in TABLE.items() if k != "simple.champion"}, stop_after="simple")
    choices = [d.choice for d in c.session.decisions() if d.question == "improve.next"]
    assert choices[-1] in ("stop", "deep")
    assert len(choices) == len(set(choices)) <= 5
    assert not {"blend", "family"} & set(choices)


@pytest.mark.parametrize(("choice", "message"), [
    ({"a": "charges", "b": "months"}, "one column a round"),
    ({"age": "charges / months"}, "there is a column “age” already"),
    ({"rate": "charges / weeks"}, "rate: .*weeks"),
    ({"rate": 3}, "needs an SQL expression"),
])  # fmt: skip
def test_a_column_that_cannot_be_computed_is_refused_in_a_sentence(walk: Walk, choice: Json, message: str) -> None:
    answers = {**TABLE, "improve.next:1": "feature", "improve.feature:1": choice}
    with pytest.raises(InvalidAnswer, match=message):
        walk.headless(answers, WHYS, stop_after="simple")


# -- the order, and what is unsound --------------------------------------------------------------------------------


def candidate(name: str = "logistic", **settings: Json) -> Candidate:
    value = {"value": 0.8, "low": 0.7, "high": 0.9, "fit_seconds": [0.1], "parameters": 3, "J": 10}
    return Candidate({"name": name, "settings": settings}, Evidence(f"{name}{settings}", "cross_validate", value))


def standing() -> Standing:
    return Standing(Session("s", "d"), candidate(), [])


def test_the_first_open_step_is_recommended_and_a_later_one_is_flagged() -> None:
    data = Item("data", True, "more rows would bring more", "0.02")
    items = [data, *(Item(key, key in ("tune", "stop"), "found") for key in ("feature", "tune", "blend", "stop"))]
    ask = improving._ask_next(standing(), 1, items)
    assert ask.recommended == "data"
    assert "may bring 0.02" in ask.reason
    assert [o.flag for o in ask.judge("tune").objections] == ["M33"]
    assert [o.level for o in ask.judge("blend").objections] == [Level.FLAG]
    assert ask.judge("data").objections == ()
    assert ask.judge("stop").objections == ()
    assert [o.level for o in improving._ask_next(standing(), 4, items[1:]).judge("tune").objections] == [Level.NOTE]


def test_families_that_had_more_tries_are_called_uneven() -> None:
    from engine.stages.simple.rounds import _uneven

    tuned = candidate("tuned", of=[{"name": "boosting", "settings": {}}], trials=40)
    assert trials_of(tuned.model) == 40
    assert family(tuned.model) == "boosting"
    assert "tried with 40 settings, Logistic regression with 1" in _uneven(candidate(), tuned)
    assert _uneven(candidate("boosting"), tuned) == ""
    assert _uneven(candidate(), candidate("tree")) == ""
