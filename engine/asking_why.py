"""*Keep asking why*: the chain of one question, with the figures of the very session in which it is asked.

First what was written for the question; then what the moment itself answers: what speaks for the recommendation, what
else was on offer, what it is checked against, what would be objected to.  Every answer names its source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from engine.errors import RungwiseError
from engine.metrics import figure, title_of
from engine.questions import Form, Level
from engine.records import Check, Json
from engine.sources import CATALOGUE, spelled

if TYPE_CHECKING:
    from engine.effects import Ask
    from engine.session import Session

Step = tuple[str, str, str]  # question, answer, source
LEAST = 3  # steps
OFFERED = 6  # options that are told and judged at most


def chain(ask: Ask, session: Session | None = None) -> list[Step]:
    """(question, answer, source) of each why, at least three; a step whose facts are not known is left out."""
    own = spelled(ask.question.source) or f"{CATALOGUE}, {ask.question.id}"
    facts = {"subject": ask.subject, "reason": ask.reason, **ask.facts}
    steps: list[Step] = []
    for why in ask.question.whys:
        asked, said = _filled(why.question, facts), _filled(why.answer, facts)
        if asked and said:
            steps.append((asked, said, spelled(why.source) or own))
    told = " ".join(said for _, said, _ in steps)
    steps += [(asked, said, own) for asked, said in _of_the_moment(ask) if said not in told]
    if session is not None and (stands := _standing(session)):
        steps.append(("Where does this session stand?", stands, "this session's journal"))
    return steps + _always(ask)[: max(0, LEAST - len(steps))]


def _filled(template: str, facts: Mapping[str, Json]) -> str:
    """The template with the facts put in; empty where one of them is not known."""
    try:
        return template.format_map(dict(facts)).strip()
    except (KeyError, ValueError, TypeError, AttributeError, IndexError):
        return template.strip() if "{" not in template else ""


def _of_the_moment(ask: Ask) -> Iterator[tuple[str, str]]:
    if ask.reason.strip() and ask.recommended is not None:
        yield f"What speaks for {_named(ask, ask.recommended)} here?", ask.reason.strip()
    if check := _check(ask):
        yield "What is it checked against?", check
    if others := _others(ask):
        yield "What else was on offer?", others
    if objections := _objections(ask):
        yield "What would the guide object to?", objections


def _always(ask: Ask) -> list[Step]:
    """What can be said of any question."""
    lost = "Go back to it (b): a branch starts there, nothing is lost, and both branches stay comparable."
    written = "So that whoever reads the journal later sees what was known, what was chosen, and why."
    return [
        ("Who answers it, and what becomes of the answer?", _who(ask), f"{CATALOGUE} 1.2"),
        ("And if I am wrong?", lost, f"{CATALOGUE} 1.1"),
        ("Why is it written down?", written, f"{CATALOGUE} 1.3"),
    ]


def _standing(session: Session) -> str:
    said = [f"{len(session.decisions())} decisions so far"] if session.decisions() else []
    if session.target:
        said.append(f"“{session.target}” is to be predicted")
    if session.rungs:
        top = session.rungs[-1]
        said.append(f"the ladder stands at {title_of(top.metric)} {figure(top.value)} ({top.model.replace('_', ' ')})")
    line = session.choice("problem.success")
    if isinstance(line, int | float):
        said.append(f"your line is {figure(line)}")
    return "; ".join(said)[:1].upper() + "; ".join(said)[1:] + "." if said else ""


def _named(ask: Ask, key: Json) -> str:
    for option in ask.offered:
        if option.key == key:
            return f"“{option.text}”"
    return f"“{key}”" if isinstance(key, str) and key and len(key) < 40 else "the recommendation"


def _check(ask: Ask) -> str:
    try:
        check = ask.judge(ask.accept(ask.recommended)).check if ask.recommended is not None else None
    except (RungwiseError, LookupError, TypeError, ValueError):
        return ""
    return "" if check is None or check.value is None else _told(check)


def _told(check: Check) -> str:
    name = title_of(check.metric)
    between = ""
    if check.low is not None and check.high is not None:
        between = f", 95 % interval {figure(check.low)} … {figure(check.high)}"
    against = f", against {figure(check.reference)}" if check.reference is not None else ""
    by = f"; measured by: {check.protocol}" if check.protocol else ""
    return f"{name[:1].upper()}{name[1:]}: {figure(check.value or 0)}{between}{against}{by}."


def _others(ask: Ask) -> str:
    if ask.question.form not in (Form.CHOICE, Form.CHOICES) or len(ask.offered) < 2:
        return ""
    told = []
    for option in ask.offered[:OFFERED]:
        figures = ", ".join(f"{k} {_short(v)}" for k, v in list(option.figures.items())[:3] if v is not None)
        note = figures or option.note.rstrip(".")
        told.append(f"{option.text}{f' ({note})' if note else ''}")
    rest = len(ask.offered) - OFFERED
    return "; ".join(told) + (f"; and {rest} more." if rest > 0 else ".")


def _short(value: Json) -> str:
    if isinstance(value, list | tuple):
        return " … ".join(_short(v) for v in value)
    return figure(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _objections(ask: Ask) -> str:
    if ask.question.form is not Form.CHOICE:
        return ""
    said = []
    for option in ask.offered[:OFFERED]:
        try:
            judgement = ask.judge(option.key)
        except (RungwiseError, LookupError, TypeError, ValueError):
            continue
        firm = [o.message for o in judgement.objections if o.level.rank >= Level.FLAG.rank]
        said += [f"“{option.text}”: {firm[0]}"] if firm else []
    return " ".join(said)


def _who(ask: Ask) -> str:
    if ask.taken:
        return "The guide settles it by its rule, and writes it down like any other decision."
    person = (
        "Only a person can know it or must own it, so it is asked in every pace."
        if ask.question.asks == "person"
        else "The rule may answer it: in the quick pace it is taken as recommended and listed at the stage's end."
    )
    needs = " A why is part of the answer." if ask.question.why_required else ""
    return f"{person}{needs} It stands in the journal as {ask.name}, with what was shown, and cannot be rewritten."
