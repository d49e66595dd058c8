"""Whatever stands in a journal is shown as it stands: markup, escape sequences, and texts of any length."""

from __future__ import annotations

import contextlib
import io
import time
from pathlib import Path

import pytest

from engine.records import Check, Option
from storage.store import Store
from tests.storage.samples import decision, evidence
from tests.tui.scripted import NOW, app_over, see, text_of, until
from tui.cli import status_of
from tui.screens.branches import BranchesScreen
from tui.screens.compare import CompareScreen
from tui.screens.journal import JournalScreen
from tui.screens.review import ReviewScreen
from tui.store_desk import StoreDesk
from tui.widgets.sheet import Sheet

HOSTILE = "[red]x[/] [@click=app.quit]y[/] \x1b[31mred\x1b[0m \x1b]0;title\x07 a\rb \u202egnp.exe \x9b2J"
GIGANTIC = "[b]word[/b] \x1b[1m " * 20_000


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two decisions, one with hostile and one with gigantic text wherever a person or data may put some."""
    place = tmp_path / "s.sqlite3"
    (tmp_path / "[b]d\x1b[31m.csv").write_text("a\n1\n")
    with Store.open(place, now=lambda: NOW.timestamp()) as store:
        store.sessions.create("[i]churn[/i]", store.datasets.record(tmp_path / "[b]d\x1b[31m.csv"))
        journal = store.journal("[i]churn[/i]")
        for text in (HOSTILE, GIGANTIC):
            check = Check(text, 0.8, 0.7, 0.9, 0.5, text, text, {"rung": text})
            options = (Option(text, text, text, {text: text}),)
            filled = dict.fromkeys(("subject", "prompt", "reason", "why", "choice", "recommended", "level"), text)
            journal.append(
                decision(text[:200], options=options, flags=(text[:99],), check=check, **filled,
                         evidence=(evidence().key,), stage=text[:60], overruled=True), [evidence()],
            )  # fmt: skip
        session = store.sessions.id("[i]churn[/i]")
        store.comments.add(session, "[b]berg[/b]", HOSTILE, about=journal.decisions()[0].hash, mark="question")
        store.sessions.fork("[i]churn[/i]", None, 1, "[u]branch[/u]")
        store.sessions.abandon("[i]churn[/i]", "[u]branch[/u]", HOSTILE, "[b]berg[/b]")
    return place


def nothing_obeyed(shown: str) -> None:
    for sign in "\x1b\x07\r\u202e\x9b":
        assert sign not in shown


async def test_screens_show_text_as_it_stands_and_go_on_answering_keys(place):
    app = app_over(StoreDesk(place), session="[i]churn[/i]", read_only=True)  # type: ignore[arg-type]
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, JournalScreen))
        await see(pilot, "[i]churn[/i]")
        for keys in (["left"], ["t"], ["t"], ["d"], ["right"], ["d"], ["escape"], ["left"]):
            started = time.perf_counter()
            await pilot.press(*keys)
            assert time.perf_counter() - started < 60  # it was wrapped in minutes, whole
            nothing_obeyed(text_of(pilot))
        assert "[red]x[/] [@click=app.quit]y[/] ␛[31mred" in pilot.app.screen.query_one(Sheet).text.replace("\n", " ")
        await pilot.press("v")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen))
        await pilot.press("down")
        nothing_obeyed(text_of(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, JournalScreen))
        await pilot.press("b")
        await until(pilot, lambda: isinstance(pilot.app.screen, BranchesScreen))
        await see(pilot, "[u]branch[/u]")
        await pilot.press("down")
        await see(pilot, "abandoned")
        nothing_obeyed(text_of(pilot))
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        await pilot.press("down")
        nothing_obeyed(text_of(pilot))


@pytest.mark.parametrize(
    "command",
    [("log",), ("log", "--json"), ("replay",), ("review",), ("branches",), ("verify",)],
    ids=" ".join,
)
def test_commands_print_text_as_it_stands(place, command):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status_of([command[0], "[i]churn[/i]", *command[1:], "--store", str(place)])
    assert "churn" in said.getvalue()
    nothing_obeyed(said.getvalue())


@pytest.mark.parametrize("command", [("search", "word"), ("compare", "[i]churn[/i]", "[i]churn[/i]@[u]branch[/u]")])
def test_what_looks_across_sessions_prints_text_as_it_stands(place, command):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status_of([*command, "--store", str(place)])
    assert len(said.getvalue()) > 20
    nothing_obeyed(said.getvalue())
