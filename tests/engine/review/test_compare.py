"""Side by side: where two journals parted, and when their models may be held against each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from engine.models.catalogue import as_model
from engine.records import Check, Evidence
from engine.review.compare import as_json, side_by_side
from engine.review.record import Record
from tests.engine.review.journals import EVIDENCE, evidence, line, rung, say, sound

J = 10


def exams(key: str, model: str, scores: list[float], *, plan: str = "plan", n_test: int = 40) -> Evidence:
    value = {"model": as_model(model), "scores": {"roc_auc": scores}, "plan_hash": plan, "n_train": [360] * J,
             "n_test": [n_test] * J, "ordered": False}  # fmt: skip
    return evidence(key, "cross_validate", value)


DRAW = np.random.default_rng(3)
FIRST = list(0.80 + 0.02 * DRAW.standard_normal(J))
SECOND = [s + 0.01 + 0.01 * e for s, e in zip(FIRST, DRAW.standard_normal(J), strict=True)]
OURS, THEIRS = exams("ours", "logistic", FIRST), exams("theirs", "boosting", SECOND)


def journal(
    model: str, cited: Evidence, *changed, data: str = "f00d", plan: str = "plan", name: str = "churn"
) -> Record:
    drawn = Check("exams", J, details={"dev": 400, "plan_hash": plan, "lockbox_hash": "l", "tiny": False})
    fixed = (
        replace(sound()["split.drawn"], check=drawn),
        rung("simple.champion", model, 0.8, evidence=(cited.key,), row={}),
    )
    decisions = sound() | {d.name: d for d in (*fixed, *changed)}
    known = EVIDENCE | {cited.key: cited}
    return Record(name, line(decisions.values()), evidence=known.get, data=data)


def test_they_are_aligned_by_question_and_say_where_they_parted():
    a = journal("logistic", OURS)
    b = journal("boosting", THEIRS, say("problem.latency", 5), say("improve.why:1", "shape"))
    found = side_by_side(a, b)
    assert found.parted is not None
    assert found.parted.name == "problem.latency"
    assert {row.name: row.stand for row in found.rows if row.stand != "same"} == {
        "problem.latency": "differs", "simple.champion": "differs", "improve.why:1": "only b",
    }  # fmt: skip
    names = [row.name for row in found.rows]
    assert names.index("improve.why:1") == names.index("present.lessons") + 1  # after what it followed there
    assert [s.title for s in found.ladders[1]] == ["Class frequency", "Expert's rule", "Gradient boosting"]
    assert side_by_side(b, a).count("only a") == 1


def test_the_paired_difference_is_that_of_nadeau_and_bengio():
    found = side_by_side(journal("logistic", OURS), journal("boosting", THEIRS, name="other"))
    d = np.array(THEIRS.value["scores"]["roc_auc"]) - np.array(OURS.value["scores"]["roc_auc"])
    se = np.sqrt((1 / J + 40 / 360) * d.var(ddof=1))
    half = stats.t.ppf(0.95, J - 1) * se
    assert found.refused == ""
    assert found.paired is not None
    assert (found.paired.a, found.paired.b) == ("Logistic regression", "Gradient boosting")
    assert found.paired.diff == pytest.approx(d.mean())
    assert (found.paired.lower, found.paired.upper) == pytest.approx((d.mean() - half, d.mean() + half))
    back = side_by_side(journal("boosting", THEIRS), journal("logistic", OURS)).paired
    assert back is not None
    assert back.diff == pytest.approx(-d.mean())


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (journal("boosting", THEIRS, data="beef"), "different data"),
        (journal("boosting", THEIRS, say("problem.target", "Fee")), "predict different columns (Churn, Fee)"),
        (journal("boosting", THEIRS, say("problem.positive", "no")), "call different classes positive"),
        (journal("boosting", THEIRS, say("problem.metric", "log_loss")), "different metrics (roc_auc, log_loss)"),
        (journal("boosting", THEIRS, plan="another"), "rows were parted otherwise"),
        (journal("boosting", exams("x", "boosting", [0.8] * J, plan="z")), "their models took different exams"),
        (journal("boosting", exams("x", "boosting", [0.8] * J, n_test=41)), "their models took different exams"),
        (journal("tree", THEIRS), "the exams of B's model are not in the store"),
        (journal("logistic", OURS), "no difference to measure"),
        (journal("boosting", exams("x", "boosting", [None] * J)), "no exam has a ROC AUC of both"),
        (Record("empty", (), data="f00d"), "B has no model on its ladder yet"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_compared_is_refused_with_the_reason(other, says):
    found = side_by_side(journal("logistic", OURS), other)
    assert found.paired is None
    assert says in found.refused
    assert len(found.rows) >= len(sound())


def test_with_too_few_rows_no_verdict_is_given():
    sure = exams("sure", "boosting", [s + 0.1 for s in OURS.value["scores"]["roc_auc"]])
    assert side_by_side(journal("logistic", OURS), journal("boosting", sure)).paired.verdict != "better"  # type: ignore[union-attr]
    wide = exams("wide", "boosting", [s + 0.1 + e / 100 for e, s in enumerate(OURS.value["scores"]["roc_auc"])])
    a, b = journal("logistic", OURS), journal("boosting", wide)
    assert side_by_side(a, b).paired.verdict == "better"  # type: ignore[union-attr]
    drawn = Check("exams", J, details={"dev": 400, "plan_hash": "plan", "lockbox_hash": "l", "tiny": True})
    few = journal("logistic", OURS, replace(sound()["split.drawn"], check=drawn))
    assert side_by_side(few, b).paired.verdict == "unclear"  # type: ignore[union-attr]


def test_as_json_it_is_plain_data():
    import json

    a, b = journal("logistic", OURS), journal("boosting", THEIRS)
    shown = json.loads(json.dumps(as_json(side_by_side(a, b), a, b), allow_nan=False))
    assert shown["parted"] == "simple.champion"
    assert shown["counts"]["differs"] == 1
    assert shown["paired"]["exams"] == J
    assert shown["refused"] is None
