"""What the champion leans on, and whether it leans on one column only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.effects import Ask, Conversation, Decide, Measure
from engine.metrics import Metric, figure
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option
from engine.session import Session
from engine.stages.columns import listed, percent
from engine.stages.ladder import Candidate, about_model, metric
from engine.stages.simple.champion import too_good
from engine.views import Curves, Intervals, Table, View

MOST = 20

IMPORTANCE = Question(
    "improve.importance",
    "What does it lean on?",
    source="scikit-learn, permutation importance; Breiman 2001; Strobl et al. 2007",
    whys=(
        Why("How is it measured?", "A column is shuffled in the exams' test parts: what the score loses is its share."),
        Why("Why together?", "Of two columns that say the same either stands in for the other, and both look useless."),
        Why("What was found?", "{reason}"),
    ),
)
ONE_COLUMN = Question(
    "improve.one_column",
    "“{subject}” alone carries {share} of what the model gains. Is it known when the prediction is needed?",
    asks="person",
    options=(
        Option("known", "Yes, and before it; how, goes into the why"),
        Option("leak", "No, it is filled in afterwards", "go back to data.leaks and leave it out"),
        Option("unsure", "Nobody has looked"),
    ),
    whys=(
        Why("Why ask?", "A model that leans on one column is as good, and as late, as that column.", "KN L2"),
        Why("What was measured?", "{reason}"),
        Why("How do I find out?", "Ask who fills it in, and when; look at its value in rows that are still open."),
    ),
    source="Kapoor & Narayanan 2023, L2; decision catalogue LK14",
)

QUESTIONS = (IMPORTANCE, ONE_COLUMN)


def importance(s: Session, champion: Candidate) -> Conversation:
    """Shuffle the columns; nothing for baselines and rules, nor where there is one column only, or pixels."""
    if champion.spec.tier in ("T0", "T1") or s.material == "image" or len(s.input_types()) < 2:
        return
    floor = next((rung.value for rung in s.rungs if rung.stage == "baseline"), None)  # no model at all
    trial = about_model(s, "importance", champion.model, "what it leans on", floor=floor)
    (seen,) = yield Measure((trial,), "Shuffling columns", optional=True)
    if not seen.ok or not seen.value["clusters"]:
        return
    m = metric(s)
    yield _decide(s, m, champion, seen)
    if seen.value["rules"] and s.material != "series":
        yield _ask_one(s, champion, seen)


def _decide(s: Session, m: Metric, champion: Candidate, seen: Evidence) -> Ask:
    v = seen.value
    rows = v["clusters"]
    top, used = rows[0], [row for row in rows if row["important"]]
    if used:
        why = [f"Shuffling {top['name']} costs {figure(top['drop'])} {m.title}."]
        if len(used) > 1:
            others = listed((row["name"] for row in used[1:]), 6)
            why.append(f"After it {others} {'matter' if len(used) > 2 else 'matters'}.")
    else:
        why = ["No column is missed measurably when it is shuffled: what it knows stands in several of them."]
    idle = len(rows) - len(used)
    if used and idle:
        why.append(
            f"Shuffling {f'one of the other {idle}' if idle > 1 else 'the last'} alone costs nothing measurable."
        )
    why += _against(s, used)
    if good := too_good(s, champion):
        why.append(good)
    check = Check(
        m.name, top["drop"], top["low"], top["high"], None,
        f"{v['exams']} exams, {v['repeats']} shuffles each, corrected 95 % interval", "measured",
        {"important": [r["name"] for r in used]},
    )  # fmt: skip
    return Decide(
        IMPORTANCE, top["name"] if used else "none", " ".join(why), evidence=(seen,), check=check, shows=_views(m, v)
    )


def _against(s: Session, used: list[Mapping[str, Json]]) -> list[str]:
    """What the expert named, beside what the model leans on."""
    drivers = s.choice("problem.drivers", default={})
    if not drivers:
        return []
    leaned = {c for row in used for c in row["columns"]}
    missing = [c for c in drivers if c not in leaned]
    if not missing:
        return ["It leans on all that the expert named."]
    return [f"The expert named {listed(missing)}, too: the model does without."]


def _ask_one(s: Session, champion: Candidate, seen: Evidence) -> Ask:
    top = seen.value["clusters"][0]
    names = top["columns"]
    kept = [c for c in names if s.choice("data.leaks", c) == "keep"]
    drivers = [c for c in names if c in s.choice("problem.drivers", default={})]
    share = percent(min(top["share"], 1.0))
    carry = "carries" if len(names) == 1 else "carry"
    reason = f"Shuffled, it costs {figure(top['drop'])} of the {figure(seen.value['gain'])} gained over no model."
    best = "known" if kept or drivers else "unsure"
    if kept:
        reason += f" You kept {listed(kept)} when it was suspected of being a leak."
    elif drivers:
        reason += f" The expert named {listed(drivers)} before any model was fitted."

    def judge(choice: Json) -> Judgement:
        check = Check("share of the gain", top["share"], reference=0.8, protocol="LK14", details={"columns": names})
        if choice == "unsure":
            message = f"{listed(names)} {carry} nearly all of the gain, and nobody has said why it may (LK14)."
            return Judgement((Objection(Level.FLAG, message, "M25"),), check)
        if choice == "leak":
            message = f"Go back to data.leaks and leave {listed(names)} out: what stands now has learned from it."
            return Judgement((Objection(Level.HOLD, message, "M07"),), check)
        return Judgement(check=check)

    return Ask(
        ONE_COLUMN if best == "unsure" else replace(ONE_COLUMN, asks="engine"),
        subject=top["name"],
        recommended=best,
        reason=reason,
        facts={"share": share},
        evidence=(seen,),
        judge=judge,
    )


def _views(m: Metric, v: Mapping[str, Json]) -> tuple[View, ...]:
    rows = v["clusters"][:MOST]
    drops = [(r["name"], r["drop"], r["low"], r["high"]) for r in rows]
    views: list[View] = [Intervals(f"What shuffling costs, {m.title}, 95 % intervals", m.title, drops, 0.0)]
    cells = [
        (r["name"], figure(r["drop"]), figure(r["sd"]), "" if r["share"] is None else percent(r["share"]),
         "yes" if r["important"] else "")
        for r in rows
    ]  # fmt: skip
    views.append(Table("Shuffled", ("columns", "costs", "sd", "of the gain", "matters"), cells))
    for drawn in v["dependence"]:
        about = f"“{drawn['about']}”" if drawn["about"] else "what is said"
        title = f"{about} by {drawn['column']}"
        if drawn["kind"] == "number":
            lines = {
                name: [(p[0], p[i]) for p in drawn["points"]] for i, name in ((1, "mean"), (2, "10 %"), (3, "90 %"))
            }
            views.append(Curves(title, drawn["column"], "said", lines))
        else:
            views.append(Intervals(f"{title}, 10 to 90 % of the rows", "said", [tuple(p) for p in drawn["points"]]))
    return tuple(views)
