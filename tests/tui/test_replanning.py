"""`replay --rerun` says what drifted and why; `replay --as-plan` writes a plan that repeats the session."""

from __future__ import annotations

import json
import sqlite3
import tomllib

from engine.conductor import catalogue
from engine.stages import STAGES
from tests.engine.review.journals import say
from tests.tui.reviewed import sound_session
from tests.tui.test_cli import rungwise, table  # noqa: F401 - fixtures
from tests.tui.test_reviewing import data, store, store_path  # noqa: F401 - fixtures
from tui.plan import read_plan

WHY = "The page waits for the answer while the visitor looks"


def test_what_came_out_otherwise_is_named_figure_by_figure_with_its_likely_cause(rungwise, table, store_path):  # noqa: F811
    words = ("--target", "bought", "--accept-recommended", "--stop-after", "define", "--quiet")
    assert rungwise("run", table, *words).status == 0
    same = rungwise("replay", "leads", "--rerun", "--json")
    result = json.loads(same.out)
    assert same.status == 0
    assert result["counts"]["drifted"] == 0
    assert result["counts"]["reproduced"] >= 1
    assert result["figures"] > 50
    other = sqlite3.connect(store_path)
    other.execute("drop trigger evidence_no_update")
    other.execute("update evidence set value = json_set(value, '$.rows', 201) where kind = 'profile'")
    other.commit()
    other.close()
    drifted = rungwise("replay", "leads", "--rerun", "--json")
    assert drifted.status == 1
    (one,) = [c for c in json.loads(drifted.out)["rerun"] if c["outcome"] == "drifted"]
    assert one["differences"] == [{"where": "rows", "recorded": 201, "again": 200, "outcome": "drifted"}]
    assert one["cause"].startswith("nothing that is recorded differs")
    assert "likely cause: nothing that is recorded differs" in rungwise("replay", "leads", "--rerun").out
    flagged = rungwise("review", "leads", "--rerun")
    assert flagged.status == 1
    assert "rows was 201 and is 200 now" in flagged.out.split("M29")[1]


def test_other_versions_and_threads_are_named_as_the_likely_cause(rungwise, table, store_path):  # noqa: F811
    """A store that was filled with another NumPy and other threads, on figures that came out otherwise there."""
    words = ("--target", "bought", "--accept-recommended", "--stop-after", "define", "--quiet")
    assert rungwise("run", table, *words).status == 0
    other = sqlite3.connect(store_path)
    other.execute("drop trigger evidence_no_update")
    other.execute("update evidence set value = json_set(value, '$.rows', 201) where kind = 'profile'")
    other.execute(
        "update environment set content = "
        "json_set(content, '$.versions.numpy', '1.0.7', '$.threads.OMP_NUM_THREADS', '63')"
    )
    other.commit()
    other.close()
    again = rungwise("replay", "leads", "--rerun", "--json")
    (drifted,) = [c for c in json.loads(again.out)["rerun"] if c["outcome"] == "drifted"]
    assert again.status == 1
    assert "numpy 1.0.7 → " in drifted["cause"]
    assert "OMP_NUM_THREADS 63 → " in drifted["cause"]
    assert "numpy 1.0.7 → " in rungwise("replay", "leads", "--rerun").out


def test_a_plan_repeats_what_people_and_plans_answered(rungwise, table, tmp_path):  # noqa: F811
    first = rungwise(
        "run", table, "--target", "bought", "--accept-recommended", "--stop-after", "define", "--quiet",
        "--answer", "problem.latency=50", "--why", f"problem.latency={WHY}", "--answer", "problem.domain=Ms \"Berg\"",
        "--answer", 'problem.drivers={x = "+", level = "?"}',
    )  # fmt: skip
    assert first.status == 0
    made = tmp_path / "again.toml"
    assert "Plan written to" in rungwise("replay", "leads", "--as-plan", "-o", made).out
    plan = read_plan(made, catalogue(STAGES))
    assert plan.answers == {
        "problem.target": "bought", "problem.latency": 50, "problem.domain": 'Ms "Berg"',
        "problem.drivers": {"x": "+", "level": "?"},
    }  # fmt: skip
    assert plan.whys["problem.latency"] == WHY
    text = made.read_text()
    assert "# problem.metric = roc_auc" in text
    made.write_text(text + 'name = "again"\n' if "name =" in text else 'name = "again"\nstop_after = "define"\n' + text)
    assert rungwise("run", made, "--quiet").status == 0
    compared = json.loads(rungwise("compare", "leads", "again", "--json").out)
    assert compared["counts"]["differs"] == 0
    assert rungwise("replay", "leads", "--as-plan", "-o", made).status == 2
    assert rungwise("replay", "leads", "-o", tmp_path / "x").status == 2


def test_answers_that_toml_cannot_say_and_hostile_ones_are_still_a_plan(rungwise, store, data):  # noqa: F811
    hostile = 'a"b\n# [x]\x1b\\ \u202e'
    sound_session(store, data, say("problem.latency", None), say("problem.statement", hostile, why=hostile),
                  say(f"data.leaks:{hostile}", "drop"), say("data.bins", []))  # fmt: skip
    text = rungwise("replay", "churn", "--as-plan").out
    plan = tomllib.loads(text)
    assert plan["answers"]["problem.latency"] == "none"
    assert plan["answers"]["problem.statement"] == hostile
    assert plan["answers"][f"data.leaks:{hostile}"] == "drop"
    assert plan["answers"]["problem.rule"] == [{"when": "tenure < 6", "then": "yes"}]
    assert plan["target"] == "Churn"
    assert "\x1b" not in text


def test_search_from_the_command_line(rungwise, store, data):  # noqa: F811
    sound_session(store, data)
    store.comments.add(1, "berg", "Why [red]not[/] costs?\x1b", mark="question")
    shown = rungwise("search", "costs")
    assert "churn · comment by berg\n    Why [red]not[/] »costs«?␛" in shown.out
    assert "churn@main · decision 8 problem.»costs«" not in shown.out
    found = json.loads(rungwise("search", "top of", "calls", "--json").out)
    assert {"why"} == {hit["what"] for hit in found}
    assert rungwise("search", "nowhere").out == "“nowhere” was found nowhere.\n"
