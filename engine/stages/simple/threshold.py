"""From which probability on somebody acts."""

from __future__ import annotations

from collections.abc import Mapping

from engine.effects import Ask, Conversation, Measure
from engine.metrics import best_cut, figure
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json
from engine.session import Session
from engine.stages.columns import percent
from engine.stages.ladder import Candidate, about_model, interval
from engine.views import Curves, Table, View

FLOOR = Question(
    "improve.recall_floor",
    "Must at least a share of “{positive}” be caught, whatever the false alarms?",
    Form.NUMBER,
    low=0.01,
    high=0.999,
    fact=True,
    source="scikit-learn user guide, decision threshold",
    whys=(
        Why("Why would it?", "A rule or a law may say so: nine of ten faults must be found."),
        Why("How is it kept?", "By the highest cut whose recall reaches it with the lower end of its 95 % interval."),
    ),
)
THRESHOLD = Question(
    "improve.threshold",
    "From which probability on do you act?",
    Form.NUMBER,
    low=0,
    high=1,
    default=0.5,
    whys=(
        Why("Why not always 0.5?", "0.5 is right only when both mistakes cost the same.", "scikit-learn, threshold"),
        Why("Why this cut?", "{reason}"),
        Why(
            "Is it chosen on the rows that it is scored on?",
            "No: for each exam on the answers of the others, and scored on its own.",
            "Decision catalogue, improve.threshold",
        ),
        Why(
            "Does it change the model?", "No: it moves the line between acting and not, after the probability is known."
        ),
    ),
    source="scikit-learn user guide, decision threshold; van den Goorbergh et al. 2022",
)
TITLES = {
    "half": "0.5",
    "share": "likelier than the average row",
    "costs": "from the costs",
    "cheapest": "cheapest out of fold",
    "floor": "the floor on recall",
    "capacity": "as many as can be acted on",
}

QUESTIONS = (FLOOR, THRESHOLD)


def threshold(s: Session, champion: Candidate, honest: bool | None = None) -> Conversation:
    """Ask for the cut.  honest: whether the probabilities can be taken at face value; None where nobody looked."""
    floor = (yield Ask(FLOOR, facts={"positive": s.choice("problem.positive")})).choice
    more = {"floor": floor} if floor else {}
    trial = about_model(s, "cuts", champion.model, "cuts", uses=(champion.exams,), **more)
    tried = None
    if champion.spec.tier not in ("T0", "T1"):
        (found,) = yield Measure((trial,), "Trying cuts", optional=True)
        tried = found if found.ok else None
    yield ask_threshold(s, champion, tried, honest, floor)


def ask_threshold(
    s: Session,
    champion: Candidate,
    tried: Evidence | None = None,
    honest: bool | None = None,
    floor: float | None = None,
) -> Ask:
    share = tried.value["share"] if tried is not None else _positive_share(s, champion)
    rarest = min(share, 1 - share)
    cut = best_cut(s.costs) if s.costs else None
    ways = {w["way"]: w for w in tried.value["ways"]} if tried is not None else {}
    way, why = _way(s, ways, share, honest, tried, floor)
    best_ = round(ways[way]["cut"], 4) if way in ways else {"costs": cut, "share": share}.get(way, 0.5)
    best_ = round(float(best_ or 0.0), 4)
    if way in ways and "caught" in ways[way]:
        why += f" {sentence(best_, ways[way])}"

    def judge(choice: Json) -> Judgement:
        check = _check(choice, best_, way, ways, tried, cut)
        if choice == 0.5 and rarest < 0.2 and cut != 0.5:
            rare = "positive" if share == rarest else "negative"
            message = f"With {percent(rarest)} of the rows {rare}, a cut at 0.5 finds few of them."
            return Judgement((Objection(Level.HOLD, message),), check)
        if floor and choice > best_ and way == "floor":
            message = f"Above {figure(best_)} the exams do not show that {percent(floor)} are caught."
            return Judgement((Objection(Level.HOLD, message),), check)
        return Judgement(check=check)

    return Ask(
        THRESHOLD,
        recommended=best_,
        reason=why,
        evidence=(champion.exams, *([tried] if tried is not None else [])),
        shows=() if tried is None else _views(tried.value, best_),
        judge=judge,
    )


def sentence(cut: float, way: Mapping[str, Json]) -> str:
    """“At 0.12: 41 of 50 caught (95 % interval …), 83 false alarms per 1,000.”"""
    held = f" ({percent(way['recall'])}, 95 % interval {interval(way['recall_low'], way['recall_high'])})"
    return (
        f"At {figure(cut)}: {way['caught']:,} of {way['positives']:,} caught"
        f"{held if way['recall_low'] is not None else ''}, {way['false_per_1000']:.0f} false alarms per 1,000 rows."
    )


def _way(
    s: Session,
    ways: Mapping[str, Mapping[str, Json]],
    share: float,
    honest: bool | None,
    tried: Evidence | None,
    floor: float | None,
) -> tuple[str, str]:
    """Which way of choosing is advised, and why: costs, then a floor below them, capacity, else how rare it is."""
    way, why = "half", "No costs are known and both classes are common: the likelier class is said."
    if s.costs:
        way, why = _by_cost(s, ways, honest, tried)
    elif s.choice("problem.use") == "top_k" and "capacity" in ways:
        way = "capacity"
        why = f"You can act on {percent(s.capacity or 0.0)} of the rows: those with the highest probability."
    elif min(share, 1 - share) < 0.2:
        way = "share"
        why = f"No costs are known; act on whoever is likelier than the average row ({percent(share)})."
    held = ways.get("floor")
    if floor and held is not None and (way not in ways or held["cut"] < ways[way]["cut"] or way in ("half", "share")):
        return "floor", f"The highest cut that is shown to catch {percent(floor)}."
    return way, why


def _by_cost(
    s: Session, ways: Mapping[str, Mapping[str, Json]], honest: bool | None, tried: Evidence | None
) -> tuple[str, str]:
    """t* of the costs where probabilities are honest, or where nothing measurably cheaper was found."""
    cut = best_cut(s.costs)
    why = f"The costs you gave make acting pay from a probability of {figure(cut or 0.0)} on."
    gain = tried.value["gain"] if tried is not None else None
    if honest or gain is None or "cheapest" not in ways:
        return "costs", why
    if gain["mean"] <= gain["se"]:
        return "costs", f"{why} Out of fold no other cut is cheaper by more than a standard error."
    found = figure(ways["cheapest"]["cut"])
    return "cheapest", (
        f"The costs ask for {figure(cut or 0.0)}, but the probabilities are not what they say: out of fold {found} is "
        f"cheaper, by {figure(gain['mean'])} ± {figure(gain['se'])} a case."
    )


def _check(
    choice: Json,
    best: float,
    way: str,
    ways: Mapping[str, Mapping[str, Json]],
    tried: Evidence | None,
    cut: float | None,
) -> Check:
    """What the exams say of this cut: of the advised one by rows that did not choose it."""
    if tried is None:
        return Check("cut", choice, reference=cut, protocol="from the costs" if cut else "no costs known")
    if choice == best and "recall" in ways.get(way, {}):
        found, protocol = ways[way], "chosen on the other exams, scored on each"
    else:
        found = min(tried.value["curve"], key=lambda c: abs(c["cut"] - (choice or 0.0)))
        protocol = "practice exams, at the nearest cut that was tried"
    details = {k: found.get(k) for k in ("caught", "positives", "false_per_1000", "precision", "cost")}
    return Check(
        "recall", found["recall"], found["recall_low"], found["recall_high"], None, protocol, "measured",
        {"cut": choice, "way": way if choice == best else "own", **details},
    )  # fmt: skip


def _views(v: Mapping[str, Json], best: float) -> tuple[View, ...]:
    costs = any("cost" in w for w in v["ways"])
    names = ["way", "cut", "caught", "recall", "precision", "false per 1,000", *(["cost a case"] if costs else [])]
    rows = []
    for w in (w for w in v["ways"] if "caught" in w):
        row = [
            TITLES[w["way"]], figure(w["cut"]), f"{w['caught']:,} of {w['positives']:,}",
            f"{figure(w['recall'] or 0.0)} ({interval(w['recall_low'], w['recall_high'])})",
            None if w["precision"] is None else figure(w["precision"]), f"{w['false_per_1000']:.0f}",
        ]  # fmt: skip
        cost = f"{figure(w['cost'])} ({interval(w['cost_low'], w['cost_high'])})" if "cost" in w else ""
        rows.append([*row, *([cost] if costs else [])])
    curve = v["curve"]
    lines = {
        "caught": [(c["cut"], c["recall"]) for c in curve if c["recall"] is not None],
        "right when acting": [(c["cut"], c["precision"]) for c in curve if c["precision"] is not None],
        "false alarms, of all rows": [(c["cut"], c["false_per_1000"] / 1000) for c in curve],
        "the cut": [(best, 0.0), (best, 1.0)],
    }
    views: list[View] = [
        Table("Ways to choose, each scored where it did not choose", names, rows),
        Curves("Along the cut", "cut", "share", lines, ends=False),
        *sorting(v, best),
    ]
    if costs:
        spent = {"cost a case": [(c["cut"], c["cost"]) for c in curve]}
        views.append(Curves("Cost along the cut", "cut", "cost a case", spent))
    some = curve[:: max(1, len(curve) // 20)]
    cells = [
        (figure(c["cut"]), f"{c['caught']:,} of {c['positives']:,}", f"{c['false_per_1000']:.0f}",
         f"{c['acted_per_1000']:.0f}")
        for c in some
    ]  # fmt: skip
    views.append(Table("At each cut", ("cut", "caught", "false per 1,000", "acted on per 1,000"), cells))
    return tuple(views)


def sorting(v: Mapping[str, Json], best: float) -> list[View]:
    """How well the model sorts, whatever the cut: caught against false alarms (ROC), precision against caught (PR).

    v: what the trial `cuts` returned.  best: the cut to point out.  Empty where the rows hold one class only.
    """
    known = [c for c in v["curve"] if c["recall"] is not None and c["precision"] is not None]
    positives = v.get("share") or 0.0
    if not known or not 0 < positives < 1:
        return []
    here = min(known, key=lambda c: abs(c["cut"] - best))

    def alarms(c: Mapping[str, Json]) -> float:
        return c["false_per_1000"] / 1000 / (1 - positives)

    roc = sorted({(0.0, 0.0), (1.0, 1.0), *((alarms(c), c["recall"]) for c in known)})
    pr = sorted((c["recall"], c["precision"]) for c in known)
    at, caught = alarms(here), here["recall"]
    return [
        Curves(
            "Caught against false alarms (ROC)", "of the others, falsely alarmed", "caught",
            {"the model": roc, "by luck": [(0.0, 0.0), (1.0, 1.0)], "the cut": [(at, 0.0), (at, caught)]}, ends=False,
        ),
        Curves(
            "Precision against caught (PR)", "caught", "right when acting",
            {"the model": pr, "by luck": [(0.0, positives), (1.0, positives)],
             "the cut": [(caught, 0.0), (caught, here["precision"])]}, ends=False,
        ),
    ]  # fmt: skip


def _positive_share(s: Session, champion: Candidate) -> float:
    rows = champion.exams.value.get("per_class") or []
    support = {str(row["label"]): row["support"] for row in rows}
    return support.get(str(s.choice("problem.positive")), 0) / (sum(support.values()) or 1) or 0.5
