"""What is read out: views, options, decisions and work under way, a line each."""

from __future__ import annotations

import re
import textwrap

from engine.effects import Ask
from engine.ports import TrialState
from engine.records import Decision, Json, Option, Progress
from engine.trials import BY_NAME
from engine.views import Table, View, Words, as_table
from tui.figures import answered, cell, choice, duration
from tui.literal import literal, literal_lines

WIDTH = 78
WISHED = {"pause": " (paused)", "enough": " (ends after this epoch)", "cancel": " (stopping)"}
SIGNS = (  # what a screen reader leaves out or spells, in words
    (re.compile(r"(?<=\d) … (?=[−\d])"), " to "), (re.compile(r"× (\S+) … × "), r"× \1 to × "),
    (re.compile(r" ± ?(?=\d)"), " plus or minus "), (re.compile(r"(?<!\S)±(?=\d)"), "plus or minus "),
    (re.compile(r"(?<!\S)× ?(?=\d)"), "times "), (re.compile(r"(?<= )× "), "of type "),
    (re.compile(r"(?<!\S)−(?=\d)"), "minus "), (re.compile(r"(?<=\S) → (?=\S)"), " to "),
    (re.compile(r"≤ ?"), "at most "), (re.compile(r"≥ ?"), "at least "),
    (re.compile(r"(?<!\S)✓(?!\S)"), "yes"), (re.compile(r"(?<!\S)✗(?!\S)"), "no"), (re.compile(r" · "), ", "),
)  # fmt: skip
ROWS = 20  # of a table that are read out; more are counted


def aloud(text: str) -> str:
    """Signs between figures as the words that one says for them."""
    for sign, words in SIGNS:
        text = sign.sub(words, text)
    return text


def spoken(view: View) -> list[str]:
    """A view as lines: its title, then a line a row, with the column's name before each cell."""
    if isinstance(view, Words):
        lines = [part for line in aloud(literal_lines(view.text)).split("\n") for part in textwrap.wrap(line, WIDTH)]
        return [literal(view.title) + ":", *lines]
    table: Table | None = as_table(view)
    if table is None:
        return [f"{literal(view.title)}: rows of the data; the app shows them."]
    lines = [f"{literal(table.title)}:"]
    for row in table.rows[:ROWS]:
        cells = [
            _named_cell(n, column, value)
            for n, (column, value) in enumerate(zip(table.columns, row, strict=True))
            if value not in (None, "")
        ]
        lines += textwrap.wrap("  " + aloud("; ".join(cells)), WIDTH, subsequent_indent="    ") or [""]
    if len(table.rows) > ROWS:
        lines.append(f"  … {len(table.rows) - ROWS:,} more rows.")
    return lines


def _named_cell(place: int, column: str, value: Json) -> str:
    """A cell with its column's name; a text that begins the row needs none."""
    told = cell(value).rstrip(".")
    if not column or (place == 0 and isinstance(value, str)):
        return told
    return f"{literal(column)}: {told}" if isinstance(value, str) else f"{literal(column)} {told}"


def option_line(option: Option, recommended: Json) -> str:
    named = literal(option.text)
    key = literal(str(option.key))
    figures = ", ".join(f"{literal(name)} {cell(value)}" for name, value in option.figures.items() if value is not None)
    parts = [named if named.casefold() == key.casefold() else f"{named} ({key})"]
    parts += [literal(option.note)] if option.note else []
    parts += [figures] if figures else []
    said = ". ".join(part.rstrip(".") for part in parts)
    return said + ", recommended" * _recommends(recommended, option.key) + "."


def _recommends(recommended: Json, key: Json) -> bool:
    return key in recommended if isinstance(recommended, list) else recommended is not None and recommended == key


def named(ask: Ask, value: Json) -> str:
    by_key = {str(o.key): o.text for o in ask.offered}
    if isinstance(value, list) and all(str(v) in by_key for v in value):
        return ", ".join(literal(by_key[str(v)]) for v in value) or "none"
    if isinstance(value, dict) and len(value) > 4:
        return "as shown"
    return literal(by_key.get(str(value), choice(value)))


def decision_line(decision: Decision) -> str:
    against = f" against the recommended {choice(decision.recommended)}" if decision.overruled else ""
    said = (
        f"{decision.seq}. {literal(decision.name)} = {answered(decision).rstrip('.')}{against}, by {decision.author}."
    )
    return f"{said} {literal(decision.why)}".strip()


def trial_name(state: TrialState) -> str:
    kind = BY_NAME.get(state.trial.kind)
    return literal(state.trial.label or (kind.title if kind else state.trial.kind))


def progress_line(states: dict[str, TrialState]) -> str:
    done = sum(state.status == "done" for state in states.values())
    parts = [f"{done} of {len(states)} done"]
    for state in states.values():
        if state.status == "running" and state.progress is not None:
            parts.append(f"{trial_name(state)}, {_so_far(state, state.progress)}{WISHED.get(state.wish, '')}")
    return "; ".join(parts) + "."


def _so_far(state: TrialState, p: Progress) -> str:
    """How far a trial is; a training says of itself which losses it has come to, and how long it may take."""
    if state.learns and p.message:
        return literal(p.message)
    share = p.step / p.steps if p.steps else 0.0
    left = f", about {duration(state.elapsed * (1 - share) / share)} left" if share > 0 else ""
    return f"{literal(p.unit)} {p.step} of {p.steps}{left}"
