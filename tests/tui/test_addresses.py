"""Sessions on tables of databases, workbooks and the like, from the command line and from plans."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pandas as pd
import pytest

from tests.engine.data.formats.writers import WRITERS
from tests.tui.test_cli import Result, rungwise  # noqa: F401 - a fixture

WORDS = ("--target", "bought", "--accept-recommended", "--stop-after", "define", "--json", "-q")


@pytest.fixture
def leads() -> pd.DataFrame:
    draw = random.Random(1)
    rows = [(draw.gauss(0, 1), draw.choice("uvw")) for _ in range(200)]
    return pd.DataFrame(
        [(round(x, 3), level, "yes" if x + draw.gauss(0, 0.7) > 0.5 else "no") for x, level in rows],
        columns=["x", "level", "bought"],
    )


def journal(rungwise: Callable[..., Result], name: str) -> dict:  # noqa: F811
    decisions = json.loads(rungwise("log", name, "--json").out)
    decisions = decisions["decisions"] if isinstance(decisions, dict) else decisions
    return {d["question"]: d for d in decisions}


@pytest.mark.parametrize(
    ("key", "behind", "session"),
    [
        ("db", "::orders", "orders"),
        ("duckdb", "::select x / 2 as x, level, bought from orders where '//' = '//'", "shop"),
        ("xlsx", "", "shop"),
        ("jsonl", "", "shop"),
        ("csv.zst", "", "shop"),
    ],
)
def test_a_run_on_data_in_another_form(rungwise, leads, tmp_path, key, behind, session):  # noqa: F811
    WRITERS[key](tmp_path / f"shop.{key}", leads)
    ran = rungwise("run", f"{tmp_path}/shop.{key}{behind}", *WORDS)
    assert (ran.status, ran.err) == (0, "")
    assert json.loads(ran.out)["session"] == session
    load = journal(rungwise, session)["data.load"]
    assert load["choice"].get("format", "csv") == {"db": "sqlite", "xlsx": "excel", "csv.zst": "csv"}.get(key, key)
    listed = json.loads(rungwise("sessions", "--json").out)
    assert behind.removeprefix("::").split(" ")[0] in json.dumps(listed)


def test_a_plan_may_name_a_table_and_overrule_how_it_is_read(rungwise, leads, tmp_path):  # noqa: F811
    WRITERS["db"](tmp_path / "shop.db", leads)
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'data = "shop.db::orders"\ntarget = "bought"\nstop_after = "define"\n[answers]\n"data.load" = {missing = "w"}\n'
        '[whys]\n"data.load" = "Level w was entered wherever nobody had asked the customer yet"\n'
    )
    ran = rungwise("run", plan, "--json", "-q")
    assert (ran.status, ran.err) == (0, "")
    assert journal(rungwise, "orders")["data.load"]["choice"]["missing"] == "w"
    plan.write_text('data = "shop.db::orders"\ntarget = "bought"\n[answers]\n"data.load" = {separater = ";"}\n')
    refused = rungwise("run", plan, "--json", "-q")
    assert refused.status == 2
    assert "separater = ';' is no setting; did you mean separator?" in refused.err


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("shop.db::ordres", "has no table 'ordres': did you mean 'orders'"),
        ("shop.db::select load_extension('x')", "a query may read tables, and nothing else"),
        ("gone.db::orders", "There is no file"),
        (".", "is a folder: name one data file in it"),
    ],
)
def test_what_cannot_be_is_one_sentence(rungwise, leads, tmp_path, address, says):  # noqa: F811
    WRITERS["db"](tmp_path / "shop.db", leads)
    refused = rungwise("run", f"{tmp_path}/{address}", *WORDS)
    assert refused.status in (1, 2)
    assert says in refused.err + refused.out
