"""One page of all sessions: what was solved, how far it was taken, one good why and one idea that was turned down.

Numbers only, never a row of anybody's data; the level of a project follows from its final exam and cannot be claimed.
(Decision catalogue, present.portfolio.)
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import DataProblem
from engine.export.dossier import Dossier, Product
from engine.export.markup import Html, el, joined
from engine.export.pictures import picture
from engine.export.registry import telling
from engine.export.style import STYLE
from engine.export.told import baseline_of, exam_of, labelled, looks, name_of
from engine.metrics import BY_NAME, figure, title_of
from engine.records import Decision
from engine.session import Session
from engine.stages.lessons import sentences
from engine.views import Intervals

FIRST = 2  # sentences of an idea that was turned down
SAID_EVERY_TIME = ("deep.enter", "problem.target")  # by a run without a person
LEVELS = {
    "": "begun",
    "practice": "a model, not yet examined",
    "short": "examined; not surely better than doing without a model",
    "result": "a result: better than no model",
    "good": "good: it reaches the line that was set before",
    "world": "world class: reaches the best that is known",
}


def level_of(s: Session) -> str:
    """A key of LEVELS: from the final exam's interval alone."""
    if not s.rungs:
        return ""
    result, base = s.decision("present.result"), baseline_of(s)
    check = result.check if result is not None else None
    metric = BY_NAME.get(s.metric)
    if result is None or check is None or check.value is None or metric is None:
        return "practice"
    worst, best = (check.low, check.high) if metric.higher_is_better else (check.high, check.low)
    floor = check.details.get("baseline", base.value if base else None)
    benchmark = _benchmark(s)
    if benchmark is not None and best is not None and metric.oriented(best) >= metric.oriented(benchmark):
        return "world"
    if result.choice in ("shown", "likely"):
        return "good"
    surely = worst if worst is not None else check.value
    return "result" if floor is None or metric.oriented(surely) > metric.oriented(floor) else "short"


def _benchmark(s: Session) -> float | None:
    known = s.choice("project.benchmark")
    return float(known) if isinstance(known, int | float) and not isinstance(known, bool) else None


def portfolio(dossiers: Sequence[Dossier]) -> Product:
    """The page, in the order given.  Text from data, files and people is shown literally."""
    entries, unread = [], []
    for d in dossiers:
        try:
            with telling(d.name, "a part of the portfolio"):
                entries.append(_entry(d, len(entries) + 1))
        except DataProblem as problem:  # one session that came from elsewhere does not hide the others
            unread.append(str(problem))
    counted = f"{len(entries)} project{'' if len(entries) == 1 else 's'}"
    head = joined(
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        el("title", "Portfolio"),
        el("style", Html(STYLE)),
    )
    body = el("body", el("h1", "Portfolio"), el("p", counted, class_="soft"), *entries)
    page = el("html", el("head", head), body, lang="en")
    return Product({"": f"<!doctype html>\n{page}\n"}, (f"{counted}.", *unread))


def _entry(d: Dossier, number: int) -> Html:
    s = d.session
    said: list[Html | None] = [
        el("h2", f"{number}. {d.name}"),
        el("p", el("strong", LEVELS[level_of(s)]), class_="lead"),
        el("p", "Predicts ", el("strong", s.target or "?"), " from ", el("code", d.source), "."),
    ]
    statement = s.choice("problem.statement")
    if isinstance(statement, str) and statement not in ("", "not stated"):
        said.append(el("p", statement))
    result = s.decision("present.result")
    if result is not None and result.check is not None:
        said.append(el("p", f"{name_of(s.rungs[-1])}: {exam_of(result.check)}"))
        if looks(s) > 1:
            said.append(el("p", f"The locked rows were looked at {looks(s)} times: optimistic.", class_="warn"))
    if (benchmark := _benchmark(s)) is not None:
        said.append(el("p", f"Known for this data: {figure(benchmark)}; on another split, perhaps.", class_="soft"))
    if s.rungs:
        rows = [(name_of(r), r.value, r.low, r.high) for r in s.rungs]
        said.append(picture(Intervals("The ladder", f"{title_of(s.metric)}, practice exams", rows)))
    if why := _good_why(d):
        said.append(el("p", el("strong", "A why: "), f"{why.prompt} {labelled(why)}. {why.why}"))
    if idea := _turned_down(d):
        said_first = sentences(idea.why or idea.reason)[:FIRST]
        said.append(el("p", el("strong", "Turned down: "), f"{idea.prompt} {' '.join(said_first)}"))
    return el("section", *said)


def _good_why(d: Dossier) -> Decision | None:
    """Of the whys that a person wrote and that stand, the longest."""
    own = [
        x
        for x in d.decisions
        if x.why and x.why_verdict == "ok" and (
            x.why_author == "person" or (x.why_author == "plan" and x.question not in SAID_EVERY_TIME)
        )
    ]  # fmt: skip
    return max(own, key=lambda x: len(x.why), default=None)


def _turned_down(d: Dossier) -> Decision | None:
    """The last idea that was tried and not kept."""
    refused = {"deep.compare": "reject", "improve.accept": "keep", "improve.keep_feature": "leave", "data.keep": "undo"}
    tried = [x for x in d.decisions if x.question in refused]
    return next((x for x in reversed(tried) if refused[x.question] == x.choice), None)
