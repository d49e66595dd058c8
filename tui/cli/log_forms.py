"""`rungwise log --format`: a journal as Markdown, CSV or one HTML page; every decision of a branch, also replaced ones.

Text from data, files and people is shown literally in each of them, and never begins a formula in a spreadsheet.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence

from engine.export.markdown import text_of
from engine.export.markup import Html, el, joined
from engine.export.style import STYLE
from engine.metrics import figure, title_of
from engine.records import Check, Decision, Json
from engine.words import literal
from tui.figures import advised, answered

COLUMNS = ("seq", "stage", "question", "subject", "prompt", "choice", "answer", "recommended", "overruled", "why",
           "why_author", "author", "metric", "value", "low", "high", "reference", "verdict", "protocol", "flags",
           "seconds", "decided_at", "supersedes", "hash")  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute (OWASP, CSV injection)


def as_csv(session: str, branch: str, decisions: Sequence[Decision]) -> str:
    """A line for each decision.  choice and recommended are JSON, as the store has them; answer is in words."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(COLUMNS)
    for d in decisions:
        figures = {n: getattr(d.check, n) for n in ("metric", "value", "low", "high", "reference", "verdict",
                                                     "protocol")} if d.check else {}  # fmt: skip
        fields = vars(d) | figures | {
            "choice": json.dumps(d.choice, ensure_ascii=False),
            "recommended": json.dumps(d.recommended, ensure_ascii=False),
            "answer": answered(d), "overruled": int(d.overruled), "flags": " ".join(d.flags),
        }  # fmt: skip
        lines.writerow([_cell(fields.get(name)) for name in COLUMNS])
    return out.getvalue()


def _cell(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    text = literal(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def as_markdown(session: str, branch: str, decisions: Sequence[Decision]) -> str:
    parts = [f"# {text_of(session)}: journal", f"Branch {text_of(branch)}, {_count(decisions)}."]
    replaced, stage = {d.supersedes for d in decisions}, ""
    for d in decisions:
        if d.stage != stage:
            stage = d.stage
            parts.append(f"## {text_of(stage)}")
        lines = [f"### {d.seq} · {text_of(d.name)}", "", text_of(d.prompt), "", f"**{text_of(answered(d))}**, {_by(d)}"]
        lines += [f"- {name}: {text_of(words)}" for name, words in _said(d, replaced).items()]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def as_html(session: str, branch: str, decisions: Sequence[Decision]) -> str:
    """One page without scripts, which fetches nothing."""
    replaced, stage = {d.supersedes for d in decisions}, ""
    body: list[object] = [el("h1", f"{session}: journal"), el("p", f"Branch {branch}, {_count(decisions)}.")]
    for d in decisions:
        if d.stage != stage:
            stage = d.stage
            body.append(el("h2", stage))
        said = [joined(el("dt", name), el("dd", words)) for name, words in _said(d, replaced).items()]
        body += [
            el("h3", f"{d.seq} · {d.name}", id=f"d{d.seq}"),
            el("p", d.prompt),
            el("p", el("strong", answered(d)), f", {_by(d)}"),
            *([el("dl", *said)] if said else []),
        ]
    head = joined(
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        el("title", f"{session}: journal"),
        el("style", Html(STYLE)),
    )
    page = el("html", el("head", head), el("body", *body), lang="en")
    return f"<!doctype html>\n{page}\n"


FORMS: Mapping[str, Callable[[str, str, Sequence[Decision]], str]] = {
    "md": as_markdown, "csv": as_csv, "html": as_html,
}  # fmt: skip


def _count(decisions: Sequence[Decision]) -> str:
    return f"{len(decisions)} decision{'' if len(decisions) == 1 else 's'}"


def _by(d: Decision) -> str:
    return {"person": "by a person", "plan": "by a plan", "engine": "by the guide"}.get(d.author, "by somebody")


def _said(d: Decision, replaced: set[int | None]) -> dict[str, str]:
    """What else there is to say of a decision, by name."""
    whose = {"engine": " (the guide's words)", "plan": " (the plan's words)"}.get(d.why_author, "")
    said = {
        "against the advice": advised(d) if d.overruled else "",
        "why": d.why + whose if d.why else "",
        "check": _checked(d.check) if d.check is not None else "",
        "flags": ", ".join(d.flags),
        "later replaced": "yes" if d.seq in replaced else "",
        "when": d.decided_at[:19].replace("T", " ") + " UTC" if d.decided_at else "",
        "hash": d.hash,
    }
    return {name: words for name, words in said.items() if words}


def _checked(check: Check) -> str:
    before = f"{figure(check.reference)} → " if check.reference is not None else ""
    value = figure(check.value) if check.value is not None else "?"
    spread = (
        f" ({figure(check.low)} … {figure(check.high)})" if check.low is not None and check.high is not None else ""
    )
    tail = ", ".join(part for part in (check.verdict, check.protocol) if part)
    return f"{title_of(check.metric)} {before}{value}{spread}, {tail}"
