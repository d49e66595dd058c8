"""Resuming, replaying, forking and older journals, for any answers that a person may give."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.answerers import accept_recommended, carried_over, from_plan, quick_pace
from engine.conductor import SETTLED, Asking, Conductor, Finished, Measuring, Stage, needed
from engine.effects import Ask, Conversation, Measure
from engine.errors import DataProblem, InvalidAnswer, Refused, WhyNeeded
from engine.questions import Form, Question
from engine.records import Answer, Decision, Evidence, Json, Option, Trial
from engine.session import Session
from tests.engine import scripted
from tests.engine.scripted import STAGES, adding, changed, computed, go_on, renamed, without
from tests.engine.walking import MemoryEvidence, MemoryJournal

WHY = "Customers in wet regions returned {} faded boxes last autumn, so durability outweighs price."
NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)


def begun(
    journal: MemoryJournal, store: MemoryEvidence, *answerers: Any, stages: tuple[Stage, ...] = STAGES, **more: Any
) -> Conductor:
    ticks = itertools.count()
    return Conductor(
        stages,
        Session("s", "data"),
        journal,
        store,
        answerers=answerers,
        now=lambda: NOON,
        clock=lambda: float(next(ticks)),
        **more,
    )


def answer_to(ask: Ask, draw: Any) -> Json:
    """Any answer that fits."""
    match ask.question.form:
        case Form.CHOICE:
            return draw(st.sampled_from([o.key for o in ask.offered if o.key != "blue"]))
        case Form.CHOICES:
            return draw(st.lists(st.sampled_from([o.key for o in ask.offered])))
        case Form.NUMBER:
            return draw(st.integers(0, 9) | st.floats(0, 9) | st.sampled_from(["4", " 7.5 "]))
        case Form.TEXT:
            return draw(st.text(max_size=8))
        case Form.RULES:
            return draw(st.just([]) | st.just("tenure < 12") | st.just([{"when": "x > 1", "then": "a"}]))
        case Form.COSTS:
            figures = st.floats(-1e6, 1e6)
            return draw(st.sampled_from(["unknown", "equal"]) | st.dictionaries(st.text(), figures, min_size=1))
        case Form.TABLE:
            return {o: draw(st.sampled_from(["number", "text"])) for o in ask.recommended}


def answered(conductor: Conductor, store: MemoryEvidence, draw: Any, *, most: int = 99) -> int:
    """Answer as a person would until the path ends, or `most` answers were given; returns how many were."""
    given_ = 0
    while isinstance(waiting := go_on(conductor, store.known), Asking) and given_ < most:
        conductor.answer(Answer(answer_to(waiting.ask, draw), WHY.format(given_)))
        given_ += 1
    return given_


def told(conductor: Conductor) -> list[tuple[Any, ...]]:
    """The transcript, without what only the clock knows."""
    return [(x.ask.name, x.ask.asked, x.ask.prompt, x.decision) for x in conductor.transcript]


any_answers = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
paces = st.sampled_from([(), (quick_pace,)])


@any_answers
@given(st.data(), paces)
def test_replay_gives_the_same_state_and_transcript_and_asks_nobody(data, pace) -> None:
    journal, store = MemoryJournal(), MemoryEvidence()
    first = begun(journal, store, *pace)
    answered(first, store, data.draw)
    again = begun(journal, store, read_only=True)
    assert go_on(again, store.known) == Finished("b")
    assert told(again) == told(first)
    assert again.session.snapshot() == first.session.snapshot()
    assert again.session.decisions() == first.session.decisions()
    assert Session("s", "data", journal.decisions()).snapshot() == first.session.snapshot()
    assert again.differences == []


@any_answers
@given(st.data(), paces)
def test_a_journal_written_out_and_read_back_is_the_same(data, pace) -> None:
    import json

    journal, store = MemoryJournal(), MemoryEvidence()
    first = begun(journal, store, *pace)
    answered(first, store, data.draw)
    read = MemoryJournal([Decision.from_dict(json.loads(json.dumps(d.as_dict()))) for d in journal.decisions()])
    assert [d.fingerprint() for d in read.decisions()] == [d.hash for d in journal.decisions()]
    again = begun(read, store)
    assert go_on(again, store.known) == Finished("b")
    assert again.session.snapshot() == first.session.snapshot()


@any_answers
@given(st.data(), paces, st.integers(0, 12))
def test_a_process_killed_at_any_moment_goes_on_as_if_nothing_had_happened(data, pace, k) -> None:
    journal, store = MemoryJournal(), MemoryEvidence()
    first = begun(journal, store, *pace)
    answered(first, store, data.draw)
    cut = min(k, len(journal.taken))
    # the decision was appended, and the process died before the conversation heard of it
    resumed_journal = journal.until(cut)
    resumed = begun(resumed_journal, store, *pace)
    by_name = {d.name: d for d in journal.taken}
    while isinstance(waiting := go_on(resumed, store.known), Asking):
        old = by_name[waiting.ask.name]
        resumed.answer(Answer(old.choice, old.why))
        resumed = begun(resumed_journal, store, *pace)  # killed after every answer
    assert waiting == Finished("b")
    assert resumed.session.snapshot() == first.session.snapshot()
    assert [d.name for d in resumed_journal.taken] == [d.name for d in journal.taken]


@any_answers
@given(st.data(), st.integers(0, 10))
def test_a_fork_shares_its_prefix_and_keeps_what_is_asked_again_on_the_same_evidence(data, k) -> None:
    journal, store = MemoryJournal(), MemoryEvidence()
    first = begun(journal, store)
    answered(first, store, data.draw)
    k = min(k, len(journal.taken) - 1)
    left = {d.place: d for d in journal.taken[k + 1 :]}
    anew = journal.taken[k].place
    branch = journal.until(k)

    def later(ask: Ask, session: Session) -> Answer | None:
        return None if ask.place == anew else carried_over(left.values())(ask, session)

    fork = begun(branch, store, later)
    asked_person = []
    while isinstance(waiting := go_on(fork, store.known), Asking):
        asked_person.append(waiting.ask)
        fork.answer(Answer(answer_to(waiting.ask, data.draw), WHY.format(f"after {len(asked_person)}")))
    assert branch.taken[:k] == journal.taken[:k]
    for exchange in fork.transcript[k:]:
        ask, old = exchange.ask, left.get(exchange.ask.place)
        same = old is not None and old.asked == ask.asked and ask.place != anew
        if same and not ask.taken:
            assert ask not in asked_person
            assert (exchange.decision.choice, exchange.decision.why) == (old.choice, old.why)
        elif not ask.taken and ask.place not in {d.place for d in branch.taken[:k]}:
            assert any(ask.place == a.place for a in asked_person)
    assert begun_again(branch, store) == fork.session.snapshot()


def begun_again(journal: MemoryJournal, store: MemoryEvidence) -> dict[str, Json]:
    again = begun(journal, store, read_only=True)
    assert go_on(again, store.known) == Finished("b")
    return again.session.snapshot()


# -- an older question set -----------------------------------------------------------------------------------------


def recorded(draw: Any, *pace: Any) -> tuple[MemoryJournal, MemoryEvidence]:
    journal, store = MemoryJournal(), MemoryEvidence()
    answered(begun(journal, store, *pace), store, draw)
    return journal, store


NEW = Question("a.new", "Something new?", options=(Option("yes"), Option("no")), asks="person")
older = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@older
@given(st.data(), paces)
def test_a_question_that_is_asked_no_more_is_named(data, pace) -> None:
    journal, store = recorded(data.draw, *pace)
    again = begun(journal, store, stages=without(scripted.COSTS), read_only=True)
    assert go_on(again, store.known) == Finished("b")
    assert again.differences == ["b.costs: recorded, but no longer asked."]


@older
@given(st.data(), paces)
def test_a_renamed_question_takes_the_recommendation_and_both_names_are_said(data, pace) -> None:
    journal, store = recorded(data.draw, *pace)
    again = begun(journal, store, stages=renamed(scripted.COSTS, "b.prices"), read_only=True)
    assert go_on(again, store.known) == Finished("b")
    assert again.session.choice("b.prices") == "unknown"
    assert again.differences[0] == "b.prices: not asked when this was recorded; the recommendation stands."
    assert again.differences[-1] == "b.costs: recorded, but no longer asked."
    assert listed_only(again.differences[1:-1])


@older
@given(st.data(), paces, st.sampled_from([scripted.COLOUR, scripted.COSTS, scripted.TAKE]), st.booleans())
def test_a_question_added_later_takes_the_recommendation_in_an_old_journal(data, pace, before, read_only) -> None:
    journal, store = recorded(data.draw, *pace)
    new = Ask(NEW, recommended="no", reason="Nobody asked then.")
    again = begun(journal, store, stages=adding(new, before), read_only=read_only)
    waiting = go_on(again, store.known)
    if isinstance(waiting, Asking):  # nobody is asked but to look at what was taken, at the very end
        assert not read_only
        assert waiting.ask.place == (SETTLED.id, "b")
        again.answer(Answer("keep"))
        waiting = go_on(again, store.known)
    assert waiting == Finished("b")
    assert again.session.choice("a.new") == "no"
    assert again.session.decision("a.new").author == "engine"
    assert "a.new: not asked when this was recorded; the recommendation stands." in again.differences
    assert listed_only([d for d in again.differences if not d.startswith("a.new:")])


def listed_only(differences: list[str]) -> bool:
    """Whether they are of the list of what was taken, which an old journal has not when nothing was."""
    return all(d.startswith(f"{SETTLED.id}:") for d in differences)


def test_a_question_added_after_the_last_answer_is_asked() -> None:
    journal, store = MemoryJournal(), MemoryEvidence()
    conductor = begun(journal, store)
    go_on(conductor, store.known)
    conductor.answer(Answer("red"))
    again = begun(journal, store, stages=adding(Ask(NEW, recommended="no"), scripted.SIZE))
    waiting = go_on(again, store.known)
    assert isinstance(waiting, Asking)
    assert waiting.ask.question is NEW
    assert again.differences == []


def test_an_answer_no_longer_offered_is_asked_again_and_what_it_was_is_said_once() -> None:
    journal, store = MemoryJournal(), MemoryEvidence()
    begin = begun(journal, store)
    go_on(begin, store.known)
    begin.answer(Answer("green", WHY))
    go_on(begin, store.known)
    begin.answer(Answer(5, WHY))

    def no_green(ask: Ask) -> Ask:
        few = tuple(o for o in ask.offered if o.key != "green")
        return replace(ask, question=replace(ask.question, options=few)) if ask.question is scripted.COLOUR else ask

    again = begun(journal, store, stages=changed(STAGES, no_green))
    for _ in range(3):  # a screen may look often
        waiting = go_on(again, store.known)
    assert isinstance(waiting, Asking)
    assert waiting.before == journal.taken[0]
    assert again.differences == ["a.colour: the recorded answer green is no longer offered."]
    decision = again.answer(Answer("red"))
    assert decision.supersedes == 1
    assert [d.name for d in again.session.decisions()] == ["a.colour"]
    resumed = begun(journal, store, stages=changed(STAGES, no_green))
    waiting = go_on(resumed, store.known)
    assert isinstance(waiting, Asking)
    assert waiting.ask.name == "a.size:lid"
    assert resumed.session.snapshot() == {"a.colour": "red", "a.size:box": 5}


# -- answers that cannot stand -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (Answer("mauve"), InvalidAnswer, "red, green, blue"),
        (Answer(None), InvalidAnswer, "red, green, blue"),
        (Answer("blue", WHY), Refused, "not for sale"),
        (Answer("green"), WhyNeeded, "fades"),
        (Answer("green", "because I like it"), WhyNeeded, "fades"),
        (Answer("green", "red green blue which colour"), WhyNeeded, "fades"),
    ],
)
def test_an_answer_that_cannot_stand_records_nothing_and_the_same_is_asked_still(answer, error, says) -> None:
    journal, store = MemoryJournal(), MemoryEvidence()
    conductor = begun(journal, store)
    waiting = go_on(conductor, store.known)
    with pytest.raises(error, match=says):
        conductor.answer(answer)
    assert journal.taken == []
    assert conductor.transcript == []
    assert conductor.advance() is waiting
    conductor.answer(Answer("red"))


def test_a_hold_overruled_with_a_why_leaves_its_flag_and_its_check() -> None:
    journal, store = MemoryJournal(), MemoryEvidence()
    conductor = begun(journal, store)
    go_on(conductor, store.known)
    decision = conductor.answer(Answer("green", WHY))
    assert (decision.level, decision.flags, decision.overruled) == ("hold", ("M99",), True)
    assert decision.check.metric == "fading"
    assert decision.why_verdict == "ok"


def test_a_model_decision_with_a_thin_why_is_flagged_also_when_it_follows_the_advice() -> None:
    journal, store = MemoryJournal(), MemoryEvidence()
    conductor = begun(journal, store, from_plan({}, {}), quick_pace)
    while isinstance(waiting := go_on(conductor, store.known), Asking):
        if waiting.ask.question is scripted.TAKE:
            with pytest.raises(WhyNeeded):
                conductor.answer(Answer("yes"))
            decision = conductor.answer(Answer("yes", "seems fine"))
        elif waiting.ask.question is scripted.PICK:
            conductor.answer(Answer("p0"))
        else:
            conductor.answer(Answer("red" if waiting.ask.question is scripted.COLOUR else "keep"))
    assert decision.flags == ("M04",)
    assert decision.why_verdict == "thin"
    assert not decision.overruled


def test_the_second_of_two_quick_answers_does_not_go_to_a_question_nobody_has_seen() -> None:
    journal, store = MemoryJournal(), MemoryEvidence()
    conductor = begun(journal, store)
    go_on(conductor, store.known)
    conductor.answer(Answer("red"))
    with pytest.raises(InvalidAnswer, match="Nothing is asked"):
        conductor.answer(Answer(3))
    assert len(journal.taken) == 1


def test_a_view_that_only_reads_refuses_answers() -> None:
    conductor = begun(MemoryJournal(), MemoryEvidence(), read_only=True)
    conductor.advance()
    with pytest.raises(Refused, match="only reads"):
        conductor.answer(Answer("red"))


# -- measuring -----------------------------------------------------------------------------------------------------


def measuring(pick: Json) -> tuple[MemoryJournal, MemoryEvidence, Conductor]:
    journal, store = MemoryJournal(), MemoryEvidence()
    conductor = begun(journal, store, from_plan({"b.pick": pick}, {}), accept_recommended)
    return journal, store, conductor


def test_an_optional_measure_that_fails_is_left_out_and_stays_out_on_replay() -> None:
    journal, store, conductor = measuring(["p0", "p1"])
    assert go_on(conductor, store.known) == Finished("b")
    assert conductor.session.choice("b.score") == 1
    again = begun(journal, store, read_only=True)
    assert again.advance() == Finished("b")
    assert again.session.snapshot() == conductor.session.snapshot()
    assert again.differences == []


def test_evidence_that_a_decision_cites_is_computed_again_when_it_was_deleted() -> None:
    journal, store, conductor = measuring(["p0"])
    go_on(conductor, store.known)
    cited = list(conductor.session.decision("b.score").evidence)
    for key in cited:
        del store.known[key]
    again = begun(journal, store)
    waiting = again.advance()
    assert isinstance(waiting, Measuring)
    assert [t.key for t in waiting.missing] == cited
    assert go_on(again, store.known) == Finished("b")
    assert again.session.snapshot() == conductor.session.snapshot()
    assert again.differences == []


def test_what_the_path_needs_cannot_be_left_out_and_a_failed_path_stays_failed() -> None:
    store = MemoryEvidence()
    conductor = begun(MemoryJournal(), store, accept_recommended)
    waiting = conductor.advance()
    assert isinstance(waiting, Measuring)
    with pytest.raises(DataProblem, match="the scale broke"):
        conductor.leave_out(waiting.missing[0].key, "the scale broke")
    store.put(Evidence(waiting.missing[0].key, "weigh", {}, error="The box is too heavy."))
    for _ in range(2):  # the second look must not take the end of the conversation for a finished path
        with pytest.raises(DataProblem, match="too heavy"):
            conductor.advance()


def test_needed_gives_the_values_or_the_first_failure() -> None:
    good, bad = Evidence("k", "t", {"x": 1}), Evidence("l", "t", {}, error="No.")
    assert needed([good, good]) == [{"x": 1}, {"x": 1}]
    with pytest.raises(DataProblem, match=r"No\."):
        needed([good, bad])


# -- the pace ------------------------------------------------------------------------------------------------------


def test_what_the_pace_answered_is_listed_at_the_stages_end() -> None:
    journal, store = MemoryJournal(), MemoryEvidence()
    conductor = begun(journal, store, quick_pace)
    go_on(conductor, store.known)
    conductor.answer(Answer("green", WHY))
    waiting = go_on(conductor, store.known)
    assert isinstance(waiting, Asking)
    assert waiting.ask.place == (SETTLED.id, "a")
    assert [row[0] for row in waiting.ask.shows[0].rows] == ["How large is box?", "How large is lid?"]
    assert "2 answers" in waiting.ask.prompt


def test_in_the_guided_pace_everything_is_asked_and_nothing_is_listed() -> None:
    journal, store = MemoryJournal(), MemoryEvidence()
    pace = Question("project.pace", "Pace?", options=(Option("quick"), Option("guided")))
    talk = STAGES[0].conversation

    def guided(s: Session) -> Conversation:
        yield Ask(pace, recommended="quick")
        yield from talk(s)

    stages = (Stage("a", "First", guided, (pace, *scripted.FIRST)), STAGES[1])
    conductor = begun(journal, store, from_plan({"project.pace": "guided"}, {}), quick_pace, stages=stages)
    asked = []
    while isinstance(waiting := go_on(conductor, store.known), Asking):
        asked.append(waiting.ask.name)
        conductor.answer(Answer(waiting.ask.recommended or waiting.ask.question.default, WHY.format(len(asked))))
    assert asked == [
        "a.colour", "a.size:box", "a.size:lid", "a.note", "b.pick", "b.costs", "b.rules", "b.kinds", "b.take",
    ]  # fmt: skip


def test_a_plan_that_cannot_stand_is_refused_and_not_passed_over() -> None:
    for answers, error in (
        ({"a.colour": "mauve"}, InvalidAnswer),
        ({"a.colour": "blue"}, Refused),
        ({"a.colour": "green"}, WhyNeeded),
    ):
        journal = MemoryJournal()
        conductor = begun(journal, MemoryEvidence(), from_plan(answers, {}), accept_recommended)
        with pytest.raises(error):
            conductor.advance()
        assert journal.taken == []


def test_trials_of_one_measure_come_back_in_their_order() -> None:
    trials = tuple(Trial("weigh", {"n": n}) for n in range(3))
    heard: list[Json] = []

    def talk(s: Session) -> Conversation:
        heard.extend(e.value["figure"] for e in (yield Measure(trials)))

    store = MemoryEvidence()
    conductor = begun(MemoryJournal(), store, stages=(Stage("a", "", talk, ()),))
    store.put(computed(trials[1]))
    waiting = conductor.advance()
    assert waiting.missing == (trials[0], trials[2])
    for trial in reversed(trials):
        store.put(computed(trial))
    assert conductor.advance() == Finished("a")
    assert heard == [computed(t).value["figure"] for t in trials]
