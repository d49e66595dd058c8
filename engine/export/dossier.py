"""What an export is made from, and what it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from engine.errors import UsageProblem
from engine.records import Decision, Evidence, Json
from engine.session import Session
from engine.views import View


def _nothing(_: str) -> None:
    return None


def _no_bytes(digest: str) -> bytes:
    raise UsageProblem(f"There is no store beside this session to take {digest[:12]} from.")


def _no_data() -> Path:
    raise UsageProblem("There is no data file beside this session.")


@dataclass(frozen=True)
class Dossier:
    """A session on one branch, with all that was kept of it.

    session: the decisions in force, read from `journal`, which holds every decision in its order.  shows: what was
    shown for a decision, by its number, as far as its evidence is there.  source: how the data's file is called.
    environment, evidence: by their keys, None for what the store does not hold.  fetch: an artifact by its digest;
    data: the file.  Both raise a RungwiseError where there is none.
    """

    session: Session
    journal: Sequence[Decision]
    shows: Mapping[int, Sequence[View]]
    source: str
    branch: str = "main"
    environment: Callable[[str], Mapping[str, Json] | None] = _nothing
    evidence: Callable[[str], Evidence | None] = _nothing
    fetch: Callable[[str], bytes] = _no_bytes
    data: Callable[[], Path] = _no_data
    options: Mapping[str, str] = field(default_factory=dict)  # what an export takes beside the session, by name

    @property
    def name(self) -> str:
        return self.session.name

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """Those in force, in the order of the journal."""
        return tuple(sorted(self.session.decisions(), key=lambda d: d.seq))

    def cited(self, question: str, kind: str) -> Evidence | None:
        """The evidence of a kind that the decision on a question cites."""
        decision = self.session.decision(question)
        found = [self.evidence(key) for key in decision.evidence] if decision else []
        return next((e for e in found if e is not None and e.ok and e.kind == kind), None)

    @cached_property
    def final(self) -> Evidence:
        """The evidence of the model that leaves.  Raises UsageProblem where there is none yet."""
        found = self.cited("present.export", "final")
        if found is None:
            raise UsageProblem(
                f"Session {self.name} has no model yet: it is fitted at the end of the stage “present”.  Go on with "
                f"`rungwise open {self.name}`."
            )
        return found

    def of_kind(self, kind: str) -> list[Evidence]:
        """All evidence of a kind that decisions in force cite, each once, in their order."""
        keys = dict.fromkeys(key for d in self.decisions for key in d.evidence)
        return [e for key in keys if (e := self.evidence(key)) is not None and e.ok and e.kind == kind]


@dataclass(frozen=True)
class Product:
    """What leaves.  files: content by path within a folder; one file alone has the path "", and what must lie beside it
    a path that begins with a dot and is put behind its name without ending: `churn.py` and `churn.splits.csv`.
    said: lines for the person, about what was checked."""

    files: Mapping[str, str | bytes]
    said: tuple[str, ...] = field(default=())

    @property
    def text(self) -> str | None:
        """The one text it is; None for several files or bytes."""
        alone = self.files.get("")
        return alone if isinstance(alone, str) and len(self.files) == 1 else None
