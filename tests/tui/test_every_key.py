"""Every key that a screen shows at its foot does something that can be seen, or says why not; none ends the app."""

import pytest

from tests.tui.scripted import app_over, until
from tests.tui.test_looking_back import store_with_branches
from tui.screens.branches import BranchesScreen
from tui.screens.home import Home
from tui.screens.journal import JournalScreen
from tui.screens.review import ReviewScreen
from tui.screens.workbench import Workbench
from tui.store_desk import StoreDesk

pytestmark = pytest.mark.usefixtures("workers_end")

WAYS = {  # the keys from home
    Home: (), Workbench: ("enter",), JournalScreen: ("r",), ReviewScreen: ("v",), BranchesScreen: ("r", "b"),
}  # fmt: skip


def _look(app) -> tuple[object, str, int]:
    strips = app.screen._compositor.render_strips()
    focused = str(app.screen.focused and app.screen.focused.id)
    return app.screen, focused + "\n".join("".join(s.text + str(s.style) for s in strip) for strip in strips), len(
        app._notifications
    )  # fmt: skip


async def _there(pilot, screen: type, keys: tuple[str, ...]) -> None:
    await until(pilot, lambda: pilot.app._home.loaded)
    for key in keys:
        await pilot.press(key)
        await pilot.pause(0.3)
    await until(pilot, lambda: isinstance(pilot.app.screen, screen))
    await pilot.pause(0.2)


def _shown(app) -> list[str]:
    return [key for key, active in app.screen.active_bindings.items()
            if active.binding.show and active.enabled and active.binding.action != "quit"]  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize("screen", WAYS, ids=lambda s: s.__name__)
async def test_each_key_at_the_foot_does_something(tmp_path, screen):
    place, pressed, dumb = store_with_branches(tmp_path), [], []
    while True:
        app = app_over(StoreDesk(place))  # type: ignore[arg-type]
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await _there(pilot, screen, WAYS[screen])
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
                    if app.screen is base or app.screen is app._home:
                        break
                    await pilot.press("escape")
                    await pilot.pause(0.1)
                if app.screen is not base:
                    break
        if not left:
            break
    assert pressed
    assert not dumb, f"of {pressed} nothing is seen of {dumb}"
