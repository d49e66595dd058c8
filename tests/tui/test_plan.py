"""Plan files and answers on the command line: refused before anything is computed, with the place and what fits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.conductor import catalogue
from engine.errors import UsageProblem
from tests.tui.stages import STAGES
from tui.plan import NAMED, SKIP_DEEP, flat, from_command_line, line_of, read_plan, value_of

CATALOGUE = catalogue(STAGES)


def plan(tmp_path: Path, text: str):
    file = tmp_path / "plan.toml"
    file.write_text(text, encoding="utf-8")
    return read_plan(file, CATALOGUE)


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(UsageProblem) as caught:
        plan(tmp_path, text)
    return str(caught.value).replace(str(tmp_path), "…")


def test_a_plan_is_read_with_both_ways_to_write_an_id(tmp_path: Path) -> None:
    read = plan(
        tmp_path,
        'data = "sub/telco.csv"\nname = "churn"\ntarget = "a"\nskip_deep = true\nstop_after = "simple"\n'
        '[answers]\nproblem.metric = "roc_auc"\n"problem.latency" = 5\n[whys]\n"problem.metric" = "ranks"\n',
    )
    assert read.data == tmp_path / "sub" / "telco.csv"
    assert (read.name, read.stop_after) == ("churn", "simple")
    assert read.answers == {
        "problem.metric": "roc_auc",
        "problem.latency": 5,
        "problem.target": "a",
        "deep.enter": "skip",
    }
    assert read.whys["problem.metric"] == "ranks"


def test_the_command_line_wins_over_the_plan(tmp_path: Path) -> None:
    read = plan(tmp_path, 'data = "x.csv"\n[answers]\n"problem.metric" = "roc_auc"\n"problem.latency" = 5\n')
    joined = read.joined(from_command_line(CATALOGUE, answers=["problem.metric=log_loss"], name="n"))
    assert joined.answers == {"problem.metric": "log_loss", "problem.latency": 5}
    assert joined.where("problem.metric") == "--answer "
    assert joined.where("problem.latency").endswith("plan.toml, line 4: ")
    assert (joined.name, joined.data) == ("n", tmp_path / "x.csv")


def test_the_target_is_placed_where_it_is_named(tmp_path: Path) -> None:
    read = plan(tmp_path, 'data = "x.csv"\ntarget = "a"\n[answers]\n"problem.latency" = 5\n')
    assert read.where("problem.target").endswith("plan.toml, line 2: ")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('[answers]\n# problem.metrik\n"problem.metrik" = "x"', 3, "Did you mean problem.metric?"),
        ('[answers]\nproblem.metric = "f2"', 2, "it takes roc_auc, accuracy, log_loss"),
        ('[answers]\n"problem.metric" = """\nroc\n"""', 2, "it takes roc_auc"),
        ('[answers]\n"problem.latency" = "fast"', 2, "a number from 0.001 to 1"),
        ('[answers]\n\n"problem.latency" = nan', 3, "a number from"),
        ('[answers]\n"zzz.qqq" = 1', 2, "There are problem.target, problem.metric"),
        ('[whys]\n"problem.metric" = 3', 2, "a text in quotes"),
        ('[whys]\n"problem.metrics" = "x"', 2, "Did you mean problem.metric?"),
        ('\ntraget = "x"', 2, "Did you mean target?"),
        ("data = 4", 1, "a text in quotes"),
        ("answers = 4", 1, "takes a table"),
        ('skip_deep = "yes"', 1, "true or false"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    message = refusal(tmp_path, text)
    assert message.startswith(f"…/plan.toml, line {line}: ")
    assert says in message
    assert "\n" not in message


def test_every_mistake_is_said_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, '[answers]\n"problem.metric" = "f2"\n"nope" = 1\n')
    assert [line.split(": ")[0] for line in message.splitlines()] == ["…/plan.toml, line 2", "…/plan.toml, line 3"]


def test_a_file_that_is_no_plan(tmp_path: Path) -> None:
    assert "not TOML" in refusal(tmp_path, "a = ")
    assert "line 1" in refusal(tmp_path, "a = \nb = 1")
    with pytest.raises(UsageProblem, match="no plan file"):
        read_plan(tmp_path / "none.toml", CATALOGUE)
    with pytest.raises(UsageProblem, match="folder"):
        read_plan(tmp_path, CATALOGUE)
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(UsageProblem, match="not UTF-8"):
        read_plan(tmp_path / "latin.toml", CATALOGUE)


def test_the_command_line_makes_a_plan_with_its_whys() -> None:
    made = from_command_line(
        CATALOGUE, target="a", answers=["problem.latency=2.5"], whys=["problem.latency=the app waits"], skip_deep=True
    )
    assert made.answers == {"problem.target": "a", "problem.latency": 2.5, SKIP_DEEP[0]: "skip"}
    assert made.whys["problem.target"] == NAMED
    for wrong in ("problem.metric", "=3", "problem.metrik=roc_auc", "problem.metric=f2"):
        with pytest.raises(UsageProblem):
            from_command_line(CATALOGUE, answers=[wrong])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("0.5", 0.5), ("true", True), ('"3"', "3"), ("roc_auc", "roc_auc"), ("", ""), ("a = b", "a = b"),
        ("{false_positive = 1, false_negative = 5}", {"false_positive": 1, "false_negative": 5}),
        ("['a', 'b']", ["a", "b"]), ("1\nx = 2", "1\nx = 2"), ("tenure < 12 AND a = 'x'", "tenure < 12 AND a = 'x'"),
    ],
)  # fmt: skip
def test_a_typed_value_is_toml_where_it_is_toml(text: str, value: object) -> None:
    assert value_of(text) == value


@given(st.text())
def test_any_typed_value_is_taken(text: str) -> None:
    value_of(text)


@given(st.lists(st.sampled_from(["problem.metric", "problem.latency", "problem.target:a b"]), unique=True, min_size=1),
       st.integers(0, 4), st.booleans())  # fmt: skip
def test_the_line_of_a_key_is_where_it_stands(keys: list[str], blank: int, comments: bool) -> None:
    lines = ["[answers]"]
    expected = {}
    for key in keys:
        lines += [f"# {key}" if comments else ""] * blank
        lines.append(f'"{key}" = [')
        expected[key] = len(lines)
        lines += ["  1,", "]"]
    text = "\n".join(lines)
    assert {key: line_of(text, key) for key in keys} == expected


def test_flat_keeps_tables_that_are_answers() -> None:
    raw = {"problem": {"costs": {"false_positive": 1}}, "data.leaks:x.y": "drop"}
    assert dict(flat(raw)) == {"problem.costs": {"false_positive": 1}, "data.leaks:x.y": "drop"}
