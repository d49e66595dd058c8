"""What goes along with the model that leaves: what stops a bad answer, what others must know, and what comes next."""

from __future__ import annotations

from engine.effects import Ask, Conversation, Measure
from engine.metrics import Metric, figure
from engine.models.catalogue import spec_of
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import Rung, Session
from engine.stages.columns import counted
from engine.stages.ladder import examine, title
from engine.views import Table

PERSON = 0.05  # of the rows go to a person, where nothing else is chosen [P]

GUARD = Question(
    "present.guard",
    "What stops an embarrassing prediction?",
    options=(
        Option("on", "The least sure answers, and strange rows, go to a person"),
        Option("off", "Nothing; every answer goes out"),
    ),
    whys=(
        Why(
            "Why stop any?",
            "One terrible prediction costs trust; a person can look where the model is least sure.",
            "S002",
        ),
        Why("Which are stopped?", "{reason}"),
        Why("What is a strange row?", "Three or more of its inputs lie where hardly any row of training lay."),
    ),
    source="S002: mitigate rather than eliminate; decision catalogue, present.guard",
)
CARD = Question(
    "present.model_card",
    "What must others know: what is it for, what not, and whom could a wrong answer harm?",
    Form.TEXT,
    default="not stated",
    fact=True,
    whys=(
        Why(
            "What is written already?",
            "Data, metrics with intervals, slices, leaks, decisions: all of it is in the log.",
        ),
        Why(
            "Why not this?", "No figure tells what a model must not be used for; a person does.", "Mitchell et al. 2019"
        ),
        Why("Where does it go?", "Into the model card: `rungwise export NAME --to card`."),
    ),
    source="Mitchell et al. 2019; REFORMS 2024",
)
NEXT = Question(
    "present.next",
    "What now?",
    options=(
        Option("monitor", "Put it to use, watch its inputs, and learn again on a date"),
        Option("collect", "Collect more rows first"),
        Option("again", "Take the same path on the next problem"),
        Option("nothing", "Nothing; it was practice"),
    ),
    whys=(
        Why("Why watch it?", "Rows change; a model does not, and says nothing when it has become wrong.", "GR"),
        Why("What is the baseline next time?", "{reason}", "S004"),
        Why(
            "What is watched?", "`rungwise predict` says what a new file has that training had not, before it predicts."
        ),
    ),
    source="S004 raised baseline; S001 again and again; Zinkevich, Rules of machine learning",
)

QUESTIONS = (GUARD, CARD, NEXT)


def guard(s: Session, top: Rung) -> Conversation:
    """Measured out of fold on the rows for practice; nothing for a constant, which is sure of nothing, for networks,
    whose exams are too dear to be taken again, and for forecasts, whose rows nobody could look at in time."""
    spec = spec_of(top.described)
    if spec.network or spec.tier == "T0" or s.material == "series":
        return
    exams = examine(s, top.described)
    (seen,) = yield Measure((exams,), "The answers that are least sure", optional=True)
    if not seen.ok:
        return
    params = {"recipe": s.recipe(), "model": top.described, "threshold": s.choice("improve.threshold")}
    trial = Trial("guard", params, s.data, uses=(exams.key,), label="which answers a person should see")
    (found,) = yield Measure((trial,), "The answers that are least sure", optional=True)
    if found.ok:
        yield _ask_guard(found)


def _ask_guard(found: Evidence) -> Ask:
    v = found.value
    chosen = next((row for row in v["shares"] if row["share"] == PERSON), None)
    strange = v["unusual"]
    if chosen is not None:
        held = chosen["errors"] / v["errors"] if v["errors"] else 0.0
        why = (
            f"{chosen['rows'] / v['rows']:.1%} of the rows would go to a person, holding {held:.0%} of the "
            f"{counted(v['errors'], 'error')}; of the others {chosen['rest'] or 0.0:.1%} are wrong."
        )
        check = Check("share of errors held", held, protocol=f"out of fold, {v['rows']:,} rows", details={**chosen})
    else:
        held = strange["errors"] / v["errors"] if v["errors"] else 0.0
        why = (
            f"{counted(strange['rows'], 'row')} of {v['rows']:,} have three or more inputs where hardly any row lay; "
            f"they hold {held:.0%} of the largest tenth of the errors."
        )
        check = Check("share of errors held", held, protocol=f"out of fold, {v['rows']:,} rows", details={**strange})

    def judge(choice: Json) -> Judgement:
        if choice == "on":
            return Judgement(check=check)
        return Judgement((Objection(Level.FLAG, "Every answer goes out, however unsure."),), check)

    cells = [
        (f"{row['share']:.0%}", row["rows"], row["errors"], _share(row["rest"]), figure(row["cut"]))
        for row in v["shares"]
    ]
    cells.append(("strange rows", strange["rows"], strange["errors"], "", ""))
    columns = ("least sure", "rows stopped", "errors held", "wrong among the rest", "sureness below")
    return Ask(
        GUARD, recommended="on", reason=why, evidence=(found,), judge=judge,
        shows=(Table(f"{counted(v['errors'], 'error')} in {v['rows']:,} rows", columns, cells),),
    )  # fmt: skip


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def ask_card(s: Session) -> Ask:
    return Ask(CARD, reason="The log fills the rest of the card; this only a person can say.")


def ask_next(s: Session, m: Metric, top: Rung) -> Ask:
    value, where = _next_baseline(s, top)
    why = f"{title(top.described)} with {figure(value)} {m.title} ({where}) is what the next one must beat."
    trained = s.choice("present.lockbox") == "open"

    def judge(choice: Json) -> Judgement:
        check = Check(m.name, value, protocol=where)
        if choice == "monitor" and not trained:
            message = "It goes to use without a final exam: watch it all the more closely."
            return Judgement((Objection(Level.FLAG, message),), check)
        return Judgement(check=check)

    practice = s.choice("project.kind") not in (None, "own")
    return Ask(NEXT, recommended="again" if practice else "monitor", reason=why, judge=judge)


def _next_baseline(s: Session, top: Rung) -> tuple[float, str]:
    result = s.decision("present.result")
    if result is not None and result.check is not None and result.check.value is not None:
        return result.check.value, "the final exam"
    return top.value, "practice exams"
