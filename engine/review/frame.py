"""Flags about the frame of the work: what was agreed, when it changed, the data, the limits."""

from __future__ import annotations

from collections.abc import Iterator

from engine.metrics import figure
from engine.records import Decision, Json
from engine.review.flag import Finding, Flag, marked
from engine.review.record import Record, is_rung, model_of, tier_of, title_of
from engine.stages.prepare.look import NOTHING

FROZEN = ("problem.metric", "problem.smallest_gain", "problem.success", "problem.costs", "problem.positive")
LIMITS = ("problem.latency", "problem.interpretability", "problem.rows_per_parameter", "problem.training_cost")
STRICTNESS = {"none": 0, "reasons": 1, "readable": 2}
UNSTATED = ("", "not stated", "nobody", None)
READABLE_TIERS = ("T0", "T1", "T2", "T3")
TOO_GOOD = 0.99
RARE = 0.2
LOOK_SECONDS = 120


def _moved_line(r: Record) -> Iterator[Finding]:
    for d in r.in_force:
        if d.question not in FROZEN:
            continue
        earlier = r.earlier_than(d)
        old = [e for e in earlier if e.place == d.place]
        seen = [e for e in earlier if _shows_scores(e)]
        if not old or old[-1].choice == d.choice or not seen:
            continue
        trees = any(_tiers_seen(e) >= "T4" for e in seen)
        yield Finding(
            f"“{d.name}” was {_said(old[-1].choice)} and became {_said(d.choice)} after scores of models were seen.",
            d, None if trees else "amber",
        )  # fmt: skip


def _shows_scores(d: Decision) -> bool:
    return d.question in ("simple.champion", "deep.compare") or (is_rung(d) and d.stage not in ("baseline", "define"))


def _tiers_seen(d: Decision) -> str:
    offered = [tier_of(str(o.key)) for o in d.options if o.figures]
    return max([tier_of(model_of(d)), *offered], default="")


def _said(choice: Json) -> str:
    if choice is None:
        return "none"
    return f"“{choice}”" if isinstance(choice, str) else figure(choice) if isinstance(choice, float) else str(choice)


def _too_early(r: Record) -> Iterator[Finding]:
    agreed = r.about("baseline.confirm")
    floor = r.about("baseline.dummy")
    scored = [d for d in r.in_force if _shows_scores(d)]
    for d in scored[:1]:
        if floor is None or agreed is None or agreed.seq > d.seq:
            lacking = "the floor was measured" if floor is None else "metric, line and smallest gain were agreed on"
            yield Finding(f"Scores of models were shown before {lacking}.", d)
    rule = r.about("problem.rule")
    if rule is not None and rule.choice and scored and r.about("baseline.rule") is None:
        yield Finding("A rule of an experienced person was given, and never examined.", rule, "amber")


def _leak_kept(r: Record) -> Iterator[Finding]:
    for d in r.of("data.leaks"):
        if d.choice != "keep" or d.check is None or d.check.verdict != "red":
            continue
        rows = [row for e in r.cited(d, "probe") for row in e.value.get("rows", []) if row["name"] == d.subject]
        measured = [row["diff"] for row in rows if row.get("diff") is not None]
        without = f"; without it the practice exams change by {min(measured):+.3g}" if measured else ""
        score = f"{d.check.metric} {figure(d.check.value)} alone" if d.check.value is not None else d.check.metric
        yield Finding(f"“{d.subject}” was kept ({score}{without}). Why: {d.why or 'not said'}", d)

    for d in marked(r, "M07"):
        if d.question != "data.leaks":
            yield Finding(
                f"“{d.subject or d.name}” was called a leak later, and the model that learned from it stands.", d
            )


def _weak_protected(r: Record) -> Iterator[Finding]:
    """A model that is worse for protected people, which was let stand."""
    for d in r.in_force:
        details = d.check.details if d.check else {}
        left = d.choice in ("accept", "slice_note") and details.get("protected") and d.check is not None
        if left and d.check is not None and d.check.verdict == "weak":
            times = (
                f"{details['ratio']:.2f} times the {d.check.metric} of the rest" if details.get("ratio") else "worse"
            )
            yield Finding(f"“{d.subject}”: {times}, and it was let stand. Why: {d.why or 'not said'}", d)


def _wrong_split(r: Record) -> Iterator[Finding]:
    split = r.about("split.kind")
    if split is None or split.choice not in ("random", "stratified"):
        return
    s = r.session
    found = (r.value("data.leak_checks", "leaks") or {}).get("findings") or []
    hidden = [f for f in found if f["detector"] in ("LK8", "LK9") and not f.get("column")]
    if s.entity:
        yield Finding(f"Rows of one “{s.entity}” lie on both sides of a {split.choice} split.", split)
    elif s.time_column:
        yield Finding(f"“{s.time_column}” says when, but the split is {split.choice}: the future teaches.", split)
    elif hidden:
        yield Finding(f"A {split.choice} split: {hidden[0]['sentence']}", split)
    else:
        for d in marked(r, "M10"):
            yield Finding(f"“{d.name}”: the split does not fit what was said there.", d)
            return


def _prepared_before(r: Record) -> Iterator[Finding]:
    checked = r.about("data.leak_checks")
    found = (r.value("data.leak_checks", "leaks") or {}).get("findings") or []
    for f in found:
        if f["detector"] not in ("LK10", "LK11"):
            continue
        answers = r.of("data.leaks", f["column"]) if f.get("column") else []
        if not any(d.author != "engine" for d in answers):
            yield Finding(f["sentence"], answers[0] if answers else checked)


def _missing_why(r: Record) -> Iterator[Finding]:
    for d in r.in_force:
        if d.author == "engine" or d.why_verdict == "ok" or not (d.overruled or is_rung(d) or "M04" in d.flags):
            continue
        what = "the advice was overruled" if d.overruled else "a model was decided on"
        lacks = {"missing": "no why was given", "thin": "the why is thin", "restates": "the why repeats the question"}
        yield Finding(f"In “{d.name}” {what}, and {lacks.get(d.why_verdict, 'the why was used before')}.", d)


def _nobody_asked(r: Record) -> Iterator[Finding]:
    said = {
        "problem.domain": "nobody who knows the field was asked",
        "problem.today": "today's level is not known",
        "problem.statement": "what the prediction is for was not stated",
        "problem.moment": "the moment of prediction was not named",
    }
    for question, words in said.items():
        d = r.about(question)
        if d is not None and d.choice in UNSTATED:
            yield Finding(f"{words[0].upper()}{words[1:]}.", d)
    rule = r.about("problem.rule")
    if rule is not None and not rule.choice:
        yield Finding("No rule was written down; the floor is a constant.", rule)


def _not_looked(r: Record) -> Iterator[Finding]:
    look = r.about("data.look")
    if look is None:
        return
    if look.choice in (*UNSTATED, NOTHING):
        yield Finding("Nobody wrote down what the rows look like.", look)
    elif look.author == "person" and look.seconds < LOOK_SECONDS:
        yield Finding(f"The rows were looked at for {look.seconds:.0f} seconds before the first model.", look)


def _breaks_limit(r: Record) -> Iterator[Finding]:
    if not r.rungs:
        return
    top = r.rungs[-1]
    for limit, message in _broken(r, top, {q: r.session.choice(q) for q in LIMITS}):
        yield Finding(f"{message} ({limit})", top)


def _broken(r: Record, d: Decision, limits: dict[str, Json]) -> Iterator[tuple[str, str]]:
    """Which of these limits the model of a rung breaks: (question, sentence)."""
    details, name = (d.check.details if d.check else {}), title_of(model_of(d))
    p95, limit = details.get("latency_ms"), limits.get("problem.latency")
    if p95 is not None and limit is not None and p95 > limit:
        yield "problem.latency", f"{name} answers in {figure(p95)} ms (p95); the limit is {figure(limit)} ms."
    tier = tier_of(model_of(d))
    if limits.get("problem.interpretability") == "readable" and tier and tier not in READABLE_TIERS:
        yield "problem.interpretability", f"{name} cannot be read whole; an inspector must be able to."
    least, parameters, drawn = (
        limits.get("problem.rows_per_parameter"),
        details.get("parameters"),
        r.about("split.drawn"),
    )
    rows = drawn.check.details.get("dev") if drawn and drawn.check else None
    if least and parameters and rows and tier >= "T6" and rows / parameters < least:
        yield (
            "problem.rows_per_parameter",
            f"{name} has {figure(rows / parameters)} rows per parameter; the minimum is {figure(least)}.",
        )
    minutes, budget = sum(e.seconds for e in r.cited(d, "cross_validate")) / 60, limits.get("problem.training_cost")
    if budget is not None and minutes > budget:
        yield (
            "problem.training_cost",
            f"The exams of {name} and its rivals took {figure(minutes)} minutes; the budget is {figure(budget)}.",
        )


def _loosened(r: Record) -> Iterator[Finding]:
    """A limit that an earlier answer had set tighter, and that a model of this branch breaks as it stood."""
    for d in r.in_force:
        if d.question not in LIMITS:
            continue
        earlier = r.earlier_than(d)
        old = [e for e in earlier if e.place == d.place]
        if not old or not any(_shows_scores(e) for e in earlier) or not _looser(d.question, old[-1].choice, d.choice):
            continue
        for rung in r.rungs:
            if rung.seq > d.seq and any(q == d.question for q, _ in _broken(r, rung, {d.question: old[-1].choice})):
                yield Finding(
                    f"“{d.name}” was {_said(old[-1].choice)}, became {_said(d.choice)} after scores were seen, and "
                    f"{title_of(model_of(rung))} needs it.",
                    d,
                )
                break


def _looser(question: str, old: Json, new: Json) -> bool:
    if question == "problem.interpretability":
        return STRICTNESS.get(str(new), 0) < STRICTNESS.get(str(old), 0)
    if question == "problem.rows_per_parameter":
        return (new or 0) < (old or 0)
    return old is not None and (new is None or new > old)


def _too_good(r: Record) -> Iterator[Finding]:
    top = r.rungs[-1] if r.rungs else None
    if top is not None and not _explained(top):
        for e in r.cited(top, "cross_validate"):
            if e.value.get("model") != model_of(top):
                continue
            intervals = e.value.get("intervals") or {}
            names = ("roc_auc", "accuracy", "r2") if r.session.task == "binary" else ("accuracy", "r2")
            high = [(n, intervals[n][0]) for n in names if (intervals.get(n) or [None])[0] is not None]
            for name, value in [pair for pair in high if pair[1] >= TOO_GOOD][:1]:
                yield Finding(
                    f"{title_of(model_of(top))} reaches {name} {figure(value)}, and nobody explained it.", top
                )
    for d in marked(r, "M25"):
        if not is_rung(d) and not _explained(d):
            yield Finding("One group of columns carries nearly all of the score, and nobody explained it.", d)


def _explained(d: Decision) -> bool:
    return d.why_author != "engine" and d.why_verdict == "ok"


def _blind_metric(r: Record) -> Iterator[Finding]:
    d = r.about("problem.metric")
    if d is None or d.choice != "accuracy":
        return
    if (r.rarest is not None and r.rarest < RARE) or (r.rarest is None and "M27" in d.flags):
        share = f" of {r.rarest:.1%}" if r.rarest is not None else ""
        yield Finding(f"Accuracy decides, with a rarest class{share}: saying the common class scores high.", d)


def _went_on(r: Record) -> Iterator[Finding]:
    for d in (*r.of("simple.ship_now"), *r.of("baseline.enough")):
        if d.choice == d.recommended:
            continue
        if d.recommended == "ship" and not _explained(d):
            yield Finding("It could have gone to work; the work went on, and nobody said why.", d)
        elif d.choice in ("ship", "pilot") and d.recommended == "improve":
            yield Finding(f"It was put to use ({d.choice}) though it does not reach the line.", d)


def _order_of_work(r: Record) -> Iterator[Finding]:
    curve = r.about("improve.learning_curve")
    open_ = ["more rows would bring more"] if curve is not None and curve.choice == "more rows" else []
    open_ += [
        f"the leak “{d.subject}” is kept"
        for d in r.of("data.leaks")
        if d.choice == "keep" and d.check is not None and d.check.verdict == "red"
    ]
    for d in (*r.of("deep.gate"), *r.of("improve.next")):
        if d.choice not in ("open", "strict", "tune", "blend", "deep"):
            continue
        if open_:
            yield Finding(f"“{d.choice}” was chosen while {' and '.join(open_)}.", d)


FLAGS = (
    Flag(
        "M04", "amber", "A decision that needed a why has none of its own",
        "an overruled advice or a decision on a model whose why is missing, thin, repeats the question or was copied",
        "In half a year nobody will know why; and what cannot be said was often not thought.",
        "Answer in a comment, or go back to the decision and give the why.",
        "S002: keep asking why", _missing_why,
    ),
    Flag(
        "M05", "red", "The goal moved after scores were seen",
        "metric, success line, smallest gain, costs or positive class changed after the first score of a model",
        "A line drawn after the result is drawn around it.",
        "Go back to what was agreed on, or say what was learned about the problem, not about the score.",
        "REFORMS 2024; decision catalogue, baseline.confirm", _moved_line,
    ),
    Flag(
        "M06", "red", "Scores were shown before the floor and the goal stood",
        "a model's score before baseline.dummy or baseline.confirm; amber: a rule that was given is not examined",
        "Whoever has seen a score cannot set a line without it.",
        "Examine the floor and the rule, and agree on metric and line first.",
        "S004: the first model is no model", _too_early,
    ),
    Flag(
        "M07", "red", "A column that looks like a leak was kept",
        "data.leaks answered “keep” where a detector says red",
        "A model that shines here and fails on the first new row, where the column is empty.",
        "Ask who fills the column in, and when; leave it out unless that is before the moment of prediction.",
        "Kapoor & Narayanan 2023, L2", _leak_kept,
    ),
    Flag(
        "M10", "red", "The split does not fit the use",
        "a random split though an entity or a time was named, or though LK8 or LK9 measured that it flatters",
        "The exams test on entities or moments that the model has already seen; in use it has not.",
        "Split by the entity or by time, and examine again.",
        "Kapoor & Narayanan 2023, L3.1 and L3.2", _wrong_split,
    ),
    Flag(
        "M11", "amber", "Somebody prepared the data before, and nobody asked how",
        "LK10 (scaled or imputed before) or LK11 (columns chosen before) without an answer",
        "What was fitted to all rows has seen the exams.",
        "Ask whoever made the file which rows its scaling or its choice of columns was made from.",
        "Kapoor & Narayanan 2023, L1.2 and L1.3", _prepared_before,
    ),
    Flag(
        "M16", "amber", "Nobody who knows was asked",
        "no expert, no rule, no level of today, no statement or moment",
        "An hour with an expert often beats a week of tuning; and without today's level nothing can be called better.",
        "Ask; a comment with the answer is enough for this session, and the next one begins with it.",
        "S002 domain experts; S004; Zinkevich #1", _nobody_asked,
    ),
    Flag(
        "M17", "amber", "The rows were hardly looked at",
        "data.look without a note, or less than two minutes before the first model",
        "A model cannot tell what nobody saw.",
        "Look at rows, extremes and the worst errors, and write down what surprises.",
        "Karpathy 2019", _not_looked,
    ),
    Flag(
        "M22", "red", "The model is worse for people who are protected",
        "a weak slice of a protected attribute that was accepted or only noted",
        "Whoever is treated by this model there is treated worse, and the law may have a say in it.",
        "Mend it with rows, labels or columns of that group, or say who takes the responsibility.",
        "S000: unfair to minorities; decision catalogue, improve.errors", _weak_protected,
    ),
    Flag(
        "M24", "red", "The model breaks a limit that still stands",
        "measured p95, tier, rows per parameter or training time against the limits in force",
        "What is too slow or cannot be read will not be put to use, whatever it scores.",
        "Take a model within the limits, or change the limit as a decision of its own.",
        "S000", _breaks_limit,
    ),
    Flag(
        "M25", "amber", "Too good, and not explained",
        "AUC, accuracy or R² of 0.99 or more, or one group of columns that carries the score, without an own why",
        "Such scores are seldom honest: most are leaks.",
        "Find out what makes the problem so easy, column by column, before anything else.",
        "S002: are the scores fooling me?; decision catalogue, LK13 and LK14", _too_good,
    ),
    Flag(
        "M27", "red", "Accuracy decides, and one class is rare",
        "problem.metric is accuracy with a rarest class under 20 %",
        "98 % accuracy on 2 % churn is nothing: always saying “stays” scores it.",
        "Decide by average precision, ROC AUC or costs; show the share of the largest class beside any accuracy.",
        "S004", _blind_metric,
    ),
    Flag(
        "M30", "info", "The advice to ship was not followed",
        "“ship” was recommended and the work went on without a why, or it was shipped below the line",
        "In use it earns and brings data; below the line it may do harm.",
        "Write down what is waited for, or what makes it good enough.",
        "S004; Zinkevich", _went_on,
    ),
    Flag(
        "M32", "amber", "A limit was loosened for a model",
        "a limit was set looser after scores were seen, and an accepted model breaks it as it stood before",
        "A limit that gives way to the first model that needs it was none.",
        "Say who agreed to the new limit; or take the best model within the old one.",
        "Decision catalogue 8", _loosened,
    ),
    Flag(
        "M33", "amber", "Tuning or a network came before the data",
        "tuning or the gate of networks while a red leak is kept or more rows would help",
        "Data beats model design, and model design beats tuning.",
        "Get the rows or settle the leak first.",
        "S002", _order_of_work,
    ),
)  # fmt: skip
