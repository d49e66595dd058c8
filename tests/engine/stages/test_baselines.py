"""What a model has to beat, what beating it means in the person's own units, and who is stopped on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.conductor import Conductor
from engine.metrics import BY_NAME
from engine.models.catalogue import BY_NAME as MODELS
from engine.questions import Level
from engine.records import Json
from engine.stages.baseline import _claimed_in
from engine.stages.ladder import Candidate
from engine.stages.simple.candidates import COMPETE
from engine.stages.worth import worth_sentence
from tests.engine.stages import problems
from tests.engine.tables import sales
from tests.engine.walking import MemoryJournal, Walk, asked, said, texts

PLAN = {"split.plan": {"folds": 3, "repeats": 2}}
COSTS = {"false_positive": 1, "false_negative": 8}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def quick_clock() -> Iterator[None]:
    """How fast an answer comes is not what is tested here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.evaluation.latency.CAP", 0.01)
        yield


def walked(walk: Walk, target: str, stop: str = "simple", **answers: Json) -> Conductor:
    return walk.headless({"problem.target": target, **PLAN, **answers}, stop_after=stop)


def figures(c: Conductor, question: str, key: str) -> Any:
    return next(o.figures for o in asked(c, question).offered if o.key == key)


@pytest.fixture(scope="module")
def priced(rare: Walk) -> Conductor:
    """One row in ten leaves; a customer lost costs as much as eight calls for nothing; somebody decides today."""
    return walked(
        rare,
        "left",
        **{
            "problem.costs": COSTS,
            "problem.today": "A clerk decides; it costs about 0.3 a customer.",
            "baseline.today": 0.3,
            "problem.rule": "tenure < 25 AND contract = 'monthly'",
            "simple.candidates": ["logistic", "tree"],
        },
    )


# -- no model, one column, today -----------------------------------------------------------------------------------


def test_the_cheapest_action_is_one_of_the_floors_where_costs_are_known(priced: Conductor, rare: Walk) -> None:
    assert said(priced, "problem.metric").choice == "expected_cost"
    floor = said(priced, "baseline.dummy")
    assert floor.choice == "cheapest", "of equals the one with fewer numbers, whose name says what it does"
    assert floor.check.details["model"]["settings"]["costs"] == COSTS
    share = 0.1  # always no: 0.1 · 8; always yes: 0.9 · 1
    assert floor.check.value == pytest.approx(8 * share, abs=0.02)
    assert "The cheapest without looking at a row is “Cheapest constant action”: 800 for 1,000 rows" in floor.reason
    assert "cheapest" not in [o.key for o in said(walked(rare, "left", "baseline"), "baseline.dummy").options]


def test_what_is_claimed_for_today_stands_on_the_ladder(priced: Conductor) -> None:
    assert said(priced, "baseline.today").choice == 0.3
    for question in ("baseline.dummy", "simple.champion"):
        view = asked(priced, question).shows[0]
        assert view.rows[0] == ("today, as claimed", 0.3, None, None)
    line = asked(priced, "problem.success")
    assert line.recommended == 0.3, "the best baseline is far from what today's way is said to cost"
    assert line.reason.startswith("It is what you say today's way reaches; the best baseline here reaches 0.")
    impossible = asked(priced, "baseline.today").judge(-1)
    assert not impossible.objections, "a cost may be negative"


def test_nobody_is_asked_what_nobody_decides(rare: Walk) -> None:
    c = walked(rare, "left", "baseline", **{"problem.today": "nobody knows"})
    assert c.session.decision("baseline.today") is None
    ask = asked(walked(rare, "left", "baseline", **{"problem.today": "A clerk, 0.71 or so."}), "baseline.today")
    assert ask.recommended == 0.71
    assert [o.level for o in ask.judge(1.3).objections] == [Level.BLOCK]


@pytest.mark.parametrize(
    ("text", "metric", "found"),
    [
        ("about 0.71", "roc_auc", 0.71),
        ("0,71 by the clerks", "accuracy", 0.71),
        (".8 last year", "accuracy", 0.8),
        ("0.7 to 0.8", "accuracy", None),
        ("we call 200 customers", "roc_auc", None),
        ("version 1.25.3 of the sheet", "accuracy", None),
        ("12.71 euros", "accuracy", None),
        ("0.71", "rmse", None),
    ],
)
def test_a_claim_is_taken_from_the_text_only_where_it_can_mean_nothing_else(text, metric, found) -> None:
    assert _claimed_in(text, BY_NAME[metric]) == found


def test_one_column_is_measured_said_and_has_to_be_beaten(numbers: Walk, rare: Walk) -> None:
    c = walked(numbers, "price", **{"simple.candidates": ["ridge"]})
    column = said(c, "baseline.column")
    assert column.choice == "accept"
    assert "One column alone, “tenure” in every exam, scores" in column.reason
    assert "What needs more columns must beat this, not the coin." in column.reason
    assert column.check.details["rung"] == "one_column"
    assert said(c, "simple.champion").check.reference == column.check.value
    assert [r.model for r in c.session.rungs][:2] == [said(c, "baseline.dummy").choice, "one_column"]
    other = said(walked(rare, "left", "baseline"), "baseline.column")
    assert "than by luck (95 % interval" in other.reason
    assert bool(other.check.details.get("rung")) is (other.choice == "accept")


def test_a_rule_that_is_behind_one_column_is_no_rung(rare: Walk, priced: Conductor) -> None:
    rungs = [r.model for r in priced.session.rungs if r.stage == "baseline"]
    rule, column = said(priced, "baseline.rule"), said(priced, "baseline.column")
    assert (rule.choice, column.choice) == ("accept", "accept")
    better = "rule" if rule.check.value < column.check.value else "one_column"
    assert rungs[-1] == better
    if better == "one_column":
        assert "rule" not in rungs
        assert "“Best single column” is better still" in rule.reason


def test_no_column_is_tried_where_rows_are_no_columns(tmp_path: Path) -> None:
    frame, score, _ = problems.signal(150)
    pd.DataFrame({"charge": frame["charge"], "y": np.where(score > np.median(score), "a", "b")}).to_csv(
        tmp_path / "one.csv", index=False
    )
    c = walked(Walk(tmp_path / "one.csv"), "y", "baseline")
    assert c.session.decision("baseline.column") is None


# -- in the person's own units -------------------------------------------------------------------------------------


def test_money_is_what_costs_are_counted_in(priced: Conductor) -> None:
    champion = said(priced, "simple.champion")
    saved = figures(priced, "simple.champion", "logistic")["saved in 1,000 rows"]
    assert saved.endswith(")")
    assert f"in 1,000 rows it saves {saved.split()[0]}" in champion.reason
    assert "in the unit of your costs" in champion.reason
    evidence = next(e for e in asked(priced, "simple.champion").evidence if e.kind == "worth")
    row = evidence.value["worth"]["logistic"]["money"]
    floor = said(priced, "baseline.dummy").check.value
    assert row["floor"] == pytest.approx(1000 * floor)
    assert row["gain"] == pytest.approx(row["floor"] - row["with"])
    assert row["low"] < row["gain"] < row["high"]
    model = next(
        e for e in asked(priced, "simple.champion").evidence if e.value.get("model", {}).get("name") == "logistic"
    )
    assert row["with"] == pytest.approx(1000 * model.value["intervals"]["expected_cost"][0])
    errors = evidence.value["worth"]["logistic"]["errors"]
    assert errors["with"] == pytest.approx(1000 * (1 - model.value["intervals"]["accuracy"][0]))
    assert "in the unit of your costs" in said(priced, "baseline.rule").reason


def test_a_loss_is_said_above_zero_and_so_is_its_interval(priced: Conductor) -> None:
    evidence = next(e for e in asked(priced, "simple.champion").evidence if e.kind == "worth")
    row = {"gain": -250.0, "low": -300.0, "high": -200.0, "floor": 1000.0, "with": 1250.0, "by": 0}
    worse = replace(evidence, value={"worth": {"logistic": {"money": row}}})
    floor = Candidate({"name": "prior", "settings": {}}, evidence)
    told = worth_sentence(priced.session, [floor], worse, "logistic")
    assert told.startswith("In 1,000 rows it costs 250 more (95 % interval 200 … 300)")


def test_of_numbers_it_is_how_much_closer(numbers: Walk) -> None:
    c = walked(numbers, "price", **{"simple.candidates": ["ridge"]})
    assert "No model misses “price” by" in said(c, "baseline.dummy").reason
    champion = said(c, "simple.champion")
    assert "ridge regression: it misses “price” by" in champion.reason.lower()
    assert "closer to the truth (95 % interval" in champion.reason
    assert "closer by" in figures(c, "simple.champion", "ridge")
    assert "it misses" in said(c, "baseline.column").reason.lower()


def test_every_text_is_whole(priced: Conductor) -> None:
    for name in ("baseline.today", "baseline.dummy", "baseline.column", "baseline.rule", "simple.champion"):
        for text in texts(asked(priced, name)):
            assert not any(gap in text for gap in (" ? ", "  ", "..", "None", "nan", "{", "::")), text


def test_last_season_and_what_it_grows_by_is_the_rule_of_a_series(tmp_path: Path) -> None:
    answers = {
        "problem.target": "sold",
        "problem.material": "series",
        "problem.series": {"time": "month", "id": "shop"},
        "problem.horizon": 3,
        "problem.growth": 4,
        "data.known_ahead": [],
        "simple.candidates": ["smoothing", "ridge"],
    }
    walk = Walk(sales(tmp_path / "shops.csv", shops=2, months=96))
    c = walk.headless(answers, stop_after="simple")
    rule = said(c, "baseline.rule")
    assert rule.check.details["model"] == {"name": "season_growth", "settings": {"way": "season", "percent": 4.0}}
    smoothing = next(
        e for e in asked(c, "simple.champion").evidence if e.value.get("model", {}).get("name") == "smoothing"
    )
    assert smoothing.value["model"]["settings"]["season"] == 12
    assert "it misses “sold” by" in said(c, "simple.champion").reason
    assert c.session.decision("simple.stopped") is None, "exams in the order of time are not raced"


# -- who may compete -----------------------------------------------------------------------------------------------


def test_few_stand_preselected_and_the_others_are_offered(rare: Walk) -> None:
    ask = asked(walked(rare, "left", **{"simple.candidates": ["logistic"]}), "simple.candidates")
    assert ask.recommended == ["logistic", "tree", "forest", "boosting", "average"]
    keys = [o.key for o in ask.offered]
    assert {"sparse_logistic", "linear_svm", "naive_bayes", "knn", "svm", "extra_trees"} <= set(keys)
    assert "lasso" not in keys
    assert keys == sorted(keys, key=lambda k: MODELS[k].tier)
    assert "a forest competes beside boosting" in ask.reason


def test_every_set_goes_from_the_simplest_up_and_holds_a_line() -> None:
    for material, entries in COMPETE.items():
        tiers = [MODELS[entry.name].tier for entry in entries]
        assert tiers == sorted(tiers), material
        for task in ("binary", "regression") if material != "series" else ("forecast",):
            first = [e.name for e in entries if task in MODELS[e.name].tasks and e.preselected(5_000)]
            assert any(MODELS[name].tier == "T2" for name in first)
            assert 2 <= len(first) <= 5
            assert first[-1] == "average" or material != "table"
            assert not any(MODELS[name].package for name in first)
    assert {e.name for e in COMPETE["table"] if not e.offered(200_000)} == {"knn", "svm", "forest", "extra_trees"}
    early = {e.name for e in COMPETE["table"] if e.preselected(9_999) and not e.preselected(10_000)}
    assert early == {"average"}, "from 10,000 rows on luck is little of a score"


def test_a_booster_is_offered_only_where_it_is_installed(rare: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "lightgbm" else real(name, *more)
    )
    ask = asked(walked(rare, "left", **{"simple.candidates": ["logistic"]}), "simple.candidates")
    assert "lightgbm" not in [o.key for o in ask.offered]


# -- the race ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lines(here: Path) -> Walk:
    """Twelve columns that add up: a tree of a few levels is far behind a line."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(1_200, 12)).round(3)
    frame = pd.DataFrame(X, columns=[f"part {k}" for k in "abcdefghijkl"])
    frame["sum"] = np.where(X.sum(axis=1) + rng.normal(size=1_200) > 0, "over", "under")
    frame.to_csv(here / "lines.csv", index=False)
    return Walk(here / "lines.csv")


RACE = {"problem.target": "sum", "simple.candidates": ["logistic", "naive_bayes", "tree"]}


@pytest.fixture(scope="module")
def raced(lines: Walk) -> Conductor:
    return lines.headless({**RACE, "split.plan": {"folds": 5, "repeats": 2}}, stop_after="simple")


def test_who_is_left_behind_is_stopped_and_the_journal_says_why(raced: Conductor, lines: Walk) -> None:
    stopped = said(raced, "simple.stopped")
    assert stopped.choice == ["tree"]
    assert stopped.author == "engine"
    assert "Small tree was stopped after 5 of 10 exams: ROC AUC lower by 0." in stopped.reason
    assert "than Logistic regression, at least by 0." in stopped.reason or "than Naive Bayes" in stopped.reason
    kinds = [lines.evidence.get(key).kind for key in stopped.evidence]
    assert kinds == ["race", "cross_validate"]
    assert lines.evidence.get(stopped.evidence[1]).value["J"] == 5, "no more exams were taken"
    champion = asked(raced, "simple.champion")
    row = next(o for o in champion.offered if o.key == "tree")
    assert row.label == "Small tree, stopped"
    assert row.figures["exams"] == 5
    assert "stopped after 5 of 10" in champion.reason
    assert [(o.level, "Go back" in o.message) for o in champion.judge("tree").objections] == [(Level.BLOCK, True)]


def test_the_first_exams_of_the_others_are_those_of_their_whole_run(raced: Conductor, lines: Walk) -> None:
    found = [e for e in lines.evidence.known.values() if e.kind == "cross_validate"]
    logistic = [e for e in found if e.value["model"]["name"] == "logistic"]
    assert sorted({e.value["J"] for e in logistic}) == [5, 10]
    short, whole = sorted(logistic, key=lambda e: e.value["J"])[:2]
    assert whole.value["scores"]["roc_auc"][:5] == short.value["scores"]["roc_auc"]


def test_a_session_from_before_the_race_replays_as_it_was(lines: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Journals of earlier versions know no race, no single column and no units; they decide as they did."""
    from engine.stages import baseline
    from engine.stages.simple import champion, climbing

    def nothing(*_: object) -> Any:
        return None
        yield

    with monkeypatch.context() as before:
        for module in (baseline, climbing):
            before.setattr(module, "single", nothing)
        for module in (baseline, champion):
            before.setattr(module, "measure_worth", nothing)
        before.setattr(climbing, "looks", lambda s: ())
        walk = Walk(lines.place.datasets.path(""))
        old = walk.headless({**RACE, "split.plan": {"folds": 5, "repeats": 2}}, stop_after="simple")
    assert old.session.decision("simple.stopped") is None
    assert [e.value["J"] for e in asked(old, "simple.champion").evidence] == [10] * 4, "the tree ran to the end"
    count = len(walk.evidence.known)
    again = walk.conductor(journal=MemoryJournal(old.journal.decisions()), read_only=True, stop_after="simple")
    assert again.advance().stage == "simple", "nobody is asked, nothing is computed"
    assert len(walk.evidence.known) == count
    assert again.session.snapshot() == old.session.snapshot()
    assert again.differences == []
