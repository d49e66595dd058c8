"""`rungwise branches`: listed, named, switched to, abandoned with a why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.store import Store
from tests.storage.samples import decision, rung
from tests.tui.test_cli import Result, rungwise  # noqa: F401


@pytest.fixture
def run(rungwise: Callable[..., Result], tmp_path: Path) -> Callable[..., Result]:  # noqa: F811
    place = tmp_path / "store" / "s.sqlite3"
    (tmp_path / "d.csv").write_text("a,b\n1,2\n")
    with Store.open(place) as store:
        store.sessions.create("churn", store.datasets.record(tmp_path / "d.csv"))
        store.journal("churn").append(decision("q.1"))
        store.journal("churn").append(rung("logistic", 0.846))
        store.sessions.fork("churn", None, 1)
        store.journal("churn").append(rung("[b]tree[/b]\x1b[31m", 0.818))
    return lambda *more: rungwise("branches", "churn", *more)


def test_branches_are_listed_with_where_they_left_and_what_they_reached(run):
    out = run().out
    assert "churn · 2 branches" in out
    assert "▸ branch-2  main at 1  1 own" in out
    assert "0.846 Logistic regression" in out
    assert "0.818 [b]tree[/b]␛[31m" in out
    listed = json.loads(run("--json").out)
    assert [(b["branch"], b["parent"], b["decisions"], b["current"]) for b in listed] == [
        ("main", None, 2, False),
        ("branch-2", "main", 2, True),
    ]
    assert listed[0]["rungs"][0]["value"] == 0.846


def test_a_branch_is_named_left_with_a_why_and_taken_up_again(run):
    assert "is called a=b now" in run("--rename", "branch-2=a=b").out
    assert "is called trees now" in run("--rename", "a=b=trees").out
    refused = run("--abandon", "trees")
    assert refused.status == 2
    assert "Say why" in refused.err
    out = run("--abandon", "trees", "--why", "Nobody could explain it").out
    assert "abandoned: Nobody could explain it" in out
    assert "goes on with main" in out
    assert "was abandoned" in run("--switch", "trees").err
    assert run("--take-up", "trees").status == 0
    assert "goes on with trees" in run("--switch", "trees").out
    assert json.loads(run("--json").out)[1]["current"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--switch", "mian"), "there is main"),
        (("--switch", "main", "--abandon", "main"), "One thing at a time"),
        (("--why", "x"), "goes with"),
        (("--rename", "branch-2"), "BRANCH=NEW"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(run, options, says):
    refused = run(*options)
    assert refused.status == 2
    assert says in refused.err
