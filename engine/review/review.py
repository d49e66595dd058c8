"""The review of a journal: what the flags find, what was done well, and how the session was spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.errors import RungwiseError
from engine.records import Check, Json
from engine.review.badges import BADGES
from engine.review.catalogue import FLAGS, LEFT_OUT
from engine.review.flag import SEVERITIES, Badge, Finding, Flag, Severity, marked
from engine.review.record import Record, model_of, tier_of, title_of
from engine.words import short

# What a journal that was made elsewhere may hold in the place of a figure or a text, and a flag then trips over.
_UNREADABLE = (RungwiseError, TypeError, ValueError, KeyError, AttributeError, IndexError)


@dataclass(frozen=True)
class Raised:
    """A flag that stands.  seq: number of the decision it concerns, 0 for the session as a whole."""

    flag: Flag
    severity: Severity
    what: str
    seq: int = 0
    place: str = ""  # the question, with its subject


@dataclass(frozen=True)
class Earned:
    """A badge, and where the journal shows it."""

    badge: Badge
    what: str
    seq: int = 0


@dataclass(frozen=True)
class Review:
    """raised: the gravest first, then by number of flag and decision.  unread: ids of flags that could not be looked
    for, as the journal holds what no session of this program writes."""

    session: str
    branch: str
    decisions: int
    raised: tuple[Raised, ...]
    badges: tuple[Earned, ...]
    unread: tuple[str, ...] = ()

    def count(self, severity: Severity) -> int:
        return sum(r.severity == severity for r in self.raised)

    @property
    def serious(self) -> bool:
        return self.count("red") > 0

    def at(self, seq: int) -> tuple[Raised, ...]:
        """The flags that concern a decision."""
        return tuple(r for r in self.raised if r.seq == seq)


def review(record: Record, flags: Sequence[Flag] = FLAGS) -> Review:
    """Look for every flag and badge in a journal.  Nothing is computed but from what was recorded."""
    raised: list[Raised] = []
    unread: list[str] = []
    for flag in flags:
        try:
            found = list(flag.find(record))
        except _UNREADABLE:
            unread.append(flag.id)
            continue
        raised += [_raised(flag, finding) for finding in (*found, *_marked_only(record, flag, found))]
    earned: list[Earned] = []
    for badge in BADGES:
        try:
            earned += [Earned(badge, f.what, f.decision.seq if f.decision else 0) for f in badge.find(record)]
        except _UNREADABLE:
            continue
    order = {flag.id: i for i, flag in enumerate(flags)}
    raised.sort(key=lambda r: (SEVERITIES.index(r.severity), order[r.flag.id], r.seq))
    seqs = [d.seq for d in record.decisions]
    return Review(record.name, record.branch, max(seqs, default=0), tuple(raised), tuple(earned), tuple(unread))


# Flags whose own look says all: it weighs what came after the mark, such as a why, or names the same in one place.
_SAYS_ALL = frozenset(("M01", "M04", "M10", "M25", "M27"))


def _marked_only(record: Record, flag: Flag, found: Sequence[Finding]) -> list[Finding]:
    """Decisions that were given this flag when they were taken, and that its own look did not come by."""
    if flag.id in _SAYS_ALL:
        return []
    seen = {f.decision.seq for f in found if f.decision is not None}
    return [
        Finding(f"Marked when it was decided: {short(d.reason or d.prompt, 200)}", d)
        for d in marked(record, flag.id)
        if d.seq not in seen
    ]


def _raised(flag: Flag, finding: Finding) -> Raised:
    d = finding.decision
    return Raised(flag, finding.milder or flag.severity, finding.what, d.seq if d else 0, d.name if d else "")


# -- how the session was spent -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One rung.  gain: over the rung before, in the metric's own unit, positive where it got better; None on the first
    and where the metric changed."""

    title: str
    stage: str
    tier: str
    metric: str
    value: float
    low: float | None
    high: float | None
    gain: float | None


@dataclass(frozen=True)
class Spent:
    """Time by stage: a person's at the questions, and the computing's, in seconds."""

    stage: str
    decisions: int
    person_seconds: float
    compute_seconds: float


@dataclass(frozen=True)
class Summary:
    """What a page about the session says.  unedited: whys of a person's decisions that are the guide's own words."""

    authors: Mapping[str, int]
    overruled: int
    unedited: int
    steps: tuple[Step, ...]
    spent: tuple[Spent, ...]


def summary(record: Record) -> Summary:
    """Who decided, what each rung gained, and what it cost."""
    standing = record.in_force
    asked = [d for d in standing if d.author == "person"]
    return Summary(
        dict(Counter(d.author for d in standing)),
        sum(d.overruled for d in standing),
        sum(d.why_author == "engine" and bool(d.why) for d in asked),
        steps(record),
        _spent(record),
    )


def steps(record: Record) -> tuple[Step, ...]:
    """The ladder with the gain of each rung over the one before."""
    m, found = record.metric, list[Step]()
    sign = 1 if m is None or m.higher_is_better else -1
    before: Check | None = None
    for d in record.rungs:
        check, model = d.check, model_of(d)
        if check is None or check.value is None:
            continue
        gain = None
        if before is not None and before.value is not None and before.metric == check.metric:
            gain = sign * (check.value - before.value)
        figures = (check.metric, check.value, check.low, check.high, gain)
        found.append(Step(title_of(model), d.stage, tier_of(model), *figures))
        before = check
    return tuple(found)


def _spent(record: Record) -> tuple[Spent, ...]:
    """Computing counts for the stage that first cites it."""
    seen: set[str] = set()
    found = []
    for stage in dict.fromkeys(d.stage for d in record.decisions):
        here = [d for d in record.decisions if d.stage == stage]
        compute = 0.0
        for d in here:
            for e in record.cited(d):
                compute += 0.0 if e.key in seen else e.seconds
                seen.add(e.key)
        found.append(Spent(stage, len(here), sum(d.seconds for d in here), compute))
    return tuple(found)


def as_json(found: Review, about: Summary | None = None) -> dict[str, Json]:
    """The review as JSON; the shape that scripts may rely on."""
    result: dict[str, Json] = {
        "session": found.session,
        "branch": found.branch,
        "decisions": found.decisions,
        "serious": found.serious,
        "counts": {severity: found.count(severity) for severity in SEVERITIES},
        "flags": [
            {
                "id": r.flag.id, "severity": r.severity, "title": r.flag.title, "decision": r.seq or None,
                "question": r.place, "what": r.what, "matters": r.flag.matters, "do": r.flag.do, "rule": r.flag.rule,
                "source": r.flag.source,
            }
            for r in found.raised
        ],
        "badges": [
            {"id": e.badge.id, "title": e.badge.title, "decision": e.seq or None, "what": e.what} for e in found.badges
        ],
        "unread": list(found.unread),
        "not_looked_for": dict(LEFT_OUT),
    }  # fmt: skip
    if about is not None:
        result["summary"] = {
            "authors": dict(about.authors),
            "overruled": about.overruled,
            "unedited_whys": about.unedited,
            "rungs": [vars(step) for step in about.steps],
            "stages": [vars(s) for s in about.spent],
        }
    return result
