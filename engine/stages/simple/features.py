"""Creative feature work: a hypothesis, a formula, and the champion with and without it on the same exams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.data.formulas import read_formula
from engine.effects import Ask, Conversation, Measure
from engine.errors import InvalidAnswer
from engine.metrics import figure
from engine.questions import Form, Judgement, Level, Objection, Option, Question, Why
from engine.records import Check, Evidence, Json, Trial
from engine.session import Session
from engine.stages.columns import listed
from engine.stages.ladder import Candidate, about_model, compare
from engine.stages.simple.rounds import Standing, judged
from engine.views import Intervals, Table, View

FEATURE = Question(
    "improve.feature",
    "What should the model know that it cannot see? Write one column, and in the why what it will tell.",
    Form.TABLE,
    default={},
    whys=(
        Why("Where do I look?", "{where}", "S002 “data has hidden features”"),
        Why(
            "How do I write it?",
            'A name and an SQL expression over the columns: {{charge_per_month = "TotalCharges / NULLIF(tenure, 0)"}}.',
        ),
        Why("Why this proposal?", "{reason}"),
        Why("Why a hypothesis first?", "Without one every result has a story afterwards.", "S002; review flag M20"),
    ),
    fact=True,
    source="S004 creative features; S002 hidden features; Zinkevich, Rules of machine learning #17, #20",
)
KEEP = Question(
    "improve.keep_feature",
    "Tried: {name} = {formula}. Keep it?",
    options=(Option("keep", "Keep it as an input"), Option("leave", "Leave it out")),
    whys=(
        Why("What did it bring?", "{reason}", "Nadeau & Bengio 2003"),
        Why("How was it tried?", "{champion} on the same exams, with it and without it; nothing else differs."),
        Why(
            "Why so strict?", "This round may spend {alpha} of error: every look at the same exams may be luck.", "2.6"
        ),
    ),
    source="Decision catalogue, R5",
)

QUESTIONS = (FEATURE, KEEP)


def feature(stand: Standing, round_: str, seen: Evidence | None) -> Conversation:
    """One round; what was accepted ("" for nothing).  seen: the errors of the model that stood before improving."""
    s = stand.s
    weak = weak_columns(seen)
    taken = sorted({*s.choice("data.types", default={}), *(made["name"] for made in s.proposed_features())})
    looking = about_model(s, "ideas", stand.model.model, "columns worth computing", columns=weak, taken=taken)
    (found,) = yield Measure((looking,), "Looking for columns worth computing, on inner exams", optional=True)
    made = (yield _ask_feature(stand, round_, found, weak, seen)).choice
    if not made:
        return ""
    (name, what), *_ = made.items()
    before, champion = s.recipe(), stand.model
    params: dict[str, Json] = {"recipe": s.recipe(adding=(name,)), "model": champion.model}
    titled = f"{champion.title} with {name}"
    examined = Trial("cross_validate", {**params, "folds": None}, s.data, label=f"{titled}: practice exams")
    timed = Trial("latency", params, s.data, label=f"{titled}: speed")
    exams, speed = yield Measure((examined, timed), f"Practice exams with {name}", optional=True)
    with_it = Candidate(champion.model, exams, speed)
    if with_it.ok:
        with_it = yield from judged(stand, with_it, _comparing(stand, with_it, name, before))
    kept = (yield _ask_keep(stand, round_, name, what["formula"], with_it)).choice == "keep"
    if not kept:
        return ""
    stand.model = with_it
    stand.accepted += 1
    return f"feature:{name}"


def _comparing(stand: Standing, with_it: Candidate, name: str, recipe: Mapping[str, Json]) -> Trial:
    """The same model with and without a column, named apart."""
    s, champion = stand.s, stand.model
    trial = compare(s, champion, [with_it], 0.0, round_=stand.comparisons + 1)
    names = [champion.name, f"{champion.name}+{name}"]
    titles = dict(zip(names, (f"{champion.title} without {name}", f"{champion.title} with {name}"), strict=True))
    return replace(trial, params={**trial.params, "names": names, "titles": titles, "recipe": dict(recipe)})


def weak_columns(seen: Evidence | None) -> list[str]:
    """Columns whose slices are weak, the worst first."""
    if seen is None or not seen.ok:
        return []
    rows = [row for row in seen.value.get("slices") or () if row.get("weak")]
    return list(dict.fromkeys(str(row["column"]) for row in rows if row.get("column")))


def _ask_feature(stand: Standing, round_: str, found: Evidence, weak: Sequence[str], seen: Evidence | None) -> Ask:
    s = stand.s
    types = _types(s)
    taken = {*s.choice("data.types", default={}), *(made["name"] for made in s.proposed_features())} - _own(s, round_)
    ideas: list[Mapping[str, Json]] = found.value["ideas"] if found.ok else []

    def read(choice: Json) -> Json:
        if len(choice) > 1:
            raise InvalidAnswer(
                f"improve.feature: one column a round, so that it is known what helped; here are {len(choice)}."
            )
        made: dict[str, Json] = {}
        for name, formula in choice.items():
            text = formula.get("formula") if isinstance(formula, Mapping) else formula
            if not isinstance(text, str) or not name.strip():
                raise InvalidAnswer(
                    f'improve.feature: {name!r} needs an SQL expression in quotes, e.g. "a / NULLIF(b, 0)".'
                )
            if name.strip() in taken:
                raise InvalidAnswer(
                    f"improve.feature: there is a column “{name}” already; give the new one another name."
                )
            try:
                formula_ = read_formula(text, types, s.target)
            except InvalidAnswer as problem:
                raise InvalidAnswer(f"improve.feature: {name}: {problem}") from None
            made[name.strip()] = {"formula": formula_.text, "type": formula_.type}
        return made

    where = f"Weak slices lie in {listed(weak)}." if weak else "No slice is measurably weak; pairs of strong columns."
    m = stand.metric
    shows: list[View] = []
    if ideas:
        rows = [(i["name"], i["formula"], i["why"], f"{i['gain']:+.4f}", figure(i["strength"])) for i in ideas]
        names = ("name", "formula", "hypothesis", f"gain in {m.title}, inner exams", "goes with what is missed, SE")
        shows.append(Table("Proposals, from the training part of exam 1", names, rows))
    shows.append(Table("Columns", ("column", "type"), [(c, kind.replace("_", "/")) for c, kind in types.items()]))
    if ideas:
        why = f"{ideas[0]['why'].rstrip('.')}: it goes along with what {stand.model.title} misses."
    elif found.ok:
        why = f"{found.value['looked_at']} ratios, differences and products were looked at; none tells what is missed."
    else:
        why = f"Nothing could be proposed: {found.error.rstrip('.')}."
    evidence = tuple(e for e in (found, seen) if e is not None and e.ok)
    return Ask(
        FEATURE,
        subject=round_,
        recommended={ideas[0]["name"]: ideas[0]["formula"]} if ideas else {},
        reason=why[:1].upper() + why[1:],
        facts={"where": where},
        evidence=evidence,
        shows=tuple(shows),
        read=read,
        judge=lambda choice: Judgement(
            check=Check("columns to try", len(choice), protocol="with and without, same exams")
        ),
    )


def _types(s: Session) -> dict[str, str]:
    """The inputs that stand in the file, with their types: a formula reads cells, not other formulas."""
    made = {f["name"] for f in s.proposed_features()}
    return {name: kind for name, kind in s.input_types().items() if name not in made}


def _own(s: Session, round_: str) -> set[str]:
    """What this very round has proposed: read again when the session is taken up."""
    return set(s.choice("improve.feature", round_, default={}))


def _ask_keep(stand: Standing, round_: str, name: str, formula: str, with_it: Candidate) -> Ask:
    m, champion = stand.metric, stand.model
    verdict = with_it.verdict or {}
    accepted = bool(verdict.get("accepted"))
    measured = with_it.ok and bool(verdict)
    sentence = verdict.get("sentence") or f"It could not be tried: {with_it.exams.error.rstrip('.')}."

    def judge(choice: Json) -> Judgement:
        if not measured:
            blocked = (Objection(Level.BLOCK, sentence),) if choice == "keep" else ()
            return Judgement(blocked)
        check = with_it.check(m, champion.value, rung=choice == "keep")
        if choice == "leave" or accepted:
            return Judgement(check=check)
        worse = verdict.get("verdict") == "worse"
        return Judgement((Objection(Level.BLOCK if worse else Level.HOLD, sentence, "M03b"),), check)

    shows: tuple[View, ...] = ()
    if measured:
        rows = [(title, c.value, c.exams.value["low"], c.exams.value["high"]) for title, c in
                ((f"without {name}", champion), (f"with {name}", with_it))]  # fmt: skip
        shows = (Intervals(f"{m.title}, approximate 95 % intervals", m.title, rows),)
    return Ask(
        KEEP,
        subject=round_,
        recommended="keep" if accepted else "leave",
        reason=sentence,
        facts={
            "name": name,
            "formula": formula,
            "champion": champion.title,
            "alpha": figure(verdict.get("alpha") or 0.0),
        },
        evidence=(with_it.exams, champion.exams) if measured else (),
        shows=shows,
        judge=judge,
    )
