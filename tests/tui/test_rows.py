"""Rows under columns: what fits, what is left out and said to be, and the room beside the scroll bar."""

from textual.app import App, ComposeResult

from tests.tui.scripted import text_of, until
from tui.widgets.rows import Column, Row, Rows

WIDE = (Column("name"), Column("first", flex=True), Column("second", right=True))


class Listed(App[None]):
    def __init__(self, rows: list[Row]) -> None:
        super().__init__()
        self.rows = rows

    def get_css_variables(self) -> dict[str, str]:
        return {**super().get_css_variables(), "cursor": "#333333", "cursor-idle": "#222222"}

    def compose(self) -> ComposeResult:
        yield Rows(WIDE, self.rows)


def rows_of(count: int) -> list[Row]:
    return [Row((f"number {n:03}", "1" * 12, "2" * 12), key=n) for n in range(count)]


async def test_a_column_that_is_left_out_leaves_a_sign():
    """A last column without room is gone; the line of the titles says so, and no longer once there is room."""
    async with Listed(rows_of(3)).run_test(size=(34, 10)) as pilot:
        await until(pilot, lambda: "number 001" in text_of(pilot))
        assert "2222" not in text_of(pilot)
        assert text_of(pilot).splitlines()[0].endswith("…")
        await pilot.resize_terminal(60, 10)
        await until(pilot, lambda: "2222" in text_of(pilot))
        assert "…" not in text_of(pilot)


async def test_the_last_column_does_not_touch_the_scroll_bar():
    async with Listed(rows_of(50)).run_test(size=(60, 10)) as pilot:
        await until(pilot, lambda: "number 001" in text_of(pilot))
        assert all(line[58] == " " and line[57] == "2" for line in text_of(pilot).splitlines()[1:9])
