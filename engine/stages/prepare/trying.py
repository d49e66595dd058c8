"""Trying a change of the preparation: measured on the practice exams with and without it, kept only if it earns it.

No absolute score is shown here: the metric, the success line and the smallest gain are agreed on before anybody has
seen one (1.1), so a probe tells differences only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.change import verdict_r2, verdict_r5
from engine.effects import Ask, Conversation, Measure
from engine.metrics import BY_NAME, guards_of
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import OPTIONAL_CHANGES, Session
from engine.stages.columns import listed
from engine.titles import titled
from engine.views import Samples, Table, View

ENOUGH_EXAMS = 10  # a probe takes about as many exams as a network does (2.1)
SHOWN = 6  # columns that are shown before and after

KEEP = Question(
    "data.keep",
    "Tried: {change}. Keep it?",
    options=(Option("keep", "Keep it"), Option("undo", "Leave it as it was")),
    whys=(
        Why("Why try it at all?", "{reason}", "S002: checked against a metric, and only then accepted"),
        Why("How was it tried?", "{protocol}", "Nadeau & Bengio 2003"),
        Why("Why so strict?", "{rule}", "Decision catalogue 2.5"),
    ),
    source="Decision catalogue 2.5: R2, do no harm; R5, optional transforms",
)


def tried(s: Session, question: Question, change: str, columns: Sequence[str]) -> Conversation:
    """Measure what the answer to a question changes, and ask whether it is kept.

    change: what was chosen, in a few words.  columns: the inputs that it is about, shown before and after.
    """
    trial = probe(
        s, s.recipe(without=(question.id,)), {question.id: s.recipe()}, f"{titled(question.id)}, on the practice exams"
    )
    looking = Trial(
        "preview",
        {"recipe": s.recipe(), "columns": list(columns)[:SHOWN], "style": "linear"},
        s.data,
        label="before and after, on a few rows",
    )
    found, glance = yield Measure((trial, looking), "Trying it on the practice exams", optional=True)
    yield _ask_keep(s, question, change, found, glance)


def probe(s: Session, before: Mapping[str, Json], changes: Mapping[str, Mapping[str, Json]], label: str) -> Trial:
    """The trial that compares each changed recipe with the one before, in differences only."""
    params: dict[str, Json] = {
        "recipe": dict(before),
        "changes": [{"name": name, "recipe": dict(recipe)} for name, recipe in changes.items()],
        "families": families(s),
        "metric": s.metric,
        "guards": list(guards_of(s.task, s.metric)),
        "delta": margin(s),
        "folds": exams(s),
        "tiny": bool(_drawn(s).get("tiny")),
    }
    return Trial("probe", params, s.data, label=label)


def families(s: Session) -> list[str]:
    """What a change is tried with: a linear model and boosting; the linear one alone where boosting may not be used,
    or where it would read thousands of words."""
    alone = s.material in ("text", "image") or s.choice("problem.interpretability") == "readable"
    return ["linear"] if alone else ["linear", "boosting"]


def margin(s: Session) -> float:
    """Within what a difference is called equivalent, before anybody said which gain matters (2.7); 0 for losses."""
    return 0.01 if BY_NAME[s.metric].bounded else 0.0


def exams(s: Session) -> int | None:
    """How many of the plan's exams a probe takes, whole repeats of them; all of those in time order."""
    plan = s.choice("split.plan", default={})
    if "folds" not in plan:
        return None
    folds = int(plan["folds"])
    repeats = 1 if _drawn(s).get("dev", 0) >= 10_000 else max(1, round(ENOUGH_EXAMS / folds))
    return folds * min(repeats, int(plan["repeats"]))


def _drawn(s: Session) -> Mapping[str, Json]:
    decision = s.decision("split.drawn")
    return decision.check.details if decision is not None and decision.check is not None else {}


def rows_of(found: Evidence | None, name: str) -> list[dict[str, Json]]:
    """What a probe found of one change, a row a family of models; empty when it could not be tried."""
    if found is None or not found.ok:
        return []
    return [row for row in found.value["rows"] if row["name"] == name]


def differences(s: Session, found: Evidence | None, name: str, title: str) -> tuple[View, ...]:
    """The table of what a change makes, by family of models."""
    rows = rows_of(found, name)
    if not rows or found is None:
        return ()
    cells = [
        (
            {"linear": "linear model", "boosting": "boosted trees"}.get(row["family"], row["family"]),
            None if row["diff"] is None else f"{row['diff']:+.4f}",
            "" if row["lower"] is None else f"{row['lower']:+.4f} … {row['upper']:+.4f}",
            row["verdict"],
            row["exams"],
        )
        for row in rows
    ]
    names = ("tried with", f"gain in {BY_NAME[s.metric].title}", "90 % interval", "verdict", "exams")
    return (Table(title, names, cells),)


def judged(s: Session, found: Evidence | None, name: str, rule: str) -> tuple[bool, Level | None, str]:
    """Whether a change is to be kept, how firmly the guide objects if it is kept all the same, and the sentence."""
    rows = rows_of(found, name)
    if not rows:
        why = found.error if found is not None and found.error else "it was not measured"
        return False, Level.HOLD, f"It could not be tried: {why.rstrip('.')}."
    verdict = (verdict_r2 if rule == "R2" else verdict_r5)(rows, BY_NAME[s.metric].title)
    return verdict.keep, verdict.level, verdict.sentence


def check_of(s: Session, found: Evidence | None, name: str) -> Check | None:
    """The difference that a decision about a change is held against: that of the family it helps most."""
    rows = [row for row in rows_of(found, name) if row["diff"] is not None]
    if not rows or found is None:
        return None
    best = max(rows, key=lambda row: row["diff"])
    protocol = f"paired difference, {best['exams']} exams, {best['family']}, 90 % interval"
    details = {"rows": rows, "rows_used": found.value.get("rows_used")}
    return Check(
        f"gain in {s.metric}", best["diff"], best["lower"], best["upper"], 0.0, protocol, best["verdict"], details
    )


def keeping(s: Session, found: Evidence | None, name: str, rule: str, kept: str) -> tuple[str, Judgement, Judgement]:
    """The sentence about a change, and what the guide makes of keeping it and of not; kept: the option that keeps."""
    keep, level, sentence = judged(s, found, name, rule)
    check = check_of(s, found, name)
    flag = "M03b" if rule == "R5" else "M03"
    against = () if keep or level is None else (Objection(level, sentence, flag),)
    return sentence, Judgement(against, check), Judgement(check=check)


def _ask_keep(s: Session, question: Question, change: str, found: Evidence, glance: Evidence) -> Ask:
    rule = "R5" if question.id in OPTIONAL_CHANGES else "R2"
    sentence, keep, undo = keeping(s, found, question.id, rule, "keep")
    recommended = judged(s, found, question.id, rule)[0]
    shows: tuple[View, ...] = differences(s, found, question.id, "With it, against without it")
    if glance.ok:
        made, total = glance.value["names"], glance.value["after"]
        shows += (
            Samples("Before", glance.value["rows_digest"], ("before",)),
            Samples(f"After: {total} columns", glance.value["rows_digest"], ("after",)),
        )
        shows += (Table("Columns it makes", ("column",), [(name,) for name in made]),)
    strict = {
        "R2": "It repairs something: it stays unless the exams with it are measurably worse (R2).",
        "R5": "It is optional: it stays only if the exams with it are measurably better (R5). Many small "
        "luckies add up to nothing.",
    }
    return Ask(
        KEEP,
        subject=question.id,
        recommended="keep" if recommended else "undo",
        reason=sentence,
        facts={"change": change, "rule": strict[rule], "protocol": _protocol(s, found)},
        evidence=tuple(e for e in (found, glance) if e.ok),
        shows=shows,
        judge=lambda choice: keep if choice == "keep" else undo,
    )


def _protocol(s: Session, found: Evidence) -> str:
    if not found.ok:
        return "The same practice exams, with and without it."
    used = found.value.get("rows_used")
    rows = f", each fitted to at most {used:,} rows" if used else ""
    named = listed({"linear": "a linear model", "boosting": "boosted trees"}.get(f, f) for f in families(s))
    return f"{found.value['folds']} practice exams with and without it{rows}, with {named}; the same rows for both."
