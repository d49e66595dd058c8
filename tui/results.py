"""What a run and a journal are as JSON: the shapes that scripts may rely on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from engine.records import Check, Decision, Evidence, Json
from engine.session import Rung, Session
from storage.sessions import SessionInfo

LOCKBOX = "present.result"


def run_result(
    session: Session,
    *,
    evidence: Sequence[Evidence],
    warnings: Iterable[str],
    seconds: float,
    branch: str,
    stage: str,
) -> dict[str, Json]:
    """The object of `run --json`.

    evidence: what the session rests on, computed now or before.  seconds: wall time of this run.
    peak_memory_mb: the highest of any trial (MiB).
    """
    opened = session.decision(LOCKBOX)
    check = opened.check if opened else None
    return {
        "session": session.name,
        "branch": branch,
        "stage": stage,
        "task": session.task,
        "target": session.target,
        "metric": session.metric,
        "rungs": [rung_result(rung) for rung in session.rungs],
        "lockbox": {"metric": check.metric, "value": check.value, "low": check.low, "high": check.high}
        if check and check.value is not None
        else None,
        "warnings": list(warnings),
        "seconds": round(seconds, 3),
        "peak_memory_mb": max((e.peak_memory_mb for e in evidence), default=0.0),
        "device": next((e.device for e in evidence if e.device != "cpu"), "cpu"),
    }


def rung_result(rung: Rung) -> dict[str, Json]:
    return {
        "stage": rung.stage,
        "model": rung.model,
        "metric": rung.metric,
        "value": rung.value,
        "low": rung.low,
        "high": rung.high,
        "parameters": rung.details.get("parameters"),
        "latency_ms": rung.details.get("latency_ms"),
        "fit_seconds": rung.details.get("fit_seconds"),
    }


def log_result(session: str, branch: str, decisions: Iterable[Decision]) -> dict[str, Json]:
    """The object of `log --json`."""
    return {"session": session, "branch": branch, "decisions": [decision_result(d) for d in decisions]}


def decision_result(decision: Decision) -> dict[str, Json]:
    return {
        "seq": decision.seq,
        "stage": decision.stage,
        "question": decision.question,
        "subject": decision.subject,
        "prompt": decision.prompt,
        "options": [
            {"key": o.key, "label": o.text, "note": o.note, "figures": dict(o.figures)} for o in decision.options
        ],
        "recommended": decision.recommended,
        "reason": decision.reason,
        "choice": decision.choice,
        "why": decision.why,
        "why_author": decision.why_author,
        "why_verdict": decision.why_verdict,
        "author": decision.author,
        "overruled": decision.overruled,
        "level": decision.level,
        "flags": list(decision.flags),
        "decided_at": decision.decided_at,
        "seconds": decision.seconds,
        "check": check_result(decision.check),
        "evidence": list(decision.evidence),
        "environment": decision.environment,
        "supersedes": decision.supersedes,
        "hash": decision.hash,
        "prev_hash": decision.prev_hash,
    }


def check_result(check: Check | None) -> dict[str, Json] | None:
    if check is None:
        return None
    return {
        "metric": check.metric,
        "value": check.value,
        "low": check.low,
        "high": check.high,
        "reference": check.reference,
        "protocol": check.protocol,
        "verdict": check.verdict,
        "details": dict(check.details),
    }


def session_result(info: SessionInfo) -> dict[str, Json]:
    """One row of `sessions --json`."""
    return {
        "name": info.name,
        "data": str(info.path),
        "fingerprint": info.dataset,
        "target": info.target,
        "branch": info.branch,
        "branches": info.branches,
        "stage": info.stage,
        "decisions": info.decisions,
        "rungs": [rung_result(rung) for rung in info.ladder],
        "running": info.running,
        "comments": info.comments,
        "created_at": info.created_at,
        "changed_at": info.changed_at,
    }


def local_time(iso: str) -> str:
    """A recorded UTC time in the reader's own zone, to the minute."""
    try:
        return dt.datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return iso
