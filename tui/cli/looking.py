"""Commands that only look: the sessions, a journal as a timeline, the hashes."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from pathlib import Path

from engine.errors import StoreProblem, UsageProblem
from engine.metrics import title_of
from engine.records import Check, Decision, Json
from engine.session import Rung
from engine.stages.columns import counted
from engine.words import literal, short
from storage.sessions import SessionInfo
from storage.store import Store
from tui.figures import advised, answered
from tui.results import local_time, log_result, session_result

_EMPTY = "No sessions yet.  `rungwise new DATA --target COL` begins one; `rungwise sample` writes a table to try it on."


def print_json(value: Json) -> None:
    print(json.dumps(value, ensure_ascii=True, indent=2, allow_nan=False))


def open_to_read(path: Path) -> Store | None:
    """The store, read-only; None where there is none yet, which is no mistake of anybody's."""
    return Store.open(path, read_only=True) if path.exists() else None


def opened(path: Path) -> Store:
    """The store, read-only.  Raises StoreProblem where there is none."""
    store = open_to_read(path)
    if store is None:
        raise StoreProblem(f"There is no store at {path} yet; `rungwise new DATA` makes one, --store names another.")
    return store


def list_sessions(path: Path, *, as_json: bool) -> None:
    store = open_to_read(path)
    found: list[SessionInfo] = []
    if store is not None:
        with store:
            found = store.sessions.list()
    if as_json:
        print_json([session_result(info) for info in found])
        return
    if not found:
        print(_EMPTY)
        return
    rows = [
        (
            short(info.name, 28),
            short(f"{info.path.name} → {info.target or '?'}", 38),
            (info.stage or "new") + (f" +{info.running}" if info.running else ""),
            local_time(info.changed_at),
            _ladder(info.ladder),
        )
        for info in found
    ]
    for line in table(("session", "data → target", "stage", "changed", "ladder"), rows):
        print(line)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Columns as wide as their widest cell, two blanks apart."""
    everything = [head, *rows]
    widths = [max(len(row[i]) for row in everything) for i in range(len(head))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in everything]


def _ladder(rungs: Iterable[Rung]) -> str:
    return " → ".join(f"{rung.value:.3g} {short(rung.model.replace('_', ' '), 24)}" for rung in rungs)


def print_log(path: Path, name: str, branch: str, *, form: str) -> None:
    """form: text, json, or one of `tui.cli.log_forms.FORMS`.  Raises UsageProblem for any other."""
    from tui.cli.log_forms import FORMS

    if form not in (known := ("text", "json", *FORMS)):
        raise UsageProblem(f"--format takes {', '.join(known[:-1])} or {known[-1]}, not {short(form, 40)}.")
    with opened(path) as store:
        info = store.sessions.get(name)
        journal = store.journal(info.name, branch or None)
        decisions = journal.decisions()
    if form in FORMS:
        print(FORMS[form](info.name, journal.branch, decisions), end="")
        return
    if form == "json":
        print_json(log_result(info.name, journal.branch, decisions))
        return
    print(
        f"{literal(info.name)} · branch {literal(journal.branch)} · {len(decisions)} decisions · {literal(info.path)}"
    )
    replaced = {d.supersedes for d in decisions}
    stage = ""
    for decision in decisions:
        if decision.stage != stage:
            stage = decision.stage
            print(f"\n{literal(stage)}")
        for line in timeline(decision, replaced=decision.seq in replaced):
            print(line)


def timeline(decision: Decision, *, replaced: bool = False) -> list[str]:
    """A decision in a few lines: what was chosen by whom, against what was recommended, why, and its check."""
    mark = "▲" if decision.overruled else "·"
    who = decision.author + (", later replaced" if replaced else "")
    lines = [f"{decision.seq:4} {mark} {literal(decision.name)} = {told(answered(decision))}   [{who}]"]
    if decision.overruled:
        lines.append(f"       recommended: {told(advised(decision))}")
    if decision.why:
        lines += textwrap.wrap(f"why: {literal(decision.why)}", 96, initial_indent=" " * 7, subsequent_indent=" " * 12)
    if decision.check is not None and (checked := check_line(decision.check)):
        lines.append(f"       {checked}")
    if decision.flags:
        lines.append(f"       flags: {', '.join(map(literal, decision.flags))}")
    return lines


def spelled(value: Json) -> str:
    """A value as it is kept, on one line: a figure to its last digit, an answer as a plan takes it."""
    return short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 100)


def told(answer: str) -> str:
    """An answer in words, on one line that is not too long."""
    return short(answer, 100)


def check_line(check: Check) -> str:
    parts = [f"check: {literal(title_of(check.metric))}"]
    if check.value is not None:
        parts.append(f"{check.value:.4g}")
    if check.low is not None and check.high is not None:
        parts.append(f"({check.low:.4g} … {check.high:.4g})")
    if check.reference is not None:
        parts.append(f"against {check.reference:.4g}:")
    parts.append(literal(check.verdict))
    return " ".join(parts) + (f" · {literal(check.protocol)}" if check.protocol else "")


def verify_store(path: Path, name: str, *, as_json: bool) -> int:
    with opened(path) as store:
        findings = store.verify(name or None)
        count = 1 if name else len(store.sessions.names())
    if as_json:
        print_json(
            {"sound": not findings, "findings": [vars(f) if hasattr(f, "__dict__") else str(f) for f in findings]}
        )
    elif findings:
        for finding in findings:
            print(literal(finding))
    else:
        whose = f"session {literal(name)}" if name else counted(count, "session")
        print(f"Sound: every hash of {whose} fits what it covers.")
    return 1 if findings else 0
