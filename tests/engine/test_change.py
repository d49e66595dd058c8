"""What stays of a change that was tried, by R2 and R5."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.change import verdict_r2, verdict_r5
from engine.questions import Level
from engine.records import Json

VERDICTS = ("better", "worse", "unclear", "equivalent", "identical")


def row(verdict: str, family: str = "linear", guards: list[dict[str, Json]] | None = None) -> dict[str, Json]:
    diff = {"better": 0.02, "worse": -0.02, "unclear": 0.004, "equivalent": 0.001, "identical": 0.0}[verdict]
    return {
        "family": family, "verdict": verdict, "diff": diff, "lower": diff - 0.01, "upper": diff + 0.01,
        "detectable": 0.015, "exams": 10, "guards": guards or [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "r2", "r5", "level"),
    [
        (("better",), True, True, None),
        (("better", "unclear"), True, True, None),
        (("unclear", "unclear"), True, False, Level.HOLD),
        (("equivalent", "identical"), True, False, Level.HOLD),
        (("worse", "unclear"), False, False, Level.BLOCK),
        (("better", "worse"), False, False, Level.HOLD),
    ],
)
def test_repairs_stay_unless_worse_and_options_only_if_better(
    verdicts: tuple[str, ...], r2: bool, r5: bool, level: Level | None
) -> None:
    rows = [row(v, family) for v, family in zip(verdicts, ("linear", "boosting"), strict=False)]
    assert verdict_r2(rows, "ROC AUC").keep is r2
    assert (verdict_r5(rows, "ROC AUC").keep, verdict_r5(rows, "ROC AUC").level) == (r5, level)


def test_what_is_no_difference_says_what_would_have_been_seen() -> None:
    sentence = verdict_r5([row("unclear")], "ROC AUC").sentence
    assert "ROC AUC: linear model +0.004 (−0.006 … +0.014)" in sentence
    assert "would usually see a gain of 0.015 ROC AUC" in sentence
    assert "not the same as no difference" in sentence


def test_a_guard_that_gets_worse_speaks_against_it() -> None:
    guards = [{"metric": "log_loss", "verdict": "worse", "diff": -0.03, "lower": -0.05, "upper": -0.01}]
    for rule in (verdict_r2, verdict_r5):
        verdict = rule([row("better", guards=guards)], "ROC AUC")
        assert (verdict.keep, verdict.level) == (False, Level.HOLD)
        assert "log loss, a guard, gets worse by 0.03" in verdict.sentence


@given(st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=2))
def test_an_option_never_stays_where_a_repair_would_not(verdicts: list[str]) -> None:
    rows = [row(v, family) for v, family in zip(verdicts, ("linear", "boosting"), strict=False)]
    assert verdict_r2(rows, "MAE").keep or not verdict_r5(rows, "MAE").keep
    assert verdict_r5(rows, "MAE").level is None or not verdict_r5(rows, "MAE").keep
