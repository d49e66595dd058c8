"""What is typed to find decisions in a journal: words, and `stage:simple by:person verdict:unclear flag:M04`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from engine.errors import UsageProblem
from engine.records import Decision
from tui.figures import answered, choice

AUTHORS = {"person": "person", "you": "person", "plan": "plan", "guide": "engine", "engine": "engine"}
HINT = "words, or stage:simple  by:person  verdict:unclear  flag:M04  against:yes"


@dataclass(frozen=True)
class Sift:
    """words: all must occur in question, answer (its words, or its key) or why.  Of each kind one must fit.

    Empty: everything fits.
    """

    words: tuple[str, ...] = ()
    kinds: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not self.words and not self.kinds

    @property
    def needs_review(self) -> bool:
        """Whether the flags of the review decide, and not only those that were recorded."""
        return "flag" in self.kinds

    def through(self, decisions: Sequence[Decision], raised: Mapping[int, frozenset[str]]) -> list[int]:
        """The places of the decisions that fit.  raised: the review's flags by decision number."""
        return [at for at, d in enumerate(decisions) if self.fits(d, raised.get(d.seq, frozenset()))]

    def fits(self, d: Decision, raised: frozenset[str] = frozenset()) -> bool:
        if not all(_KINDS[kind](d, raised, wanted) for kind, wanted in self.kinds.items()):
            return False
        return not self.words or all(word in _text_of(d) for word in self.words)


def read_sift(typed: str) -> Sift:
    """Raises UsageProblem for a kind that there is not."""
    words: list[str] = []
    kinds: dict[str, frozenset[str]] = {}
    for part in _parts(typed):
        kind, colon, value = part.partition(":")
        if colon and value and kind.casefold() in _KINDS:
            found = frozenset(v for v in value.casefold().split(",") if v)
            kinds[kind.casefold()] = kinds.get(kind.casefold(), frozenset()) | found
        elif colon and not value and kind.casefold() in _KINDS:
            continue  # it is being typed
        else:
            words.append(part.casefold())
    if (by := kinds.get("by")) and (unknown := by - AUTHORS.keys()):
        if all(any(name.startswith(u) for name in AUTHORS) for u in unknown):
            return Sift(tuple(words), {k: v for k, v in kinds.items() if k != "by"})  # half typed
        raise UsageProblem(f"by: takes person, plan or guide, not {min(unknown)}.")
    return Sift(tuple(words), kinds)


def _parts(typed: str) -> list[str]:
    """Words apart, a phrase in quotes as one; a quote that is not closed yet is a sign like any other."""
    try:
        return shlex.split(typed, posix=True)
    except ValueError:
        return typed.split()


def _text_of(d: Decision) -> str:
    return f"{d.name}\0{choice(d.choice)}\0{answered(d)}\0{d.why}".casefold()


def _begins(of: Callable[[Decision], str], d: Decision, _: frozenset[str], wanted: frozenset[str]) -> bool:
    found = of(d).casefold()
    return any(found.startswith(w) for w in wanted)


def _by(d: Decision, _: frozenset[str], wanted: frozenset[str]) -> bool:
    return d.author in {AUTHORS[w] for w in wanted if w in AUTHORS}


def _flag(d: Decision, raised: frozenset[str], wanted: frozenset[str]) -> bool:
    found = [f.casefold() for f in {*d.flags, *raised}]
    return any(f.startswith(w) or w in ("any", "yes") for f in found for w in wanted)


def _against(d: Decision, _: frozenset[str], wanted: frozenset[str]) -> bool:
    return d.overruled == (not wanted & {"no", "n"})


_KINDS: Mapping[str, Callable[[Decision, frozenset[str], frozenset[str]], bool]] = {
    "stage": partial(_begins, lambda d: d.stage),
    "verdict": partial(_begins, lambda d: d.check.verdict if d.check else ""),
    "by": _by,
    "flag": _flag,
    "against": _against,
}
