"""Columns that know the answer, and rows that stand on both sides."""

from __future__ import annotations

from engine.conductor import needed
from engine.effects import Ask, Conversation, Decide, Measure
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import Session
from engine.stages.columns import Profile, counted, listed
from engine.stages.prepare.trying import differences, probe
from engine.views import Table

SUSPECTS_TRIED = 6  # so many suspects are measured with and without; more would take longer than they tell


CHECKED = Question(
    "data.leak_checks",
    "Which leaks were looked for, and what was found about the rows?",
    options=(Option("clean", "Nothing about the rows"), Option("found", "Something to look into")),
    whys=(
        Why("Why look before any model?", "A leak makes every later figure false, and the best model the worst.", "KN"),
        Why("What was looked for?", "{reason}"),
        Why("What was not?", "{skipped}"),
    ),
    source="Kapoor & Narayanan 2023: eight types of leaks",
)
LEAKS = Question(
    "data.leaks",
    "“{subject}” looks too good or too late. Keep it?",
    asks="person",
    options=(
        Option("drop", "Leave it out"),
        Option("keep", "Keep it: it is known in time"),
    ),
    whys=(
        Why("Why suspect it?", "{reason}", "KN L2"),
        Why("How do I decide?", "Ask who fills it in, and when. Known before “{moment}”? Then it may stay."),
        Why(
            "What does a leak cost?",
            "A model that shines here and fails on the first new row, where the column is empty.",
        ),
    ),
    source="Kapoor & Narayanan 2023; DataRobot target leakage thresholds",
)


def leaks(s: Session, profile: Profile) -> Conversation:
    """Look for every leak of the catalogue, and ask about each suspect with what it changes."""
    looking = Trial("leaks", {"recipe": s.recipe(), **_beside(s, profile)}, s.data, label="looking for leaks")
    (found,) = yield Measure((looking,), "Looking for columns that know the answer")
    yield _decide_checked(s, found)
    suspects = _suspects(needed([found])[0]["findings"])
    tried = [column for column, findings in suspects if not any(f.get("exact") for f in findings)][:SUSPECTS_TRIED]
    without: Evidence | None = None
    if tried:
        trial = probe(s, s.recipe(), {column: _less(s, column) for column in tried}, "with and without the suspects")
        (without,) = yield Measure((trial,), "What the suspects are worth", optional=True)
    for column, findings in suspects:
        yield _ask_leak(s, column, findings, found, without)


def _less(s: Session, column: str) -> dict[str, Json]:
    recipe = s.recipe()
    return {**recipe, "types": {name: kind for name, kind in recipe["types"].items() if name != column}}


def _beside(s: Session, profile: Profile) -> dict[str, Json]:
    """The entity and the time that the split does not go by, so that what it hides is measured (LK8, LK9)."""
    kind = s.choice("split.kind")
    guessed = [g["column"] for g in profile.value.get("group_guess", []) if g["column"] != s.target]
    entity = s.entity or next(iter(guessed), None)
    beside = {
        "group": entity if kind not in ("group", "time") else None,
        "time": s.time_column if kind != "time" else None,
    }
    return {"beside": beside} if any(beside.values()) else {}


def _decide_checked(s: Session, leaks: Evidence) -> Ask:
    v = needed([leaks])[0]
    rows = [f for f in v["findings"] if not f.get("column")]
    told = s.decision("data.duplicates")
    expected = {"LK7"} if told is not None and told.choice == told.recommended == "repeats" else set()
    columns = {f["column"] for f in v["findings"] if f.get("column")}
    why = (
        f"{len(v['ran'])} kinds of leaks were looked for; {counted(len(columns), 'column is', 'columns are')} suspect."
    )
    why += "".join(f" {_expected(f['sentence']) if f['detector'] in expected else f['sentence']}" for f in rows)
    objections = [
        Objection(Level.NOTE, "Equal rows lie on both sides of the splits, as rows that repeat by chance will.")
        if f["detector"] in expected
        else Objection(Level.FLAG, f["sentence"], "M10" if f["detector"] in ("LK8", "LK9") else "M11")
        for f in rows
        if f["level"] == "red" or f["detector"] in ("LK10", "LK11")
    ]
    ran = [(k, "ran", "") for k in v["ran"]] + [(k, "skipped", why_not) for k, why_not in v["skipped"].items()]
    found = [(f["detector"], f["level"], f["sentence"]) for f in rows]
    return Decide(
        CHECKED,
        "found" if rows else "clean",
        why,
        evidence=(leaks,),
        shows=(Table("About the rows", ("check", "level", "finding"), found), Table("Checks", ("check", "", ""), ran)),
        judgement=Judgement(
            tuple(objections), Check("findings about rows", len(rows), protocol="development rows", verdict="measured")
        ),
        facts={"skipped": listed(f"{k}: {reason}" for k, reason in v["skipped"].items()) or "nothing was left out."},
    )


def _expected(sentence: str) -> str:
    """What LK7 found, without the advice to tie what was taken to repeat by chance."""
    return f"{sentence.partition(':')[0].rstrip('.')}, as chance would have it."


def _suspects(findings: list[dict[str, Json]]) -> list[tuple[str, list[dict[str, Json]]]]:
    """The findings by column, the gravest columns first."""
    by_column: dict[str, list[dict[str, Json]]] = {}
    for finding in findings:
        for column in [finding["column"]] if finding.get("column") else []:
            by_column.setdefault(column, []).append(finding)
    return sorted(by_column.items(), key=lambda item: not any(f["level"] == "red" for f in item[1]))


def _ask_leak(
    s: Session, column: str, findings: list[dict[str, Json]], leaks: Evidence, without: Evidence | None
) -> Ask:
    red = [f for f in findings if f["level"] == "red"]
    worst = (red or findings)[0]
    exact = any(f.get("exact") for f in findings)

    def judge(choice: Json) -> Judgement:
        check = Check(
            str(worst.get("metric") or worst["detector"]),
            worst.get("score"),
            protocol=f"{worst['detector']}, development rows, out of fold",
            verdict=worst["level"],
        )
        if choice == "keep" and exact:
            message = f"“{column}” is the target under another name; with it every figure would be false."
            return Judgement((Objection(Level.BLOCK, message),), check)
        if choice == "keep" and red:
            return Judgement((Objection(Level.HOLD, worst["sentence"], "M07"),), check)
        if choice == "keep":
            return Judgement((Objection(Level.FLAG, worst["sentence"]),), check)
        return Judgement(check=check)

    rows = [(f["detector"], f["level"], f["sentence"]) for f in findings]
    return Ask(
        LEAKS,
        subject=column,
        recommended="drop" if red else "keep",
        reason=worst["sentence"]
        if red
        else f"{worst['sentence']} Nothing proves a leak; keep it if it is known in time.",
        facts={"moment": s.choice("problem.moment", default="the moment of prediction")},
        evidence=(leaks, *((without,) if without is not None and without.ok else ())),
        shows=(
            Table("What was found", ("check", "level", "finding"), rows),
            *differences(s, without, column, "Without it, on the practice exams"),
        ),
        judge=judge,
    )


QUESTIONS = (CHECKED, LEAKS)
