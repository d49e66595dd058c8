"""Looking at the rows for practice before anything is fitted to them."""

from __future__ import annotations

from collections.abc import Mapping

from engine.conductor import needed
from engine.effects import Ask, Conversation, Measure
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Trial
from engine.session import Session
from engine.stages.columns import listed
from engine.stages.looks import look_views
from engine.whys import tokens

NOTHING = "nothing noted"

LOOK = Question(
    "data.look",
    "Look at some rows, the extremes among them. What do you notice?",
    Form.TEXT,
    asks="person",
    default=NOTHING,
    whys=(
        Why(
            "Why look?", "The best hours are spent here: a model cannot tell you what you did not see.", "Karpathy 2019"
        ),
        Why("What shall I look for?", "{striking}"),
        Why(
            "Why not at all rows?", "The locked rows stay out of sight, so that no choice is made from them.", "KN L1.1"
        ),
    ),
    fact=True,
    source="Karpathy 2019, “become one with the data”; S002 master of your data",
)
QUESTIONS = (LOOK,)


def look(s: Session) -> Conversation:
    """Show the rows for practice from all sides; returns what was seen as evidence."""
    (looked,) = yield Measure((Trial("look", {"recipe": s.recipe()}, s.data, label="looking at the rows"),))
    value = needed([looked])[0]
    yield Ask(
        LOOK,
        recommended=None,
        reason=striking(s, value),
        facts={"striking": striking(s, value)},
        evidence=(looked,),
        shows=look_views(value),
        judge=lambda text: _judge(text, looked),
    )
    return looked


def striking(s: Session, value: Mapping[str, Json]) -> str:
    """What stands out, in a sentence or two; a beginning for one's own notes."""
    said = []
    if value["associations"]:
        strongest = [f"“{column}” ({size:.2f})" for column, _, size in value["associations"][:3]]
        said.append(f"“{s.target}” goes most with {listed(strongest)}")
    if value["early_late"]:
        column, _, size = value["early_late"][0]
        said.append(f"late rows differ from early ones in “{column}” ({size:.2f})")
    if value["missing"]["patterns"]:
        columns, rows = max(value["missing"]["patterns"], key=lambda p: p[1])
        named = listed(f"“{c}”" for c in columns[:3])
        said.append(f"{named} {'are empty together' if len(columns) > 1 else 'alone is empty'} in {rows:,} rows")
    return ". ".join(part[0].upper() + part[1:] for part in said) + "." if said else "Nothing stands out by itself."


def _judge(text: Json, looked: Evidence) -> Judgement:
    check = Check("rows looked at", looked.value["rows"], protocol="rows for practice")
    if not text or text == NOTHING:
        return Judgement((Objection(Level.FLAG, "Nobody wrote down what the rows look like.", "M17"),), check)
    if len(tokens(text)) < 5:
        return Judgement((Objection(Level.NOTE, "Short: what surprised you, and in which column?"),), check)
    return Judgement(check=check)
