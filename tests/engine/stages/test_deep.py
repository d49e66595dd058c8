"""The deep stage as a conversation, for every material: each rule fires where it should and not elsewhere.

Trials are made up by rule (see deep_talk); comparisons are the real ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.answerers import accept_recommended, from_plan, quick_pace
from engine.conductor import Asking, Conductor, Finished, Stage
from engine.effects import Ask, Conversation
from engine.errors import DataProblem, InvalidAnswer, Refused, WhyNeeded
from engine.models.catalogue import as_model
from engine.questions import Level, Option, Question
from engine.records import Answer, Check, Json, Trial
from engine.session import Session
from engine.stages.deep import DEEP, comparing, rate
from engine.stages.deep.situation import Net
from engine.views import Curves, Intervals, Samples, Table
from tests.engine.stages.deep_talk import OWN, World, before, say, walked
from tests.engine.walking import MemoryJournal, asked, said, texts

START = {"table": "net_small", "text": "text_words", "image": "image_small", "series": "series_conv"}
SIMPLE = {
    "table": {"logistic": 0.80, "boosting": 0.83},
    "text": {"logistic": 0.80, "boosting": 0.78},
    "image": {"forest": 0.80, "logistic": 0.75},
    "series": {"ridge": 0.80, "boosting": 0.90},
}
GOOD, BAD = {"series": 0.6}, {"series": 0.85}
PATH = [
    "deep.enter", "deep.device", "deep.gate", "deep.hypothesis", "deep.expected_gain", "deep.framework", "deep.shape",
    "deep.size", "deep.architecture", "deep.batch", "deep.lr", "deep.regularise", "deep.sanity", "deep.seeds",
    "deep.compare", "deep.hypothesis_held", "deep.half", "deep.half:again", "deep.grow:1", "deep.final_latency",
]  # fmt: skip


def world(material: Any = "table", net: Any = None, **changes: Any) -> World:
    skill = dict(SIMPLE[material])
    for name in ("net_small", "net_real", START[material]):
        skill[name] = GOOD.get(material, 0.92) if net is None else net
    return World(material, skill | changes.pop("skill", {}), **changes)


def levels(ask: Ask, choice: Json) -> list[tuple[Level, str]]:
    return [(o.level, o.flag) for o in ask.judge(choice).objections]


def states(conductor: Conductor) -> dict[str, str]:
    return said(conductor, "deep.gate").check.details["states"]  # type: ignore[union-attr]


# -- the whole way, for each material ------------------------------------------------------------------------------


@pytest.mark.parametrize("material", START)
def test_a_net_that_earns_it_is_accepted_made_smaller_and_timed(material: str) -> None:
    w = world(material)
    c = w.headless(before(material))
    names = [name for name in walked(c) if not name.startswith("project.")]
    assert [n for n in names if n != "deep.target"] == PATH
    assert said(c, "deep.architecture").choice == START[material]
    assert said(c, "deep.compare").choice == "accept"
    assert said(c, "deep.half").choice == "smaller"
    top = c.session.rungs[-1]
    assert top.model == START[material]
    assert top.details["parameters"] < asked(c, "deep.architecture").facts["parameters"]
    assert sum(top.described["settings"]["widths"]) < sum(Net(START[material]).network.widths)


@pytest.mark.parametrize("material", START)
def test_a_net_that_is_no_better_is_turned_down_and_nothing_more_is_asked(material: str) -> None:
    w = world(material, net=BAD.get(material, 0.795))
    c = w.headless(before(material))
    assert (said(c, "deep.compare").recommended, said(c, "deep.compare").choice) == ("reject", "reject")
    assert not {"deep.half", "deep.grow:1", "deep.final_latency"} & set(walked(c))
    assert c.session.rungs[-1].stage == "simple"
    assert levels(asked(c, "deep.compare"), "accept")[0] == (Level.HOLD, "M03")


@pytest.mark.parametrize("material", START)
def test_no_text_has_a_gap_a_brace_or_a_wrong_plural(material: str) -> None:
    c = world(material).headless(before(material))
    for x in c.transcript:
        for text in texts(x.ask):
            assert not re.search(r"\{\w+(:[^{}]*)?\}", text), text
            assert not any(gap in text for gap in (" ? ", " ?.", "“?”", "  ", "..", "None", "nan", " ,", " .")), text
            assert not re.search(r"(?<![\d.,])1 (rows|columns|checks|exams|steps|settings|seeds)\b", text), text
        assert len(x.ask.whys()) >= (3 if x.ask.question.id.startswith("deep.") else 0)


@pytest.mark.parametrize("material", START)
@pytest.mark.parametrize("net", ["accepted", "rejected"])
def test_a_replay_asks_nobody_and_computes_nothing(material: str, net: str) -> None:
    w = world(material, net=None if net == "accepted" else BAD.get(material, 0.79))
    decided = before(material)
    c = w.headless(decided)
    w.asked.clear()
    again = w.conductor(decided, journal=MemoryJournal(c.journal.decisions()), read_only=True)
    assert isinstance(w.on(again), Finished)
    assert w.asked == []
    assert again.differences == []
    assert again.session.snapshot() == c.session.snapshot()
    assert again.session.rungs == c.session.rungs


FREEZE = Question("present.freeze", "No more changes?", options=(Option("freeze"),))


def after(s: Session) -> Conversation:
    """What comes after the deep stage in a journal that went on."""
    yield Ask(FREEZE, recommended="freeze")


AFTER = Stage("present", "Present", after, (FREEZE,))
OLD = ("deep.enter", "deep.device", "deep.gate", "deep.hypothesis", "deep.expected_gain", "deep.architecture",
       "deep.sanity", "deep.compare", "project.settled:deep")  # fmt: skip
OLD_KINDS = ("cross_validate", "latency", "compare", "device", "sanity", "race")


@pytest.mark.parametrize("net", ["accepted", "rejected", "not yet"])
def test_a_journal_of_before_these_questions_replays_to_the_same_ladder(net: str) -> None:
    """Evidence as it was then: one seed, one net, three checks."""
    w = world(net=None if net == "accepted" else 0.79)
    decided = before()
    c = w.headless(decided, **({"deep__gate": "not_yet"} if net == "not yet" else {}))
    old = [replace(d, seq=0, hash="") for d in c.journal.decisions() if d.name in OLD]
    journal = MemoryJournal()
    for d in old:
        journal.append(d)
    cited = {key for d in old for key in d.evidence}
    single = {t.key for t in w.asked if t.kind in OLD_KINDS and not t.seed and t.params.get("folds") != 1}
    w.store.known = {k: e for k, e in w.store.known.items() if k in single or (k in cited and e.kind != "seeds")}
    w.asked.clear()
    journal.append(say("present.freeze", "freeze", stage="present"))
    again = w.conductor(decided, journal=journal, read_only=True, stages=(DEEP, AFTER))
    assert isinstance(w.on(again), Finished)
    assert [d for d in again.differences if "no longer" in d] == []
    assert {d.name: d.choice for d in again.session.decisions() if d.name in OLD} == {d.name: d.choice for d in old}
    assert [r.model for r in again.session.rungs] == ["logistic"] + ["net_small"] * (net == "accepted")


# -- the gate ------------------------------------------------------------------------------------------------------


def gate_of(material: Any = "table", w: Any = None, dev: Any = 4_000, **answers: Json) -> Conductor:
    return (w or world(material)).headless(before(material, dev, **answers), deep__gate="not_yet")


RED = say("data.leaks", "keep", "left", check=Check("auc", 0.99, verdict="red"))
AMBER = say("data.leaks", "keep", "late", check=Check("auc", 0.8, verdict="amber"))
MORE = say("improve.learning_curve", "more rows", check=Check("roc_auc", 0.03))
WEAK = say(
    "improve.errors", "data_fix", "x1 is missing", check=Check("log loss", 0.9, details={"rows": 90, "ratio": 2.0})
)

CASES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("G1", "pass", "boosting examined", {}),
    ("G1", "fail", "trees not", {"simple.candidates": ["logistic"]}),
    ("G2", "fail", "left kept", {"data.leaks:left": RED}),
    ("G2", "amber", "late kept", {"data.leaks:late": AMBER}),
    ("G2", "amber", "does not suit", {"split.kind": say("split.kind", "random", flags=("M10",))}),
    ("G3", "fail", "must read", {"problem.interpretability": "readable"}),
    ("G3", "pass", "no inspector", {"problem.interpretability": "reasons"}),
    ("G4", "fail", "nobody was asked", {"problem.domain": "nobody"}),
    ("G4", "pass", "3 drivers", {"problem.domain": "nobody", "problem.drivers": {"x1": "+", "x2": "-", "x3": "?"}}),
    ("G5", "pass", "stays below your line of 0.99; up to 0.198 is left", {}),
    ("G5", "amber", "may already reach", {"problem.success": 0.803}),
    ("G5", "fail", "ship it", {"problem.success": 0.6}),
    ("G5", "pass", "only the guide's", {"problem.success": say("problem.success", 0.6, author="engine")}),
    ("G5", "fail", "less than your smallest gain", {"problem.smallest_gain": 0.3}),
    ("G6", "fail", "learning curve not looked at", {"improve.learning_curve": say("improve.other", "x")}),
    ("G6", "amber", "twice the rows would bring about 0.03", {"improve.learning_curve": MORE}),
    ("G6", "pass", "no more are to be had", {"improve.learning_curve": MORE, "data.more": "no"}),
    ("G6", "pass", "no more are to be had", {"improve.learning_curve": MORE, "improve.next:1": "data"}),
    ("G6", "amber", "mended: x1 is missing", {"improve.errors:x1 is missing": WEAK}),
    ("G7", "amber", "something is not linear", {}),
    ("G9", "pass", "no limit", {}),
    ("G9", "fail", "0.2 ms against 0.1 ms", {"problem.latency": 0.1}),
    ("G9", "pass", "0.2 ms against 5 ms", {"problem.latency": 5}),
    ("G10", "pass", "22 steps × 200 epochs × 10 exams × 3 seeds", {}),
    ("G10", "amber", "your budget is 3", {"problem.training_cost": 3}),
    ("G10", "fail", "your budget is 0.5", {"problem.training_cost": 0.5}),
    ("G11", "amber", "704 + 2,080 + 66 = 2,850 parameters for 3,200 rows: 1.12 rows each; a linear model has 11", {}),
    ("G11", "fail", "your minimum is 10", {"problem.rows_per_parameter": 10}),
    ("G12", "pass", "asked next", {}),
]


@pytest.mark.parametrize(("check", "state", "words", "answers"), CASES, ids=[f"{c[0]} {c[1]} {c[2]}" for c in CASES])
def test_each_check_of_the_gate(check: str, state: str, words: str, answers: dict[str, Any]) -> None:
    c = gate_of(**{"dev": 4_000}, **answers)
    assert states(c)[check] == state
    table = asked(c, "deep.gate").shows[0]
    assert isinstance(table, Table)
    assert words in next(str(row[3]) for row in table.rows if row[0] == check)


def test_a_table_in_which_trees_find_nothing_fails_the_seventh() -> None:
    c = gate_of(w=world(skill={"boosting": 0.80}))
    assert states(c)["G7"] == "fail"
    assert "nothing that is not linear was found" in asked(c, "deep.gate").reason
    assert asked(c, "deep.gate").recommended == "not_yet"


@pytest.mark.parametrize(
    ("slow", "leader", "state", "words"),
    [
        ("logistic", "boosting", "amber", "Logistic regression was stopped after"),
        ("boosting", "logistic", "fail", "Gradient boosting was stopped after"),
    ],
)
def test_whoever_the_first_exams_stopped_was_beaten(slow: str, leader: str, state: str, words: str) -> None:
    class Raced(World):
        def _race(self, trial: Trial) -> dict[str, Json]:
            row = {"name": slow, "leader": leader, "exams": 2, "diff": -0.1, "upper": -0.08}
            return {"stopped": [row] if slow in trial.params["names"] else [], "alpha": 0.01}

    stands = Check("roc_auc", 0.8, 0.79, 0.81, details={"rung": leader, "model": as_model(leader)})
    decided = [d for d in before() if d.question != "simple.champion"]
    c = Raced("table", SIMPLE["table"]).headless(
        [*decided, say("simple.champion", leader, check=stands)], deep__gate="not_yet"
    )
    assert (states(c)["G1"], states(c)["G7"]) == ("pass", state)
    table = asked(c, "deep.gate").shows[0]
    assert isinstance(table, Table)
    assert words in next(str(row[3]) for row in table.rows if row[0] == "G7")


@pytest.mark.parametrize(("dev", "state"), [(4_000, "pass"), (999, "amber"), (499, "fail")])
def test_how_many_rows_a_table_wants(dev: int, state: str) -> None:
    assert states(gate_of(dev=dev))["G8"] == state


@pytest.mark.parametrize(("rows", "state"), [(600, "pass"), (240, "amber"), (120, "fail")])
def test_how_many_pictures_of_each_class_are_wanted(rows: int, state: str) -> None:
    c = gate_of("image", world("image", rows=rows), dev=rows)
    assert states(c)["G8"] == state
    assert f"{rows // 3} pictures of the rarest class" in str(asked(c, "deep.gate").shows)


@pytest.mark.parametrize(("dev", "state"), [(1_000, "pass"), (700, "amber"), (300, "fail")])
def test_how_many_texts_are_wanted_and_when_their_order_can_be_read(dev: int, state: str) -> None:
    c = gate_of("text", dev=dev)
    assert states(c)["G8"] == state
    assert "a net that reads words in order wants 1,500" in str(asked(c, "deep.gate").shows)


def test_texts_enough_for_each_word_start_with_a_net_that_reads_them() -> None:
    c = world("text", skill={"text_mean": 0.92}).headless(before("text", dev=80_000))
    assert said(c, "deep.architecture").choice == "text_mean"
    assert said(world("text").headless(before("text")), "deep.architecture").choice == "text_words"


@pytest.mark.parametrize(
    ("dev", "kind", "rows"), [(4_000, "pass", "pass"), (300, "fail", "amber"), (60, "fail", "fail")]
)
def test_how_long_a_series_must_be(dev: int, kind: str, rows: str) -> None:
    found = states(gate_of("series", dev=dev, **{"data.known_ahead": []}))
    assert (found["G7"], found["G8"]) == (kind, rows)


def test_several_series_or_what_is_known_ahead_are_many_nuances() -> None:
    assert states(gate_of("series", dev=300))["G7"] == "pass"
    many = gate_of("series", dev=1_200, **{"data.known_ahead": [], "problem.series": {"id": "shop"}})
    assert "4 series of 300 values" in str(asked(many, "deep.gate").shows)


def test_nobody_asked_is_a_failure_for_tables_and_none_where_the_reader_is_the_expert() -> None:
    assert states(gate_of("image", **{"problem.domain": "nobody"}))["G4"] == "pass"
    assert states(gate_of("text", **{"problem.domain": "nobody"}))["G4"] == "pass"
    assert states(gate_of("series", **{"problem.domain": "nobody"}))["G4"] == "fail"
    assert states(gate_of("table", **{"problem.domain": "nobody"}))["G4"] == "fail"


def test_one_or_two_doubts_ask_for_strict_proof_three_for_patience() -> None:
    assert asked(gate_of(), "deep.gate").recommended == "strict"
    three = asked(gate_of(**{"problem.success": 0.803}), "deep.gate")
    assert three.recommended == "not_yet"
    assert levels(three, "strict") == [(Level.HOLD, "M08")]
    free = gate_of("table", world(rows=40_000), 40_000)
    assert states(free)["G11"] == "pass"
    assert asked(free, "deep.gate").recommended == "strict"  # only that trees beat the line is left


def test_against_the_gate_needs_a_why_and_is_flagged() -> None:
    w, decided = world(), before(**{"problem.domain": "nobody"})
    c = w.conductor(decided, _until("deep.gate"))
    assert isinstance(w.on(c), Asking)
    with pytest.raises(WhyNeeded, match="1 check failed"):
        c.answer(Answer("open", ""))
    assert "M08" in c.answer(Answer("open", OWN)).flags
    blocked = w.conductor(before(**{"problem.interpretability": "readable"}), _until("deep.gate"))
    assert isinstance(w.on(blocked), Asking)
    with pytest.raises(Refused, match=r"an inspector must read.*Go back to problem\.interpretability"):
        blocked.answer(Answer("open", OWN))


def _until(question: str) -> Callable[..., Answer | None]:
    """Takes every recommendation before a question."""

    def answer(ask: Ask, session: Any) -> Answer | None:
        return None if ask.question.id == question else accept_recommended(ask, session)

    return answer


def test_skipping_measures_nothing() -> None:
    w = world()
    assert walked(w.headless(before(), deep__enter="skip")) == ["deep.enter"]
    assert w.asked == []


# -- from the hypothesis to the machinery --------------------------------------------------------------------------


def test_without_a_hypothesis_nothing_is_trained() -> None:
    w = world()
    with pytest.raises(Refused, match="Without a hypothesis"):
        w.headless(before(), deep__hypothesis="")
    assert not [
        t for t in w.asked if t.params.get("model", {}).get("name") == "net_small" and t.kind == "cross_validate"
    ]


def test_the_rows_that_the_hypothesis_names_are_measured_again() -> None:
    slice_ = say(
        "improve.errors", "feature", "x1 from 2 to 3", check=Check("log loss", 0.9, details={"rows": 90, "ratio": 2.0})
    )
    w = world()
    c = w.headless(before(**{"improve.errors:x1 from 2 to 3": slice_}))
    assert said(c, "deep.target").choice == "x1 from 2 to 3"
    assert (
        "Where x1 from 2 to 3 (120 rows) the log loss is 0.4 with Logistic regression" in said(c, "deep.compare").reason
    )
    assert next(t for t in w.asked if t.kind == "target").params["slice"] == "x1 from 2 to 3"
    assert "deep.target" not in walked(world().headless(before()))
    everywhere = world()
    everywhere.headless(before(**{"improve.errors:x1 from 2 to 3": slice_}), deep__target="all")
    assert "target" not in everywhere.kinds()


def test_what_a_net_is_said_to_see_is_what_it_sees() -> None:
    """Counts of words know no order; a net that reads them does."""
    idea = asked(world("text").headless(before("text")), "deep.hypothesis").recommended
    assert "Words that count only beside others" in idea
    reads = asked(world("text", skill={"text_mean": 0.92}).headless(before("text", dev=80_000)), "deep.hypothesis")
    assert "The order of words" in reads.recommended
    even = say("improve.errors", "accept", reason="There is no slice to look at.", check=Check("weak slices", 0.0))
    assert "no slice" not in asked(world().headless(before(**{"improve.errors": even})), "deep.hypothesis").recommended
    weak = say("improve.errors", "accept", reason="Two slices are weak.", check=Check("weak slices", 2.0))
    told = asked(world().headless(before(**{"improve.errors": weak})), "deep.hypothesis").recommended
    assert told.endswith("; two slices are weak.")


def test_a_gain_below_the_smallest_that_matters_is_held() -> None:
    c = world().headless(before())
    assert levels(asked(c, "deep.expected_gain"), 0.001) == [(Level.HOLD, "M20")]
    assert levels(asked(c, "deep.expected_gain"), 0.02) == []


@pytest.mark.parametrize(("expected", "held"), [(0.05, "yes"), (0.5, "no")])
def test_what_was_expected_is_held_against_what_came(expected: float, held: str) -> None:
    c = world().headless(before(), deep__expected_gain=expected)
    decision = said(c, "deep.hypothesis_held")
    assert decision.choice == held
    assert decision.check is not None
    assert decision.check.reference == expected
    assert re.match(rf"Expected a gain of {expected:g} [^,]+, measured \+0\.1[12]", decision.reason), decision.reason


def test_what_enters_is_shown_and_a_mismatch_blocks() -> None:
    c = world().headless(before())
    shows = asked(c, "deep.shape").shows
    assert [type(view) for view in shows] == [Table, Table, Samples]
    broken = {"checks": [{"title": "every value is a number", "passed": False, "found": "3 that are not"}]}
    w = world(more={"shape": broken})
    wrong = w.headless(before())
    ask = asked(wrong, "deep.shape")
    assert (ask.recommended, said(wrong, "deep.shape").choice) == ("wrong", "wrong")
    assert levels(ask, "confirm") == [(Level.BLOCK, "")]
    assert "sanity" not in w.kinds()
    assert "deep.compare" not in walked(wrong)


def test_a_full_net_first_is_held_and_one_below_the_persons_minimum_blocked() -> None:
    c = world().headless(before())
    assert levels(asked(c, "deep.size"), "full") == [(Level.HOLD, "")]
    assert levels(asked(c, "deep.architecture"), "net_real") == [(Level.HOLD, "")]
    assert levels(asked(c, "deep.architecture"), "net_one") == []
    limited = world().headless(before(**{"problem.rows_per_parameter": 1}))
    assert levels(asked(limited, "deep.size"), "small") == []
    assert levels(asked(limited, "deep.size"), "full") == [(Level.BLOCK, "")]
    full = world().headless(before(), deep__size="full")
    assert said(full, "deep.architecture").choice == "net_real"
    half = world().headless(before(), deep__size="half")
    assert said(half, "deep.architecture").check.value == pytest.approx(3_200 / 914)  # type: ignore[union-attr]


def test_nets_are_offered_smallest_first_with_parameters_and_purposes() -> None:
    c = world().headless(before())
    offered = asked(c, "deep.architecture").offered
    assert [o.key for o in offered][:3] == ["net_linear", "net_one", "net_small"]
    counts = [o.figures["parameters"] for o in offered if o.key in ("net_linear", "net_one", "net_small", "net_real")]
    assert counts == sorted(counts)
    assert counts[2] == 2_850
    sizes, purposes, there = asked(c, "deep.architecture").shows
    assert isinstance(sizes, Table)
    assert isinstance(purposes, Table)
    assert isinstance(there, Table)
    assert all(row[-1] for row in [*purposes.rows, *there.rows])
    assert sum(row[1] or 0 for row in sizes.rows[:-1]) == sizes.rows[-1][1] == 2_850, "the sum adds up"


def test_torch_layers_are_said_to_be_torch() -> None:
    c = world("series").headless(before("series"))
    assert said(c, "deep.framework").choice == "torch"
    assert said(world("image").headless(before("image")), "deep.framework").choice == "keras"
    assert not asked(c, "deep.regularise").question.other, "there is no dropout to set"
    table = asked(c, "deep.framework").shows[0]
    assert isinstance(table, Table)
    written = {str(row[0]): row[1] for row in table.rows}
    assert (written["Causal convolutions"], written["GRU"]) == ("torch", "torch")
    torch = world().headless(before(), deep__framework="torch")
    assert levels(asked(torch, "deep.architecture"), "net_one") == [(Level.NOTE, "")]


def test_the_batch_follows_the_rows_and_another_is_only_noted() -> None:
    c = world().headless(before())
    ask = asked(c, "deep.batch")
    assert (ask.recommended, said(c, "deep.batch").check.value) == (128, 22)  # type: ignore[union-attr]
    assert levels(ask, 256) == [(Level.NOTE, "")]
    assert levels(ask, 2_000) == [(Level.FLAG, "")]
    with pytest.raises(InvalidAnswer, match="from 1 to 2,720 rows"):
        ask.accept(5_000)
    w = world()
    w.headless(before(), deep__batch=64)
    test = next(t for t in w.asked if t.kind == "rate")
    assert test.params["model"]["settings"]["batch"] == 64  # the rate is measured for the batch that is taken


@pytest.mark.parametrize(
    ("suggested", "taken", "words"),
    [
        (1.5e-3, 0.002, "keeps its rate of 0.002"),
        (8e-3, 0.008, "4 times too low"),
        (1.2e-4, 0.00012, "16.7 times too high"),
        (0.3, 0.01, "held to 0.01"),
        (None, 0.002, "found no rate"),
    ],
)
def test_the_rate_that_was_measured(suggested: float | None, taken: float, words: str) -> None:
    c = world(more={"rate": {"suggested": suggested}}).headless(before())
    assert said(c, "deep.lr").choice == taken
    assert words in said(c, "deep.lr").reason
    assert isinstance(asked(c, "deep.lr").shows[0], Curves)


def test_a_rate_at_which_the_loss_is_lost_is_refused() -> None:
    ask = asked(world(more={"rate": {"diverged": 0.05}}).headless(before()), "deep.lr")
    assert levels(ask, 0.05) == [(Level.BLOCK, "")]
    assert levels(ask, 0.004) == [(Level.FLAG, "")]
    assert levels(ask, 0.002) == []
    with pytest.raises(InvalidAnswer, match="at most 1"):
        ask.accept(3)


def test_a_rate_that_belongs_to_the_form_is_kept() -> None:
    own, why = rate.advised(Net("net_real"), None)
    assert own == 0.04
    assert "schedule that belongs to it" in why


def test_a_net_that_memorises_gets_more_dropout_where_that_does_no_harm() -> None:
    c = world(gap=0.4).headless(before())
    assert said(c, "deep.regularise").choice == 0.25
    assert "Dropout 0.1: its loss is 35.0 % lower on the rows it learns from" in said(c, "deep.regularise").reason
    assert said(world(gap=0.1).headless(before()), "deep.regularise").choice == 0.1
    assert levels(asked(c, "deep.regularise"), 0.0) == [(Level.FLAG, "")]


CARD: dict[str, Any] = {
    "timings": [
        {"device": "cpu", "name": "A processor", "ms_per_step": 12.0},
        {"device": "cuda", "name": "A card", "ms_per_step": 2.0, "ms_of_float32": 3.0, "precision": "bf16"},
    ],
    "chosen": "cuda", "why": "GPU: 2 ms a step against CPU: 12 ms: 6.0 times as fast.", "batch": 128,
    "precision": "bf16",
}  # fmt: skip


def in_bf16(by: float) -> Callable[[Trial, dict[str, Any]], dict[str, Any]]:
    """Exams of a net whose score changes by so much in half precision."""

    def value(trial: Trial, plain: dict[str, Any]) -> dict[str, Any]:
        if trial.params["model"].get("settings", {}).get("precision") != "bf16":
            return plain
        return {**plain, "scores": {k: [x + by for x in v] for k, v in plain["scores"].items()}}

    return value


@pytest.mark.parametrize(("by", "taken"), [(0.01, "bf16"), (-0.1, "float32")])
def test_half_precision_is_kept_where_the_score_does_not_fall(by: float, taken: str) -> None:
    w = world(more={"device": CARD, "cross_validate": in_bf16(by)})
    c = w.headless(before())
    kept = said(c, "deep.precision")
    assert kept.choice == taken
    assert kept.reason.startswith("A step takes 2 ms in bf16, 3 ms in float32: 1.5× as fast.")
    assert kept.check is not None
    assert kept.check.value == pytest.approx(by, abs=0.01)
    for kind in ("sanity", "cross_validate"):
        whole = (t for t in w.asked if t.kind == kind and t.params.get("folds") != 1)
        settings = next(t.params["model"]["settings"] for t in whole if "net_small" in str(t.params))
        assert (settings["device"], settings.get("precision", "float32")) == ("cuda", taken)
    bill = next(row for row in asked(c, "deep.gate").shows[0].rows if row[0] == "G10")  # type: ignore[union-attr]
    assert "3 ms a step" in str(bill), "it must be payable in full precision, too"


def test_a_training_that_a_person_ended_is_said_wherever_its_figures_are() -> None:
    def ended(trial: Trial, plain: dict[str, Any]) -> dict[str, Any]:
        cut = "net" in plain and trial.params["folds"] == 1 and trial.seed == 1_000
        return {**plain, "net": {**plain["net"], "ended_by_person": 1}} if cut else plain

    c = world(more={"cross_validate": ended}).headless(before())
    assert "You ended 1 training early; the best until then was kept." in said(c, "deep.regularise").reason
    assert "You ended" not in said(c, "deep.compare").reason, "all of those that count came to their end"


def test_memory_that_ran_out_is_said_in_the_journal() -> None:
    fewer = "The GPU ran out of memory; trained with 32 rows a step."

    def short(trial: Trial, plain: dict[str, Any]) -> dict[str, Any]:
        remarks = ["Taken up after epoch 3, where it had been broken off.", fewer]
        return {**plain, "net": {**plain["net"], "remarks": remarks}} if "net" in plain else plain

    c = world(more={"cross_validate": short}).headless(before())
    for question in ("deep.regularise", "deep.compare"):
        assert said(c, question).reason.count(fewer) == 1
        assert "Taken up" not in said(c, question).reason


def test_half_precision_is_no_question_where_nothing_is_gained_or_the_budget_is_spent() -> None:
    assert "deep.precision" not in walked(world().headless(before()))
    cpu = {**CARD, "chosen": "cpu", "precision": "float32"}
    assert "deep.precision" not in walked(world(more={"device": cpu}).headless(before()))
    poor = world(more={"device": CARD, **slow(400.0)})
    c = poor.headless(before(**{"problem.training_cost": 30}))
    assert said(c, "deep.precision").choice == "float32"
    assert "It would train for about 20 minutes" in said(c, "deep.precision").reason


def test_a_device_without_room_is_given_fewer_rows_a_step() -> None:
    w = world(more={"device": {**CARD, "batch": 32}})
    c = w.headless(before())
    assert said(c, "deep.batch").choice == 32
    assert "for more than 32 the device has no room" in said(c, "deep.batch").reason
    assert next(t for t in w.asked if t.kind == "rate").params["model"]["settings"]["batch"] == 32


def test_nothing_is_compared_before_the_machinery_works() -> None:
    def broken(trial: Trial, value: dict[str, Json]) -> dict[str, Json]:
        checks = [dict(c) for c in value["checks"]]
        checks[4] |= {"passed": False, "hint": "labels do not belong to the rows"}
        return {**value, "checks": checks}

    w = world(more={"sanity": broken})
    c = w.headless(before())
    decision = said(c, "deep.sanity")
    assert (decision.choice, decision.author) == ("failed", "engine")
    assert "8 of 9 passed; first failure: C4" in decision.reason
    assert "labels do not belong to the rows" in decision.reason
    assert "deep.compare" not in walked(c)
    silent = world(broken=("sanity",)).headless(before())
    assert said(silent, "deep.sanity").choice == "failed"
    assert "could not run" in said(silent, "deep.sanity").reason


def test_a_training_that_fails_is_put_down_and_what_stood_before_stands() -> None:
    c = world(broken=("Small net (dense 64-32)",)).headless(before())
    decision = said(c, "deep.trained")
    assert (decision.choice, decision.author) == ("nothing", "engine")
    assert "was not trained to its end. cross_validate is broken." in decision.reason
    assert "deep.compare" not in walked(c)

    def unscored(trial: Trial, value: dict[str, Json]) -> dict[str, Json]:
        return {**value, "value": None} if trial.label.startswith("Small net") else value

    assert "gave no score" in said(world(more={"cross_validate": unscored}).headless(before()), "deep.trained").reason


@pytest.mark.parametrize("read_only", [True, False])
def test_a_journal_of_before_a_failed_training_was_put_down_replays_and_goes_on(read_only: bool) -> None:
    w, decided = world(broken=("Small net (dense 64-32)",)), before()
    journal = MemoryJournal()
    for d in w.headless(decided).journal.decisions():
        if d.question != "deep.trained":
            journal.append(replace(d, seq=0, hash=""))
    journal.append(say("present.freeze", "freeze", stage="present"))
    then = len(journal.decisions())
    w.asked.clear()
    again = w.conductor(decided, journal=journal, read_only=read_only, stages=(DEEP, AFTER))
    assert isinstance(w.on(again), Finished)
    assert again.differences == []
    assert [r.model for r in again.session.rungs] == ["logistic"]
    assert "was not trained to its end" in said(again, "deep.trained").reason
    assert [d.question for d in journal.decisions()[then:]] == ["deep.trained"] * (not read_only)


def test_a_metric_that_scores_nothing_ends_in_a_sentence() -> None:
    unscored = {"cross_validate": lambda trial, value: {**value, "value": None}}
    with pytest.raises(DataProblem, match="not even of a constant; go back"):
        world(more=unscored).headless(before())


# -- luck and proof ------------------------------------------------------------------------------------------------


def test_strict_proof_takes_the_mean_of_three_seeds_at_a_fifth_of_the_budget() -> None:
    w = world()
    c = w.headless(before())
    row = said(c, "deep.compare").check.details["comparison"]  # type: ignore[union-attr]
    assert row["alpha"] == pytest.approx(0.01)
    trained = [t for t in w.asked if t.kind == "cross_validate" and t.params["model"]["name"] == "net_small"]
    assert {t.seed for t in trained if t.params["folds"] != 1} == {0, 1_000, 2_000}
    exams = next(e for e in w.store.known.values() if e.kind == "seeds")
    assert exams.value["seeds"] == 3
    assert exams.value["value"] == pytest.approx(sum(exams.value["by_seed"]) / 3)
    assert exams.value["value"] < max(exams.value["by_seed"])


def test_an_open_gate_takes_one_seed_an_exam_and_three_on_the_first() -> None:
    w = world()
    c = w.headless(before(), deep__gate="open")
    assert said(c, "deep.compare").check.details["comparison"]["alpha"] == pytest.approx(0.05)  # type: ignore[union-attr]
    assert "seeds" not in w.kinds()
    luck = said(c, "deep.seeds").check
    assert luck is not None
    assert len(luck.details["scores"]) == 3
    assert "every exam has a seed of its own" in said(c, "deep.seeds").reason


@pytest.mark.parametrize(("spread", "flag"), [(0.0005, False), (0.2, True)])
def test_luck_larger_than_half_of_the_gain_is_flagged(spread: float, flag: bool) -> None:
    c = world(spread=spread).headless(before(), deep__gate="open")
    assert ((Level.FLAG, "M15") in levels(asked(c, "deep.compare"), "accept")) == flag


def test_more_tuning_than_the_champion_had_is_said_and_flagged_where_a_person_chose_it() -> None:
    flag = (Level.FLAG, "M12")
    even = asked(world().headless(before()), "deep.compare")
    assert flag not in levels(even, "accept")
    assert "2 settings of the net were tried, 1 of Logistic regression." in even.reason
    advised = asked(world(gap=0.4).headless(before()), "deep.compare")
    assert "3 settings of the net were tried, 1 of Logistic regression." in advised.reason
    assert flag not in levels(advised, "accept"), "the guide itself tried the third, and no search for the other"
    refused = before(**{"improve.next:1": say("improve.next", "deep", "1", recommended="tune")})
    turned_down = asked(world(gap=0.4).headless(refused), "deep.compare")
    assert flag in levels(turned_down, "accept")
    assert "the search for its settings was turned down" in turned_down.judge("accept").objections[0].message
    searched: dict[str, Any] = {"improve.next:1": "tune", "improve.tune:1": "logistic"}
    four = say("improve.trials", 4, "1", recommended=4)
    in_vain = asked(world(gap=0.4).headless(before(**searched, **{"improve.trials:1": four})), "deep.compare")
    assert flag not in levels(in_vain, "accept")
    assert "3 settings of the net were tried, 5 of Logistic regression." in in_vain.reason


def test_a_search_for_the_champion_that_a_person_cut_short_is_uneven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "settings_tried", lambda at: 7)
    cut = before(**{"improve.tune:1": "logistic", "improve.trials:1": say("improve.trials", 2, "1", recommended=20)})
    compared = asked(world().headless(cut), "deep.compare")
    assert (Level.FLAG, "M12") in levels(compared, "accept")
    assert "fewer were tried than advised" in compared.judge("accept").objections[0].message


def test_over_the_limit_is_blocked() -> None:
    w = world(
        p95={"net_small": 9.0}, more={"latency": lambda t, v: v if "hardly" not in t.label else {**v, "p95_ms": 1.0}}
    )
    c = w.headless(before(**{"problem.latency": 5}))
    ask = asked(c, "deep.compare")
    assert ask.recommended == "reject"
    assert levels(ask, "accept") == [(Level.BLOCK, "")]
    assert "9 ms a prediction (p95); your limit is 5 ms" in ask.reason


# -- smaller, larger, both -----------------------------------------------------------------------------------------


def test_a_net_that_earns_its_size_is_kept() -> None:
    small = {f"net_small:{widths}": 0.84 for widths in ("[32, 16]", "[64]")}
    c = world(skill=small).headless(before())
    assert said(c, "deep.half").choice == "full"
    assert "the larger one earns its size" in said(c, "deep.half").reason
    assert re.match(r"[^:]+: roc auc 0\.0\d+ lower, which is worse, ", said(c, "deep.half").reason, re.IGNORECASE)
    (shown,) = asked(c, "deep.half").shows
    assert isinstance(shown, Intervals)
    assert len({row[0] for row in shown.rows}) == len(shown.rows), "two nets of one name are told apart"
    assert "deep.half:again" not in walked(c)
    assert c.session.rungs[-1].details["parameters"] == 2_850


def test_a_smaller_net_that_does_not_beat_the_simple_model_itself_is_no_replacement() -> None:
    near = {f"net_small:{widths}": 0.806 for widths in ("[32, 16]", "[64]")}
    c = world(skill={"net_small": 0.8115, **near}, noise=0.004).headless(before(), deep__gate="open")
    if said(c, "deep.compare").choice == "accept":
        assert said(c, "deep.half").choice == "full"
    else:
        assert "deep.half" not in walked(c)


def test_skipping_the_smaller_one_is_held() -> None:
    ask = asked(world().headless(before()), "deep.half")
    assert levels(ask, "full") == [(Level.HOLD, "M03")]
    assert levels(ask, "smaller") == []


def test_growing_needs_something_that_asks_for_it() -> None:
    c = world().headless(before())
    ask = asked(c, "deep.grow", "1")
    assert ask.recommended == "stop"
    assert levels(ask, "width") == [(Level.HOLD, "M20")]
    late = world(best_epoch=790)  # late even of four times the epochs
    grown = late.headless(before())
    assert asked(grown, "deep.grow", "1").recommended == "longer"
    assert said(grown, "deep.grown", "1").choice == "reject"  # no better for it
    assert asked(grown, "deep.grow", "2").recommended == "stop"
    assert "deep.grow:1" not in walked(world().headless(before(**{"problem.success": 0.85, "improve.next:1": "deep"})))


def test_each_round_of_growing_has_less_to_spend_and_the_fifth_is_flagged() -> None:
    w = world()
    wanted = {"deep.grow:1": "width", "deep.grow:2": "layer", "deep.grow:3": "dropout", "deep.grow:4": "longer",
              "deep.grow:5": "schedule"}  # fmt: skip
    whys = {name: f"Crew {n} of pit {7 * n} found {kind} lacking on slope {n + 40} in spring" for n, (name, kind) in
            enumerate(wanted.items())}  # fmt: skip
    c = w.conductor(before(), from_plan(wanted, whys), accept_recommended)
    assert isinstance(w.on(c), Finished)
    alphas = [said(c, "deep.grow", str(n)).check.value for n in range(1, 6)]  # type: ignore[union-attr]
    assert alphas == pytest.approx([0.02 / (r * (r + 1)) for r in range(2, 7)])
    flags = ["M13" in said(c, "deep.grow", str(n)).flags for n in range(1, 6)]
    assert flags == [False, False, False, False, True]
    seeds = {
        t.params["model"]["settings"]["epochs"]
        for t in w.asked
        if t.kind == "cross_validate" and "net_" in str(t.params)
    }
    assert 400 in seeds  # twice the epochs


def test_a_wider_net_that_earns_it_takes_the_place() -> None:
    skill = {
        "net_small:[64, 32]": 0.85,
        "net_small:[128, 64]": 0.95,
        "net_small:[32, 16]": 0.81,
        "net_small:[64]": 0.81,
    }
    w = world(skill=skill)
    c = w.conductor(before(), from_plan({"deep.grow:1": "width"}, {"deep.grow:1": OWN}), accept_recommended)
    assert isinstance(w.on(c), Finished)
    assert said(c, "deep.grown", "1").choice == "accept"
    assert c.session.rungs[-1].described["settings"]["widths"] == [128, 64]


def slow(seconds: float) -> dict[str, Any]:
    """Networks that train so long an exam."""

    def longer(trial: Trial, value: dict[str, Json]) -> dict[str, Json]:
        return {**value, "fit_seconds": [seconds] * value["J"]} if "net" in value else value

    return {"cross_validate": longer}


def test_what_the_budget_does_not_pay_any_more_is_not_trained_and_that_is_said() -> None:
    """10 exams × 3 seeds, and split 1 three times, 20 s each: 11 minutes, after half a minute for the simple models."""
    w = world(more=slow(20.0))
    c = w.headless(before(**{"problem.training_cost": 12}))
    gate = asked(c, "deep.gate")
    assert "Training takes at most" in gate.reason
    assert "your budget is 12, of which 0.5 are spent" in gate.reason
    half = said(c, "deep.half")
    assert (half.choice, half.author) == ("full", "engine")
    assert "No smaller net was tried: it would train for about" in half.reason
    assert half.reason.endswith("and 0.5 of your 12 are left.")
    assert not [t for t in w.asked if t.params.get("model", {}).get("settings", {}).get("widths") in ([32, 16], [64])]
    assert levels(asked(c, "deep.grow", "1"), "width") == [(Level.BLOCK, "")]
    assert asked(c, "deep.grow", "1").recommended == "stop"
    enough = world(more=slow(20.0))
    enough.headless(before())
    assert [t for t in enough.asked if t.params.get("model", {}).get("settings", {}).get("widths") in ([32, 16], [64])]


def test_a_net_that_had_not_come_to_its_end_may_take_longer() -> None:
    w = world(best_epoch=160)
    c = w.headless(before())
    kept = said(c, "deep.regularise")
    assert "Its best epoch was 160 of 200: it may take 400 now." in kept.reason
    assert kept.check is not None
    assert kept.check.details["epochs"] == 400
    whole = [t for t in w.asked if t.kind == "cross_validate" and t.params["folds"] != 1 and "net_" in str(t.params)]
    assert {t.params["model"]["settings"]["epochs"] for t in whole} == {400}
    assert (Level.FLAG, "M12") not in levels(asked(c, "deep.compare"), "accept")  # it stops by itself: no more tuned
    poor = world(best_epoch=160, more=slow(20.0))
    short = poor.headless(before(**{"problem.training_cost": 12}))
    assert said(short, "deep.regularise").check.details["epochs"] == 200  # type: ignore[union-attr]


def test_by_how_much_pictures_are_moved_is_said() -> None:
    c = world("image", skill={"image_small": 0.95}).headless(before("image"))
    assert "Pictures are not moved about: 10.0 % of 8 pixels is less than one." in said(c, "deep.regularise").reason


def test_over_the_limit_at_the_end_the_simple_model_stands_again() -> None:
    """The net passes when it is compared; a smaller one that is slower for once does not leave."""
    w = world(skill={"net_small:[32, 16]": 0.6, "net_small:[64]": 0.6})
    c = w.headless(before(**{"problem.latency": 5}))
    assert said(c, "deep.final_latency").choice == "fast"
    assert said(c, "deep.final_latency").check.value == 0.2  # type: ignore[union-attr]
    assert "p95 0.2 ms, budget 5 ms; Logistic regression needs 0.2 ms." in said(c, "deep.final_latency").reason


def test_both_together_where_they_are_equally_good_and_differ() -> None:
    w = world(net=0.8, skill={"average": 0.95}, noise=0.02)
    c = w.headless(before())
    assert said(c, "deep.compare").choice == "reject"
    assert said(c, "deep.blend").choice == "try"
    assert isinstance(asked(c, "deep.blend").shows[0], Intervals)
    assert said(c, "deep.blended").choice == "accept"
    assert c.session.rungs[-1].model == "average:logistic+net_small"
    none = world(net=0.6).headless(before())
    assert "deep.blend" not in walked(none)


def test_the_pace_asks_only_what_a_person_must_own() -> None:
    w, names = world(), []
    c = w.conductor(before(), quick_pace)
    while isinstance(waiting := w.on(c), Asking):
        names.append(waiting.ask.name)
        words = (
            f"Keeper {len(names)} of colony {7 * len(names)} measured beaks twice during season {1900 + len(names)}."
        )
        usual = waiting.ask.recommended if waiting.ask.recommended is not None else waiting.ask.question.default
        c.answer(Answer(usual, words))
    assert names == ["deep.gate", "deep.hypothesis", "deep.expected_gain", "deep.compare", "project.settled:deep"]
