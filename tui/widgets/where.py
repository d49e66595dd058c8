"""Where the session stands: the stages with their scores, the ladder on one scale, the last decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from engine.metrics import title_of
from tui.figures import choice, number
from tui.ladder import ASCII, UNICODE, Mark, drawn, one_line
from tui.literal import literal


@dataclass(frozen=True)
class Standing:
    """stages: names in order.  at: the present one, "" when all are done.  scores: stage to its rung's value."""

    stages: tuple[str, ...] = ()
    at: str = ""
    rungs: tuple[tuple[str, Mark], ...] = ()  # (stage, mark)
    metric: str = ""
    last: tuple[tuple[str, object], ...] = ()  # (question, choice), newest last
    finished: bool = False

    @property
    def marks(self) -> list[Mark]:
        return [mark for _, mark in self.rungs]

    def sign(self, stage: str) -> str:
        if self.finished:
            return "✓"
        if stage == self.at:
            return "▸"
        reached = self.stages.index(self.at) if self.at in self.stages else 0
        return "✓" if self.stages.index(stage) < reached else "·"

    def score(self, stage: str) -> float | None:
        return next((mark.value for at, mark in reversed(self.rungs) if at == stage), None)


class Where(Widget):
    """The left column."""

    DEFAULT_CSS = """
    Where { width: 32; height: 1fr; border: round $line; border-title-color: $text-muted; padding: 0 1; }
    """
    standing: reactive[Standing] = reactive(Standing())

    def on_mount(self) -> None:
        self.border_title = "ladder"

    def render(self) -> Content:
        s, width = self.standing, self.content_size.width
        parts: list[Content] = []
        for stage in s.stages:
            sign = s.sign(stage)
            style = {"▸": "bold $primary", "✓": "$success", "·": "$text-muted"}[sign]
            score = s.score(stage)
            text = f"{sign} {literal(stage)}"
            tail = number(score) if score is not None else ""
            parts.append(
                Content.assemble(
                    (text.ljust(width - len(tail)), style), (tail, "bold" if sign != "·" else "$text-muted")
                )
            )
        if s.marks:
            parts += [Content(""), Content.styled(literal(title_of(s.metric)), "$text-muted")]
            parts.append(drawn(s.marks, width, ASCII if self.app.ascii_only else UNICODE))  # type: ignore[attr-defined]
        if s.last:
            parts += [Content(""), Content.styled("last decisions", "$text-muted")]
            room = max(0, self.content_size.height - sum(p.plain.count("\n") + 1 for p in parts))
            parts += [_decided(question, value, width) for question, value in s.last[-room:]] if room else []
        return Content("\n").join(parts)


class WhereLine(Widget):
    """The same folded into one line, for 80 columns."""

    DEFAULT_CSS = """
    WhereLine { height: 1; padding: 0 1; color: $text-muted; }
    """
    standing: reactive[Standing] = reactive(Standing())

    def render(self) -> Content:
        s, width = self.standing, self.content_size.width
        stages = []
        for stage in s.stages:
            sign = s.sign(stage)
            style = {"▸": "bold $primary", "✓": "$success", "·": ""}[sign]
            # once there is a ladder to show, the stages give way: only the present one keeps its name
            name = literal(stage) if sign == "▸" or len(s.marks) < 2 else ""
            stages.append(Content.styled(f"{sign} {name}".strip(), style))
        line = Content(" " if len(s.marks) > 1 else "  ").join(stages)
        if s.marks:
            room = width - line.cell_length - 3
            ladder = one_line(s.marks)
            if len(ladder) > room:
                ladder = "… → " + one_line(s.marks[-2:])
            if len(ladder) > room:
                ladder = one_line(s.marks[-1:])
            line = line + Content("   ") + Content(ladder)
        return line.truncate(width, ellipsis=True)


def _decided(question: str, value: object, width: int) -> Content:
    name = literal(question.split(".", 1)[-1].replace("_", " "))
    return Content.assemble((f"{name} ", "$text-muted"), choice(value)).truncate(width, ellipsis=True)


def marks_of(rungs: Sequence[object]) -> tuple[tuple[str, Mark], ...]:
    """The session's rungs (engine.session.Rung) as marks."""
    return tuple((r.stage, Mark(r.model.replace("_", " "), r.value, r.low, r.high)) for r in rungs)  # type: ignore[attr-defined]
