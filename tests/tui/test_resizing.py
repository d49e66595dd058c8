"""The terminal changes its size while somebody writes: nothing typed is lost, and all is as it was when it is back."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from tests.tui.scripted import app_over, see, text_of, until
from tests.tui.test_every_key import OF_A_SCRIPT
from tests.tui.test_looking_back import store_with_branches
from tui.app import RungwiseApp
from tui.screens.begin import Begin
from tui.screens.leaving import ExportBox
from tui.screens.review import Say
from tui.store_desk import StoreDesk

pytestmark = pytest.mark.usefixtures("workers_end")

SIZES = ((120, 40), (60, 20), (60, 16))
TYPED = {  # by question, what is written there
    "models": (), "why": tuple(" and so on"), "text": tuple("some words"), "number": tuple("12"),
    "rules": tuple("tenure < 3"), "columns": ("slash", *"ten"), "whys": (), "evidence": (),
}  # fmt: skip
BOXES: dict[type, tuple[tuple[str, ...], tuple[str, ...], str]] = {  # the keys from home, what is written there, seen
    Begin: (("n",), tuple("nowhere.csv"), "There is no file"),
    Say: (("v", "q"), tuple("is this so"), "is this so"),
    ExportBox: (("x",), ("tab", *"/there"), "/there"),
}


def written(pilot: Pilot[None]) -> tuple[object, list[str]]:
    fields = pilot.app.screen.query("Input, TextArea")
    return pilot.app.screen.focused, [f.value if isinstance(f, Input) else f.text for f in fields
                                      if isinstance(f, Input | TextArea)]  # fmt: skip


async def there_and_back(
    make: Callable[[], RungwiseApp], screen: type, to: Sequence[str], keys: Sequence[str], seen: str
) -> None:
    app = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app._home.loaded)
        if app.screen is app._home and screen not in BOXES:
            await until(pilot, lambda: app.screen is not app._home)
        for key in to:
            before = app.screen
            await see(pilot, "╭─" if screen not in BOXES or before is not app._home else "monday")
            await pilot.press(key)
            await until(pilot, lambda before=before: app.screen is not before)
        await until(pilot, lambda: isinstance(app.screen, screen) and app.screen.focused is not None)
        await pilot.press(*keys)
        await see(pilot, seen or "╭─")
        await still(pilot)
        stood, looked = written(pilot), text_of(pilot)
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await still(pilot)
            assert written(pilot) == stood, size
            if seen:
                assert seen in text_of(pilot), size
        await pilot.resize_terminal(80, 24)
        try:
            await until(pilot, lambda: text_of(pilot) == looked)
        except AssertionError:
            assert text_of(pilot) == looked
        assert written(pilot) == stood


async def still(pilot: Pilot[None]) -> None:
    """Wait until what is seen stays the same for three looks."""
    looks: list[str] = []

    def the_same() -> bool:
        looks.append(text_of(pilot))
        return len(looks) > 3 and len(set(looks[-3:])) == 1

    await until(pilot, the_same)


@pytest.mark.parametrize("name", TYPED)
async def test_a_question_keeps_what_was_typed(name: str) -> None:
    desk, screen, keys = OF_A_SCRIPT[name]
    make = lambda: app_over(desk(), session="churn")  # type: ignore[arg-type] # noqa: E731
    await there_and_back(make, screen, () if name == "why" else keys, (*(keys if name == "why" else ()), *TYPED[name]),
                         "tenure < 3" if name == "rules" else "")  # fmt: skip


@pytest.mark.parametrize("screen", BOXES)
async def test_a_box_keeps_what_was_typed_and_shows_where_one_writes(tmp_path: Path, screen: type) -> None:
    place = store_with_branches(tmp_path)
    to, keys, seen = BOXES[screen]
    await there_and_back(lambda: app_over(StoreDesk(place)), screen, to, keys, seen)  # type: ignore[arg-type]
