"""`rungwise review` and `rungwise comment`: the flags over a journal, and what people say about its decisions."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UsageProblem
from engine.metrics import figure
from engine.records import Decision, Json
from engine.review.catalogue import LEFT_OUT
from engine.review.flag import SEVERITIES
from engine.review.review import Raised, Review, Summary, as_json, review, summary
from engine.stages.columns import counted, listed
from engine.words import literal, short
from storage.comments import Comment, Mark, Thread, whoami
from storage.store import Store
from tui.cli.looking import opened, print_json, table
from tui.results import local_time

if TYPE_CHECKING:
    from engine.runners.again import Comparison
    from storage.cohort import Trainee

WIDTH = 100


def review_session(path: Path, name: str, branch: str, *, rerun: bool, as_json_: bool) -> int:
    """Print the review of a branch; 1 when serious flags stand."""
    with opened(path) as store:
        record = store.record(name, branch or None)
        if rerun:
            from tui.cli.replaying import in_silence, in_words, run_again

            _, comparisons, _ = run_again(store, name, record.branch, in_silence if as_json_ else in_words)
            record = replace(record, drifted=tuple(_drift(c) for c in comparisons if c.outcome == "drifted"))
        found, about = review(record), summary(record)
        threads = store.comments.threads(store.sessions.get(name).id)
        seqs = {d.hash: d.seq for d in record.decisions}
    if as_json_:
        shown = as_json(found, about) | {"rerun": rerun, "threads": [thread_result(t, seqs) for t in threads]}
        print_json(shown)
    else:
        _print(found, about, threads, seqs, rerun=rerun)
    return 1 if found.serious else 0


def _drift(c: Comparison) -> str:
    first = c.differences[0]
    label = c.trial.label or c.trial.kind
    return f"{label}: {first.where} was {first.recorded} and is {first.again} now; {c.cause}."


def review_folder(folder: Path, *, as_json_: bool) -> int:
    """Print a cohort, one row a session; 1 when serious flags stand anywhere, or a session was changed by hand."""
    from storage.cohort import cohort

    found = cohort(folder)
    if as_json_:
        print_json([_trainee_result(t, folder) for t in found])
    elif not found:
        print(f"There is no store and no bundle in {literal(folder)}.")
    else:
        _print_cohort(found, folder)
    return 1 if any(t.flags("red") or t.altered for t in found) else 0


def is_cohort(path: Path, named: str) -> bool:
    """Whether a folder is meant rather than a session of the store that is called so."""
    if not Path(named).is_dir():
        return False
    if not path.exists():
        return True
    with opened(path) as store:
        return named.casefold() not in (name.casefold() for name in store.sessions.names())


def _print_cohort(found: Sequence[Trainee], folder: Path) -> None:
    head = ("file", "session", "stage", "decisions", "rungs", "gain", "red", "amber", "info", "open", "unanswered")
    rows = [
        (short(_place(t, folder), 36), short(t.session, 24), literal(t.stage) or "new", str(t.decisions),
         short(" → ".join(f"{s.value:.3g} {s.title}" for s in t.rungs[-2:]), 46),
         "" if t.gain is None else f"{t.gain:+.3g}", *(str(t.flags(s)) for s in SEVERITIES), str(t.open),
         str(t.unanswered))
        for t in found if not t.problem
    ]  # fmt: skip
    if rows:
        print("\n".join(table(head, rows)))
    for t in found:
        if t.problem:
            print(f"! {literal(_place(t, folder))}: {literal(t.problem)}")
        elif t.altered:
            print(f"! {literal(_place(t, folder))}: it was changed by hand: {literal(t.altered)}.")
    print(f"{counted(len(rows), 'session')}, {sum(t.unanswered for t in found)} unanswered questions.")


def _place(t: Trainee, folder: Path) -> str:
    return str(t.place.relative_to(folder))


def _trainee_result(t: Trainee, folder: Path) -> dict[str, Json]:
    return {
        "file": _place(t, folder),
        "session": t.session,
        "branch": t.branch,
        "stage": t.stage,
        "decisions": t.decisions,
        "rungs": [vars(s) for s in t.rungs],
        "gain": t.gain,
        "flags": {s: t.flags(s) for s in SEVERITIES},
        "open": t.open,
        "unanswered": t.unanswered,
        "altered": t.altered or None,
        "problem": t.problem or None,
    }


# -- as text -------------------------------------------------------------------------------------------------------


def _print(found: Review, about: Summary, threads: Sequence[Thread], seqs: dict[str, int], *, rerun: bool) -> None:
    counts = [f"{found.count(severity)} {severity}" for severity in SEVERITIES]
    head = f"{literal(found.session)} · branch {literal(found.branch)} · {counted(found.decisions, 'decision')}"
    print(f"{head} · flags: {', '.join(counts)}")
    for flag in dict.fromkeys(r.flag.id for r in found.raised):
        _print_flag([r for r in found.raised if r.flag.id == flag])
    if not found.raised:
        print("\nNothing to flag.")
    if found.badges:
        print("\ngood practice")
        for e in found.badges:
            where = f" ({e.seq})" if e.seq else ""
            print(f"  + {e.badge.title}{where}: {literal(e.what)}")
    _print_threads(threads, seqs)
    _print_summary(about)
    aside = [] if rerun else ["M29 (add --rerun to compute every figure again)"]
    print(f"\nnot looked for: {listed([*aside, *LEFT_OUT])}.")
    if found.unread:
        print(f"! This journal holds what no session writes; {listed(found.unread)} could not be looked for.")


def _print_flag(raised: Sequence[Raised]) -> None:
    """One flag with every place where it fires, and why it matters once."""
    first = raised[0]
    print(f"\n{first.severity.upper():<6}{first.flag.id:<5}{first.flag.title}")
    for r in raised:
        where = f"{r.seq} {literal(r.place)}: " if r.seq else ""
        milder = f" [{r.severity}]" if r.severity != first.severity else ""
        _wrapped(f"{where}{literal(r.what)}{milder}", "   · ")
    _wrapped(f"matters: {first.flag.matters}", "     ")
    _wrapped(f"do: {first.flag.do}", "     ")


def _wrapped(text: str, lead: str) -> None:
    for line in textwrap.wrap(text, WIDTH, initial_indent=lead, subsequent_indent=" " * (len(lead) + 2)):
        print(line)


def _print_threads(threads: Sequence[Thread], seqs: dict[str, int]) -> None:
    if not threads:
        return
    waiting = sum(t.open for t in threads)
    print(f"\ncomments: {counted(len(threads), 'thread')}, {waiting} open")
    for thread in threads:
        c = thread.first
        where = (
            f"on decision {seqs[c.about]}" if c.about in seqs else "on another branch" if c.about else "on all of it"
        )
        state = "open" if thread.open else "resolved" if thread.resolved else ""
        _wrapped(f"{_said(c)} {where}{f' [{state}]' if state else ''}: {literal(c.text) or '—'}", f"  {c.id:>3} ")
        for reply in thread.replies:
            _wrapped(f"{_said(reply)}: {literal(reply.text)}".removesuffix(": "), f"  {reply.id:>3}   ")


def _said(c: Comment) -> str:
    words = {"agree": " agrees", "question": " asks", "disagree": " disagrees", "resolved": " settled it",
             "reopened": " opened it again"}  # fmt: skip
    return f"{local_time(c.at)} {literal(c.author)}{words.get(c.mark, '')}"


def _print_summary(about: Summary) -> None:
    who = {"person": "by a person", "plan": "by a plan", "engine": "by the guide"}
    authors = ", ".join(f"{n} {who.get(a, literal(a))}" for a, n in sorted(about.authors.items(), key=lambda x: -x[1]))
    print(
        f"\ndecisions: {authors or 'none'}; {about.overruled} against the advice; {about.unedited} whys kept unedited"
    )
    if about.steps:
        head = ("rung", "stage", "tier", "score", "95 % interval", "gain")
        rows = [
            (short(s.title, 40), literal(s.stage), s.tier, f"{figure(s.value)} {literal(s.metric)}",
             "" if s.low is None or s.high is None else f"{figure(s.low)} … {figure(s.high)}",
             "" if s.gain is None else f"{s.gain:+.3g}")
            for s in about.steps
        ]  # fmt: skip
        print("\n".join(table(head, rows)))
    if about.spent:
        rows = [(literal(s.stage), str(s.decisions), _span(s.person_seconds), _span(s.compute_seconds))
                for s in about.spent]  # fmt: skip
        print("\n".join(table(("stage", "decisions", "at the questions", "computing"), rows)))


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def thread_result(thread: Thread, seqs: dict[str, int]) -> dict[str, Json]:
    """A thread as JSON.  seqs: number of a decision by its hash."""
    return {
        "state": "open" if thread.open else "resolved" if thread.resolved else "",
        "decision": seqs.get(thread.first.about),
        "about": thread.first.about or None,
        "comments": [
            {"id": c.id, "uid": c.uid, "author": c.author, "mark": c.mark, "text": c.text, "at": c.at}
            for c in (thread.first, *thread.replies)
        ],
    }


# -- commenting ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Remark:
    """What the command line says.  Exactly one of these is given; answer: ID=TEXT."""

    agree: str | None = None
    question: str | None = None
    disagree: str | None = None
    note: str | None = None
    answer: str | None = None
    resolve: int | None = None
    reopen: int | None = None


def comment(path: Path, name: str, branch: str, decision: str, remark: Remark, author: str) -> None:
    """Keep one remark, and say which number it has."""
    mark, text, answers = _remark(remark)
    if answers is not None and decision:
        raise UsageProblem(f"A comment is answered by its number alone; leave out {literal(decision)}.")
    with Store.open(path) if path.exists() else opened(path) as store:
        session = store.sessions.get(name)
        about = _decision(store.journal(session.name, branch or None).decisions(), decision).hash if decision else ""
        made = store.comments.add(session.id, author or whoami(), text, about=about, mark=mark, answers=answers)
    print(f"Comment {made} recorded.")


def _remark(remark: Remark) -> tuple[Mark, str, int | None]:
    given = {name: value for name, value in vars(remark).items() if value is not None}
    if len(given) != 1:
        raise UsageProblem(
            "Say one thing at a time: one of --agree, --question, --disagree, --note, --answer, --resolve, --reopen."
        )
    (name, value), *_ = given.items()
    match name:
        case "resolve" | "reopen":
            return ("resolved" if name == "resolve" else "reopened"), "", int(value)
        case "answer":
            number, equals, text = str(value).partition("=")
            if not equals or not number.strip().isdecimal():
                raise UsageProblem(f'--answer takes ID="TEXT", such as 3="They rank, so order counts"; not {value!r}.')
            return "", text, int(number)
        case "note":
            return "", str(value), None
        case "agree" | "question" | "disagree":
            return name, str(value), None
    raise AssertionError(name)


def _decision(decisions: Sequence[Decision], named: str) -> Decision:
    """The decision of a number or of a question, the last one.  Raises UsageProblem."""
    found = [d for d in decisions if (named.isdecimal() and d.seq == int(named)) or d.name == named]
    if not found:
        near = ", ".join(_like(named, (d.name for d in decisions)))
        hint = f"; near it: {near}" if near else f"; it has decisions 1 to {len(decisions)}"
        raise UsageProblem(f"There is no decision {named} in this session{hint}.")
    return found[-1]


def _like(named: str, names: Iterable[str]) -> list[str]:
    import difflib

    return difflib.get_close_matches(named, list(names), n=3, cutoff=0.5)
