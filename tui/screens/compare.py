"""Two sessions or branches side by side: where they parted, what each measured, the ladders on one scale."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content

from engine.metrics import title_of
from engine.records import Decision
from engine.review.compare import Aligned, Paired
from engine.review.review import Step
from engine.titles import titled
from engine.words import short
from tui.aside import ended
from tui.desk import Compared
from tui.figures import answered, in_words, interval, number
from tui.ladder import ASCII, UNICODE, Mark, bar, span
from tui.literal import brief, cut, literal, literal_lines
from tui.screens.base import Page
from tui.widgets.headline import HeadLine
from tui.widgets.keyline import KeyLine
from tui.widgets.rows import Column, Row, Rows
from tui.widgets.sheet import Sheet

SIGNS = {"differs": "≠", "only a": "A", "only b": "B", "same": ""}
PATIENCE = 120.0  # seconds that the paired difference may take

ABOUT = """Two journals, aligned by question: ≠ marks answers that are not the same, A and B what only one was asked.
The first line is the whole: the ladders on one scale, and the paired difference where both took the same exams on the
same data. n goes to the next difference, s shows only those."""


class CompareScreen(Page):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "next", "Next difference", id="compare.next"),
        Binding("s", "some", "Only differences", id="compare.some", tooltip="Only what differs, or everything"),
        Binding("tab", "app.focus_next", "Details", show=False, id="compare.details"),
        Binding("escape,c", "leave", "Close", key_display="esc", id="compare.close"),
    ]
    DEFAULT_CSS = """
    CompareScreen #body { height: 1fr; }
    CompareScreen #line { width: 55%; height: 1fr; border: round $line; border-title-color: $text-muted;
        padding: 0 0 0 1; }
    CompareScreen #line Rows { height: 1fr; max-height: 1fr; }
    CompareScreen #detail { width: 45%; height: 1fr; border: round $line; border-title-color: $text-muted;
        border-subtitle-color: $text-muted; padding: 0 1; }
    CompareScreen #detail:focus, CompareScreen #line:focus-within { border: round $primary; }
    CompareScreen.narrow #body { layout: vertical; }
    CompareScreen.narrow #line, CompareScreen.narrow #detail { width: 100%; height: 50%; }
    """
    AUTO_FOCUS = "Rows"
    about = ABOUT

    def __init__(self, compared: Compared) -> None:
        super().__init__()
        self.compared = compared
        self.some = False
        self.paired: Paired | None = compared.found.paired
        self.refused = compared.found.refused
        self._looking = self.paired is None and not self.refused

    # -- drawing ---------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield HeadLine()
        with Horizontal(id="body"):
            with Vertical(id="line"):
                yield Rows(self._columns(), ())
            yield Sheet(id="detail")
        yield KeyLine()

    def on_mount(self) -> None:
        a, b = self.compared.a, self.compared.b
        self.query_one(HeadLine).left = Content.assemble(
            ("rungwise", "bold $primary"), (" ▸ ", "$text-muted"), ("A ", "$text-muted"), (_named(a), "bold"),
            ("   B ", "$text-muted"), (_named(b), "bold"),
        )  # fmt: skip
        found = self.compared.found
        differ = len(found.rows) - found.count("same")
        self.query_one(HeadLine).right = Content.styled(
            f"{differ} differ, {found.count('same')} the same", "$text-muted"
        )
        self._list()
        if self._looking:
            self._measure()

    def on_resize(self) -> None:
        self.set_class(self.app.size.width < 100, "narrow")

    def _columns(self) -> tuple[Column, ...]:
        return (Column("question", flex=True), Column("A", flex=True), Column("B", flex=True))

    @property
    def listed(self) -> list[Aligned | None]:
        """None stands for the whole."""
        rows = [row for row in self.compared.found.rows if not self.some or row.stand != "same"]
        return [None, *rows]

    def _list(self) -> None:
        self.query_one(Rows).show(self._columns(), [self._row(row) for row in self.listed], 0)
        parted = self.compared.found.parted
        words = f"parted at “{short(titled(*parted.place), 80)}”" if parted else "never parted"
        self.query_one("#line", Vertical).border_title = words
        self._show()

    def _row(self, row: Aligned | None) -> Row:
        if row is None:
            return Row((Content.styled("the two as a whole", "bold"), "", ""), key=None)
        cells = (short(titled(*row.place)), _chosen(row.a), _chosen(row.b))
        return Row(cells, mark=SIGNS[row.stand], dim=row.stand == "same", key=row.place)

    @on(Rows.Moved)
    def _show(self) -> None:
        row = self.listed[self.query_one(Rows).cursor]
        detail = self.query_one("#detail", Sheet)
        detail.border_title = "ladders" if row is None else Content(short(titled(*row.place)))
        detail.show(self._whole if row is None else lambda width: _both(row))

    @on(Rows.Chosen)
    def _chosen_row(self) -> None:
        self.query_one("#detail").focus()

    def _whole(self, width: int) -> Content:
        ladders = self.compared.found.ladders
        pens = ASCII if self.rungwise.ascii_only else UNICODE
        parts = [Content.styled(f"A  {_named(self.compared.a)}"), *_ladder(ladders[0], ladders, width, pens)]
        parts += [Content(""), Content.styled(f"B  {_named(self.compared.b)}")]
        parts += [*_ladder(ladders[1], ladders, width, pens), Content("")]
        if self._looking:
            parts.append(Content.styled("the paired difference is being computed …", "$text-muted"))
        elif self.paired is not None:
            parts += _difference(self.paired)
        else:
            parts.append(Content(f"No paired difference: {short(self.refused, 400)}."))
        return Content("\n").join(parts)

    # -- the paired difference, which needs what this process does not load ----------------------------------------

    @work(group="paired", exclusive=True)
    async def _measure(self) -> None:
        place = await self.rungwise.clerk.do(lambda desk: desk.place())
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tui.cli", "compare", _address(self.compared.a), _address(self.compared.b), "--json",
            "--store", str(place), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            said, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
            self._take(json.loads(said) if process.returncode == 0 else {"refused": errors.decode(errors="replace")})
        except (TimeoutError, ValueError):
            self._take({"refused": "it could not be computed"})
        finally:
            await ended(process)

    def _take(self, told: dict[str, Any]) -> None:
        paired = told.get("paired")
        self.paired = Paired(**paired) if paired else None
        self.refused = str(told.get("refused") or "").strip().rstrip(".")
        self._looking = False
        self._show()

    # -- keys ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        found = self.compared.found
        return len(found.rows) > found.count("same") if action in ("next", "some") else True

    def action_next(self) -> None:
        rows = self.query_one(Rows)
        places = [i for i, row in enumerate(self.listed) if row is not None and row.stand != "same"]
        if places:
            rows.move_to(next((i for i in places if i > rows.cursor), places[0]))

    def action_some(self) -> None:
        self.some = not self.some
        self._list()

    def action_leave(self) -> None:
        self.dismiss(None)


def _named(of: tuple[str, str]) -> str:
    return f"{literal(of[0])} · {literal(of[1])}"


def _address(of: tuple[str, str]) -> str:
    return f"{of[0]}@{of[1]}"


def _chosen(d: Decision | None) -> Content | str:
    return cut(in_words(d, brief(d.choice, 300)), 300) if d is not None else Content.styled("not asked", "$text-muted")


def _ladder(ladder: tuple[Step, ...], both: tuple[tuple[Step, ...], ...], width: int, pens: Any) -> list[Content]:
    """A ladder on the scale of both; figures alone where their metrics are not the same."""
    if not ladder:
        return [Content.styled("no rung yet", "$text-muted")]
    everything = [s for one in both for s in one]
    one_scale = len({s.metric for s in everything}) == 1
    scale = span([Mark(s.title, s.value, s.low, s.high) for s in everything])
    label = min(max(len(short(s.title, 60)) for s in everything), max(10, width - 30))
    lines = []
    for s in ladder:
        name = Content(short(s.title, 60)).truncate(label, ellipsis=True)
        line = Content.assemble(name.pad_right(label - name.cell_length), " ", (f"{number(s.value):>7}", "bold"), " ")
        room = width - line.cell_length
        drawn = (
            bar(Mark(s.title, s.value, s.low, s.high), scale, room, pens)
            if one_scale and room > 8
            else title_of(s.metric)
        )
        lines.append(line + Content.styled(drawn, "$primary"))
    return lines


def _difference(p: Paired) -> list[Content]:
    """The difference on the same exams in words, with its interval."""
    more = "better" if p.diff >= 0 else "worse"
    said = f"B's {p.b} is {number(abs(p.diff))} {title_of(p.metric)} {more} than A's {p.a} on the same {p.exams} exams"
    spread = interval(p.lower, p.upper)
    parts = [Content(short(said + (f" (90 % interval {spread})" if spread else "") + f": {p.verdict}.", 600))]
    if p.verdict == "unclear" and p.detectable is not None:
        seen = f"These exams would usually see a difference of {number(p.detectable)}; none found is not none there."
        parts.append(Content.styled(seen, "$text-muted"))
    return parts


def _both(row: Aligned) -> Content:
    """What both answered, why, and what they measured."""
    row = brief(row)
    d = row.a or row.b
    parts = [Content.styled(literal_lines(d.prompt) if d else "", "$text-muted")]
    for sign, one in (("A", row.a), ("B", row.b)):
        parts.append(Content(""))
        if one is None:
            parts.append(Content.assemble((f"{sign}  ", "bold $primary"), ("not asked", "$text-muted")))
            continue
        parts.append(Content.assemble((f"{sign}  ", "bold $primary"), (answered(one), "bold"),
                                      (f"   decision {one.seq}", "$text-muted")))  # fmt: skip
        if one.why:
            parts.append(Content.assemble(("why ", "$text-muted"), literal_lines(one.why)))
        if one.check is not None and one.check.value is not None:
            spread = interval(one.check.low, one.check.high)
            figures = f"{literal(title_of(one.check.metric))} {number(one.check.value)}" + (
                f" ({spread})" if spread else ""
            )
            parts.append(Content.assemble(("check ", "$text-muted"), figures, f"  {literal(one.check.verdict)}"))
    return Content("\n").join(parts)
