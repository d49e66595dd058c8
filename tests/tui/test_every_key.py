"""Every key that a screen shows at its foot does something that can be seen, or says why not; none ends the app."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from textual.app import App
from textual.pilot import Pilot

from engine.effects import Ask
from engine.records import Option
from tests.tui.scripted import (
    COSTS,
    LATENCY,
    MARKS,
    PATH,
    TYPES,
    ScriptedDesk,
    app_over,
    ask_champion,
    ask_rule,
    ask_statement,
    ask_target,
    only,
    see,
    until,
)
from tests.tui.test_looking_back import store_with_branches
from tests.tui.test_tour import TourDesk
from tui.app import RungwiseApp
from tui.screens.begin import Begin
from tui.screens.branches import BranchesScreen
from tui.screens.home import Home
from tui.screens.journal import JournalScreen
from tui.screens.leaving import ExportBox
from tui.screens.pick import PickDecision, PickSession
from tui.screens.reading import EvidenceBox, Help, Whys
from tui.screens.review import ReviewScreen
from tui.screens.search import SearchScreen
from tui.screens.workbench import Workbench
from tui.store_desk import StoreDesk

pytestmark = pytest.mark.usefixtures("workers_end")

SIZES = {"80x24": (80, 24), "120x40": (120, 40)}
OF_A_STORE = {  # the keys from home
    Home: (), Workbench: ("enter",), JournalScreen: ("r",), ReviewScreen: ("v",), BranchesScreen: ("r", "b"),
    PickSession: ("c",), SearchScreen: ("s", *"costs"), ExportBox: ("x",), Begin: ("n",),
}  # fmt: skip

CHOICES = Ask(MARKS, subject="age", options=(Option("?"), Option("-9"), Option("n/a")), recommended=["?", "-9"],
              reason="“-9” lies far from the other values.")  # fmt: skip
ROLES = Ask(TYPES, recommended={"tenure": "number", "zip": "number"}, reason="As found in the file.")
TWO = (ask_target(), ask_champion())
OF_A_SCRIPT: dict[str, tuple[Callable[[], ScriptedDesk], type, tuple[str, ...]]] = {  # desk, screen, keys to it
    "models": (lambda: ScriptedDesk(only(ask_champion())), Workbench, ()),
    "columns": (lambda: ScriptedDesk(only(ask_target())), Workbench, ()),
    "text": (lambda: ScriptedDesk(only(ask_statement())), Workbench, ()),
    "number": (lambda: ScriptedDesk(only(Ask(LATENCY))), Workbench, ()),
    "choices": (lambda: ScriptedDesk(only(CHOICES)), Workbench, ()),
    "roles": (lambda: ScriptedDesk(only(ROLES)), Workbench, ()),
    "costs": (lambda: ScriptedDesk(only(Ask(COSTS, recommended="unknown", reason="Nobody said."))), Workbench, ()),
    "rules": (lambda: ScriptedDesk(only(ask_rule())), Workbench, ()),
    "why": (lambda: ScriptedDesk(only(ask_champion())), Workbench, ("tab",)),
    "finished": (lambda: ScriptedDesk(only(ask_target())), Workbench, ("enter",)),
    "measuring": (lambda: ScriptedDesk(PATH[1:]), Workbench, ()),
    "tour": (lambda: TourDesk(only(ask_statement())), Workbench, ()),
    "whys": (lambda: ScriptedDesk(only(ask_champion())), Whys, ("w",)),
    "evidence": (lambda: ScriptedDesk(only(ask_champion())), EvidenceBox, ("e",)),
    "figures": (lambda: ScriptedDesk(only(ask_champion())), EvidenceBox, ("e", "right", "f")),
    "going back": (lambda: ScriptedDesk(only(*TWO)), PickDecision, ("enter", "b")),
    "help": (lambda: ScriptedDesk(only(ask_champion())), Help, ("question_mark",)),
}


def _look(app: App[None]) -> tuple[object, str, int]:
    strips = app.screen._compositor.render_strips()
    focused = str(app.screen.focused and app.screen.focused.id)
    shown = focused + "\n".join("".join(s.text + str(s.style) for s in strip) for strip in strips)
    return app.screen, shown, len(app._notifications)


def _shown(app: RungwiseApp) -> list[str]:
    return [key for key, active in app.screen.active_bindings.items()
            if active.binding.show and active.enabled and active.binding.action != "quit"]  # fmt: skip


async def _settled(pilot: Pilot[None]) -> None:
    """Wait until nothing moves any more, or three tenths of a second."""
    for _ in range(6):
        before = _look(pilot.app)
        await pilot.pause(0.05)
        if _look(pilot.app) == before:
            break


async def _press_each(make: Callable[[], RungwiseApp], first: str, screen: type, keys: Sequence[str],
                      size: tuple[int, int]) -> None:  # fmt: skip
    """Go there as often as it takes.  first: a text to wait for, or "" for home."""
    pressed, dumb = ["ctrl+p"] if first else [], []  # the palette is the same everywhere
    while True:
        app = make()
        async with app.run_test(size=size, notifications=True) as pilot:
            await (see(pilot, first) if first else until(pilot, lambda app=app: app._home.loaded))
            for key in keys:
                await pilot.press(key)
                await _settled(pilot)
            await until(pilot, lambda app=app: isinstance(app.screen, screen) and _shown(app))
            await _settled(pilot)
            while left := [key for key in _shown(app) if key not in pressed]:
                pressed.append(left[0])
                before, base = _look(app), app.screen
                await pilot.press(left[0])
                await pilot.pause(0.02)
                for _ in range(60):  # what plays moves on after a while
                    if _look(app) != before:
                        break
                    await pilot.pause(0.04)
                else:
                    dumb.append(left[0])
                for _ in range(4):
                    if app.screen is base or app.screen is app._home or base not in app.screen_stack:
                        break
                    await pilot.press("escape")
                    await _settled(pilot)
                if app.screen is not base:
                    break
        if not left:
            break
    assert pressed
    assert not dumb, f"of {pressed} nothing is seen of {dumb}"


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("screen", "size"),
    [(screen, "80x24") for screen in OF_A_STORE] + [(screen, "120x40") for screen in (Home, JournalScreen)],
)  # on the larger one those whose foot has more keys
async def test_each_key_at_the_foot_does_something(tmp_path: Path, screen: type, size: str) -> None:
    place = store_with_branches(tmp_path)
    make = lambda: app_over(StoreDesk(place))  # type: ignore[arg-type] # noqa: E731
    await _press_each(make, "", screen, OF_A_STORE[screen], SIZES[size])


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("name", "size"),
    [(name, "80x24") for name in OF_A_SCRIPT] + [(name, "120x40") for name in ("columns", "roles", "measuring")],
)
async def test_each_key_at_the_foot_of_a_question_does_something(name: str, size: str) -> None:
    desk, screen, keys = OF_A_SCRIPT[name]
    session = "tour" if name == "tour" else "churn"
    await _press_each(lambda: app_over(desk(), session=session), "╭─", screen, keys, SIZES[size])
