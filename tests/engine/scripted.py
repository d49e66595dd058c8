"""A small path of two stages with every form of question, for tests of the conductor: nothing heavy is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.conductor import Conductor, Finished, Measuring, Stage, Waiting, needed
from engine.effects import Ask, Conversation, Decide, Measure
from engine.questions import Form, Judgement, Level, Objection, Question
from engine.records import Check, Evidence, Json, Option, Trial, digest
from engine.session import Session

COLOURS = (Option("red"), Option("green"), Option("blue"))
COLOUR = Question("a.colour", "Which colour?", options=COLOURS, asks="person")
SIZE = Question("a.size", "How large is {subject}?", Form.NUMBER, low=0, high=9)
NOTE = Question("a.note", "Why red?", Form.TEXT, asks="person", default="none given", fact=True)
PICK = Question("b.pick", "Which of these?", Form.CHOICES, asks="person")
COSTS = Question("b.costs", "What does a mistake cost?", Form.COSTS, default="unknown", fact=True)
RULES = Question("b.rules", "Which rule?", Form.RULES, default=[], fact=True)
KINDS = Question("b.kinds", "What is each?", Form.TABLE, options=(Option("number"), Option("text")))
SCORE = Question("b.score", "What did it score?")
TAKE = Question("b.take", "Take it?", options=(Option("yes"), Option("no")), asks="person", why_required=True)

FIRST = (COLOUR, SIZE, NOTE)
SECOND = (PICK, COSTS, RULES, KINDS, SCORE, TAKE)


def judge_colour(choice: Json) -> Judgement:
    match choice:
        case "blue":
            return Judgement((Objection(Level.BLOCK, "Blue is not for sale."),))
        case "green":
            return Judgement((Objection(Level.HOLD, "Green fades in the sun.", "M99"),), Check("fading", 0.5))
    return Judgement()


def first(s: Session) -> Conversation:
    colour = (yield Ask(COLOUR, recommended="red", reason="Red lasts.", judge=judge_colour)).choice
    for subject in ("box", "lid", "box"):  # the box twice: what was said once stands
        yield Ask(SIZE, subject=subject, recommended=3, reason="Most are 3.")
    if colour == "red":
        yield Ask(NOTE)


def second(s: Session) -> Conversation:
    sizes = s.about("a.size")
    weigh = Trial("weigh", {"colour": s.choice("a.colour"), "sizes": sizes}, s.data)
    (weight,) = yield Measure((weigh,))
    value = needed([weight])[0]["figure"]
    offered = tuple(Option(f"p{i}") for i in range(2 + value % 3))
    picked = (yield Ask(PICK, options=offered, recommended=["p0"], evidence=(weight,))).choice
    yield Ask(COSTS, recommended="unknown")
    yield Ask(RULES)
    tests = tuple(Trial("test", {"pick": p}, s.data, uses=(weight.key,)) for p in picked)
    seen = yield Measure(tests, optional=True)
    yield Decide(SCORE, sum(e.ok for e in seen), "Counted.", evidence=seen)
    if any(e.ok for e in seen):
        yield Ask(KINDS, recommended=dict.fromkeys(picked, "number"), evidence=tuple(e for e in seen if e.ok))
    yield Ask(TAKE, recommended="yes", reason="It was tested.", evidence=(weight,))


STAGES = (Stage("a", "First", first, FIRST), Stage("b", "Second", second, SECOND))


def without(question: Question, stages: tuple[Stage, ...] = STAGES) -> tuple[Stage, ...]:
    """The path of a version that does not ask this question."""
    return _filtered(stages, lambda ask: None if ask.question.id == question.id else ask, drop=question.id)


def changed(stages: tuple[Stage, ...], change: Callable[[Ask], Ask]) -> tuple[Stage, ...]:
    """The path of a version that asks differently."""
    return _filtered(stages, change)


def renamed(question: Question, name: str) -> tuple[Stage, ...]:
    other = replace(question, id=name)
    stages = changed(STAGES, lambda ask: replace(ask, question=other) if ask.question.id == question.id else ask)
    return tuple(replace(s, questions=tuple(other if q.id == question.id else q for q in s.questions)) for s in stages)


def adding(new: Ask, before: Question) -> tuple[Stage, ...]:
    """The path of a version that asks one more question, in front of another."""

    def conversation(stage: Stage) -> Callable[[Session], Conversation]:
        def talk(s: Session) -> Conversation:
            inner, sent = stage.conversation(s), None
            asked = False
            while True:
                try:
                    effect = inner.send(sent)
                except StopIteration:
                    return
                if isinstance(effect, Ask) and effect.question.id == before.id and not asked:
                    asked = True
                    yield new
                sent = yield effect

        return talk

    out = []
    for stage in STAGES:
        at = next((i for i, q in enumerate(stage.questions) if q.id == before.id), None)
        if at is None:
            out.append(stage)
        else:
            questions = (*stage.questions[:at], new.question, *stage.questions[at:])
            out.append(replace(stage, conversation=conversation(stage), questions=questions))
    return tuple(out)


def _filtered(stages: tuple[Stage, ...], change: Callable[[Ask], Ask | None], drop: str = "") -> tuple[Stage, ...]:
    def conversation(stage: Stage) -> Callable[[Session], Conversation]:
        def talk(s: Session) -> Conversation:
            inner, sent = stage.conversation(s), None
            while True:
                try:
                    effect = inner.send(sent)
                except StopIteration:
                    return
                if isinstance(effect, Ask):
                    kept = change(effect)
                    # a question that is not asked is answered by what the stage would have been told anyway
                    sent = (yield kept) if kept is not None else _Silent(effect)
                else:
                    sent = yield effect

        return talk

    return tuple(
        replace(s, conversation=conversation(s), questions=tuple(q for q in s.questions if q.id != drop))
        for s in stages
    )


class _Silent:
    def __init__(self, ask: Ask) -> None:
        self.choice = ask.question.default if ask.recommended is None else ask.recommended


def computed(trial: Trial) -> Evidence:
    """What a trial of this path returns: a figure that depends on all that it was given; picking p1 always fails."""
    if trial.params.get("pick") == "p1":
        return Evidence(trial.key, trial.kind, {}, error="p1 cannot be tested.")
    return Evidence(trial.key, trial.kind, {"figure": int(digest(trial.params)[:6], 16)})


def go_on(conductor: Conductor, store: dict[str, Evidence], *, leave_out: bool = True) -> Waiting:
    """Go on until somebody is asked or the path ends."""
    while isinstance(waiting := conductor.advance(), Measuring):
        for trial in waiting.missing:
            evidence = computed(trial)
            if evidence.ok:
                store[trial.key] = evidence
            elif leave_out:
                conductor.leave_out(trial.key, evidence.error)
    assert not isinstance(waiting, Finished) or waiting.stage == conductor.stages[-1].name or conductor.stop_after
    return waiting
