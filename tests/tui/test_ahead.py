"""On a machine that is slow to put a screen together, keys come before it is there: none is lost, none ends the app."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events
from textual.css.query import NoMatches
from textual.widget import Widget
from textual.widgets import Input

from tests.tui.scripted import PATH, ScriptedDesk, app_over, ask_champion, ask_statement, only, until
from tests.tui.test_every_key import OF_A_SCRIPT
from tests.tui.test_looking_back import store_with_branches
from tui.app import RungwiseApp
from tui.screens.begin import Begin
from tui.screens.home import Home
from tui.store_desk import StoreDesk
from tui.widgets.keyline import KeyLine
from tui.widgets.question import QuestionPane

pytestmark = pytest.mark.usefixtures("workers_end")

SIZE = (80, 24)
KEYS = [*"abcdefghijklmnoprstuvwxyzR12", "enter", "escape", "escape", "escape", "down", "up", "left", "right", "tab",
        "shift+tab", "space", "slash", "question_mark", "minus", "delete", "backspace", "home", "end", "pagedown",
        "ctrl+t", "ctrl+s", "ctrl+z"]  # fmt: skip


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every part takes a while until it is composed."""
    compose, chance = Widget._compose, random.Random(1)

    async def late(self: Widget) -> None:
        await asyncio.sleep(chance.choice((0.0, 0.01, 0.08)))
        await compose(self)

    monkeypatch.setattr(Widget, "_compose", late)


def type_at_once(app: RungwiseApp, *keys: str) -> None:
    """As a terminal does: whether anybody is there or not."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


async def _anything(make: Callable[[], RungwiseApp], chance: random.Random, many: int) -> None:
    app, pressed = make(), []
    try:
        async with app.run_test(size=SIZE, notifications=True):
            for _ in range(many):
                pressed.append(chance.choice(KEYS))
                type_at_once(app, pressed[-1])
                await asyncio.sleep(chance.choice((0.0, 0.005, 0.02, 0.05)))
                if app._exception is not None or not app.is_running:
                    break
    except Exception as problem:
        raise AssertionError(f"it ended after {pressed}") from problem


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("name", list(OF_A_SCRIPT))
async def test_no_keys_in_any_order_end_the_app(name: str) -> None:
    desk, _, _ = OF_A_SCRIPT[name]
    await _anything(lambda: app_over(desk()), random.Random(name), 60)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("seed", range(3))
async def test_nor_over_a_store_of_sessions(tmp_path: Path, seed: int) -> None:
    place = store_with_branches(tmp_path)
    await _anything(lambda: app_over(StoreDesk(place)), random.Random(seed), 120)  # type: ignore[arg-type]


@pytest.mark.usefixtures("slow")
async def test_what_is_typed_before_a_dialog_is_there_stands_in_it() -> None:
    app = app_over(ScriptedDesk(()))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Home) and app._home.loaded)
        type_at_once(app, "n", *"some.csv", "tab", *"answer")
        await until(pilot, lambda: isinstance(app.screen, Begin))
        field = lambda which: app.screen.query_one(which, Input).value  # noqa: E731
        await until(pilot, lambda: field("#target") == "answer")
        assert field("#path").endswith("some.csv")


@pytest.mark.usefixtures("slow")
async def test_an_answer_that_is_typed_blindly_is_recorded_in_order() -> None:
    """Each letter goes where it was meant to go, though the form is not there when the first one comes."""
    desk = ScriptedDesk(only(ask_statement(), ask_champion()))
    app = app_over(desk, session="churn")
    async with app.run_test(size=SIZE) as pilot:
        while not app.screen.query(QuestionPane):
            await asyncio.sleep(0)
        type_at_once(app, *"For the shop", "enter")
        recorded = lambda: [x.decision for x in desk.opened[-1].conductor.transcript]  # noqa: E731
        await until(pilot, lambda: len(recorded()) == 1)
        while not app.screen.query(QuestionPane):
            await asyncio.sleep(0)
        type_at_once(app, "enter")
        await until(pilot, lambda: len(recorded()) == 2)
        assert recorded()[0].choice == "For the shop"


async def test_recording_waits_for_the_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enter in the moment between the question and what was typed for it before."""
    begin = QuestionPane._begin

    def early(self: QuestionPane) -> None:
        self.record()
        begin(self)

    monkeypatch.setattr(QuestionPane, "_begin", early)
    desk = ScriptedDesk(only(ask_statement(), ask_champion()))
    desk.drafts[("churn", "problem.statement", "")] = {"form": "For the shop", "why": "", "own": False}
    app = app_over(desk, session="churn")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: desk.opened and desk.opened[-1].conductor.transcript)
        assert desk.opened[-1].conductor.transcript[0].decision.choice == "For the shop"


async def test_a_part_that_never_gets_ready_does_not_make_the_app_deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.ahead.PATIENCE", 0.2)
    app = app_over(ScriptedDesk(()))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app._home.loaded)
        app.screen.begins = True  # type: ignore[attr-defined]
        next(iter(app.screen.query(KeyLine))).begins = True  # type: ignore[attr-defined]
        type_at_once(app, "n")
        await until(pilot, lambda: isinstance(app.screen, Begin))


async def test_a_part_that_is_there_and_lacks_something_still_ends_the_app() -> None:
    """What is forgiven is a part that is gone, not a mistake of ours."""
    app = app_over(ScriptedDesk(PATH))

    async def mistaken() -> None:
        async with app.run_test(size=SIZE) as pilot:
            await until(pilot, lambda: isinstance(app.screen, Home))
            app.screen.call_later(lambda: app.screen.query_one("#nowhere"))
            await pilot.pause(0.5)

    with pytest.raises(NoMatches):
        await mistaken()
