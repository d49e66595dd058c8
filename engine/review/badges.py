"""Good practice that a journal shows, so that a review does not only find fault."""

from __future__ import annotations

from collections.abc import Iterator

from engine.metrics import figure
from engine.review.flag import Badge, Finding
from engine.review.record import Record, comparison


def _net_rejected(r: Record) -> Iterator[Finding]:
    net = r.about("deep.compare")
    if net is not None and net.choice == "reject" and net.check is not None and net.check.value is not None:
        yield Finding(f"A network was measured ({figure(net.check.value)}) and turned down.", net)


def _smaller_kept(r: Record) -> Iterator[Finding]:
    for d in r.of("deep.half"):
        if d.choice == "smaller":
            yield Finding("The smaller network was as good, and was kept.", d)


def _opened_once(r: Record) -> Iterator[Finding]:
    result = r.about("present.result")
    exams = {key for d in r.openings for key in d.evidence}
    if result is not None and result.check and result.check.details.get("looks") == 1 and len(exams) <= 1:
        yield Finding("The locked rows were looked at once.", result)


def _expert(r: Record) -> Iterator[Finding]:
    drivers, rule = r.about("problem.drivers"), r.about("problem.rule")
    if drivers is not None and len(drivers.choice or ()) >= 3:
        yield Finding(f"{len(drivers.choice)} drivers were named before any model was seen.", drivers)
    examined = r.about("baseline.rule")
    if (
        rule is not None
        and rule.choice
        and examined is not None
        and examined.check
        and examined.check.value is not None
    ):
        yield Finding(
            f"An experienced person's rule was written down and examined: {figure(examined.check.value)}.", rule
        )


def _leak_dropped(r: Record) -> Iterator[Finding]:
    for d in r.of("data.leaks"):
        if d.choice == "drop" and d.author != "engine":
            yield Finding(f"“{d.subject}” was left out as a leak.", d)


def _undone(r: Record) -> Iterator[Finding]:
    tried = (*r.of("data.keep"), *r.of("data.features"))
    back = [d for d in tried if d.choice in ("undo", "leave") and d.check is not None]
    if back:
        yield Finding(f"{len(back)} of {len(tried)} changes were measured and taken back.", back[0])


def _own_whys(r: Record) -> Iterator[Finding]:
    asked = [d for d in r.in_force if d.author == "person"]
    own = [d for d in asked if d.why_author == "person" and d.why_verdict == "ok"]
    if len(asked) >= 5 and len(own) >= 0.5 * len(asked):
        yield Finding(f"{len(own)} of {len(asked)} answers carry a why of the person's own.")


def _simple_stands(r: Record) -> Iterator[Finding]:
    d = r.about("simple.champion")
    if d is not None and comparison(d).get("accepted") and d.choice == d.recommended and len(d.options) > 2:
        yield Finding("The simplest model that nothing measurably beat was carried forward.", d)


BADGES = (
    Badge("net rejected", "Turned a network down on evidence", "S002; S000", _net_rejected),
    Badge("smaller net", "Kept the smaller network", "S002", _smaller_kept),
    Badge("lockbox once", "Opened the lockbox once", "Kapoor & Narayanan 2023, L1.1", _opened_once),
    Badge("expert used", "Used what experts know", "S002; S004", _expert),
    Badge("leak left out", "Left a leak out", "Kapoor & Narayanan 2023, L2", _leak_dropped),
    Badge("change taken back", "Took changes back that did not help", "S002", _undone),
    Badge("own whys", "Gave whys of one's own", "S002: keep asking why", _own_whys),
    Badge("simple stands", "Kept to the simplest model that works", "S000; S002", _simple_stands),
)
