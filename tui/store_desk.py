"""The desk that the terminal works at: the store, its sessions, and the worker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from engine.data.address import name_of
from engine.errors import InvalidAnswer
from engine.records import Answer, Json
from engine.runners.environment import cpus
from engine.session import Session
from storage.comments import whoami
from storage.store import Store
from tui.desk import BranchLine, Compared, SessionLine
from tui.sample import SAMPLE
from tui.workers import bury_dead_workers, cluster, ensure_worker, worker_lock

if TYPE_CHECKING:  # what opens a session is imported when one is, so that the list of them comes sooner
    from engine.answerers import Answerer
    from engine.effects import Ask
    from storage.search import Hit
    from storage.sessions import Branch, Known, SessionInfo
    from tui.opened import OpenSession


class StoreDesk:
    """A `tui.desk.Desk` over the store at a path, which is made where it is not there.

    said: what a person said when a session was begun, by session and question id, for when it is asked.
    """

    def __init__(self, path: Path, said: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._store = Store.open(path)
        self.said: dict[str, dict[str, str]] = {name: dict(answers) for name, answers in (said or {}).items()}
        if not self._store.read_only:
            bury_dead_workers(self._store)
            if self._store.queue.active():  # work that a worker left when it was killed, or the machine restarted
                ensure_worker(path)

    def sessions(self) -> list[SessionLine]:
        return [_line(info) for info in self._store.sessions.list()]

    def create(self, path: Path, target: str, name: str, pace: str) -> str:
        from tui.opened import new_session

        session = new_session(self._store, path, name)
        given = {"problem.target": target, "project.pace": pace}
        self.said[session] = {question: answer for question, answer in given.items() if answer}
        return session

    def open(self, name: str, branch: str = "", read_only: bool = False) -> OpenSession:
        from engine.answerers import quick_pace
        from tui.opened import OpenSession

        found = self._store.sessions.known(name).name
        answerers = (_said(self.said.get(found, {})), quick_pace)
        return OpenSession.open(self._store, found, branch=branch, read_only=read_only, answerers=answerers)

    def branches(self, name: str) -> list[BranchLine]:
        info = self._store.sessions.known(name)
        return [self._branch_line(info, branch) for branch in self._store.sessions.branches(info.name)]

    def _branch_line(self, info: Known, b: Branch) -> BranchLine:
        from engine.review.record import rung_title

        decisions = self._store.journal(info.name, b.name).decisions()
        rungs = tuple(
            (rung_title(rung.model), rung.value) for rung in Session(info.name, info.dataset, decisions).rungs
        )
        where = (b.parent, b.forked_at, b.own)
        return BranchLine(b.name, *where, rungs, b.name == info.branch, b.abandoned, b.created_at)

    def rename_branch(self, name: str, branch: str, new: str) -> None:
        self._store.sessions.rename(name, branch, new, whoami())

    def abandon_branch(self, name: str, branch: str, why: str) -> str:
        return self._store.sessions.abandon(name, branch, why, whoami())

    def take_up_branch(self, name: str, branch: str) -> None:
        self._store.sessions.take_up(name, branch, "", whoami())

    def compare(self, a: tuple[str, str], b: tuple[str, str]) -> Compared:
        from engine.review.compare import side_by_side

        first, second = (self._store.record(name, branch or None) for name, branch in (a, b))
        found = side_by_side(first, second, measure=False)
        return Compared((first.name, first.branch), (second.name, second.branch), found)

    def search(self, words: str) -> list[Hit]:
        return self._store.search(words)

    def draft(self, name: str, place: tuple[str, str]) -> Json:
        return self._store.drafts.get(name, *place)

    def keep_draft(self, name: str, place: tuple[str, str], content: Json) -> None:
        self._store.drafts.keep(name, *place, content)

    def data_of(self, name: str) -> str:
        return name_of(self._store.sessions.get(name).path)

    def sample(self) -> tuple[Path, str]:
        return SAMPLE, "churned"

    def place(self) -> Path:
        return self._store.path.absolute()

    def machine(self) -> str:
        working = worker_lock(self._store.path).held_by_somebody
        where = f"cluster {cluster()}" if cluster() else f"CPU ×{cpus()}"
        return f"{where} · worker {'ready' if working else 'asleep'}"

    def close(self) -> None:
        self._store.close()


def _line(info: SessionInfo) -> SessionLine:
    return SessionLine(
        name=info.name,
        data=name_of(info.path),
        target=info.target,
        stage=info.stage,
        rungs=tuple((rung.model.replace("_", " "), rung.value) for rung in info.ladder),
        metric=info.ladder[-1].metric if info.ladder else "",
        working=info.running,
        branches=info.branches,
        comments=info.comments,
        changed_at=info.changed_at,
    )


def _said(answers: Mapping[str, str]) -> Answerer:
    """What a person said beforehand; what the question does not offer is asked after all."""

    def answer(ask: Ask, session: Session) -> Answer | None:
        choice = answers.get(ask.name)
        if choice is None:
            return None
        try:
            ask.accept(choice)
        except InvalidAnswer:
            return None
        return Answer(choice, "I named it when I began the session.", "person", "person")

    return answer
