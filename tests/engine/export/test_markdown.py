"""The report: readable without the program, and nothing in it means more than it says."""

from __future__ import annotations

import re

import pytest

from engine.export.markdown import report
from engine.records import Check, Decision, Option
from engine.session import Session
from engine.views import Bars, Curves, Intervals, Table, Words

HOSTILE = "<script>alert(1)</script> [x](http://e) `code` *b* |\n# head \x1b[31m"


def _decision(seq: int, question: str, choice: object, **changes: object) -> Decision:
    values: dict = {
        "stage": "define", "question": question, "subject": "", "prompt": f"{question}?", "options": (Option("a"),),
        "recommended": None, "reason": "", "choice": choice, "why": "Because.", "why_author": "engine",
        "why_verdict": "ok", "author": "engine", "overruled": False, "level": "", "flags": (), "check": None,
        "evidence": (), "asked": "", "decided_at": "2026-01-01T00:00:00+00:00", "seconds": 0.0, "environment": "",
        "seq": seq, "hash": "ab" * 32,
    }  # fmt: skip
    return Decision(**(values | changes))


RUNG = Check(
    "roc_auc", 0.8451, 0.83, 0.86, 0.5, "25 exams", "better", {"rung": "logistic", "parameters": 41, "latency_ms": 0.2}
)


@pytest.fixture
def session() -> Session:
    return Session(
        "churn",
        "f",
        [
            _decision(1, "problem.target", "Churn"),
            _decision(2, "problem.metric", "roc_auc"),
            _decision(3, "simple.champion", "logistic", stage="simple", check=RUNG, author="person", flags=("M03",),
                      overruled=True, recommended="tree"),
            _decision(4, "present.result", "shown", stage="present",
                      check=Check("roc_auc", 0.8472, 0.8208, 0.8718, 0.55, "1,056 rows, bootstrap")),
        ],
    )  # fmt: skip


def test_it_tells_the_result_the_ladder_and_every_decision(session: Session):
    text = report(session, {}, source="telco.csv")
    assert text.startswith("# churn\n")
    assert "**Logistic regression: ROC AUC 0.847.** " in text
    assert "with a 95 % interval of 0.821 … 0.872." in text
    assert "The line to reach was set at 0.55 before any score was seen, and it is reached" in text
    assert "| Logistic regression | The simple model | 0.845 | 0.83 … 0.86 | 41 | 0.2 |" in text
    for decision in session.decisions():
        assert f"**{decision.seq}. {decision.prompt}**" in text
    assert "decided by a person; against the recommendation tree; flags M03: " in text
    assert "4 decisions (1 by the person, 3 by the guide); 1 against the recommendation." in text
    assert "ab" * 32 in text


def test_views_of_the_great_moments_become_tables(session: Session):
    shows = {
        3: (
            Table("Per class", ("class", "recall"), [("Yes", 0.5), ("No", None)]),
            Intervals("The ladder", "ROC AUC", [("prior", 0.5, 0.5, 0.5)]),
            Bars("Rows", "rows", [("kept", 10.0)]),
            Curves("Loss", "epoch", "loss", {"train": [(1.0, 0.5), (2.0, 0.25)], "none": []}),
            Words("Note", "Mind the gap."),
        ),
        1: (Words("Early", "not of the great moments"),),
    }
    text = report(session, shows, source="telco.csv")
    assert "| Yes | 0.5 |\n| No |  |" in text
    assert "| prior | 0.5 | 0.5 … 0.5 |" in text
    assert "| train | 2 | 0.25 |" in text
    assert "Mind the gap." in text
    assert "not of the great moments" not in text


def test_text_from_the_data_is_shown_literally():
    session = Session(HOSTILE, "f", [_decision(1, "problem.target", HOSTILE, prompt=HOSTILE, why=HOSTILE)])
    text = report(session, {}, source=HOSTILE, branch=HOSTILE)
    outside_code = re.sub(r"(?<!\\)`[^`]*`", "", text)
    assert "<script" not in outside_code
    assert "\x1b" not in text
    assert not re.search(r"(?<!\\)\[x(?<!\\)\]\(", outside_code)
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert len(headings) == 3  # the title, the stage, about


def test_an_empty_session_is_said_to_have_nothing():
    text = report(Session("new", "f"), {}, source="a.csv")
    assert text.startswith("# new")
    assert "The ladder" not in text
