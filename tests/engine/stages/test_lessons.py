"""The lessons say what the journal says: what was gained, what was tried in vain, what was overruled, what it cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.metrics import BY_NAME
from engine.records import Check, Decision, Json, Option
from engine.session import Session
from engine.stages.lessons import duration, lessons

AUC = BY_NAME["roc_auc"]
RMSE = BY_NAME["rmse"]
BLANK = Decision(
    stage="simple", question="", subject="", prompt="", options=(), recommended=None, reason="", choice=None, why="",
    why_author="engine", why_verdict="ok", author="engine", overruled=False, level="", flags=(), check=None,
    evidence=(), asked="", decided_at="", seconds=0.0, environment="",
)  # fmt: skip


def say(question: str, choice: Json, **more: Json) -> Decision:
    return replace(BLANK, question=question, choice=choice, **more)


def rung(question: str, name: str, value: float, metric: str = "roc_auc", **details: Json) -> Decision:
    low, high = value - 0.01, value + 0.01
    check = Check(metric, value, low, high, details={"rung": name, "model": {"name": name}, **details})
    return say(question, name, stage="baseline" if question.startswith("baseline") else "simple", check=check)


def told(*decisions: Decision, metric=AUC) -> str:
    return lessons(Session("s", "data", decisions), metric)


COMPARED = {"diff": 0.1, "lower": 0.08, "upper": 0.12, "alpha": 0.05}
CLIMB = (rung("baseline.constant", "prior", 0.5), rung("simple.champion", "logistic", 0.6, comparison=COMPARED))


def test_what_was_tried_and_kept_out_is_not_called_accepted():
    options = (Option("accept", "Take Logistic regression, tuned"), Option("keep", "Keep Logistic regression"))
    check = Check("roc_auc", 0.598, details={"comparison": {"diff": -0.002}})
    refused = say("improve.accept", "keep", subject="2", options=options, check=check)
    text = told(*CLIMB, refused)
    assert "1 improvement tried, none accepted. Logistic regression, tuned (gain -0.002 ROC AUC): not accepted." in text
    taken = replace(refused, choice="accept", check=Check("roc_auc", 0.62, details={"comparison": {"diff": 0.02}}))
    text = told(*CLIMB, taken)
    assert "1 improvement tried, 1 accepted. Logistic regression, tuned (gain +0.02 ROC AUC): accepted." in text
    column = say("improve.keep_feature", "leave", subject="1", prompt="Tried: a = b / c. Keep it?")
    assert "2 improvements tried, 1 accepted." in told(*CLIMB, column, taken)
    assert "the column a = b / c: not accepted." in told(*CLIMB, column, taken)


def test_a_gain_stands_with_its_interval_only_where_the_same_two_were_compared():
    assert "ROC AUC higher by 0.1 (90 % interval 0.08 … 0.12)" in told(*CLIMB)
    other = rung(
        "simple.champion", "logistic", 0.6, comparison={**COMPARED, "diff": 0.03, "lower": 0.01, "upper": 0.05}
    )
    assert told(CLIMB[0], other).endswith("ROC AUC higher by 0.1.")
    stricter = rung("simple.champion", "logistic", 0.6, comparison={**COMPARED, "alpha": 0.025})
    assert "(95 % interval 0.08 … 0.12)" in told(CLIMB[0], stricter)


def test_of_a_loss_lower_is_said_with_the_interval_of_its_size():
    found = {"diff": 2.0, "lower": 1.0, "upper": 3.0, "alpha": 0.05}
    text = told(
        rung("baseline.constant", "mean", 5.0, "rmse"),
        rung("simple.champion", "ridge", 3.0, "rmse", comparison=found),
        metric=RMSE,
    )
    assert "RMSE lower by 2 (90 % interval 1 … 3)" in text


@pytest.mark.parametrize(("choice", "words"), [
    ("shown", "the line of 0.7 is reached."),
    ("likely", "the line of 0.7 is likely reached."),
    ("not_met", "the line of 0.7 is not reached."),
])  # fmt: skip
def test_the_claim_is_held_against_the_exam(choice: str, words: str):
    result = say("present.result", choice, check=Check("roc_auc", 0.55, 0.5, 0.6, 0.7))
    text = told(*CLIMB, result)
    assert text.startswith("Practice promised 0.6 ROC AUC (0.59 … 0.61), the final exam gave 0.55 (0.5 … 0.6);")
    assert words in text


def test_without_an_exam_it_says_so():
    assert told(*CLIMB).startswith("No final exam was taken")


def test_models_that_were_not_taken_stand_with_what_they_brought():
    offered = (
        Option("logistic", "Logistic regression"),
        Option("forest", "Random forest", "", {"gain": "+0.001 ± 0.02", "over": "Logistic regression"}),
    )
    chosen = replace(CLIMB[1], options=offered)
    assert "not taken, gain in ROC AUC: Random forest (+0.001 ± 0.02 over Logistic regression)." in told(
        CLIMB[0], chosen
    )


def test_changes_of_the_data_are_told_in_words():
    kept = say("data.keep", "keep", subject="data.scale", prompt="Tried: same scale for all numbers: squash. Keep it?")
    undone = say("data.keep", "undo", subject="data.missing", prompt="Tried: empty cells: fill in. Keep it?")
    column = say("data.features", "leave", subject="a per b", prompt="?")
    text = told(*CLIMB, kept, undone, column)
    assert "Changes of the data that were kept: same scale for all numbers: squash." in text
    assert "Tried and left out: empty cells: fill in and the column “a per b”." in text


def test_what_was_overruled_and_left_out_is_named():
    deep = say("deep.enter", "skip", prompt="Try a network?", options=(Option("skip", "No"),), overruled=True)
    leak = say("data.leaks", "drop", subject="alive")
    text = told(*CLIMB, deep, leak)
    assert "Against the recommendation: “Try a network?” No." in text
    assert "Left out as leaks: alive." in text


def test_what_it_cost_is_counted_by_stage():
    s = Session("s", "data", [*CLIMB, say("problem.task", "binary", author="person", seconds=90.0)])
    s.spent = {"define": 0.2, "prepare": 30.0, "simple": 150.0}
    assert lessons(s, AUC).endswith(
        "What it cost: computing 3 min (the data 30 s and simple models 2 min); a person's time at the questions 90 s."
    )


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (99, "99 s"), (150, "2 min"), (7200, "2.0 h")])
def test_times_read_as_people_say_them(seconds: float, words: str):
    assert duration(seconds) == words
