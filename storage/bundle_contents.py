"""What a bundle says, read and checked before anything of it is kept: chains, digests, sizes, what each field is.

A bundle may come from a stranger.  Whatever is not as Rungwise writes it raises a ValueError or its like (`ODD`), with
what is wrong in words.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.records import GENESIS, Decision, digest
from storage import bundle_format as form
from storage.branch_notes import Note, note_from
from storage.comments import LONGEST_AUTHOR, LONGEST_TEXT, MARKS
from storage.rows import EVIDENCE_COLUMNS, decision_from, decision_row, evidence_digest, to_json

HASH = re.compile("[0-9a-f]{64}")
AUTHORS = ("person", "plan", "engine")
ODD = (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Contents:
    """The records of a bundle, every one checked.

    order: branches, parents first.  lines: each whole, from the first decision on.
    """

    name: str
    branch: str
    fingerprint: str
    data_name: str
    data_part: str
    data_bytes: int
    files: tuple[str, ...]
    redacted: bool
    order: tuple[str, ...]
    lines: Mapping[str, tuple[Decision, ...]]
    environments: Mapping[str, str]
    evidence: tuple[dict[str, Any], ...]
    comments: tuple[dict[str, Any], ...]
    notes: Mapping[str, tuple[Note, ...]]
    media_types: Mapping[str, str]

    @property
    def anchor(self) -> str:
        """Hash of the first decision of all."""
        return next((line[0].hash for line in self.lines.values() if line), "")

    @classmethod
    def of(cls, archive: form.Archive) -> Contents:
        """Read and check every record.  Raises ValueError and its like with what is wrong."""
        about = archive.json("session.json")
        dataset = about["dataset"]
        files = tuple(_text(name) for name in dataset["files"])
        if set(files) != {name for name in archive.names if name.startswith("data/")}:
            raise ValueError("the files of its data are not those that it names")
        if len({name.casefold() for name in files}) != len(files):
            raise ValueError("two files of its data have the same name")
        order, lines = _chains(about, archive.lines("decisions.jsonl"))
        cited = {key for line in lines.values() for d in line for key in d.evidence}
        evidence = tuple(_evidence(row) for row in archive.lines("evidence.jsonl"))
        if lacking := cited - {row["key"] for row in evidence}:
            raise ValueError(f"the evidence {min(lacking)[:12]} that a decision cites is missing")
        environments = {_hash(row["key"]): _plain(row["content"]) for row in archive.lines("environments.jsonl")}
        for key, content in environments.items():
            if digest(form._parsed(archive.file, "environments.jsonl", content.encode())) != key:
                raise ValueError(f"the environment {key[:12]} is not what its key says")
        hashes = {d.hash for line in lines.values() for d in line}
        types = archive.manifest.get("media_types") or {}
        return cls(
            _one_line(about["name"], 90), _one_line(about["branch"], 100), _hash(dataset["fingerprint"]),
            _one_line(dataset["name"], 255), _text(dataset["part"]), _size(dataset["bytes"]), files,
            archive.manifest.get("redacted") is True, order, lines, environments, evidence,
            _said(archive.lines("comments.jsonl"), hashes),
            {b["name"]: tuple(map(note_from, b.get("notes", ()))) for b in about["branches"]},
            {_hash(name): _one_line(kind, 100) for name, kind in types.items()},
        )  # fmt: skip


def _chains(
    about: Mapping[str, Any], rows: list[dict[str, Any]]
) -> tuple[tuple[str, ...], dict[str, tuple[Decision, ...]]]:
    """The branches with their whole lines; every decision follows from the one before it."""
    own: dict[str, list[Decision]] = {_one_line(b["name"], 100): [] for b in about["branches"]}
    if len({name.casefold() for name in own}) != len(about["branches"]):
        raise ValueError("two branches have the same name")
    for row in rows:
        own[row["branch"]].append(_decision({name: value for name, value in row.items() if name != "branch"}))
    lines: dict[str, tuple[Decision, ...]] = {}
    for b in about["branches"]:
        forked, parent = _size(b["forked_at"]), b["parent"]
        shared = lines[parent][:forked] if parent is not None else ()
        if len(shared) != forked:
            raise ValueError(f"branch {b['name']} shares decisions that are missing")
        line = (*shared, *own[b["name"]])
        previous = shared[-1].hash if shared else GENESIS
        for seq, d in enumerate(line[forked:], forked + 1):
            if d.seq != seq or d.prev_hash != previous or d.hash != d.fingerprint():
                raise ValueError(f"decision {seq} of branch {b['name']} was changed")
            previous = d.hash
        lines[b["name"]] = line
    return tuple(own), lines


def _decision(raw: Mapping[str, Any]) -> Decision:
    """A decision whose every field is of its kind.  Raises ValueError, TypeError, KeyError."""
    d = Decision.from_dict(raw)
    texts = (d.stage, d.question, d.subject, d.prompt, d.reason, d.why, d.why_verdict, d.level, d.asked, d.environment)
    for text in (*texts, *d.flags, *(o.label for o in d.options), *(o.note for o in d.options)):
        _text(text)
    if d.author not in AUTHORS or d.why_author not in AUTHORS or not isinstance(d.overruled, bool):
        raise ValueError(f"decision {d.seq}: somebody unknown decided it")
    for key in (*d.evidence, d.hash, d.prev_hash):
        _hash(key)
    dt.datetime.fromisoformat(d.decided_at)
    for number in (d.seq, d.supersedes or 0):
        _size(number)
    if d.check is not None:
        for text in (d.check.metric, d.check.protocol, d.check.verdict):
            _text(text)
        if not isinstance(d.check.details, dict):
            raise ValueError(f"decision {d.seq}: its check has no details")
    if not all(isinstance(o.figures, dict) for o in d.options):
        raise ValueError(f"decision {d.seq}: an option has no figures")
    if decision_from(decision_row(d)) != d:
        raise ValueError(f"decision {d.seq} is not as it would be kept")
    return d


def _evidence(row: dict[str, Any]) -> dict[str, Any]:
    if set(row) != set(EVIDENCE_COLUMNS) or row["digest"] != evidence_digest(row):
        raise ValueError("evidence was changed")
    _hash(row["key"])
    for name in ("kind", "value", "error", "device", "environment", "computed_at"):
        _plain(row[name])
    for name in ("seconds", "cpu_seconds", "peak_memory_mb"):
        row[name] = float(row[name])
    value = form._parsed(Path(), "evidence", row["value"].encode())
    if not isinstance(value, dict) or to_json(value) != row["value"]:
        raise ValueError(f"evidence {row['key'][:12]} is no record")
    return row


def _said(rows: list[dict[str, Any]], hashes: set[str]) -> tuple[dict[str, Any], ...]:
    uids = {_hash(c["uid"]): c for c in rows}
    for c in rows:
        about, answers = _text(c["about"]), c["answers"]
        roots = answers is None or (answers in uids and uids[answers]["answers"] is None)
        if (about and about not in hashes) or not roots or _text(c["mark"]) not in MARKS:
            raise ValueError("a comment is about nothing that is there")
        if len(_plain(c["text"])) > LONGEST_TEXT:
            raise ValueError("a comment is too long")
        _one_line(c["author"], LONGEST_AUTHOR)
        dt.datetime.fromisoformat(c["at"])
    return tuple(uids.values())


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:40]!r} is no text")
    return value


def _plain(value: Any) -> str:
    """Text that UTF-8 can hold."""
    return _text(value).encode().decode()


def _one_line(value: Any, most: int) -> str:
    text = _text(value)
    if not 0 < len(text.strip()) <= most or not text.isprintable():
        raise ValueError(f"{text[:40]!r} is no name")
    return text


def _hash(value: Any) -> str:
    if not isinstance(value, str) or not HASH.fullmatch(value):
        raise ValueError(f"{str(value)[:40]!r} is no hash")
    return value


def _size(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise ValueError(f"{str(value)[:40]!r} is no size")
    return value
