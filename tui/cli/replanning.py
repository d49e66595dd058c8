"""`rungwise replay NAME --as-plan`: the plan that repeats a session on new data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.conductor import SETTLED, catalogue
from engine.errors import UsageProblem
from engine.questions import Catalogue
from engine.records import Decision, Json
from engine.session import Session
from engine.words import literal, short
from storage.rows import visible
from storage.store import Store
from tui.cli.looking import opened, spelled
from tui.plan import TARGET, Plan, checked


def write_plan(path: Path, name: str, branch: str, output: Path | None) -> None:
    """Write the plan of a session to a file, or print it.  Raises UsageProblem where the file is there already."""
    with opened(path) as store:
        text = plan_of(store, name, branch)
    if output is None:
        print(text, end="")
        return
    if output.exists():
        raise UsageProblem(f"{output} is there already; name another file.")
    output.write_text(text, encoding="utf-8")
    print(f"Plan written to {literal(output)}; name the new data in it, then: rungwise run {literal(output)}")


def plan_of(store: Store, name: str, branch: str = "") -> str:
    """What people and plans answered, as TOML; what the guide took for them is left to it, and named in comments."""
    import tomli_w

    from engine.stages import STAGES

    info = store.sessions.get(name)
    journal = store.journal(info.name, branch or None)
    session = Session(info.name, info.dataset, journal.decisions())
    answers: dict[str, Json] = {}
    whys: dict[str, str] = {}
    left: list[str] = []
    known = catalogue(STAGES)
    for d in sorted(session.decisions(), key=lambda d: d.seq):
        if d.question in (SETTLED.id, TARGET):
            continue
        value, why_not = _answer(d, known)
        if why_not:
            left.append(f"# {short(d.name, 60)} = {spelled(d.choice)}   ({why_not})")
            continue
        answers[d.name] = value
        if d.why:
            whys[d.name] = visible(d.why)
    head = [
        f"# Repeats the session {short(info.name, 60)}, branch {short(journal.branch, 60)}, on new data.",
        "# What people and plans answered stands below; the guide answers the rest from the new data.",
    ]
    tail = ["", "# Left to the guide, with what it took. To fix one, write it under [answers].", *left] if left else []
    plan = {"data": visible(str(info.path)), "target": visible(str(session.target)), "answers": answers, "whys": whys}
    if not session.target:
        del plan["target"]
    return "\n".join([*head, "", tomli_w.dumps(plan).rstrip("\n"), *tail]) + "\n"


def _answer(d: Decision, known: Catalogue) -> tuple[Json, str]:
    """A decision as a plan says it, or why it is not in the plan."""
    if d.question not in known:
        return None, "no longer asked"
    if d.author == "engine":
        return None, "the guide's"
    value = _toml(d.choice)
    try:
        checked(Plan(answers={d.name: value}), known)
    except UsageProblem:
        return None, "no longer offered"
    return value, ""


def _toml(value: Json) -> Json:
    """The same without what TOML cannot say: nothing is `none`, and entries that are nothing are left out."""
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return {visible(str(k)): _toml(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_toml(v) for v in value if v is not None]
    return visible(value) if isinstance(value, str) else value
