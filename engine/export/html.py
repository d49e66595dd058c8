"""The report of a session as one HTML file: no script and nothing beside it, readable by who never saw the program."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.export.dossier import Dossier, Product
from engine.export.markup import Html, el, joined
from engine.export.meant import metric_in_words
from engine.export.pictures import picture
from engine.export.rows import asked_for_rows, left_out, pictures_of_errors, rows_of
from engine.export.style import STYLE
from engine.export.told import (
    AUTHORS,
    STAGE_TITLES,
    author_of,
    baseline_of,
    examined,
    flag_in_words,
    labelled,
    ladder_table,
    looks,
    measured,
    name_of,
    offered,
    span,
    spent_by_stage,
    told_decisions,
)
from engine.metrics import figure, title_of
from engine.models.catalogue import parts_of_model
from engine.records import Check, Decision, Json
from engine.session import Session
from engine.stages.lessons import duration, sentences
from engine.views import Grid, Intervals, Samples, Table, View, Words, as_table
from engine.words import literal

FIRST_ROWS = 20  # of a table that stand open
MOST_ROWS = 200  # of a table; the store holds the others
SHORT = 24  # characters of a cell that are kept on one line
FIGURE = re.compile(r"|[+−-]?[\d,]*\.?\d+(e[+-]?\d+)?( ?[%×])?")

# What a reader wants to see before the decisions: what was shown for these questions, under these headings.
CHAPTERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Where it is right and wrong", ("improve.errors", "deep.errors")),
    ("What the predictions rest on", ("simple.linear", "improve.importance")),
    ("Are the probabilities true?", ("improve.calibrate", "improve.threshold")),
    ("Would more data help?", ("improve.learning_curve",)),
    ("A network, if it was tried", ("deep.compare",)),
)

LINES = ("logistic", "ridge", "sparse_logistic", "lasso", "linear_svm")
LINE = {"shown": "The success line is reached.", "likely": "The success line is likely reached.",
        "not_met": "The success line is not reached.", "no_line": ""}  # fmt: skip

NONE_LOCKED = ("The final exam", "No rows were locked away: the chosen way of working was examined once more, with "
               "other draws. It is a fair check, and not an independent one.")  # fmt: skip

OF_SERIES = {
    "Practice exams": "From several moments of the past the next steps are forecast with what was known by then, and "
    "held against what came. The score is the mean over these exams.",
    "The final exam": "The last values of each series are locked away at the start (the lockbox), and looked at once, "
    "at the end. Nothing was chosen by them, so their score is the honest one.",
    "The interval": "Had other values come, the score would have been another. In about 95 of 100 such cases the "
    "interval holds the score that one would find on very many values.",
}  # fmt: skip

HOW_TO_READ = (
    ("The ladder", "The same problem solved in steps of rising effort, from no model at all upwards. A step is taken "
     "only when it is measurably better than the one before."),
    ("Practice exams", "The rows for practice are parted many times into a part to learn from and a part to be asked "
     "about. The score is the mean over these exams."),
    ("The final exam", "Some rows are locked away at the start (the lockbox), and looked at once, at the end. Nothing "
     "was chosen by them, so their score is the honest one."),
    ("The interval", "Had other rows been drawn, the score would have been another. In about 95 of 100 such cases the "
     "interval holds the score that one would find on very many rows."),
)  # fmt: skip


def html(d: Dossier) -> Product:
    """The whole report.  Text from data, files and people is shown literally."""
    body = [
        el("h1", d.name),
        _summary(d),
        _notes(d.session),
        _ladder(d),
        _exam(d),
        _learned(d),
        *_chapters(d),
        _decisions(d),
        _trust(d),
        _environment(d),
    ]
    head = joined(
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el(
            "meta",
            http_equiv="Content-Security-Policy",
            content="default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        ),
        el("title", f"{d.name}: report"),
        el("style", Html(STYLE)),
    )
    page = el("html", el("head", head), el("body", *body), lang="en")
    return Product({"": f"<!doctype html>\n{page}\n"})


def _section(title: str, *inside: object) -> Html | None:
    kept = [part for part in inside if part]
    return joined(el("h2", title), *kept) if kept else None


def _summary(d: Dossier) -> Html:
    s = d.session
    statement = s.choice("problem.statement")
    said = [
        el("p", "Predicts ", el("strong", s.target or "?"), " from ", el("code", d.source),
           "." if d.branch == "main" else f" (branch {d.branch}).", class_="lead")
    ]  # fmt: skip
    if isinstance(statement, str) and statement and statement != "not stated":
        said.append(el("p", "What for: ", statement))
    result = s.decision("present.result")
    if result is not None and (check := result.check) is not None and check.value is not None:
        said.append(el("p", f"{name_of(s.rungs[-1])}: {title_of(check.metric)} {figure(check.value)}", class_="big"))
        if check.reference is not None:
            said.append(
                el("p", LINE.get(str(result.choice), ""), class_="good" if result.choice == "shown" else "warn")
            )
        said.append(el("p", examined(s), class_="warn" if looks(s) > 1 else None))
    elif s.rungs:
        top = s.rungs[-1]
        said.append(el("p", f"So far: {name_of(top)}, {title_of(top.metric)} {figure(top.value)}", class_="big"))
        said.append(el("p", "On practice exams; the final exam has not been taken.", class_="soft"))
    else:
        said.append(el("p", "No model has been accepted yet.", class_="soft"))
    if meant := metric_in_words(s):
        said.append(el("p", meant, class_="soft"))
    return joined(*said)


def _notes(s: Session) -> Html:
    known = [(name, OF_SERIES.get(name, words) if s.material == "series" else words) for name, words in HOW_TO_READ]
    notes = [NONE_LOCKED if name == NONE_LOCKED[0] and not s.locked else (name, words) for name, words in known]
    items = [joined(el("dt", name), el("dd", words)) for name, words in notes]
    return el("details", el("summary", "How to read this"), el("dl", *items), open="")


def _ladder(d: Dossier) -> Html | None:
    s = d.session
    if not s.rungs:
        return None
    rows = [(name_of(r), r.value, r.low, r.high) for r in s.rungs]
    view = Intervals(
        f"{title_of(s.metric)} on the practice exams", title_of(s.metric), rows, s.choice("problem.success")
    )
    note = "The dashed line is the success line that was set before any score was seen."
    line = el("p", note, class_="note") if s.choice("problem.success") is not None else None
    took = any(r.details.get("latency_ms") is not None for r in s.rungs)
    fast = el("p", "ms a row: the time that 95 of 100 single predictions stay below.", class_="note") if took else None
    return _section("The ladder", _view(view, figures=False), line, _table(ladder_table(s)), fast)


def _exam(d: Dossier) -> Html | None:
    result = d.session.decision("present.result")
    if result is None:
        return None
    return _section(
        "The final exam",
        _promised(d),
        *_views(d, d.shows.get(result.seq, ()), figures=False),
    )


def _promised(d: Dossier) -> Html:
    """What practice had led to expect of it."""
    top = d.session.rungs[-1]
    said = f"The practice exams had promised {title_of(top.metric)} {figure(top.value)}"
    said += f" ({span(top.low, top.high)})." if top.low is not None else "."
    result = d.session.decision("present.result")
    if result is not None and "M23" in result.flags:
        said += " The exam lies outside what that had led to expect: one of the two has a fault, or the rows changed."
    return el("p", said)


def _learned(d: Dossier) -> Html | None:
    """The lessons, sentence by sentence as they were written, and what it took."""
    written = d.session.choice("present.lessons")
    if not isinstance(written, str) or not written.strip():
        return None
    items = [el("li", sentence) for sentence in sentences(written)]
    who = d.session.decision("present.lessons")
    by = el("p", f"Written by {author_of(who)}.", class_="note") if who is not None else None
    return _section("What was learned", el("ul", *items, class_="lesson"), by)


def _chapters(d: Dossier) -> list[Html | None]:
    found = []
    for title, questions in CHAPTERS:
        parts: list[Html | None] = []
        for decision in d.decisions:
            views = d.shows.get(decision.seq, ())
            if decision.question in questions and views:
                parts += [_beside(d, decision), el("p", decision.why or decision.reason), *_views(d, views)]
                parts += [pictures_of_errors(d)] if decision.question == "improve.errors" else []
        found.append(_section(title, *parts))
    return found


def _beside(d: Dossier, decision: Decision) -> Html | None:
    """A straight line is looked at whatever is chosen in the end: which model the figures are of."""
    s = d.session
    if decision.question != "simple.linear" or not s.rungs or _straight(s.rungs[-1].described):
        return None
    said = f"Of the straight-line model that stood beside it, as {name_of(s.rungs[-1])} has no such figures:"
    return el("p", said, class_="note")


def _straight(model: Mapping[str, Json]) -> bool:
    return model.get("name") in LINES or any(map(_straight, parts_of_model(model)))


def _decisions(d: Dossier) -> Html | None:
    parts: list[Html] = []
    stage = ""
    shown = {"present.result", "present.freeze", *(question for _, questions in CHAPTERS for question in questions)}
    for decision in told_decisions(d.decisions):
        if decision.stage != stage:
            stage = decision.stage
            parts.append(el("h3", STAGE_TITLES.get(stage, stage)))
        views = () if decision.question in shown else d.shows.get(decision.seq, ())
        parts.append(_decision(d, decision, views))
    return _section("Every decision", *parts)


def _decision(dossier: Dossier, d: Decision, views: Sequence[View]) -> Html:
    kind = "decision" + (" overruled" if d.overruled else " person" if d.author == "person" else "")
    lines = [
        el("h4", f"{d.seq}. {d.prompt}"),
        el(
            "p",
            el("span", labelled(d), class_="answer"),
            el("span", f" · decided by {author_of(d)}", class_="soft"),
        ),
    ]
    if d.overruled:
        lines.append(el("p", f"Against the recommendation: {offered(d, d.recommended)}. {d.reason}", class_="warn"))
    if d.why:
        lines.append(el("p", "Why: ", d.why))
    if d.check is not None:
        lines.append(el("p", f"Checked against: {_checked(d.check)}", class_="soft"))
    if d.flags:
        said = "; ".join(map(flag_in_words, d.flags))
        lines.append(el("p", f"Flags for a reviewer: {said}", class_="warn"))
    stood = [_option(d, i) for i in range(len(d.options))]
    if len(stood) > 1:
        lines.append(
            el("details", el("summary", f"The {len(stood)} options that stood"), el("ul", *stood, class_="options"))
        )
    if views:
        lines.append(el("details", el("summary", "What was shown"), *_views(dossier, views)))
    return el("div", *lines, class_=kind, id=f"d{d.seq}")


def _option(d: Decision, i: int) -> Html:
    option = d.options[i]
    chosen = option.key == d.choice or (isinstance(d.choice, list) and option.key in d.choice)
    figures = ", ".join(f"{name} {_figured(value)}" for name, value in option.figures.items() if value is not None)
    said = option.text + (f": {option.note}" if option.note else "") + (f" ({figures})" if figures else "")
    marks = [word for word, holds in (("chosen", chosen), ("recommended", option.key == d.recommended)) if holds]
    mark = el("span", f"  ← {', '.join(marks)}", class_="soft") if marks else None
    return el("li", said, mark, class_="chosen" if chosen else None)


def _checked(check: Check) -> str:
    said = measured(check)
    return said + (f"; {check.protocol}" if check.protocol else "")


def _trust(d: Dossier) -> Html | None:
    """What a sceptic asks first."""
    s = d.session
    base = baseline_of(s)
    overruled = [x for x in d.decisions if x.overruled]
    flags = sorted({flag for x in d.decisions for flag in x.flags})
    by = {who: sum(x.author == who for x in d.decisions) for who in ("person", "plan", "engine")}
    dropped = [name for name, choice in s.about("data.leaks").items() if choice == "drop"]
    kept = [name for name, choice in s.about("data.leaks").items() if choice != "drop"]
    rows = [
        (
            "Without a model",
            f"{name_of(base)}: {title_of(base.metric)} {figure(base.value)}" if base else "not measured",
        ),
        ("Rows locked away", _locked(s.locked, s.material)),
        ("Looks at the locked rows", str(looks(s))),
        ("Columns left out as leaks", ", ".join(dropped) or "none"),
        ("Suspected, and kept", ", ".join(kept) or "none"),
        ("Decisions", f"{len(d.decisions)}: " + ", ".join(f"{n} by {AUTHORS[who]}" for who, n in by.items() if n)),
        ("Against the recommendation", "; ".join(f"{x.prompt} {labelled(x)}" for x in overruled) or "none"),
        ("Flags for a reviewer", "; ".join(map(flag_in_words, flags)) or "none"),
        ("Computing behind it", _time(d)),
    ]
    items = [joined(el("dt", name), el("dd", said)) for name, said in rows]
    return _section("Can it be trusted?", el("dl", *items)) if d.decisions else None


def _time(d: Dossier) -> str:
    spent = spent_by_stage(d)
    parts = ", ".join(f"{STAGE_TITLES.get(stage, stage).lower()} {duration(s)}" for stage, s in spent.items() if s >= 1)
    return duration(sum(spent.values())) + (f": {parts}" if parts else "")


def _locked(share: float, material: str) -> str:
    if not share:
        return "none"
    return f"the last {share:g} horizons of each series" if material == "series" else f"{share:.0%}"


def _environment(d: Dossier) -> Html | None:
    if not d.decisions:
        return None
    last = d.decisions[-1]
    rows: list[tuple[str, str]] = []
    env: Mapping[str, Json] = d.environment(last.environment) or {}
    for name in ("rungwise", "python", "platform", "cpus"):
        if env.get(name):
            rows.append((name, str(env[name])))
    rows += [(name, str(version)) for name, version in (env.get("versions") or {}).items()]
    rows += [
        ("data", f"{d.source}, SHA-256 {d.session.data}"),
        ("last decision", last.decided_at),
        ("its hash", last.hash),
    ]
    items = [joined(el("dt", name), el("dd", el("code", said))) for name, said in rows]
    return _section("What it was computed with", el("dl", *items))


# -- views -----------------------------------------------------------------------------------------------------------


def _views(d: Dossier, views: Sequence[View], *, figures: bool = True) -> list[Html]:
    """What was shown; rows of the data only where they were asked for."""
    made, left = [], []
    for view in views:
        if not isinstance(view, Samples):
            made.append(_view(view, figures=figures))
        elif asked_for_rows(d) and (tables := rows_of(d, view)):
            made += [_view(table) for table in tables]
        else:
            left.append(view.title)
    return made + ([el("p", left_out(d, left), class_="note")] if left else [])


def _view(view: View, *, figures: bool = True) -> Html:
    match view:
        case Words(title, words):
            return joined(el("h4", title) if title else None, *(el("p", line) for line in words.splitlines()))
        case Table():
            return joined(el("h4", view.title) if view.title else None, _table(view))
        case Grid():
            return joined(el("h4", view.title), _grid(view))
    drawn, table = picture(view), as_table(view)
    below = None
    if table is not None and drawn is None:
        below = _table(table)
    elif table is not None and figures:
        below = el("details", el("summary", "The figures"), _table(table))
    return el("figure", el("h4", view.title), drawn, below)


def _table(table: Table) -> Html:
    """A long table goes on behind a fold."""
    table = _filled(table)
    if len(table.rows) > 1.5 * FIRST_ROWS:
        more = replace(table, rows=table.rows[FIRST_ROWS:])
        fold = el("details", el("summary", f"{len(more.rows):,} rows more"), _whole_table(more))
        return joined(_whole_table(replace(table, rows=table.rows[:FIRST_ROWS])), fold)
    return _whole_table(table)


def _filled(table: Table) -> Table:
    """Without the columns in which nothing stands."""
    kept = [i for i in range(len(table.columns)) if any(i < len(r) and r[i] not in (None, "") for r in table.rows)]
    if len(kept) in (0, len(table.columns)):
        return table
    rows = [[row[i] if i < len(row) else None for i in kept] for row in table.rows]
    return replace(table, columns=[table.columns[i] for i in kept], rows=rows)


def _whole_table(table: Table) -> Html:
    numeric = [all(_is_figure(row[i]) for row in table.rows if i < len(row)) for i in range(len(table.columns))]
    head = el("tr", *(el("th", c, class_="n" if n else None) for c, n in zip(table.columns, numeric, strict=True)))
    rows = [
        el("tr", *(el("td", _figured(cell), class_=_kind(cell, i < len(numeric) and numeric[i]))
                   for i, cell in enumerate(row)))
        for row in table.rows[:MOST_ROWS]
    ]  # fmt: skip
    more = len(table.rows) - len(rows)
    note = el("p", f"… and {more:,} rows more.", class_="note") if more > 0 else None
    return joined(el("div", el("table", el("thead", head), el("tbody", *rows)), class_="wide"), note)


def _is_figure(cell: Json) -> bool:
    return cell is None or isinstance(cell, int | float) or (isinstance(cell, str) and bool(FIGURE.fullmatch(cell)))


def _kind(cell: Json, numeric: bool) -> str | None:
    """Figures stand to the right; short cells stay on one line."""
    return "n" if numeric else "k" if len(str(cell)) <= SHORT else None


def _grid(view: Grid) -> Html:
    rows = [
        el("tr", el("th", name), *(_shade(v) for v in line)) for name, line in zip(view.rows, view.values, strict=True)
    ]
    head = el("tr", el("th", ""), *(el("th", name, class_="n") for name in view.columns))
    return el("div", el("table", el("thead", head), el("tbody", *rows), class_="grid"), class_="wide")


def _shade(value: float | None) -> Html:
    if value is None:
        return el("td", "")
    share = round(min(1.0, max(0.0, value)) * 60)
    style = f"background: color-mix(in srgb, var(--mark) {share}%, transparent)"
    return el("td", figure(round(value, 3)), class_="n", style=style)


def _figured(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return figure(value) if isinstance(value, float) else literal(" ".join(str(value).split()))
