"""What is read out: views, options, decisions and work under way, a line each, in words where others look at signs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from engine.effects import Ask
from engine.metrics import title_of
from engine.ports import TrialState
from engine.questions import Form
from engine.records import Decision, Json, Option, Progress
from engine.session import Rung
from engine.stages.columns import TYPE_MARKS
from engine.stages.ladder import title
from engine.trials import BY_NAME
from engine.views import Curves, Table, View, Words, as_table
from tui.figures import answered, cell, duration, in_words, interval, number
from tui.literal import literal, literal_lines

WIDTH = 78
WISHED = {"pause": " (paused)", "enough": " (ends after this epoch)", "cancel": " (stopping)"}
SIGNS = (  # what a screen reader leaves out or spells, in words
    (re.compile(r"(?<=\d)[\u202f\u2009](?=\d{3})"), ","), (re.compile(r"(?<=[\d%]) … (?=[−+\d])"), " to "),
    (re.compile(r"× (\S+) … × "), r"× \1 to × "),
    (re.compile(r" ± ?(?=\d)"), " plus or minus "), (re.compile(r"(?<!\S)±(?=\d)"), "plus or minus "),
    (re.compile(r"(?<=\d)×(?!\S)"), " times"), (re.compile(r"(?<![^\s(])× ?(?=\d)"), "times "),
    (re.compile(r"(?<= )× "), "of type "), (re.compile(r"·(?=\()"), " times "),
    (re.compile(r"(?<=\w) − (?=\w)"), " minus "), (re.compile(r"(?<![\w.])[−-](?=\d)(?!\d{3,4}-)"), "minus "),
    (re.compile(r"(?<=\S) → (?=\S)"), " to "), (re.compile(r"(?<=\S) ▸ (?=\S)"), ", "),
    (re.compile(r"≤ ?"), "at most "), (re.compile(r"≥ ?"), "at least "), (re.compile(r"≈ ?"), "about "),
    (re.compile(r"(?<!\S)✓(?!\S)"), "yes"), (re.compile(r"(?<!\S)✗(?!\S)"), "no"), (re.compile(r" · "), ", "),
)  # fmt: skip
SPELLED = {  # a value that is nothing but a sign, or that cannot be seen
    ".": "a point", ",": "a comma", ";": "a semicolon", ":": "a colon", "\t": "a tab", "␉": "a tab", " ": "a space",
    "|": "a bar", '"': "double quotes", "'": "single quotes", "-": "a hyphen", "+": "plus", "?": "a question mark",
    "✓": "yes", "✗": "no", "~": "in part",
}  # fmt: skip
UNITS = {"ms": "milliseconds", "s": "seconds", "min": "minutes", "MB": "megabytes", "kB": "kilobytes"}
BEHIND = {  # figures that are said before what they count
    **dict.fromkeys(("params", "parameters"), "parameters"),
    "rows": "rows",
    "rows each": "rows for each parameter",
    "settings": "settings",
    "times the loss": "times the loss",
}
FIGURES = {
    "p95 ms": "95 of 100 answers within ms",
    "p50 ms": "half of the answers within ms",
    "fit s": "fitted in s",
}
EMPTY = (None, "", {}, [])
ROWS = 20  # of a table that are read out; more are counted
LONG = 200  # characters of an answer that are not read out a second time


def aloud(text: str) -> str:
    """Signs between figures as the words that one says for them."""
    for sign, words in SIGNS:
        text = sign.sub(words, text)
    return text


def unit_words(unit: str) -> str:
    return UNITS.get(unit, literal(unit))


def figure_words(value: float) -> str:
    """A number as one hears it: thousands with commas, and no zeros that only fill a column, as in 0.2."""
    told = number(value).replace(" ", ",")
    return told.rstrip("0").rstrip(".") if "." in told and "e" not in told else told


def cell_words(value: Json) -> str:
    """What stands in a cell, with its thousands as one hears them."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value).replace(" ", ",")
    return cell(value)


def spoken(view: View, most: int = ROWS) -> list[str]:
    """A view as lines: its title, then a line a row, with the column's name before each cell."""
    if isinstance(view, Words):
        return [literal(view.title) + ":", *literal_lines(view.text).split("\n")]
    table: Table | None = as_table(view)
    if table is None:
        return [f"{literal(view.title)}: rows of the data; the app shows them."]
    lines = [f"{literal(table.title)}:"]
    rows = _spread(table.rows, most) if isinstance(view, Curves) else table.rows[:most]
    for row in rows:
        row = [_unmarked(row[0]) if "type" in table.columns else row[0], *row[1:]] if row else row
        cells = [
            _named_cell(n, column, value)
            for n, (column, value) in enumerate(zip(table.columns, row, strict=True))
            if value not in (None, "")
        ]
        lines.append(("  " + "; ".join(cells)).rstrip())
    if not table.rows:
        lines.append("  none.")
    if len(table.rows) > most:
        lines.append(f"  {len(table.rows) - most:,} more rows.")
    return lines


def _spread(rows: Sequence[Sequence[Json]], most: int) -> Sequence[Sequence[Json]]:
    """Of many points so many, from the first to the last: the beginning alone would not tell how a line goes."""
    if len(rows) <= most:
        return rows
    return [rows[round(n * (len(rows) - 1) / (most - 1))] for n in range(most)]


def _unmarked(name: Json) -> Json:
    """A column's name without the sign of its type, which is said in words beside it."""
    mark, _, bare = str(name).partition(" ")
    return bare if bare and mark in TYPE_MARKS.values() else name


def _named_cell(place: int, column: str, value: Json) -> str:
    """A cell with its column's name; a text that begins the row needs none."""
    told = SPELLED.get(str(value)) or cell_words(value).rstrip(".")
    if not column or (place == 0 and isinstance(value, str)):
        return told
    return f"{literal(column)}: {told}" if isinstance(value, str) else _after(column, told)


def _figure(name: str, value: Json) -> str:
    """A figure of an option with what it is: “41 parameters”, “ROC AUC 0.833”."""
    told = figure_words(value) if isinstance(value, int | float) and not isinstance(value, bool) else cell(value)
    return f"{told} {BEHIND[name]}" if name in BEHIND else _after(name, told)


def _after(name: str, told: str) -> str:
    """A figure after its name, with its unit behind it where the name ends with one: “fitted in 0.07 seconds”."""
    name = FIGURES.get(name, name)
    words, _, unit = name.rpartition(" ")
    return f"{literal(words)} {told} {UNITS[unit]}" if words and unit in UNITS else f"{literal(name)} {told}"


# -- questions and answers ---------------------------------------------------------------------------------------------


def option_line(option: Option, recommended: Json) -> str:
    """One option: its words, whether it is recommended, then what is known of it."""
    said = literal(option.text).rstrip(".") + ", recommended" * _recommends(recommended, option.key)
    figures = ", ".join(_figure(name, value) for name, value in option.figures.items() if value not in (None, "", []))
    more = ". ".join(part.rstrip(".") for part in (literal(option.note), figures) if part)
    return f"{said}: {more}." if more else f"{said}."


def _recommends(recommended: Json, key: Json) -> bool:
    return key in recommended if isinstance(recommended, list) else recommended is not None and recommended == key


def value_words(ask: Ask, value: Json) -> str:
    """One value of a table, in the words of its options; a sign by its name, nothing as none."""
    of = {str(o.key): o.text for o in ask.question.options}
    if value in EMPTY:
        return "none"
    if isinstance(value, dict) and "formula" in value:  # a computed column, with its type behind
        return literal(value["formula"])
    if isinstance(value, str):
        sign = SPELLED.get(value)
        return f"{literal(value).strip()} ({sign})".strip() if sign else literal(of.get(value, value))
    return cell_words(value)


def table_lines(ask: Ask, table: dict[str, Json]) -> Iterator[str]:
    """The names of a table with their values; where values are few, each with its names behind."""
    if not ask.question.options:
        for name, value in table.items():
            yield f"  {literal(name)} = {value_words(ask, value)}."
        return
    of: dict[str, list[str]] = {}
    for name, value in table.items():
        of.setdefault(value_words(ask, value), []).append(literal(name))
    for value, names in of.items():
        yield f"  {value}: {', '.join(names)}."


def named(ask: Ask, value: Json) -> str:
    """An answer in words; one that was read out just now is not read out again."""
    by_key = {str(o.key): o.text for o in ask.offered}
    if isinstance(value, list) and all(str(v) in by_key for v in value):
        return ", ".join(literal(by_key[str(v)]) for v in value) or "none"
    if isinstance(value, list) and all(isinstance(v, dict) for v in value):
        return "; ".join(_rule(v) for v in value) or "none"
    if isinstance(value, dict) and value:
        whole = ask.question.form is Form.TABLE and value == ask.recommended and value
        changed = value if ask.recommended is None else _changed(value, ask.recommended)
        return (
            "as read out" if whole else ", ".join(f"{literal(n)} = {value_words(ask, v)}" for n, v in changed.items())
        )
    if isinstance(value, str) and len(value) > LONG and value == ask.recommended:
        return "as read out"
    if isinstance(value, int | float) and ask.question.form is Form.NUMBER:
        unit = unit_words(ask.question.unit)
        return f"{figure_words(value)} ({unit})" if " " in unit else f"{figure_words(value)} {unit}".strip()
    if value in EMPTY:
        return "none"
    return literal_lines(by_key.get(str(value), value if isinstance(value, str) else cell(value)))


def _changed(value: dict[str, Json], recommended: Json) -> dict[str, Json]:
    """What differs from a table that was read out; all of one where nothing does."""
    stood = recommended if isinstance(recommended, dict) else {}
    return {n: v for n, v in value.items() if n not in stood or stood[n] != v} or value


def _rule(rule: dict[str, Json]) -> str:
    if "otherwise" in rule:
        return f"otherwise {cell(rule['otherwise'])}"
    return f"where {literal(rule.get('when', ''))}" + (f", say {cell(rule['then'])}" if "then" in rule else "")


def decision_line(decision: Decision, *, why: bool = True) -> str:
    """A decision in one breath: its number, what was asked, what was answered, by whom, and why."""
    asked = literal(decision.prompt) or literal(decision.name)
    against = f" Recommended was: {_advice(decision)}." if decision.overruled else ""
    by = {"engine": "the guide", "person": "you", "plan": "the plan"}.get(decision.author, decision.author)
    said = f"{decision.seq}. {asked} {answer_words(decision)}. By {by}.{against}"
    return f"{said} {literal(decision.why)}".strip() if why else said


def answer_words(decision: Decision) -> str:
    """What was answered; the signs in a table by their names, and its empty values left out."""
    value = decision.choice
    if isinstance(value, dict) and not decision.options and not any(isinstance(v, dict) and v for v in value.values()):
        told = [f"{literal(n)} = {SPELLED.get(str(v)) or cell_words(v)}" for n, v in value.items() if v not in EMPTY]
        return ", ".join(told) or "none"
    return answered(decision).rstrip(".") or "none"


def _advice(decision: Decision) -> str:
    return in_words(decision, decision.recommended).rstrip(".")


def decision_lines(decision: Decision) -> list[str]:
    """A decision in full: also what else stood, the figure it was checked against, and its name in plans."""
    lines = [decision_line(decision)]
    if decision.options:
        lines.append("What stood: " + "; ".join(literal(o.text) for o in decision.options) + ".")
    if (check := decision.check) is not None and check.value is not None:
        between = f", {interval(check.low, check.high)}" if check.low is not None else ""
        lines.append(f"Checked against: {literal(title_of(check.metric))} {cell_words(check.value)}{between}.")
    flags = f" Flags for the review: {', '.join(decision.flags)}." if decision.flags else ""
    lines.append(f"In plans it is called {literal(decision.name)}.{flags}")
    return lines


def rung_line(rung: Rung, stage: str) -> str:
    """One model that earned its place.  stage: its title."""
    between = f", 95 % interval {interval(rung.low, rung.high)}" if rung.low is not None else ""
    return f"{stage}: {literal(title(rung.described))}, {title_of(rung.metric)} {cell_words(rung.value)}{between}."


# -- work under way ----------------------------------------------------------------------------------------------------


def trial_name(state: TrialState) -> str:
    kind = BY_NAME.get(state.trial.kind)
    return literal(state.trial.label or (kind.title if kind else state.trial.kind))


def work_title(title: str, states: Sequence[TrialState]) -> str:
    """What is computed: the title of it all, and how many where they are several."""
    said = literal(title) or (trial_name(states[0]) if states else "Computing")
    return f"{said}: {len(states)} to compute." if len(states) > 1 else f"{said}."


def progress_line(states: dict[str, TrialState]) -> str:
    done = sum(state.status == "done" for state in states.values())
    parts = [f"{done} of {len(states)} done"] if len(states) > 1 else []
    for state in states.values():
        if state.status == "running" and state.progress is not None:
            parts.append(f"{trial_name(state)}, {_so_far(state, state.progress)}{WISHED.get(state.wish, '')}")
    return "; ".join(parts or ["It has not begun yet"]) + "."


def _so_far(state: TrialState, p: Progress) -> str:
    """How far a trial is; a training says of itself which losses it has come to, and how long it may take."""
    if state.learns and p.message:
        message = re.sub(r",? [\d,]+ rows/s", "", literal(p.message))
        return re.sub(r"(?<=\d) s left", " seconds left", message)
    share = p.step / p.steps if p.steps else 0.0
    left = f", about {time_words(state.elapsed * (1 - share) / share)} left" if share > 0 else ""
    return f"{literal(p.unit)} {p.step} of {p.steps}{left}"


def time_words(seconds: float) -> str:
    """1 second, 20 seconds, 3 minutes, 1:20:00 hours."""
    if seconds < 90:
        return f"{max(1, round(seconds))} second{'s' * (round(seconds) > 1)}"
    return f"{round(seconds / 60)} minutes" if seconds < 5400 else f"{duration(seconds)} hours"
