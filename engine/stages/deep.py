"""The optional deep model: a gate of measured reasons, a hypothesis, and a network that must earn its place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.conductor import Stage, needed
from engine.effects import Ask, Conversation, Decide, Measure
from engine.metrics import Metric, figure
from engine.models.networks.spec import NETWORKS, batch_size, declared
from engine.models.networks.spec import outputs as outputs_of
from engine.plans import plan
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import Session
from engine.stages.columns import counted, listed
from engine.stages.ladder import Candidate, about_model, compare, examine, ladder_view, metric, model
from engine.stages.simple.climbing import allowed_to_read, broken_limit, climb
from engine.views import Curves, Table, View

ENTER = Question(
    "deep.enter",
    "Shall I measure whether a network has earned a try?",
    options=(Option("try", "Yes, look at the gate"), Option("skip", "No, leave it at the simple model")),
    source="S004: no carbon bike for the supermarket",
    whys=(
        Why("Why ask?", "For most work skip deep learning; for some it is the point. The gate measures which.", "S000"),
        Why("What does looking cost?", "{reason}"),
        Why("Does it train a network?", "No: it times a few steps of one, and counts. Training comes after the gate."),
    ),
)
DEVICE = Question(
    "deep.device",
    "Where does it run faster?",
    options=(Option("cpu", "CPU"), Option("cuda", "GPU (CUDA)"), Option("mps", "GPU (Apple)")),
    source="S000 GPU; S002 lower precision",
    whys=(Why("Why measure?", "A small network is often slower on a GPU: copies and launches outweigh the sums."),),
)
GATE = Question(
    "deep.gate",
    "Has a network earned a try?",
    asks="person",
    options=(
        Option("open", "Open"),
        Option("strict", "Open, with strict proof", "a fifth of the usual error budget"),
        Option("not_yet", "Not yet"),
    ),
    whys=(
        Why("Why a gate?", "A net is a racing bike: buy it when you know there is a race.", "S004"),
        Why("What is open?", "{reason}"),
        Why(
            "May I go in all the same?", "Past a hold, yes, with a why, and the review will show it; past a block, no."
        ),
    ),
    source="S000; S002; S004; Grinsztajn et al. 2022; van der Ploeg et al. 2014",
)
HYPOTHESIS = Question(
    "deep.hypothesis",
    "What can a net see here that {champion} cannot? Which errors should vanish?",
    Form.TEXT,
    asks="person",
    whys=(
        Why("Why first?", "A reason first, then a measurement; the other way round every result has a story.", "S002"),
        Why("Where do I look?", "At a weak slice, or at columns that act together."),
        Why("What is done with it?", "The gain you expect is held against the gain measured."),
    ),
    fact=True,
    source="S002 hypothesis before complexity; S003 creative combinations",
)
EXPECTED = Question(
    "deep.expected_gain",
    "How much {metric} do you expect it to gain?",
    Form.NUMBER,
    low=0,
    fact=True,
    source="S002; review flag M34",
    whys=(Why("Why a number?", "Over several projects it shows whether your feeling for gains is right."),),
)
ARCHITECTURE = Question(
    "deep.architecture",
    "Which net?",
    options=tuple(Option(n.name, n.title) for n in NETWORKS),
    whys=(
        Why("Why this one?", "{reason}", "Decision catalogue 5.5"),
        Why(
            "Why so small?", "{parameters:,} parameters for {rows:,} rows already; logistic regression has {simple:,}."
        ),
        Why("What is each layer for?", "{purposes}", "S002: everything has a purpose"),
    ),
    source="S002; Karpathy 2019; Godbole et al. 2023",
)
SANITY = Question(
    "deep.sanity",
    "Does the machinery work?",
    options=(Option("passed", "All checks passed"), Option("failed", "A check failed")),
    source="Karpathy 2019; S002: test inputs, outputs, functions alone, then together",
    whys=(Why("Why before any comparison?", "A network with a wiring fault still learns something, and hides it."),),
)
COMPARE = Question(
    "deep.compare",
    "Did the net beat {champion}?",
    asks="person",
    why_required=True,
    options=(Option("accept", "Accept the net"), Option("reject", "Keep {champion}")),
    whys=(
        Why("Why this verdict?", "{reason}", "Decision catalogue 2.5, R1"),
        Why("What does it cost?", "{price}"),
        Why(
            "Why must it gain that much?",
            "A network is dearer to run, to explain and to mend; equal is not enough.",
            "S000",
        ),
    ),
    source="S002 “checked against a measurable metric, and only then accepted”; S000",
)

QUESTIONS = (ENTER, DEVICE, GATE, HYPOTHESIS, EXPECTED, ARCHITECTURE, SANITY, COMPARE)
START_NET = NETWORKS[0].name


@dataclass(frozen=True)
class Gate:
    """One check of the gate.  state: pass, amber or fail; level: how firmly a fail is held."""

    id: str
    what: str
    state: str
    found: str
    level: Level = Level.HOLD


def deep(s: Session) -> Conversation:
    if not s.choice("simple.champion"):
        return
    enter = yield Ask(
        ENTER,
        recommended="try",
        reason="The gate costs seconds, and its reasons are worth having either way.",
    )
    if enter.choice == "skip":
        return
    m = metric(s)
    start, runners, _ = yield from climb(s.before_improving(), s.choice("simple.candidates"))
    champion = yield from _standing(s, (start, *runners))
    linear = next((c for c in runners if c.ok), champion)

    rows, features = _train_rows(champion), linear.exams.value["features"]
    network = declared(START_NET)
    outputs = outputs_of(s.task, len(champion.exams.value.get("per_class") or []))
    batch = batch_size(rows, network.training.batch)
    net = {"name": START_NET, "settings": {}}
    asked = {"recipe": s.recipe(), "model": net, "features": features, "outputs": outputs,
             "batch": batch}  # fmt: skip
    probe = Trial("device", asked, s.data, label="timing training steps on each device")
    (timed,) = yield Measure((probe,), "Timing this very network on each device", optional=True)
    if timed.ok:
        yield _decide_device(timed)

    checks = yield from _gate(s, m, champion, runners, timed, rows, features, outputs, batch)
    gate = (yield _ask_gate(checks, timed)).choice
    if gate == "not_yet":
        return

    yield _ask_hypothesis(s, champion)
    delta = s.choice("problem.smallest_gain", default=0.0)
    yield Ask(
        EXPECTED,
        recommended=delta,
        reason=f"Your smallest gain, {figure(delta)}: with less it would not be kept.",
        facts={"metric": m.title},
    )
    chosen = (yield _ask_architecture(s, rows, features, outputs, linear)).choice
    what = model(s, chosen)
    sanity = Trial("sanity", {"recipe": s.recipe(), "model": what}, s.data, label="checking that the machinery works")
    (sane,) = yield Measure((sanity,), "Checking that the machinery works")
    passed = yield _decide_sanity(sane)
    if passed.choice == "failed":
        return

    exams, speed = yield Measure(
        (examine(s, what, _nets(s, champion)), about_model(s, "latency", what, "speed")),
        "Training the network",
        optional=True,
    )
    net = Candidate(what, exams, speed)
    if not net.ok:
        return
    strict = gate == "strict"
    (verdicts,) = yield Measure((compare(s, champion, [net], delta, alpha=0.01 if strict else 0.05),))
    net = Candidate(what, exams, speed, needed([verdicts])[0]["rows"][0], champion.title)
    yield _ask_compare(s, m, champion, net, strict)


def _standing(s: Session, climbed: Sequence[Candidate]) -> Conversation:
    """The model on the last rung, as it was measured when it got there: at the climb, or in a round of improving."""
    top = s.rungs[-1]
    if s.recipe() == s.before_improving().recipe():
        for c in climbed:
            if c.name == top.model and top.described.get("settings") in (None, c.model["settings"]):
                return c
    what = dict(top.described) if "settings" in top.described else model(s, top.model)
    trials = (examine(s, what), about_model(s, "latency", what, "speed"))
    exams, speed = yield Measure(trials, f"{top.model}: what was measured of it", optional=True)
    needed([exams])
    return Candidate(what, exams, speed)


def _train_rows(champion: Candidate) -> int:
    n = champion.exams.value["n_train"]
    return round(sum(n) / len(n))


def _nets(s: Session, champion: Candidate) -> int | None:
    """How many of the exams a network takes, from the first: whole repeats of the plan."""
    v = champion.exams.value
    advised = plan(_dev(s) or sum(v["n_test"]), ordered=v["ordered"])
    folds = s.choice("split.plan", default={}).get("folds") or advised.folds
    nets = folds * (advised.nets // advised.folds) if advised.folds else advised.nets
    return None if nets >= v["J"] else nets


# -- the gate ------------------------------------------------------------------------------------------------------


def _decide_device(timed: Evidence) -> Ask:
    v = timed.value
    taken = next((t for t in v["timings"] if t["device"] == v["chosen"]), None)
    check = Check("ms per step", taken["ms_per_step"] if taken else None, protocol="30 steps after 5 warm-ups, median")
    rows = [(t["name"], t["device"], round(t["ms_per_step"], 3)) for t in v["timings"]]
    rows += [(e["name"], e["device"], e["reason"]) for e in v["excluded"]]
    shows = (Table("Timed on this machine", ("device", "kind", "ms a step"), rows),)
    return Decide(DEVICE, v["chosen"], v["why"], evidence=(timed,), check=check, shows=shows)


def _gate(
    s: Session,
    m: Metric,
    champion: Candidate,
    runners: Sequence[Candidate],
    timed: Evidence,
    rows: int,
    features: int,
    outputs: int,
    batch: int,
) -> Conversation:
    """Measure the twelve checks of the catalogue's 5.1."""
    checks: list[Gate] = []
    add = checks.append
    tiers = {c.spec.tier for c in runners if c.ok or c.stopped}
    complete = "T2" in tiers and "T4" in tiers
    done = f"{listed(['the baseline', *(c.title for c in runners if c.ok or c.stopped)])} examined"
    add(Gate("G1", "the ladder is done", "pass" if complete else "fail", done, Level.BLOCK))

    kept = [column for column, choice in s.about("data.leaks").items() if choice == "keep"]
    red = [c for c in kept if (d := s.decision("data.leaks", c)) and d.check and d.check.verdict == "red"]
    state = "fail" if red else "amber" if kept else "pass"
    add(
        Gate(
            "G2", "the evidence is clean", state, f"{listed(red or kept)} kept" if kept else "no leak open", Level.BLOCK
        )
    )

    readable = s.choice("problem.interpretability") == "readable"
    said = "an inspector must read the model" if readable else "no inspector needs to read it"
    add(Gate("G3", "interpretability allows it", "fail" if readable else "pass", said, Level.BLOCK))

    domain = s.choice("problem.domain", default="nobody")
    nobody = domain in ("nobody", "")
    add(Gate("G4", "the problem is understood", "fail" if nobody else "pass", "nobody was asked" if nobody else domain))
    add(_still_needed(s, m, champion))
    add(_cheaper_steps(s, champion))

    linear = next((c for c in runners if c.ok and c.spec.tier == "T2"), None)
    trees = next((c for c in runners if (c.ok or c.stopped) and c.spec.tier == "T4"), None)
    nonlinear = False
    if linear and trees:
        delta = s.choice("problem.smallest_gain", default=0.0)
        (verdicts,) = yield Measure((compare(s, linear, [trees], delta),))
        nonlinear = needed([verdicts])[0]["rows"][0]["accepted"]
    if not (linear and trees):
        found = "a linear model and boosted trees were not both examined"
    elif nonlinear:
        found = f"{trees.title} beat {linear.title}: something is not linear"
    else:
        found = f"{trees.title} did not beat {linear.title}: nothing that is not linear was found"
    add(Gate("G7", "the data suits a net", "amber" if nonlinear else "fail", found))

    dev = _dev(s)
    state = "pass" if dev >= 1000 else "amber" if dev >= 500 else "fail"
    add(Gate("G8", "there are enough rows", state, f"{dev:,} rows for practice; a table wants 1,000"))
    add((yield from _latency(s)))
    add(_bill(s, champion, timed, rows, batch))
    add(_rows_per_parameter(s, rows, features, outputs))
    add(Gate("G12", "there is a hypothesis", "pass", "asked next; without one the net is not trained", Level.BLOCK))
    return checks


def _dev(s: Session) -> int:
    drawn = s.decision("split.drawn")
    return int(drawn.check.details["dev"]) if drawn and drawn.check else 0


def _still_needed(s: Session, m: Metric, champion: Candidate) -> Gate:
    line, v = s.choice("problem.success"), champion.exams.value
    if line is None or v["low"] is None:
        return Gate("G5", "it is still needed", "pass", "no success line was set")
    ends = sorted((m.oriented(v["low"]), m.oriented(v["high"])))
    if ends[0] >= m.oriented(line):
        said = f"{champion.title} reaches your line of {figure(line)} with its whole interval: ship it"
        return Gate("G5", "it is still needed", "fail", said)
    if ends[1] >= m.oriented(line):
        return Gate("G5", "it is still needed", "amber", f"{champion.title} may already reach {figure(line)}")
    return Gate("G5", "it is still needed", "pass", f"{champion.title} stays below your line of {figure(line)}")


def _cheaper_steps(s: Session, champion: Candidate) -> Gate:
    curve, errors = s.decision("improve.learning_curve"), s.decision("improve.errors")
    learns = champion.spec.tier not in ("T0", "T1") and _dev(s) >= 200
    if errors is None or (curve is None and learns):
        return Gate("G6", "cheaper steps are done", "fail", "learning curve or errors not looked at")
    if curve is not None and curve.choice == "more rows":
        return Gate("G6", "cheaper steps are done", "amber", "more rows would still bring more")
    return Gate("G6", "cheaper steps are done", "pass", "learning curve and errors looked at")


def _latency(s: Session) -> Conversation:
    limit = s.choice("problem.latency")
    if limit is None:
        return Gate("G9", "it answers in time", "pass", "no limit was set", Level.BLOCK)
    untrained = model(s, START_NET, epochs=1)
    (speed,) = yield Measure((about_model(s, "latency", untrained, "speed, hardly trained"),), optional=True)
    if not speed.ok:
        return Gate("G9", "it answers in time", "fail", f"could not be timed: {speed.error}", Level.BLOCK)
    p95 = speed.value["p95_ms"]
    said = f"p95 {figure(p95)} ms against {figure(limit)} ms"
    return Gate("G9", "it answers in time", "pass" if p95 <= limit else "fail", said, Level.BLOCK)


def _bill(s: Session, champion: Candidate, timed: Evidence, rows: int, batch: int) -> Gate:
    if not timed.ok:
        return Gate("G10", "the training bill fits", "fail", timed.error, Level.BLOCK)
    v = timed.value
    ms = next((t["ms_per_step"] for t in v["timings"] if t["device"] == v["chosen"]), None)
    if ms is None:
        return Gate("G10", "the training bill fits", "fail", v["why"], Level.BLOCK)
    training = declared(START_NET).training
    exams = _nets(s, champion) or champion.exams.value["J"]
    minutes = ms / 60_000 * math.ceil(rows * (1 - training.validation_share) / batch) * training.epochs * exams
    budget = float(s.choice("problem.training_cost", default=120))
    state = "fail" if minutes > budget else "amber" if minutes > budget / 2 else "pass"
    said = f"at most {figure(minutes)} minutes for {exams} exams; your budget is {figure(budget)}"
    return Gate("G10", "the training bill fits", state, said, Level.BLOCK)


def _rows_per_parameter(s: Session, rows: int, features: int, outputs: int) -> Gate:
    parameters = declared(START_NET).count(features, outputs).parameters
    ratio, limit = rows / parameters, s.choice("problem.rows_per_parameter")
    said = f"{parameters:,} parameters, {rows:,} rows: {figure(ratio)} rows each"
    if limit and ratio < limit:
        return Gate("G11", "rows per parameter", "fail", f"{said}; your minimum is {figure(limit)}", Level.BLOCK)
    return Gate("G11", "rows per parameter", "pass" if ratio >= 10 else "amber", said)


def _ask_gate(checks: Sequence[Gate], timed: Evidence) -> Ask:
    fails = [g for g in checks if g.state == "fail"]
    ambers = [g for g in checks if g.state == "amber"]
    passed = len(checks) - len(fails) - len(ambers)
    best = "not_yet" if fails or len(ambers) >= 3 else "strict" if ambers else "open"
    blocks = [g for g in fails if g.level is Level.BLOCK]
    failed, open_ = ("; ".join(f"{g.id} ({g.what}): {g.found}" for g in found) for found in (fails, [*fails, *ambers]))
    check = Check("checks passed", passed, reference=len(checks), protocol="gate G1–G12", verdict=best)

    def judge(choice: Json) -> Judgement:
        if choice == "not_yet":
            return Judgement(check=check)
        if blocks:
            return Judgement((Objection(Level.BLOCK, f"{blocks[0].what} is not met: {blocks[0].found}."),), check)
        if fails:
            return Judgement(
                (Objection(Level.HOLD, f"{counted(len(fails), 'check')} failed: {failed}.", "M08"),), check
            )
        if choice == "open" and ambers:
            return Judgement((Objection(Level.HOLD, f"Strict proof is due: {open_}.", "M08"),), check)
        return Judgement(check=check)

    rows = [(g.id, g.what, {"pass": "✓", "amber": "~", "fail": "✗"}[g.state], g.found) for g in checks]
    return Ask(
        GATE,
        recommended=best,
        reason=f"{passed} of {len(checks)} checks passed" + (f"; open: {open_}." if open_ else "."),
        evidence=(timed,) if timed.ok else (),
        shows=(Table("The gate", ("", "check", "", "measured"), rows),),
        judge=judge,
    )


# -- the network ---------------------------------------------------------------------------------------------------


def _ask_hypothesis(s: Session, champion: Candidate) -> Ask:
    errors = s.decision("improve.errors")
    weak = errors.reason if errors else ""

    def judge(text: Json) -> Judgement:
        if not text:
            return Judgement((Objection(Level.BLOCK, "Without a hypothesis the net is not trained."),))
        return Judgement()

    return Ask(
        HYPOTHESIS,
        recommended=f"Columns act together in ways that {champion.title} cannot bend to; {weak[:1].lower()}{weak[1:]}",
        reason="Taken from the errors; a hypothesis of your own is better.",
        facts={"champion": champion.title},
        judge=judge,
    )


def _ask_architecture(s: Session, rows: int, features: int, outputs: int, simple: Candidate) -> Ask:
    network = declared(START_NET)
    parameters = network.count(features, outputs).parameters
    layers = [(layer.kind, layer.size or "", layer.purpose) for layer in network.layers]
    return Ask(
        ARCHITECTURE,
        recommended=START_NET,
        reason=f"The smallest start net for a table: {parameters:,} parameters, {figure(rows / parameters)} rows each.",
        facts={
            "parameters": parameters,
            "rows": rows,
            "simple": simple.exams.value["parameters"],
            "purposes": " · ".join(f"{layer.kind}: {layer.purpose}" for layer in network.layers),
        },
        shows=(Table(network.title, ("layer", "size", "purpose"), layers),),
        judge=lambda _: Judgement(
            check=Check("rows per parameter", rows / parameters, protocol="training part of one exam")
        ),
    )


def _decide_sanity(sane: Evidence) -> Ask:
    checks: Sequence[Mapping[str, Json]] = needed([sane])[0]["checks"]
    failed = [c for c in checks if not c["passed"]]
    rows = [(c["id"], c["title"], "✓" if c["passed"] else "✗", c["value"], c["expected"]) for c in checks]
    why = f"{len(checks) - len(failed)} of {len(checks)} passed"
    why += f"; first failure: {failed[0]['id']}, usually caused by: {failed[0]['hint']}." if failed else "."
    return Decide(
        SANITY,
        "failed" if failed else "passed",
        why,
        evidence=(sane,),
        check=Check(
            "checks passed", len(checks) - len(failed), reference=len(checks), protocol="training part of exam 1"
        ),
        shows=(Table("Sanity", ("", "check", "", "measured", "expected"), rows),),
    )


def _ask_compare(s: Session, m: Metric, champion: Candidate, net: Candidate, strict: bool) -> Ask:
    verdict = net.verdict or {}
    limit = broken_limit(s, net) or ("" if not _must_read(s) or allowed_to_read(net.spec) else "It cannot be read.")
    accepted = bool(verdict.get("accepted")) and not limit
    v, old = net.exams.value, champion.exams.value
    price = (
        f"trained {figure(net.seconds() / max(champion.seconds(), 1e-9))}× as long, "
        f"{figure(v['parameters'] / max(old['parameters'], 1))}× the parameters"
    )
    if net.p95 and champion.p95:
        price += f", answers in {figure(net.p95)} ms against {figure(champion.p95)} ms (p95)"

    def judge(choice: Json) -> Judgement:
        if choice == "reject":
            if accepted:
                check = net.check(m, champion.value, rung=False)
                return Judgement((Objection(Level.NOTE, "It earned its place by the rule you set."),), check)
            return Judgement(check=net.check(m, champion.value, rung=False))
        check = net.check(m, champion.value)
        if limit:
            return Judgement((Objection(Level.BLOCK, limit),), check)
        if not accepted:
            return Judgement((Objection(Level.HOLD, verdict.get("sentence", ""), "M03"),), check)
        return Judgement(check=check)

    proof = " Strict proof: a fifth of the usual error budget." if strict else ""
    views: list[View] = [ladder_view(m, (champion, net), s.choice("problem.success"))]
    if curves := _loss_curves(v.get("net")):
        views.append(curves)
    return Ask(
        COMPARE,
        options=(
            Option("accept", f"Accept {net.title}", "", net.option(m).figures),
            Option("reject", f"Keep {champion.title}", "", champion.option(m).figures),
        ),
        recommended="accept" if accepted else "reject",
        reason=f"{verdict.get('sentence', '')} {limit} It {price}.{proof}".replace("  ", " "),
        facts={"champion": champion.title, "price": price},
        evidence=(net.exams, champion.exams),
        shows=tuple(views),
        judge=judge,
    )


def _must_read(s: Session) -> bool:
    return s.choice("problem.interpretability") == "readable"


def _loss_curves(net: Json) -> Curves | None:
    """The curves of the first exam."""
    first = net[0] if isinstance(net, list) and net else net if isinstance(net, Mapping) else None
    points = (first or {}).get("curve") or []
    if not points:
        return None
    lines = {
        name: [(float(p["epoch"]), float(p[name])) for p in points if p.get(name) is not None]
        for name in ("train loss", "validation loss")
    }
    return Curves("Training, exam 1", "epoch", "loss", lines)


DEEP = Stage("deep", "Deep model", deep, QUESTIONS)
