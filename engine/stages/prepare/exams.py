"""How rows are parted: the split, the lockbox, the practice exams."""

from __future__ import annotations

from engine import plans
from engine.conductor import needed
from engine.effects import Ask, Conversation, Decide, Measure
from engine.errors import InvalidAnswer
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import FEW_TO_EXAMINE, Session
from engine.stages.columns import Profile, counted, listed
from engine.stages.prepare.rows import after
from engine.views import Bars

SPLIT = Question(
    "split.kind",
    "How will tomorrow's rows differ from today's?",
    options=(
        Option("stratified", "More of the same", "random rows, each part with the same class shares"),
        Option("random", "More of the same, at random"),
        Option("group", "New entities", "all rows of one entity on one side"),
        Option("time", "Later in time", "the past examines the future"),
        Option("origins", "The next steps of the same series", "each exam forecasts from a later moment"),
    ),
    whys=(
        Why("Why ask?", "Test the way it will be used; otherwise the score is of another job.", "KN L3"),
        Why("Why this one?", "{reason}"),
        Why("What does a wrong split cost?", "Scores that fall in use by as much as entities or seasons repeat."),
    ),
    source="Kapoor & Narayanan 2023, L3; scikit-learn user guide, cross-validation",
)
LOCKBOX = Question(
    "split.lockbox",
    "I lock {rows} away for one final exam. Agreed?",
    Form.NUMBER,
    default=0.0,
    low=0,
    high=0.5,
    unit="share of rows",
    whys=(
        Why(
            "Why lock rows away?",
            "Every choice made on the other rows flatters them a little; these stay honest.",
            "KN L1.1",
        ),
        Why("Why so many?", "{reason}"),
        Why("May I look early?", "Once is the exam. A second look is possible, needs a why, and is counted for ever."),
    ),
    source="Kapoor & Narayanan 2023, L1.1; Collins, Ogundimu & Altman 2016",
)
HORIZONS = Question(
    "split.horizons",
    "I lock the last {rows} away for one final exam. Agreed?",
    Form.NUMBER,
    default=1,
    low=0,
    high=1000,
    unit="horizons",
    whys=(
        Why("Why the last?", "A forecast is used on what comes after all that was learned.", "FPP; KN L3.1"),
        Why("Why so many?", "{reason}"),
        Why("May I look early?", "Once is the exam. A second look is possible, needs a why, and is counted for ever."),
    ),
    source="Kapoor & Narayanan 2023, L1.1; Hyndman & Athanasopoulos, time series cross-validation",
)
PLAN = Question(
    "split.plan",
    "These are the practice exams that every model takes.",
    Form.TABLE,
    whys=(
        Why("Why the same for all?", "Two models are compared exam by exam; that needs the same exams.", "NB; BF"),
        Why("Why so many?", "{reason}"),
        Why("Why is one split not enough?", "One exam cannot tell luck from skill: its spread is unknown."),
    ),
    source="Nadeau & Bengio 2003; Bouckaert & Frank 2004",
)
EXAMS = Question(
    "split.drawn",
    "The lockbox and the practice exams are drawn.",
    options=(Option("drawn", "Drawn once, the same for everybody"),),
    source="Decision catalogue 2.1",
)


def exams(s: Session, profile: Profile, seen: Evidence) -> Conversation:
    """Part the rows once and for all; from here on only the rows for practice are looked at."""
    yield _ask_split(s, profile, seen)
    yield _ask_lockbox(s, profile, seen)
    yield _ask_plan(s, profile, seen)
    return (yield from drawn(s))


def ask_split_series(s: Session, found: Evidence) -> Ask:
    return Ask(
        SPLIT,
        options=tuple(o for o in SPLIT.options if o.key == "origins"),
        recommended="origins",
        reason="A series is examined as it is used: from a moment on, with nothing known that comes after.",
        evidence=(found,),
        taken=True,
    )


def drawn(s: Session) -> Conversation:
    """Draw the lockbox and the practice exams as they were decided, and put down what came of it; returns that."""
    (found,) = yield Measure((Trial("split", {"recipe": s.recipe()}, s.data, label="drawing the exams"),))
    yield _decide_drawn(s, found)
    return found


def _ask_split(s: Session, profile: Profile, seen: Evidence) -> Ask:
    classes = s.classifies
    plain = "stratified" if classes else "random"
    if s.time_column:
        best, why = "time", f"“{s.time_column}” says when; the model will be asked about later rows."
    elif s.entity:
        best, why = "group", f"“{s.entity}” comes back in several rows; tomorrow brings new ones."
    elif classes:
        best, why = "stratified", "Each row stands alone and no time was named; class shares are kept in every part."
    else:
        best, why = "random", "Each row stands alone and no time was named."
    offered = [plain, *(["group"] if s.entity else []), *(["time"] if s.time_column else [])]

    def judge(choice: Json) -> Judgement:
        if choice == plain and best != plain:
            return Judgement((Objection(Level.HOLD, f"{why} A random split would look better than it is.", "M10"),))
        return Judgement()

    return Ask(
        SPLIT,
        options=tuple(o for o in SPLIT.options if o.key in offered),
        recommended=best,
        reason=why,
        evidence=(seen,),
        judge=judge,
    )


def _labelled(s: Session, profile: Profile) -> int:
    labelled = profile.rows - profile.columns[s.target]["missing"]
    if s.choice("data.target_quality") != "leave_out":
        return labelled
    return labelled - sum(n for n in profile.classes(s.target).values() if n < FEW_TO_EXAMINE)


def _rarest(s: Session, profile: Profile) -> int | None:
    if not s.classifies:
        return None
    return min(after(profile.classes(s.target), s.choice("data.target_quality")).values())


def _ask_lockbox(s: Session, profile: Profile, seen: Evidence) -> Ask:
    n, rarest = _labelled(s, profile), _rarest(s, profile)
    advice = plans.lockbox(n, rarest=rarest)
    known, width = "an accuracy of 80 %", plans.half_width
    if not s.classifies:
        known, width = "a mean miss, as a share of it", plans.miss_half_width

    def judge(share: Json) -> Judgement:
        rows = round(share * n)
        half = width(rows) if rows else None
        check = Check(f"half-width of {known}", half, reference=None, protocol=f"{rows:,} rows", verdict="measured")
        if not rows and advice.rows:
            message = "Without locked rows the final number is not independent of the choices made."
            return Judgement((Objection(Level.HOLD, message),), check)
        return Judgement(check=check)

    return Ask(
        LOCKBOX,
        recommended=round(advice.share, 6),
        reason=advice.reason,
        facts={"rows": counted(advice.rows, "row")},
        evidence=(seen,),
        judge=judge,
    )


def _ask_plan(s: Session, profile: Profile, seen: Evidence) -> Ask:
    n, rarest = _labelled(s, profile), _rarest(s, profile)
    keep = 1 - s.choice("split.lockbox", default=0.0)
    groups = profile.columns[s.entity]["distinct"] if s.entity and s.choice("split.kind") == "group" else None
    advice = plans.plan(
        round(n * keep),
        rarest=None if rarest is None else max(1, round(rarest * keep)),
        groups=None if groups is None else max(2, round(groups * keep)),
        ordered=s.choice("split.kind") == "time",
    )
    return ask_plan(advice, seen)


def ask_plan(advice: plans.Plan | plans.ForecastPlan, seen: Evidence) -> Ask:
    """The practice exams as the plan advises them; whole numbers may be said in their place."""

    def read(choice: Json) -> Json:
        whole = {**advice.recipe(), **choice}
        fits = isinstance(choice, dict) and set(choice) <= set(advice.recipe())
        if not fits or not all(
            isinstance(v, int) and not isinstance(v, bool) and 0 <= v < 10_000 for v in whole.values()
        ):
            names = listed(advice.recipe())
            raise InvalidAnswer(f"split.plan: it takes whole numbers for {names}, e.g. {advice.recipe()}.")
        return whole

    def judge(choice: Json) -> Judgement:
        exams = (
            choice["folds"] * choice["repeats"] if "folds" in choice else choice.get("blocks", choice.get("origins"))
        )
        check = Check("exams", exams, protocol=advice.reason)
        if exams < 2 or choice.get("folds", 2) < 2:
            return Judgement((Objection(Level.BLOCK, "At least two exams are needed to tell luck from skill."),), check)
        if exams < min(5, advice.exams):
            return Judgement(
                (Objection(Level.HOLD, f"{exams} exams tell little; {advice.exams} are usual here."),), check
            )
        if advice.tiny:
            return Judgement((Objection(Level.FLAG, "Few rows: no verdict above “unclear” can be given."),), check)
        return Judgement(check=check)

    return Ask(
        PLAN,
        recommended=advice.recipe(),
        reason=advice.reason[0].upper() + advice.reason[1:] + ".",
        evidence=(seen,),
        read=read,
        judge=judge,
    )


def _decide_drawn(s: Session, drawn: Evidence) -> Ask:
    v = needed([drawn])[0]
    rarest = v["rarest"] if v.get("rarest") is not None else v["dev"]
    tiny, too_tiny = v["dev"] < 100 or rarest < 20, v["dev"] < 50 or rarest < 10
    if s.material == "series":  # its exams are what there is to count: fewer than five, or overlapping, tell little
        tiny, too_tiny = v["tiny"], v["too_tiny"]
    why = (
        f"{v['J']} exams of about {round(_mean(v['n_test'])):,} rows, each model fitted to about "
        f"{round(_mean(v['n_train'])):,}; {counted(v['lockbox'], 'row is', 'rows are')} locked away."
    )
    check = Check(
        "exams", v["J"], protocol=f"plan {v['plan_hash'][:12]}, lockbox {str(v['lockbox_hash'])[:12] or 'none'}",
        details={"plan_hash": v["plan_hash"], "lockbox_hash": v["lockbox_hash"], "dev": v["dev"], "tiny": tiny,
                 "too_tiny": too_tiny},
    )  # fmt: skip
    shows = (Bars("Rows", "rows", [("for practice", float(v["dev"])), ("locked away", float(v["lockbox"]))]),)
    return Decide(EXAMS, "drawn", why, evidence=(drawn,), check=check, shows=shows)


def _mean(values: Json) -> float:
    return sum(values) / len(values) if isinstance(values, list) else float(values)


QUESTIONS = (SPLIT, LOCKBOX, HORIZONS, PLAN, EXAMS)
