"""How many rows per step: a question of speed."""

from __future__ import annotations

from engine.effects import Ask
from engine.errors import InvalidAnswer
from engine.metrics import figure
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option
from engine.stages.columns import counted
from engine.stages.deep.device import milliseconds, room
from engine.stages.deep.gate import layers_views
from engine.stages.deep.situation import Net, Situation

SIZES = (64, 128, 256, 512, 1024)
FEWEST_STEPS = 8

BATCH = Question(
    "deep.batch",
    "How many rows per step?",
    other=True,
    low=1,
    options=tuple(Option(size, f"{size:,} rows") for size in SIZES),
    source="S003 batching; Godbole et al. 2023; Holzmüller et al. 2024",
    whys=(
        Why(
            "Why batches at all?", "The mean slope of some rows is nearly that of all, for a part of the work.", "S003"
        ),
        Why("Why so many?", "{reason}", "Decision catalogue, deep.batch"),
        Why(
            "Would another number score better?",
            "It sets speed, not quality; small batches give cheap noisy steps. Whoever changes it must find the "
            "learning rate again, which comes next.",
            "Godbole et al. 2023",
        ),
    ),
)

QUESTIONS = (BATCH,)


def ask_batch(at: Situation, net: Net, timed: Evidence) -> Ask:
    fits = room(at, net, timed)
    rows, best = net.learning_rows(at), min(net.batch(at), fits or net.batch(at))
    steps, ms = -(-rows // best), milliseconds(timed)
    offered = sorted({*SIZES, best})

    def read(choice: Json) -> Json:
        try:
            size = int(choice)
        except (TypeError, ValueError):
            raise InvalidAnswer(f"deep.batch: {choice!r} is no number of rows; say for instance {best}.") from None
        if not 1 <= size <= rows:
            raise InvalidAnswer(f"deep.batch: a step takes from 1 to {rows:,} rows, not {size:,}.")
        return size

    def judge(choice: Json) -> Judgement:
        each = -(-rows // int(choice))
        check = Check("steps an epoch", each, reference=FEWEST_STEPS, protocol="training part of one exam")
        if each < FEWEST_STEPS <= rows and choice != best:
            message = f"{counted(each, 'step')} an epoch are few: the net would hardly move before it is stopped."
            return Judgement((Objection(Level.FLAG, message),), check)
        if choice != best:
            return Judgement(
                (Objection(Level.NOTE, "It sets speed, not quality; the rate is measured for it."),), check
            )
        return Judgement(check=check)

    speed = f", {figure(1000 * best / ms)} rows a second as timed" if ms else ""
    speed += f"; for more than {fits:,} the device has no room" if fits else ""
    return Ask(
        BATCH,
        options=tuple(Option(size, f"{size:,} rows", "", {"steps an epoch": -(-rows // size)}) for size in offered
                      if size <= rows),
        recommended=best,
        reason=f"{rows:,} rows to learn from: {best:,} a step, {counted(steps, 'step')} an epoch{speed}.",
        evidence=(timed,) if timed.ok else (),
        shows=layers_views(net, at),
        read=read,
        judge=judge,
    )  # fmt: skip
