"""What an expert would compute from the columns, all changes together once more, and whether more data is to be had."""

from __future__ import annotations

from engine import plans
from engine.data.formulas import read_formula, suggest
from engine.effects import Ask, Conversation, Measure
from engine.errors import InvalidAnswer
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import OPTIONAL_CHANGES, Session
from engine.stages.columns import Profile, counted, listed, percent
from engine.stages.prepare.changes import Known
from engine.stages.prepare.rows import after
from engine.stages.prepare.trying import differences, judged, keeping, probe
from engine.views import Samples, Table, View

EXPERT = Question(
    "data.expert",
    "What would an expert compute from these columns?",
    Form.TABLE,
    asks="person",
    default={},
    whys=(
        Why("Why ask?", "Hidden signals have to be pulled out; a straight line with good features goes far.", "S004"),
        Why(
            "How do I write one?",
            'A name and an SQL expression over the columns: charge_per_month = "TotalCharges / NULLIF(tenure, 0)".',
        ),
        Why("Why these?", "{reason}"),
        Why("Is it kept?", "Each is tried alone on the practice exams, and kept only if they are measurably better."),
    ),
    fact=True,
    source="S004 creative features; S002 hidden features; Zinkevich, Rules of machine learning #17, #20",
)
FEATURE = Question(
    "data.features",
    "Tried: {subject} = {formula}. Keep it?",
    options=(Option("keep", "Keep it as an input"), Option("leave", "Leave it out")),
    whys=(
        Why("What is the idea?", "{idea}", "Decision catalogue, data.features: the hypothesis comes first"),
        Why("What did it bring?", "{reason}", "Nadeau & Bengio 2003"),
        Why(
            "Why so strict?",
            "Two columns of pure noise are kept in 15 of 100 tries by whoever takes the higher mean.",
            "[M]",
        ),
    ),
    source="Decision catalogue, data.features; R5",
)
RECHECK = Question(
    "data.recheck",
    "All kept changes together against the plain preparation, on exams drawn afresh: keep them?",
    options=(Option("accept", "Keep them"), Option("strip", "Take them back")),
    whys=(
        Why(
            "Why once more?",
            "Many small luckies add up to nothing: each was kept on the same exams.",
            "Cawley & Talbot",
        ),
        Why("Which changes?", "{kept}"),
        Why("What came out?", "{reason}"),
    ),
    source="Cawley & Talbot 2010; S002: baseline each step",
)
MORE = Question(
    "data.more",
    "Could you get more rows, better labels or another source cheaply?",
    options=(
        Option("yes", "Yes", "what, and at what cost, goes into the why"),
        Option("later", "Later, when the learning curve has spoken"),
        Option("no", "No"),
    ),
    default="later",
    fact=True,
    whys=(
        Why("Why ask before any model?", "Data beats model design, model design beats tuning.", "S002 hierarchy"),
        Why("Why this advice?", "{reason}"),
        Why("How will I know?", "The learning curve measures what doubling the rows would bring."),
    ),
    source="S002: ten times the data; Karpathy 2019",
)
QUESTIONS = (EXPERT, FEATURE, RECHECK, MORE)


def features(s: Session, known: Known) -> Conversation:
    """Columns that are computed from others: named first, then tried one by one, each alone."""
    if s.material in ("image", "series"):
        return
    ask = _ask_expert(s, known)
    made = (yield ask).choice
    if not made:
        return
    before = s.recipe()
    trial = probe(
        s, before, {name: s.recipe(adding=(name,)) for name in made}, "computed columns on the practice exams"
    )
    looking = Trial(
        "preview",
        {"recipe": s.recipe(adding=tuple(made)), "columns": _used(s, known, made), "style": "linear"},
        s.data,
        label="before and after, on a few rows",
    )
    found, glance = yield Measure((trial, looking), "Trying the computed columns", optional=True)
    for name, what in made.items():
        yield _ask_feature(s, name, what["formula"], ask, found, glance)


def _types(s: Session, known: Known) -> dict[str, str]:
    inputs = s.input_types()
    return {name: kind for name, kind in inputs.items() if name in known.profile.columns}


def _used(s: Session, known: Known, made: dict[str, Json]) -> list[str]:
    types = _types(s, known)
    used = [c for what in made.values() for c in read_formula(what["formula"], types, s.target).columns]
    return [*dict.fromkeys(used), *made][:8]


def _ask_expert(s: Session, known: Known) -> Ask:
    types = _types(s, known)
    ideas = suggest({name: known.profile.columns[name] for name in types}, s.target)
    suggested = {idea.name: idea.formula for idea in ideas}

    def read(choice: Json) -> Json:
        made = {}
        for name, formula in choice.items():
            text = formula.get("formula") if isinstance(formula, dict) else formula
            if not isinstance(text, str) or not name.strip():
                raise InvalidAnswer(
                    f'data.expert: {name!r} needs an SQL expression in quotes, e.g. "a / NULLIF(b, 0)".'
                )
            if name in known.profile.columns:
                raise InvalidAnswer(f"data.expert: there is a column “{name}” already; give the new one another name.")
            try:
                read = read_formula(text, types, s.target)
            except InvalidAnswer as problem:
                raise InvalidAnswer(f"data.expert: {name}: {problem}") from None
            made[name.strip()] = {"formula": read.text, "type": read.type}
        return made

    rows = [(idea.name, idea.formula, idea.why) for idea in ideas]
    columns = Table("Columns", ("column", "type"), [(name, kind.replace("_", "/")) for name, kind in types.items()])
    ideas_view = (Table("Ideas", ("name", "formula", "why"), rows),) if rows else ()
    why = listed(f"{idea.name}: {idea.why}" for idea in ideas)
    return Ask(
        EXPERT,
        recommended=suggested,
        reason=f"Worth a try: {why}." if ideas else "No rule of thumb suggests one here; an expert may know better.",
        evidence=(known.looked,),
        shows=(*ideas_view, columns),
        read=read,
        judge=lambda choice: Judgement(check=Check("columns to try", len(choice), protocol="each alone")),
    )


def _ask_feature(s: Session, name: str, formula: str, asked: Ask, found: Evidence, glance: Evidence) -> Ask:
    sentence, keep, leave = keeping(s, found, name, "R5", "keep")
    ideas = next(({r[0]: r[2] for r in v.rows} for v in asked.shows if isinstance(v, Table) and v.title == "Ideas"), {})
    shows: tuple[View, ...] = differences(s, found, name, "With it, against without it")
    if glance.ok:
        shows += (Samples("Before", glance.value["rows_digest"], ("before",)),)
        shows += (Samples("After", glance.value["rows_digest"], ("after",)),)
    return Ask(
        FEATURE,
        subject=name,
        recommended="keep" if judged(s, found, name, "R5")[0] else "leave",
        reason=sentence,
        facts={"formula": formula, "idea": str(ideas.get(name) or "Of your own: write it as the why.")},
        evidence=tuple(e for e in (found, glance) if e.ok),
        shows=shows,
        judge=lambda choice: keep if choice == "keep" else leave,
    )


def recheck(s: Session) -> Conversation:
    """Two changes or more that had to earn their place are held against the plain preparation once more, afresh."""
    kept = _kept(s)
    if len(kept) < 2:
        return
    plan = {**s.choice("split.plan", default={}), "seed": int(s.choice("split.plan", default={}).get("seed", 0)) + 1}
    without = tuple(q for q in OPTIONAL_CHANGES)
    before, together = ({**recipe, "plan": plan} for recipe in (s.recipe(without=without), s.recipe()))
    trial = probe(s, before, {"together": together}, "all changes together, on exams drawn afresh")
    (found,) = yield Measure((trial,), "All changes together", optional=True)
    sentence, keep, strip = keeping(s, found, "together", "R5", "accept")
    yield Ask(
        RECHECK,
        recommended="accept" if judged(s, found, "together", "R5")[0] else "strip",
        reason=sentence,
        facts={"kept": listed(kept)},
        evidence=(found,) if found.ok else (),
        shows=differences(s, found, "together", "All together, against the plain preparation"),
        judge=lambda choice: keep if choice == "accept" else strip,
    )


def _kept(s: Session) -> list[str]:
    """The optional changes that were tried and kept, by the names of their questions and columns."""
    changes = [q for q, choice in s.about("data.keep").items() if choice == "keep" and q in OPTIONAL_CHANGES]
    return changes + [name for name, choice in s.about("data.features").items() if choice == "keep"]


def ask_more(s: Session, profile: Profile, drawn: dict[str, Json], seen: Evidence) -> Ask:
    rarest = min(after(profile.classes(s.target), s.choice("data.target_quality")).values()) if s.classifies else None
    conflicts = drawn.get("conflict_floor") or 0.0
    best, why = plans.rows_advice(drawn["dev"] + drawn["lockbox"], rarest, conflicts)
    said = f" {percent(conflicts)} of the rows cannot be told apart from rows with another label." if conflicts else ""
    return Ask(
        MORE,
        recommended=best,
        reason=why + said,
        evidence=(seen,),
        judge=lambda choice: Judgement(
            (Objection(Level.NOTE, "Rows are what helps here most; write down where they could come from."),)
            if best == "yes" and choice == "no"
            else (),
            Check(
                "rows", drawn["dev"], protocol=f"for practice, beside {counted(drawn['lockbox'], 'row')} locked away"
            ),
        ),
    )
