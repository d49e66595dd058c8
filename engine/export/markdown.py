"""The report of a session as Markdown: what was asked, decided, measured and learned, for who was not there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from engine.conductor import SETTLED
from engine.export.dossier import Dossier, Product
from engine.export.meant import metric_in_words
from engine.export.rows import NO_ROWS, asked_for_rows, with_rows
from engine.export.told import (
    STAGE_TITLES,
    author_of,
    examined,
    flag_in_words,
    labelled,
    ladder_table,
    measured,
    offered,
    span,
)
from engine.metrics import figure, title_of
from engine.models.catalogue import spec_of
from engine.records import Decision, Json
from engine.session import Session
from engine.views import Bars, Curves, Grid, Histogram, Intervals, Samples, Table, View, Words, as_table
from engine.words import literal

# Views that a reader of the report wants to see again; the others belong to the moment of the decision.
SHOWN = ("simple.champion", "improve.errors", "deep.gate", "deep.compare", "present.result")


_MEANING_NOTHING = str.maketrans(
    {**{sign: f"\\{sign}" for sign in "\\`*_[]#~$"}, **{sign: f"&#{ord(sign)};" for sign in "<>|@"}}
)


_LINKED = re.compile(r"(\w)://")


def markdown(d: Dossier) -> Product:
    """The report, as it leaves."""
    shows = with_rows(d) if asked_for_rows(d) else d.shows
    return Product({"": report(d.session, shows, source=d.source, branch=d.branch)})


def report(s: Session, shows: Mapping[int, Sequence[View]], *, source: str, branch: str = "main") -> str:
    """The whole report of the decisions in force.  Text from the data is shown literally.

    shows: what was shown for a decision, by its number.  source: how the data's file is called.
    """
    decisions = sorted(s.decisions(), key=lambda d: d.seq)
    parts = [f"# {text_of(s.name)}", _summary(s, source, branch), _ladder(s)]
    stage = ""
    for d in decisions:
        if d.question == SETTLED.id:
            continue
        if d.stage != stage:
            stage = d.stage
            parts.append(f"## {STAGE_TITLES.get(stage) or text_of(stage)}")
        parts.append(_decision(d))
        if d.question in SHOWN:
            parts += [view_of(view) for view in shows.get(d.seq, ())]
    parts.append(_about(decisions))
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(s: Session, source: str, branch: str) -> str:
    result = s.decision("present.result")
    where = "" if branch == "main" else f" (branch {text_of(branch)})"
    lines = [f"Predicts **{text_of(s.target)}** from {text_of(source)}{where}."]
    if result is not None and result.check is not None:
        top = s.rungs[-1]
        score = f"{title_of(result.check.metric)} {figure(result.check.value or 0.0)}"
        lines.append(f"**{spec_of(top.described).title}: {text_of(score)}.** {text_of(examined(s))}")
    elif s.rungs:
        top = s.rungs[-1]
        lines.append(
            f"So far {spec_of(top.described).title}, {figure(top.value)} on the practice exams; no final exam yet."
        )
    meant = metric_in_words(s)
    return " ".join(lines) + (f"\n\n{text_of(meant)}" if meant else "")


def _ladder(s: Session) -> str:
    if not s.rungs:
        return ""
    return view_of(ladder_table(s, "The ladder"))


def _decision(d: Decision) -> str:
    notes = [f"decided by {author_of(d)}"]
    if d.overruled:
        notes.append(f"against the recommendation {text_of(offered(d, d.recommended))}")
    if d.flags:
        notes.append("flags " + text_of("; ".join(map(flag_in_words, d.flags))))
    lines = [
        f"**{d.seq}. {text_of(d.prompt)}** {text_of(labelled(d))}  ",
        f"*{'; '.join(notes)}.* {text_of(d.why)}".rstrip(),
    ]
    if d.check is not None and d.check.value is not None:
        lines[-1] += f"  \nChecked against: {text_of(measured(d.check))} — {text_of(d.check.protocol)}."
    return "\n".join(lines)


def _about(decisions: Sequence[Decision]) -> str:
    if not decisions:
        return ""
    last = decisions[-1]
    by_author = {who: sum(d.author == who for d in decisions) for who in ("person", "plan", "engine")}
    counts = ", ".join(
        f"{n} by {'the guide' if who == 'engine' else 'the ' + who}" for who, n in by_author.items() if n
    )
    return (
        "## About this report\n\n"
        f"{len(decisions)} decision{'' if len(decisions) == 1 else 's'} ({counts}); "
        f"{sum(d.overruled for d in decisions)} against the recommendation. "
        f"Last decided {text_of(last.decided_at)}; hash of the last decision `{code_of(last.hash)}`."
    )


def view_of(view: View) -> str:
    """A view in Markdown; pictures become tables."""
    match view:
        case Table(title, columns, rows):
            head = f"| {' | '.join(cell_of(c) for c in columns)} |\n|{'|'.join('---' for _ in columns)}|"
            body = "\n".join(f"| {' | '.join(cell_of(cell) for cell in row)} |" for row in rows)
            return f"**{text_of(title)}**\n\n{head}\n{body}"
        case Intervals(title, unit, rows):
            cells = [(label, figure(value), span(low, high)) for label, value, low, high in rows]
            return view_of(Table(title, ("", unit, "interval"), cells))
        case Bars(title, unit, rows):
            return view_of(Table(title, ("", unit), [(label, figure(value)) for label, value in rows]))
        case Curves(title, x, y, series):
            cells = [(name, len(points), figure(points[-1][1])) for name, points in series.items() if points]
            return view_of(Table(f"{title}: {y} by {x}", ("line", "points", "last"), cells))
        case Words(title, text):
            return f"**{text_of(title)}** {text_of(text)}"
        case Histogram(title, unit, edges, counts):
            bins = [(span(edges[i], edges[i + 1]), f"{n:,}") for i, n in enumerate(counts)]
            return view_of(Table(title, ("", unit), bins))
        case Grid():
            table = as_table(view)
            return (
                view_of(Table(table.title, table.columns, [[_figured(c) for c in row] for row in table.rows]))
                if table
                else ""
            )
        case Samples(title):
            return f"**{text_of(title)}** Left out, as {NO_ROWS}."


def _figured(value: Json) -> Json:
    return figure(value) if isinstance(value, float) else value


def code_of(text: str) -> str:
    """Text between backticks."""
    return literal(text).replace("`", "ˋ")


def cell_of(value: Json) -> str:
    """Text in a cell of a table."""
    return "" if value is None else text_of(value)


def text_of(value: Json) -> str:
    """Text on one line in which Markdown and HTML mean nothing; addresses are text, and no links."""
    return _LINKED.sub(r"\1&#58;//", literal(value).translate(_MEANING_NOTHING)).replace("www.", "www&#46;")
