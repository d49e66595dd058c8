"""A folder of decision records, one for each decision that was a person's, in the form of MADR 4.

https://adr.github.io/madr
"""

from __future__ import annotations

import re
import unicodedata

from engine.export.dossier import Dossier, Product
from engine.export.markdown import code_of, text_of
from engine.export.told import (
    AUTHORS,
    STAGE_TITLES,
    choice_text,
    flag_in_words,
    labelled,
    measured,
    offered,
    told_decisions,
)
from engine.records import Decision

LONGEST_NAME = 60
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def records(d: Dossier) -> Product:
    """One file for each decision that a person took, or whose answer a person wrote in a plan, and a table of them."""
    own = [x for x in told_decisions(d.journal) if x.author in ("person", "plan")]
    later: dict[int | None, Decision] = {x.supersedes: x for x in d.journal if x.supersedes}
    files: dict[str, str | bytes] = {}
    rows = []
    for number, x in enumerate(own, 1):
        name = f"{number:04}-{slug(x.name)}.md"
        files[name] = record(x, later.get(x.seq))
        rows.append(f"| [{number:04}]({name}) | {text_of(x.prompt)} | {text_of(labelled(x))} | {_status(x, later)} |")
    head = [
        f"# Decisions of {text_of(d.name)}",
        f"{len(own)} of {len(d.journal)} decisions (branch {text_of(d.branch)}) were a person's; "
        "the guide took the others.",
        "\n".join(["| record | question | decision | status |", "|---|---|---|---|", *rows]) if rows else "",
    ]
    files["README.md"] = "\n\n".join(part for part in head if part) + "\n"
    return Product(files, (f"{len(own)} decision{'' if len(own) == 1 else 's'} of a person.",))


def record(d: Decision, later: Decision | None = None) -> str:
    """A decision as a MADR file.  later: the one that took its place."""
    status = f"superseded by decision {later.seq}" if later else "accepted"
    day = d.decided_at[:10] if DAY.match(d.decided_at) else "unknown"  # YAML: what is no date may be anything
    who = AUTHORS.get(d.author, "unknown")
    front = f"---\nstatus: {status}\ndate: {day}\ndecision-makers: {who}\n---"
    context = [f"Decision {d.seq} of the stage “{STAGE_TITLES.get(d.stage, text_of(d.stage))}”, `{code_of(d.name)}`."]
    if d.recommended is not None:
        context.append(f"Recommended: {text_of(offered(d, d.recommended))}. {text_of(d.reason)}".strip())
    options = [
        f"* {text_of(o.text)}" + (f": {text_of(o.note)}" if o.note else "") for o in d.options
    ] or [f"* {text_of(choice_text(d.choice))}"]  # fmt: skip
    chosen = f"Chosen: “{text_of(labelled(d))}”, because {text_of(d.why) if d.why else 'no reason was given'}"
    parts = [
        front,
        f"# {text_of(d.prompt)}",
        "## Context and Problem Statement\n\n" + "\n\n".join(context),
        "## Considered Options\n\n" + "\n".join(options),
        f"## Decision Outcome\n\n{chosen.rstrip('.')}.",
    ]
    consequences = []
    if d.overruled:
        consequences.append("* Against the recommendation")
    if d.flags:
        consequences.append(f"* Flags for a reviewer: {text_of('; '.join(map(flag_in_words, d.flags)))}")
    if consequences:
        parts.append("### Consequences\n\n" + "\n".join(consequences))
    if d.check is not None:
        protocol = f"; {text_of(d.check.protocol)}" if d.check.protocol else ""
        parts.append(f"### Confirmation\n\nChecked against: {text_of(measured(d.check))}{protocol}.")
    return "\n\n".join(parts) + "\n"


def slug(name: str) -> str:
    """A file name of letters, figures and hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.casefold()).strip("-")[:LONGEST_NAME].rstrip("-") or "decision"


def _status(d: Decision, later: dict[int | None, Decision]) -> str:
    return f"superseded by {later[d.seq].seq}" if d.seq in later else "accepted"
