"""`rungwise compare`: sessions and branches, as text and as JSON."""

from __future__ import annotations

import json
import re

import pytest

from tests.engine.review.journals import rung, say
from tests.tui.reviewed import append, sound_session
from tests.tui.test_cli import rungwise  # noqa: F401 - a fixture
from tests.tui.test_reviewing import data, store, store_path  # noqa: F401 - fixtures


@pytest.fixture
def branched(store, data):  # noqa: F811
    name = sound_session(store, data)
    store.sessions.fork(name, "main", 9, "slow")
    append(store, name, [say("problem.latency", 5), say("problem.interpretability", "[b]readable[/b]\x1b")])
    return name


def test_two_branches_side_by_side(rungwise, branched):  # noqa: F811
    shown = rungwise("compare", "churn@main", "churn@slow")
    assert shown.status == 0
    assert "A  churn · branch main · 36 decisions\nB  churn · branch slow · 11 decisions" in shown.out
    assert "parted at problem.latency" in shown.out
    assert re.search(r"^problem.latency +100 +5$", shown.out, re.MULTILINE)
    assert "9 answers are the same." in shown.out
    assert "A  Logistic regression  0.8" in shown.out
    assert "No paired difference: B has no model on its ladder yet." in shown.out
    assert "\x1b" not in shown.out
    result = json.loads(rungwise("compare", "churn", "churn@main", "--json").out)  # the branch that is open first
    assert (result["a"], result["b"]) == (
        {"session": "churn", "branch": "slow"}, {"session": "churn", "branch": "main"},
    )  # fmt: skip
    assert result["counts"]["same"] == 9


def test_a_ladder_is_drawn_to_one_scale(rungwise, store, data):  # noqa: F811
    sound_session(store, data)
    sound_session(store, data, rung("simple.champion", "boosting", 0.9, row={}), name="other")
    shown = rungwise("compare", "churn", "other").out
    lines = [line for line in shown.splitlines() if "●" in line]
    places = [line.index("●") for line in lines]
    assert len(lines) == 6
    assert places[0] == places[3]  # the same floor
    assert places[5] == max(places)


@pytest.mark.parametrize(
    ("words", "says"),
    [(("churn", "nobody"), "There is no session named nobody"), (("churn", "churn@none"), "no branch named none"),
     (("churn",), "B is missing; `rungwise compare --help` says what it takes.")],
)  # fmt: skip
def test_what_there_is_not_is_said(rungwise, branched, words, says):  # noqa: F811
    ended = rungwise("compare", *words)
    assert ended.status == 2
    assert says in ended.err


def test_a_session_whose_name_holds_an_at(rungwise, store, data):  # noqa: F811
    sound_session(store, data, name="a@b")
    assert rungwise("compare", "a@b", "a@b@main").status == 0
