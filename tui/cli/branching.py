"""`rungwise branches`: the lines of a session's decisions, what became of each, and what is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.errors import UsageProblem
from engine.records import Json
from engine.review.record import rung_title
from engine.session import Rung, Session
from engine.words import literal, short
from storage.comments import whoami
from storage.sessions import Branch
from storage.store import Store
from tui.cli.looking import opened, print_json, table
from tui.results import local_time, rung_result


@dataclass(frozen=True)
class Deed:
    """What is to be done, each "" where it is not wanted.  rename: BRANCH=NEW."""

    switch: str = ""
    rename: str = ""
    abandon: str = ""
    take_up: str = ""
    why: str = ""

    @property
    def wanted(self) -> int:
        return sum(map(bool, (self.switch, self.rename, self.abandon, self.take_up)))


def branches(path: Path, name: str, deed: Deed, *, as_json: bool) -> None:
    """Do what is wanted, and list the branches as they are then."""
    if deed.wanted > 1:
        raise UsageProblem("One thing at a time: --switch, --rename, --abandon or --take-up.")
    if deed.why and not (deed.abandon or deed.take_up):
        raise UsageProblem("--why goes with --abandon or --take-up.")
    if not deed.wanted:
        with opened(path) as store:
            _list(store, name, as_json=as_json)
        return
    opened(path).close()  # says so where there is no store yet
    with Store.open(path) as store:
        session = store.sessions.get(name).name
        with store.hold(session):
            done = _do(store, session, deed)
        _list(store, session, as_json=as_json)
    if not as_json:
        print(f"\n{done}")


def _do(store: Store, session: str, deed: Deed) -> str:
    sessions, who = store.sessions, whoami()
    if deed.switch:
        sessions.switch(session, deed.switch)
        return f"`rungwise open {session}` goes on with {sessions.branch(session).name}."
    if deed.rename:
        branch, new = _renamed(store, session, deed.rename)
        return f"Branch {literal(branch)} is called {literal(sessions.rename(session, branch, new, who).name)} now."
    if deed.abandon:
        current = sessions.abandon(session, deed.abandon, deed.why, who)
        return f"It stays, with its reason; `rungwise open {session}` goes on with {literal(current)}."
    sessions.take_up(session, deed.take_up, deed.why, who)
    return f"Taken up again; `rungwise branches {session} --switch {literal(deed.take_up)}` goes on with it."


def _renamed(store: Store, session: str, typed: str) -> tuple[str, str]:
    """BRANCH and NEW of BRANCH=NEW; a branch's own name may hold a =."""
    for at in (i for i, sign in enumerate(typed) if sign == "="):
        if any(b.name.casefold() == typed[:at].strip().casefold() for b in store.sessions.branches(session)):
            return typed[:at].strip(), typed[at + 1 :]
    branch, equals, new = typed.partition("=")
    if not equals:
        raise UsageProblem(f"--rename takes BRANCH=NEW, such as branch-2=lags; not {typed!r}.")
    return store.sessions.branch(session, branch.strip()).name, new


def _list(store: Store, name: str, *, as_json: bool) -> None:
    info = store.sessions.get(name)
    found = store.sessions.branches(info.name)
    rungs = {
        b.name: Session(info.name, info.dataset, store.journal(info.name, b.name).decisions()).rungs for b in found
    }
    if as_json:
        print_json([_result(b, rungs[b.name], current=b.name == info.branch) for b in found])
        return
    print(f"{literal(info.name)} · {len(found)} branch{'es' if len(found) != 1 else ''}")
    rows = [
        (
            ("▸ " if b.name == info.branch else "  ") + short(b.name, 30),
            f"{short(b.parent, 24)} at {b.forked_at}" if b.parent is not None else "",
            f"{b.own} own",
            _last(rungs[b.name]),
            local_time(b.created_at),
            f"abandoned: {short(b.abandoned, 60)}" if b.abandoned else "",
        )
        for b in found
    ]
    for line in table(("  branch", "left", "decisions", "ladder ends with", "begun", ""), rows):
        print(line)


def _last(rungs: tuple[Rung, ...]) -> str:
    return f"{rungs[-1].value:.3g} {short(rung_title(rungs[-1].model), 30)}" if rungs else "—"


def _result(branch: Branch, rungs: tuple[Rung, ...], *, current: bool) -> dict[str, Json]:
    return {
        "branch": branch.name,
        "parent": branch.parent,
        "forked_at": branch.forked_at,
        "decisions": branch.length,
        "own": branch.own,
        "current": current,
        "abandoned": bool(branch.abandoned),
        "why": branch.abandoned or None,
        "created_at": branch.created_at,
        "rungs": [rung_result(rung) for rung in rungs],
    }
