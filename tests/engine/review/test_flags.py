"""Every flag has a journal on which it fires, at the decision it concerns, and one like it on which it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from engine.models.catalogue import as_model
from engine.records import Check, Evidence, Option
from engine.review.catalogue import FLAGS, LEFT_OUT
from engine.review.record import Record
from engine.review.review import review
from tests.engine.review.journals import EVIDENCE, PLAN, evidence, line, record, rung, say, sound

ROW = {"accepted": False, "diff": 0.004, "p": 0.3, "verdict": "unclear"}


@dataclass(frozen=True)
class Case:
    """fires: a journal with the flag, at the decision `at` ("" for the session), saying `says`; quiet: one without."""

    flag: str
    fires: Callable[[], Record]
    at: str
    says: str
    quiet: Callable[[], Record] = record
    severity: str = ""


def result(**details: object):
    return replace(sound()["present.result"], check=Check("roc_auc", 0.79, 0.76, 0.82, 0.7, details=details))


def forked(at: str, *changed, keep: bool = True) -> Record:
    """A branch of the sound session, left before the decision `at`: these are answered otherwise, the rest again."""
    first = line(sound().values())
    names = [d.name for d in first]
    shared = first[: names.index(at)]
    rest = {d.name: replace(d, decided_at="") for d in first[len(shared) :]} if keep else {}
    rest |= {d.name: d for d in changed}
    second = line(rest.values(), start=600, shared=shared)
    return Record("churn", second, (first,), EVIDENCE.get, "branch-2")


def finding(detector: str, column: str = "") -> Evidence:
    found = {"detector": detector, "column": column, "level": "amber", "sentence": f"{detector} was found."}
    return evidence("leaks", "leaks", {"findings": [found]})


def leak(choice: str, verdict: str = "red"):
    check = Check("roc_auc", 0.98, protocol="LK2", verdict=verdict)
    return say("data.leaks:offer", choice, check=check, evidence=("with",))


def weak(choice: str, *, protected: bool = True, name: str = "sex = f"):
    details = {"ratio": 1.6, "protected": protected}
    return say(f"improve.errors:{name}", choice, check=Check("log loss", 0.6, verdict="weak", details=details))


WITH = evidence("with", "probe", {"rows": [{"name": "offer", "diff": -0.2}, {"name": "other", "diff": None}]})
SAME = [{"family": "linear", "diff": 0.0, "lower": -0.01, "upper": 0.01, "verdict": "unclear", "detectable": 0.02}]
BETTER = [{**SAME[0], "diff": 0.05, "lower": 0.02, "upper": 0.08, "verdict": "better"}]


def kept(rows: list, choice: str = "keep"):
    return say("data.keep:data.skew", choice, check=Check("gain in roc_auc", 0, verdict="", details={"rows": rows}))


def tuned(trials: int):
    model = {"name": "boosting", "settings": {"trials": trials}}
    return rung("improve.tune:1", "boosting", 0.83, row={}, model=model)


def net(**changes):
    return rung(
        "deep.compare", "net_small", 0.83, **{"row": {"alpha": 0.01, "diff": 0.03}, "choice": "accept"} | changes
    )


GATE = say("deep.gate", "strict", check=Check("checks passed", 11, reference=12, verdict="strict"))
IDEA = say("deep.hypothesis", "tenure and fee act together")
SANE = say("deep.sanity", "passed", evidence=("sane",), author="engine")
SANITY = evidence("sane", "sanity", {"checks": []})
NET = evidence("net", "cross_validate", {"net": [{}], "model": {}})


def with_net(*changed, more=(), without=()) -> Record:
    given = {d.name: d for d in (GATE, IDEA, SANE, net(), *changed)}
    return record(*(d for n, d in given.items() if n not in without), more=(SANITY, NET, *more))


CASES = (
    Case("M01", lambda: record(result(looks=2)), "present.result", "2 times"),
    Case("M01", lambda: replace(forked("improve.threshold", replace(result(looks=1), evidence=("other",)))),
         "present.result", "2 different final exams", lambda: forked("improve.threshold")),
    Case("M02", lambda: forked("simple.champion", rung("simple.champion", "boosting", 0.82, row={})),
         "simple.champion", "not what was examined", lambda: forked("simple.champion")),
    Case("M03", lambda: record(rung("simple.champion", "boosting", 0.81, row=ROW)), "simple.champion",
         "gain +0.004, p 0.3, unclear"),
    Case("M03", lambda: record(rung("simple.champion", "tree", 0.81, row=ROW)), "simple.champion", "without earning",
         lambda: record(rung("simple.champion", "rule", 0.81, row=ROW))),  # no more complex than the rung before
    Case("M03b", lambda: record(kept(SAME)), "data.keep:data.skew", "do not say", lambda: record(kept(BETTER))),
    Case("M03b", lambda: record(say("data.features:f", "keep", flags=("M03b",))), "data.features:f", "do not say",
         lambda: record(kept(SAME, "undo"))),
    Case("M04", lambda: record(say("problem.metric", "log_loss", overruled=True, why="", why_verdict="missing")),
         "problem.metric", "no why was given", lambda: record(say("problem.metric", "log_loss", overruled=True))),
    Case("M04", lambda: record(replace(sound()["simple.champion"], why="good", why_verdict="thin")),
         "simple.champion", "the why is thin"),
    Case("M05", lambda: forked("problem.success", say("problem.success", 0.65)), "problem.success",
         "was 0.7 and became 0.65", lambda: forked("problem.success")),
    Case("M05", lambda: forked("problem.metric", say("problem.metric", "log_loss")), "problem.metric", "“log_loss”",
         lambda: forked("problem.metric", say("problem.latency", 50))),
    Case("M06", lambda: record(without=["baseline.confirm"]), "simple.champion", "agreed on"),
    Case("M06", lambda: record(without=["baseline.dummy"]), "simple.champion", "the floor"),
    Case("M06", lambda: record(without=["baseline.rule"]), "problem.rule", "never examined", severity="amber"),
    Case("M07", lambda: record(leak("keep"), more=[WITH]), "data.leaks:offer", "roc_auc 0.98 alone; without it the "
         "practice exams change by -0.2", lambda: record(leak("keep", "amber"), leak("drop"))),
    Case("M07", lambda: record(say("improve.one_column", "leak", flags=("M07",))), "improve.one_column", "a leak",
         lambda: record(say("improve.one_column", "known"))),
    Case("M08", lambda: with_net(replace(GATE, choice="open", level="hold")), "deep.gate", "11 of 12 checks",
         with_net),
    Case("M08", lambda: with_net(net(row={"alpha": 0.05})), "deep.compare", "α = 0.05", with_net),
    Case("M09", lambda: record(replace(sound()["improve.threshold"], evidence=("exam",))), "improve.threshold",
         "answers on the locked rows"),
    Case("M09", lambda: forked("improve.threshold", say("improve.threshold", 0.3)), "improve.threshold",
         "changed to 0.3", lambda: forked("simple.ship_now")),
    Case("M10", lambda: record(say("problem.unit", "customer")), "split.kind", "“customer”",
         lambda: record(say("problem.unit", "customer"), say("split.kind", "group"))),
    Case("M10", lambda: record(say("problem.moment", "since")), "split.kind", "the future teaches",
         lambda: record(say("problem.moment", "since"), say("split.kind", "time"))),
    Case("M10", lambda: record(more=[finding("LK8")]), "split.kind", "LK8 was found.",
         lambda: record(more=[finding("LK9", "since")])),
    Case("M11", lambda: record(more=[finding("LK10")]), "data.leak_checks", "LK10 was found.",
         lambda: record(more=[finding("LK5")])),
    Case("M11", lambda: record(say("data.leaks:pc1", "keep", author="engine"), more=[finding("LK11", "pc1")]),
         "data.leaks:pc1", "LK11", lambda: record(say("data.leaks:pc1", "keep"), more=[finding("LK11", "pc1")])),
    Case("M12", lambda: record(tuned(40)), "improve.tune:1", "40 settings tried", lambda: record(tuned(2))),
    Case("M13", lambda: record(*(rung(f"improve.tune:{i}", "boosting", 0.8, row=ROW) for i in range(3))),
         "improve.tune:2", "4 rounds of proof in the stage simple; together they spent 0.2",
         lambda: record(*(rung(f"improve.tune:{i}", "boosting", 0.8, row=ROW) for i in range(2)))),
    Case("M14", lambda: forked("split.plan", say("split.plan", PLAN | {"seed": 7}),
                               rung("simple.champion", "logistic", 0.84, row={})), "simple.champion",
         "2 seeds; this branch reports the best, 0.84, not 0.8",
         lambda: forked("split.plan", say("split.plan", PLAN | {"seed": 7}),
                        rung("simple.champion", "logistic", 0.79, row={}))),
    Case("M15", lambda: with_net(net(details={"seed_sd": 0.02})), "deep.compare", "by 0.02; the gain",
         lambda: with_net(net(details={"seed_sd": 0.01}))),
    Case("M16", lambda: record(say("problem.drivers", {}, flags=("M16",), reason="Fewer than three.")),
         "problem.drivers", "Marked when it was decided: Fewer than three."),
    Case("M16", lambda: record(say("problem.domain", "nobody")), "problem.domain", "Nobody who knows"),
    Case("M16", lambda: record(say("problem.rule", [])), "problem.rule", "No rule"),
    Case("M16", lambda: record(say("problem.today", "not stated")), "problem.today", "Today's level"),
    Case("M17", lambda: record(say("data.look", "nothing noted")), "data.look", "Nobody wrote down"),
    Case("M17", lambda: record(replace(sound()["data.look"], seconds=12.0)), "data.look", "12 seconds"),
    Case("M18", lambda: record(kept(SAME, "undo"), replace(kept(SAME, "undo"), why="It makes no difference at all",
                               check=Check("gain", 0, verdict="unclear"))), "data.keep:data.skew",
         "“makes no difference”", lambda: record(replace(kept(SAME, "undo"), why="It makes no difference at all",
                                           check=Check("gain", 0, verdict="equivalent")))),
    Case("M18", lambda: record(replace(kept(SAME, "undo"), check=Check("gain", 0, verdict="unclear")),
                               say("present.lessons", "Both are just as good for us")), "present.lessons",
         "“just as good”", lambda: record(say("present.lessons", "Both are just as good for us"))),
    Case("M19", lambda: record(*(say(f"data.keep:{n}", "keep", recommended="undo", overruled=True,
                                     check=Check("gain", 0.1, verdict="better")) for n in "abc")),
         "data.keep:a", "it paid off", lambda: record(*(say(f"data.ids:{n}", "keep", recommended="keep")
                                                        for n in "abc"))),
    Case("M20", lambda: with_net(replace(IDEA, author="engine")), "deep.hypothesis", "guide's own words", with_net),
    Case("M20", lambda: record(say("data.features:f", "keep", why_author="engine")), "data.features:f",
         "not said", lambda: record(say("data.features:f", "keep"), say("data.features:g", "leave", why=""))),
    Case("M21", lambda: record(say("data.scale", "squash"), rung("improve.tune:1", "boosting", 0.83, row={})),
         "improve.tune:1", "2 things changed at once: numbers: scale, the model",
         lambda: record(rung("improve.tune:1", "boosting", 0.83, row={}))),
    Case("M22", lambda: record(weak("slice_note")), "improve.errors:sex = f", "1.60 times the log loss of the rest",
         lambda: record(weak("data_fix"), weak("accept", protected=False, name="fee"))),
    Case("M23", lambda: record(replace(result(looks=1), check=Check("roc_auc", 0.6, 0.57, 0.63))), "present.result",
         "The lockbox said 0.6, practice 0.8"),
    Case("M24", lambda: record(rung("simple.champion", "logistic", 0.8, row={}, details={"latency_ms": 120.0})),
         "simple.champion", "120 ms (p95); the limit is 100 ms"),
    Case("M24", lambda: record(say("problem.interpretability", "readable"),
                               rung("simple.champion", "boosting", 0.8, row={})), "simple.champion", "read whole",
         lambda: record(say("problem.interpretability", "readable"))),
    Case("M24", lambda: with_net(net(details={"parameters": 4000})), "deep.compare", "0.1 rows per", with_net),
    Case("M24", lambda: record(say("problem.training_cost", 0.1)), "simple.champion", "0.333 minutes",
         lambda: record(say("problem.training_cost", 1))),
    Case("M25", lambda: record(replace(sound()["simple.champion"], why_author="engine"), more=[evidence(
        "logistic", "cross_validate", {"model": as_model("logistic"), "intervals": {"roc_auc": [0.995, 0, 1]}})]),
         "simple.champion", "roc_auc 0.995", lambda: record(more=[evidence(
             "logistic", "cross_validate", {"model": as_model("logistic"), "intervals": {"roc_auc": [0.995, 0, 1]}})])),
    Case("M25", lambda: record(say("improve.one_column", "unsure", flags=("M25",), why="", why_verdict="missing")),
         "improve.one_column", "carries nearly all",
         lambda: record(say("improve.one_column", "unsure", flags=("M25",)))),
    Case("M26", lambda: with_net(without=["deep.sanity"]), "deep.compare", "had not passed", with_net),
    Case("M26", lambda: with_net(net(evidence=("net",)), more=[replace(NET, environment="newer")]), "deep.compare",
         "other versions", lambda: with_net(net(evidence=("net",)))),
    Case("M27", lambda: record(say("problem.metric", "accuracy"), more=[
        evidence("split", "split", {"classes": {"no": 90, "yes": 10}})]), "problem.metric", "10.0%",
         lambda: record(say("problem.metric", "accuracy"))),
    Case("M28", lambda: record(replace(sound()["simple.champion"], why_author="engine")), "simple.champion",
         "gained 0.2; nobody said why", lambda: record(replace(sound()["simple.champion"], why_author="engine"),
                                                       say("improve.why:1", "new signal"))),
    Case("M29", lambda: record(drifted=("practice exams: value 0.8 → 0.7",)), "", "0.8 → 0.7",
         lambda: record(drifted=())),
    Case("M30", lambda: record(say("simple.ship_now", "improve", recommended="ship", why="", why_verdict="missing")),
         "simple.ship_now", "nobody said why",
         lambda: record(say("simple.ship_now", "improve", recommended="ship"))),
    Case("M30", lambda: record(say("simple.ship_now", "pilot", recommended="improve")), "simple.ship_now",
         "does not reach the line"),
    Case("M32", lambda: forked("problem.latency", say("problem.latency", 500),
                               rung("simple.champion", "logistic", 0.8, row={}, details={"latency_ms": 200.0})),
         "problem.latency", "was 100, became 500 after scores were seen",
         lambda: forked("problem.latency", say("problem.latency", 500))),
    Case("M33", lambda: record(say("improve.next:1", "tune", flags=("M33",), reason="A data fault is open.")),
         "improve.next:1", "A data fault is open.", lambda: record(say("improve.next:1", "tune"))),
    Case("M33", lambda: with_net(say("improve.learning_curve", "more rows")), "deep.gate", "more rows would", with_net),
    Case("M34", lambda: with_net(say("deep.expected_gain", 0.2)), "deep.compare",
         "0.2 was expected, +0.03 measured: 0.17 more hoped for", lambda: with_net(say("deep.expected_gain", 0.035))),
)  # fmt: skip


def named(record: Record, flag: str) -> list:
    return [r for r in review(record).raised if r.flag.id == flag]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.flag}-{case.says[:20]}")
def test_it_fires_where_it_should_and_nowhere_else(case: Case):
    found = named(case.fires(), case.flag)
    assert found, f"{case.flag} is not raised"
    one = next((r for r in found if case.says in r.what), None)
    assert one is not None, [r.what for r in found]
    assert one.place == case.at
    assert one.severity == (case.severity or one.flag.severity)
    assert not named(case.quiet(), case.flag), [r.what for r in named(case.quiet(), case.flag)]


def test_every_flag_is_tried_and_none_is_forgotten():
    assert {case.flag for case in CASES} == {flag.id for flag in FLAGS}
    numbers = {f"M{n:02}" for n in range(1, 35)}
    assert {flag.id[:3] for flag in FLAGS} | set(LEFT_OUT) == numbers
    assert not {flag.id[:3] for flag in FLAGS} & set(LEFT_OUT)


def test_a_sound_session_has_no_flag_and_shows_its_good_practice():
    found = review(record())
    assert [(r.flag.id, r.what) for r in found.raised] == []
    assert not found.unread
    assert not found.serious
    assert {e.badge.id for e in found.badges} >= {"lockbox once", "expert used", "own whys", "simple stands"}


def test_milder_before_boosted_trees_were_seen():
    """A goal that moved when only simple models had been seen is amber (section 8)."""
    seen = replace(sound()["simple.champion"], options=(Option("logistic", figures={"AUC": "0.8"}),))
    first = line((sound() | {"simple.champion": seen}).values())
    at = [d.name for d in first].index("problem.success")
    moved = say("problem.success", 0.65)
    again = {d.name: replace(d, decided_at="") for d in first[at:]} | {"problem.success": moved}
    other = Record("churn", line(again.values(), start=600, shared=first[:at]), (first,), EVIDENCE.get)
    assert [r.severity for r in named(other, "M05")] == ["amber"]
    assert named(Record("churn", first, (other.decisions,), EVIDENCE.get), "M05") == []  # the older branch did not move


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.id)
def test_each_flag_says_when_why_and_what_to_do(flag):
    texts = (flag.title, flag.rule, flag.matters, flag.do, flag.source)
    assert all(text.strip() and len(text) <= 120 for text in texts)
    assert flag.matters.endswith(".")
    assert flag.do.endswith(".")
