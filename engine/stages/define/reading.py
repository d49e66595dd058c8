"""How the file is read: found, shown, and overruled where it was read wrongly."""

from __future__ import annotations

from engine.conductor import needed
from engine.data.settings import in_words, overruled
from engine.effects import Ask, Conversation, Measure
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Json, Trial
from engine.session import Session
from engine.stages.columns import Profile, counted
from engine.stages.looks import profile_views

LOAD = Question(
    "data.load",
    "This is what I read: {size}. Right?",
    Form.TABLE,
    whys=(
        Why("Why look at this first?", "Every later figure stands on {rows}.", "S002: test everything"),
        Why("What if a line cannot be read?", "Here {bad}; more than 0.1 % of the lines unread would stop the path."),
        Why(
            "Why keep the settings?",
            "A replay reads the same bytes in the same way: {settings}.",
            "S003: the data's format matters most",
        ),
    ),
    source="S002; S003",
)


def read_table(s: Session) -> Conversation:
    """Read and profile the table, as sniffed or as the person corrected it; returns (Profile, Evidence)."""
    trial = Trial("profile", {"read": None}, s.data, label="reading the table")
    (seen,) = yield Measure((trial,), "Reading the table")
    profile = Profile(needed([seen])[0])
    settings = profile.value["read"]
    load = yield Ask(
        LOAD,
        recommended=settings,
        reason=f"Read as {in_words(settings)}; {_bad_lines(profile)}.",
        facts={
            "size": f"{counted(profile.rows, 'row')} and {counted(len(profile.columns), 'column')}",
            "rows": counted(profile.rows, "row"),
            "bad": _bad_lines(profile),
            "settings": in_words(settings),
        },
        evidence=(seen,),
        shows=profile_views(profile),
        judge=lambda choice: _judge_load(profile, choice),
        read=lambda choice: overruled(settings, choice),
    )
    if load.choice != settings:
        trial = Trial("profile", {"read": load.choice}, s.data, label="reading the table again")
        (seen,) = yield Measure((trial,), "Reading the table as you said")
        profile = Profile(needed([seen])[0])
    return profile, seen


def _bad_lines(profile: Profile) -> str:
    return (
        f"{counted(profile.bad_lines, 'line')} could not be read" if profile.bad_lines else "every line could be read"
    )


def _judge_load(profile: Profile, choice: Json) -> Judgement:
    if profile.bad_lines > 0.001 * max(profile.rows, 1):
        return Judgement(
            (Objection(Level.HOLD, f"{_bad_lines(profile)}, more than 0.1 %."),),
            Check("rows", profile.rows, protocol="lines of the file"),
        )
    return Judgement(check=Check("rows", profile.rows, protocol="lines of the file, less header and rejected lines"))


QUESTIONS = (LOAD,)
