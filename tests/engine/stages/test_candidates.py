"""A model with what was measured of it: what is said of one that is made of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.metrics import BY_NAME
from engine.models.catalogue import as_model, key_of
from engine.questions import Level
from engine.records import Evidence, Json
from engine.stages.ladder import Candidate, asked_by
from engine.stages.simple.climbing import averages, least_gain
from tests.engine.walking import MemoryJournal, Walk, asked, said


def test_a_blend_is_never_said_to_answer_sooner_than_a_part_of_it() -> None:
    def timed(model: Mapping[str, Json], ms: float, asks: tuple[Candidate, ...] = ()) -> Candidate:
        speed = {"p50_ms": ms / 2, "p95_ms": ms, "p99_ms": 2 * ms, "rows_per_second": 10.0}
        return Candidate(model, Evidence("e", "cross_validate", {}), Evidence("l", "latency", speed), asks=asks)

    slow, fast = timed(as_model("boosting"), 3.0), timed(as_model("ridge"), 0.1)
    what = {"name": "average", "settings": {"of": [dict(slow.model), dict(fast.model)]}}
    assert asked_by(what, (fast, slow, timed(as_model("tree"), 9.0))) == (fast, slow)
    blend = timed(what, 2.0, (fast, slow))  # the machine was idle by then
    assert (blend.p95, blend.timing["p50_ms"], blend.timing["p99_ms"]) == (3.0, 1.5, 6.0)
    assert blend.timing["rows_per_second"] == 10.0
    assert timed(what, 4.0, (fast, slow)).p95 == 4.0
    of_blend = timed({"name": "calibrated", "settings": {"of": [what]}}, 1.0, (blend,))
    assert of_blend.p95 == 3.0, "of a blend, too"
    searched = {"name": "tuned", "settings": {"of": [dict(slow.model)]}}
    assert asked_by(searched, (slow,)) == (), "what a search found may well be faster"
    assert replace(blend, latency=None).p95 is None


def examined(name: str, value: float, stopped: str = "") -> Candidate:
    known = {"value": value, "low": value - 0.1, "high": value + 0.1, "parameters": 3, "fit_seconds": [1.0], "J": 10}
    speed = {"p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0, "rows_per_second": 10.0, "model_bytes": 1_000}
    return Candidate(
        as_model(name), Evidence(name, "cross_validate", known), Evidence("l", "latency", speed), stopped=stopped
    )


def test_what_is_averaged_follows_from_the_race() -> None:
    m = BY_NAME["roc_auc"]
    ran = [
        examined("logistic", 0.8), examined("sparse_logistic", 0.81), examined("tree", 0.9),
        examined("knn", 0.8, "behind"), examined("forest", 0.72), examined("boosting", 0.75),
    ]  # fmt: skip
    (draws, asked), (kinds, parts) = averages(m, ran[0], ran)
    assert [one["settings"].get("draw", 0) for one in draws["settings"]["of"]] == [0, 1, 2]
    assert draws["settings"]["of"][0] == as_model("boosting"), "whose exams are taken"
    assert asked == (ran[5],) * 3
    assert key_of(kinds) == "average:sparse_logistic+forest+average:3xboosting"
    assert [c.name for c in parts] == ["sparse_logistic", "forest", "boosting", "boosting", "boosting"]
    assert averages(m, ran[0], [ran[0], ran[2]]) == [], "one kind is no average"
    ((_, _),) = averages(m, examined("boosting", 0.95), [ran[0], examined("boosting", 0.95)])  # the line is far behind
    every = ["logistic", "knn", "svm", "forest", "extra_trees", "boosting"]
    _, (most, _) = averages(m, ran[5], [examined(name, 0.7 + i / 100) for i, name in enumerate(every)])
    assert [one["name"] for one in most["settings"]["of"]] == ["knn", "svm", "forest", "extra_trees", "average"]


def test_an_average_that_was_not_timed_takes_as_long_as_its_parts_in_turn() -> None:
    parts = (examined("logistic", 0.8), examined("boosting", 0.8))
    whole = Candidate({"name": "average"}, Evidence("e", "cross_validate", {}), asks=parts, summed=True)
    assert whole.timing == {
        "p50_ms": 2.0, "p95_ms": 4.0, "p99_ms": 6.0, "model_bytes": 2_000, "rows_per_second": 5.0,
    }  # fmt: skip
    assert whole.p95 == 4.0
    assert replace(whole, asks=(parts[0], replace(parts[1], latency=None))).p95 is None, "of one nothing is known"


@pytest.mark.parametrize(("name", "answers", "least"), [
    ("boosting", {}, 0.0),
    ("boosting", {"problem.latency": 10}, 0.5),
    ("boosting", {"problem.interpretability": "reasons"}, 0.5),
    ("logistic", {}, 0.5),
])  # fmt: skip
def test_being_better_is_enough_only_where_nothing_but_computing_is_paid(
    name: str, answers: Mapping[str, Json], least: float
) -> None:
    said = {"problem.interpretability": "none", "problem.smallest_gain": 0.5, **answers}
    s: Any = SimpleNamespace(choice=lambda question, default=None: said.get(question, default))
    assert least_gain(s, examined(name, 0.8)) == least


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """Half a line, half a step where three columns act together: ridge and boosting miss in different places."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 10)).round(3)
    step = 6 * np.sign(x[:, 0] * x[:, 1]) * (x[:, 2] > 0)
    frame = pd.DataFrame(x, columns=[f"c{i}" for i in range(10)])
    path = tmp_path_factory.mktemp("halves") / "t.csv"
    frame.assign(price=(2 * x.sum(1) + step + rng.normal(scale=2, size=500)).round(2)).to_csv(path, index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.evaluation.latency.CAP", 0.01)
        yield Walk(path)


HALVES = {"problem.target": "price", "problem.metric": "rmse", "split.plan": {"folds": 5, "repeats": 2}}
MIXED = "average:ridge+average:3xboosting"


def test_an_average_that_is_measurably_better_stands_and_is_looked_at_like_any_model(halves: Walk) -> None:
    journal = MemoryJournal()
    answers = {**HALVES, "simple.candidates": ["ridge", "boosting", "average"], "problem.smallest_gain": 0.1}
    c = halves.headless(answers, journal=journal, stop_after="simple")
    ask, chosen = asked(c, "simple.champion"), said(c, "simple.champion")
    assert chosen.choice == ask.recommended == MIXED
    row = chosen.check.details["comparison"]  # pyright: ignore[reportOptionalMemberAccess]
    assert row["accepted"]
    assert row["p"] <= row["alpha"] == 0.025, "two averages in one round"
    times = {str(o.key): float(str(o.figures["p95 ms"])) for o in ask.offered if o.figures.get("p95 ms")}
    assert times[MIXED] >= 3 * times["boosting"], "all its parts are asked, in turn"
    assert "Ridge regression and gradient boosting ×3, average is better than" in ask.reason
    assert c.session.rungs[-1].model == MIXED
    looked = {d.question for d in c.session.decisions()}
    assert {"improve.learning_curve", "improve.errors", "improve.importance", "simple.ship_now"} <= looked
    assert "hardly overfits" not in said(c, "improve.learning_curve").why, "its training rows were not asked about"
    again = halves.conductor(journal=MemoryJournal(journal.taken), read_only=True, stop_after="simple")
    halves.on(again)
    assert again.differences == []


def test_one_that_brings_less_than_was_asked_for_does_not_stand(halves: Walk) -> None:
    answers = {**HALVES, "simple.candidates": ["ridge", "boosting", "average"], "problem.smallest_gain": 3.0}
    c = halves.headless(answers, journal=MemoryJournal(), stop_after="simple")
    assert "average" not in said(c, "simple.champion").choice
    assert "less than 3 is not worth it" in asked(c, "simple.champion").reason


def test_what_was_recorded_before_averages_competed_has_none(halves: Walk) -> None:
    answers = {**HALVES, "simple.candidates": ["ridge", "boosting"], "problem.smallest_gain": 0.1}
    c = halves.headless(answers, journal=MemoryJournal(), stop_after="simple")
    assert not [o.key for o in asked(c, "simple.champion").offered if "average" in str(o.key)]
    ask = asked(c, "simple.candidates")
    assert "average" in ask.recommended
    assert "averages of those that the race leaves compete" in ask.reason
    assert ask.judge(["ridge", "average"]).at(Level.BLOCK)
    assert not ask.judge(["ridge", "boosting", "average"]).at(Level.BLOCK)
