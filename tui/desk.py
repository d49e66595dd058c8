"""What the terminal needs of the store, and the one thread in which it is used.

The screens never touch a database: they hand a function to the `Clerk`, which opens the store after the first screen is
painted and calls the function there.  So nothing that waits for a disk or a lock holds up a key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from engine.conductor import Conductor, Waiting
    from engine.ports import TrialState, Wish
    from engine.records import Answer, Decision, Json
    from engine.review.compare import SideBySide
    from engine.review.review import Review, Summary
    from engine.session import Session
    from storage.comments import Mark, Thread
    from storage.search import Hit

T = TypeVar("T")


@dataclass(frozen=True)
class SessionLine:
    """One session as the home screen lists it.  rungs: (model, value).  changed_at: ISO 8601."""

    name: str
    data: str = ""
    target: str = ""
    stage: str = ""
    rungs: tuple[tuple[str, float], ...] = ()
    metric: str = ""
    working: int = 0  # trials queued or running
    branches: int = 1
    comments: int = 0  # open ones
    changed_at: str = ""


@dataclass(frozen=True)
class BranchLine:
    """One branch as a list shows it.  own: decisions since it left its parent.  abandoned: why, "" where it is not."""

    name: str
    parent: str | None = None
    forked_at: int = 0
    own: int = 0
    rungs: tuple[tuple[str, float], ...] = ()
    current: bool = False
    abandoned: str = ""
    created_at: str = ""


@dataclass(frozen=True)
class Compared:
    """Two journals side by side; the paired difference is left to a process that can compute it.

    a, b: session and branch.
    """

    a: tuple[str, str]
    b: tuple[str, str]
    found: SideBySide


@dataclass(frozen=True)
class Reviewed:
    """A branch as a mentor sees it: its decisions, what the flags say, how it was spent, and what people said."""

    decisions: Sequence[Decision]
    review: Review
    summary: Summary
    threads: Sequence[Thread]


@dataclass(frozen=True)
class Proof:
    """A piece of evidence that a decision cites.  words: what it is, with its figure.  seconds: what it took."""

    key: str
    words: str
    seconds: float


@dataclass(frozen=True)
class Moment:
    """What is kept beside a decision: its evidence, what it was computed with, the fingerprint of the data."""

    evidence: tuple[Proof, ...] = ()
    environment: Mapping[str, Json] = field(default_factory=dict)
    data: str = ""


class Opened(Protocol):
    """One session opened for work; see `tui.opened.OpenSession`."""

    name: str
    branch: str
    read_only: bool
    read_only_reason: str
    asked_only_to_read: bool  # it is read-only for no other reason
    problem: str
    waiting: Waiting | None

    @property
    def conductor(self) -> Conductor: ...

    @property
    def session(self) -> Session: ...

    def advance(self) -> Waiting: ...

    def answer(self, answer: Answer) -> Decision: ...

    def trials(self) -> dict[str, TrialState]: ...

    def cancel(self, keys: Sequence[str] | None = None) -> None: ...

    def want(self, keys: Sequence[str], wish: Wish) -> None: ...

    def retry(self, keys: Sequence[str] | None = None) -> None: ...

    def leave_out(self, key: str) -> None: ...

    def go_back(self, seq: int) -> Opened: ...

    def decisions(self) -> Sequence[Decision]: ...

    def moment(self, decision: Decision) -> Moment: ...

    def review(self) -> Reviewed: ...

    def comment(self, about: str, mark: Mark, text: str, answers: int | None) -> None: ...

    def close(self) -> None: ...


class Desk(Protocol):
    """The store, as the terminal uses it.  Raises RungwiseError with a sentence to show."""

    def sessions(self) -> list[SessionLine]:
        """Newest first."""
        ...

    def create(self, path: Path, target: str, name: str, pace: str) -> str:
        """Begin a session on a file; returns its name.  target: "" to be asked.  name: "" for the file's."""
        ...

    def open(self, name: str, branch: str = "", read_only: bool = False) -> Opened: ...

    def branches(self, name: str) -> list[BranchLine]:
        """Of a session, the oldest first."""
        ...

    def rename_branch(self, name: str, branch: str, new: str) -> None: ...

    def abandon_branch(self, name: str, branch: str, why: str) -> str:
        """Returns the branch that is gone on with instead."""
        ...

    def take_up_branch(self, name: str, branch: str) -> None: ...

    def compare(self, a: tuple[str, str], b: tuple[str, str]) -> Compared:
        """Two branches by session and name; "" is the current one."""
        ...

    def search(self, words: str) -> list[Hit]:
        """Where words stand in whys, answers and comments."""
        ...

    def draft(self, name: str, place: tuple[str, str]) -> Json:
        """What was typed for a question (id, subject) of a session and not recorded, or None."""
        ...

    def keep_draft(self, name: str, place: tuple[str, str], content: Json) -> None:
        """In the place of the draft that was there; None takes it away."""
        ...

    def data_of(self, name: str) -> str:
        """What to call a session's table: its file name."""
        ...

    def sample(self) -> tuple[Path, str]:
        """Where the bundled sample lies, and its target."""
        ...

    def place(self) -> Path:
        """Where the store lies, for a process that is to read it too."""
        ...

    def machine(self) -> str:
        """How the machine and the worker stand, in a few words."""
        ...

    def close(self) -> None: ...


class Clerk:
    """Uses the desk, in one thread, one thing at a time."""

    def __init__(self, make: Callable[[], Desk]) -> None:
        self._make = make
        self._desk: Desk | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="store")

    async def do(self, work: Callable[[Desk], T]) -> T:
        """What `work` makes of the desk.  Raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._call, work)

    def _call(self, work: Callable[[Desk], T]) -> T:
        if self._desk is None:
            self._desk = self._make()
        return work(self._desk)

    def close(self) -> None:
        """Close the desk after what is under way; waits for it."""
        if self._desk is not None:
            self._pool.submit(self._desk.close)
        self._pool.shutdown(wait=True)
