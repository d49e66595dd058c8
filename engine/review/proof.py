"""Flags about proof: models and changes that were taken without it, and comparisons that were not fair."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from engine.change import verdict_r5
from engine.metrics import figure
from engine.records import Decision, Json
from engine.review.flag import Finding, Flag, marked
from engine.review.record import Record, comparison, is_rung, model_of, prose, recipe_of, tier_of, title_of
from engine.session import OPTIONAL_CHANGES, Session

MOST_ROUNDS = 3
SAME_WORDS = re.compile(
    r"\b(no (measurable |real |significant )?difference|equally good|just as good|as good as|the same (score|result|"
    r"quality|performance)|make(s)? no difference|identical)\b",
    re.IGNORECASE,
)
KEPT = ("keep", "accept")


def _unproven(r: Record) -> Iterator[Finding]:
    before = ""
    for d in r.rungs:
        row, tier = comparison(d), tier_of(model_of(d))
        if (row and not row.get("accepted") and tier > before) or (not row and "M03" in d.flags):
            yield Finding(f"{title_of(model_of(d))} was taken without earning it: {_measured(row)}.", d)
        before = max(before, tier)
    for d in marked(r, "M03"):
        if not is_rung(d):  # a repair that was kept although it harms
            yield Finding(f"“{d.name}” was kept although the exams are worse with it.", d)


def _measured(row: Mapping[str, Json]) -> str:
    if row.get("diff") is None:
        return "it was never compared"
    said = f"gain {row['diff']:+.3g}, p {row['p']:.2g}" if row.get("p") is not None else f"gain {row['diff']:+.3g}"
    return f"{said}, {row.get('verdict', 'unclear')}"


def _kept_unproven(r: Record) -> Iterator[Finding]:
    for d in (*r.of("data.keep", *OPTIONAL_CHANGES), *r.of("data.features"), *r.of("data.recheck")):
        rows = d.check.details.get("rows") if d.check else None
        unproven = not verdict_r5(rows, r.session.metric).keep if rows else "M03b" in d.flags
        if d.choice in KEPT and unproven:
            yield Finding(f"“{d.subject or d.name}” was kept though the exams do not say that it helps.", d)


def _rounds(r: Record) -> Iterator[Finding]:
    every, standing = {d.hash: d for d in (*r.decisions, *r.elsewhere)}, {d.hash for d in r.in_force}
    for stage in dict.fromkeys(d.stage for d in r.in_force):
        rounds = [d for d in every.values() if d.stage == stage and comparison(d)]
        if len(rounds) > MOST_ROUNDS:
            spent = sum(float(comparison(d).get("alpha") or 0) for d in rounds)
            here = [d for d in rounds if d.hash in standing]
            yield Finding(
                f"{len(rounds)} rounds of proof in the stage {stage}; together they spent {figure(spent)} of an error "
                "budget of 0.1.",
                here[-1] if here else None,
            )


def _uneven(r: Record) -> Iterator[Finding]:
    for old, new in pairwise(r.rungs):
        if _family(model_of(old)) == _family(model_of(new)) or not comparison(new):
            continue
        tried, before = _trials(model_of(new)), _trials(model_of(old))
        if tried > 2 * before:
            yield Finding(
                f"{title_of(model_of(new))} had {tried} settings tried, {title_of(model_of(old))} {before}.", new
            )


def _parts(model: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    of = (model.get("settings") or {}).get("of")
    return [part for part in of if isinstance(part, Mapping)] if isinstance(of, list) else []


def _family(model: Mapping[str, Json]) -> tuple[str, ...]:
    parts = _parts(model)
    return tuple(sorted({name for part in parts for name in _family(part)})) if parts else (str(model.get("name")),)


def _trials(model: Mapping[str, Json]) -> int:
    own = (model.get("settings") or {}).get("trials")
    return max([own if isinstance(own, int) else 1, *(_trials(part) for part in _parts(model))])


def _luckiest(r: Record) -> Iterator[Finding]:
    """Branches that differ in nothing but the seed of the exams, and the one that came out best is reported."""
    mine = _seeded(r.session)
    if mine is None:
        return
    rivals = {}
    for line in r.others:
        other = _seeded(Session(r.name, r.data, line))
        if other is not None and other[0] == mine[0] and other[1] != mine[1]:
            rivals[other[1]] = other[2]
    m = r.metric
    if rivals and m is not None and all(m.oriented(mine[2]) > m.oriented(value) for value in rivals.values()):
        others = ", ".join(figure(value) for value in rivals.values())
        yield Finding(
            f"The same model was examined with {len(rivals) + 1} seeds; this branch reports the best, "
            f"{figure(mine[2])}, not {others}.",
            r.rungs[-1] if r.rungs else None,
        )


def _seeded(session: Session) -> tuple[Json, Json, float] | None:
    """What was examined but for its seed, the seed, and the score."""
    if not session.rungs:
        return None
    recipe = recipe_of(session)
    plan, model = dict(recipe.get("plan") or {}), dict(session.rungs[-1].described)
    settings = dict(model.get("settings") or {})
    seed = (plan.pop("seed", 0), settings.pop("seed", None))
    return [{**recipe, "plan": plan}, {**model, "settings": settings}], seed, session.rungs[-1].value


def _called_same(r: Record) -> Iterator[Finding]:
    unclear = {d.seq for d in r.in_force if _verdict(d) == "unclear"}
    for d, text in prose(r.in_force):
        concerned = d.seq in unclear or (d.stage == "present" and unclear)
        if concerned and (said := SAME_WORDS.search(text)):
            yield Finding(f"“{said.group()}” is said of what the exams call unclear.", d)


def _verdict(d: Decision) -> str:
    return str(comparison(d).get("verdict") or (d.check.verdict if d.check else ""))


def _several_changes(r: Record) -> Iterator[Finding]:
    compared = [d for d in r.rungs if comparison(d)]
    for old, new in pairwise(r.rungs):
        if new not in compared:
            continue
        changed = _changes(r, old, new)
        if len(changed) > 1:
            yield Finding(
                f"Between {title_of(model_of(old))} and {title_of(model_of(new))} {len(changed)} things changed at "
                f"once: {', '.join(sorted(changed))}.",
                new,
            )


def _changes(r: Record, old: Decision, new: Decision) -> set[str]:
    changed = {"the model"} if model_of(old) != model_of(new) else set()
    a, b = (_flat(recipe_of(r.before(d))) for d in (old, new))
    return changed | {name for name in a.keys() | b.keys() if a.get(name) != b.get(name)}


def _flat(recipe: Mapping[str, Json]) -> dict[str, Json]:
    """A recipe as its parts: the preparation by kind of column, all else as it stands."""
    parts = {name: value for name, value in recipe.items() if name not in ("prepare", "types", "features")}
    made = {f["name"]: f for f in recipe.get("features") or ()}
    types = {c: t for c, t in (recipe.get("types") or {}).items() if c not in made}
    prepare = recipe.get("prepare") or {}
    changes = {f"{kind}: {name}": v for kind, whole in prepare.items() for name, v in _items(whole)}
    return {**parts, "the columns": types, **changes, **{f"the column {name}": f for name, f in made.items()}}


def _items(whole: Json) -> list[tuple[str, Json]]:
    return list(whole.items()) if isinstance(whole, Mapping) else [("", whole)]


def _unexplained(r: Record) -> Iterator[Finding]:
    """A gain on the rung before it that nobody asked the why of."""
    whys = [d for d in r.in_force if d.question == "improve.why"]
    ends = [d.seq for d in r.rungs[1:]] + [len(r.decisions) + 1]
    for d, end in zip(r.rungs, ends, strict=True):
        row = comparison(d)
        own = d.why_author != "engine" and d.why_verdict == "ok"
        if d.stage != "baseline" and row.get("accepted") and not own and not any(d.seq < w.seq < end for w in whys):
            yield Finding(f"{title_of(model_of(d))} gained {figure(float(row.get('diff') or 0))}; nobody said why.", d)


def _forecast_of_gain(r: Record) -> Iterator[Finding]:
    hoped = r.about("deep.expected_gain")
    net = r.about("deep.compare")
    gain = comparison(net).get("diff") if net else None
    if hoped is None or gain is None or not isinstance(hoped.choice, int | float):
        return
    off = hoped.choice - float(gain)
    if abs(off) > float(r.session.choice("problem.smallest_gain", default=0.0) or 0.0):
        more = "more" if off > 0 else "less"
        yield Finding(
            f"A gain of {figure(hoped.choice)} was expected, {gain:+.3g} measured: {figure(abs(off))} {more} hoped for "
            "than came.",
            net,
        )


def _overrules(r: Record) -> Iterator[Finding]:
    advised = [d for d in r.in_force if d.recommended is not None]
    against = [d for d in advised if d.overruled]
    if len(against) >= 3 or (against and len(against) >= 0.2 * len(advised)):
        for d in against:
            yield Finding(
                f"{len(against)} of {len(advised)} recommendations were overruled; here: {_outcome(r, d)}.", d
            )


def _outcome(r: Record, d: Decision) -> str:
    """Whether an overrule paid off, as far as it was measured."""
    if d.check is None or d.check.value is None:
        return "nothing was measured"
    if d.question in ("data.keep", "data.features", "simple.champion", "deep.compare", "data.recheck"):
        return {"better": "it paid off", "worse": "it did harm"}.get(_verdict(d), "whether it paid off is unclear")
    return f"{d.check.metric} {figure(d.check.value)}"


FLAGS = (
    Flag(
        "M03", "red", "A more complex model was taken without earning it",
        "a model of a higher tier than any before it, whose comparison does not pass R1 (p ≤ α and gain ≥ δ)",
        "Complexity costs running, explaining and mending; a gain that may be luck pays for none of that.",
        "Take the simpler model, or show the gain on more exams or more rows.",
        "S002; Godbole et al. 2023; decision catalogue 2.5", _unproven,
    ),
    Flag(
        "M03b", "amber", "A change was kept that did not show a gain",
        "an optional change of the preparation stays though the exams with it are not better (R5)",
        "Many small luckies add up to nothing, and each must be delivered and explained for every prediction.",
        "Take it back, or say in the why what it is good for besides the score.",
        "Decision catalogue 2.5, R5; Cawley & Talbot 2010", _kept_unproven,
    ),
    Flag(
        "M12", "amber", "The new model had more tuning than the one it beat",
        "more than twice as many settings were tried for the challenger as for the champion",
        "Whoever tries more settings wins more often; that is the search, not the model.",
        "Give both the same number of trials or the same seconds, and compare again.",
        "Cawley & Talbot 2010; decision catalogue 2.9", _uneven,
    ),
    Flag(
        "M13", "amber", "Many rounds on one rung",
        "more than three rounds of proof in one stage, over all branches",
        "Each round may accept by luck; the budget for that is 0.1 on each rung, and every round spends of it.",
        "Stop, or ask the later rounds for a smaller α, as the catalogue's budget does.",
        "Decision catalogue 2.6", _rounds,
    ),
    Flag(
        "M14", "red", "The reported score is the best of several seeds",
        "branches differ in nothing but the seed, and this one has the highest score of them",
        "The best of several draws is higher than any draw can be expected to be.",
        "Report the mean over the seeds, or the seed that was named first.",
        "Bouthillier et al. 2021", _luckiest,
    ),
    Flag(
        "M18", "amber", "“No difference” is said of what is only unclear",
        "a why speaks of the same or of no difference where the verdict is unclear",
        "No difference found is not the same as no difference: the exams may be too few to see one.",
        "Say what gain these exams would usually have seen, or show equivalence.",
        "Benavoli et al. 2017; decision catalogue 2.4", _called_same,
    ),
    Flag(
        "M19", "info", "Many recommendations were overruled",
        "three or more of them, or a fifth",
        "Knowing better is welcome where it pays off; the list shows whether it did.",
        "Go through the list together; where it paid off, the rule may be wrong.",
        "Decision catalogue 8", _overrules,
    ),
    Flag(
        "M21", "amber", "Several things changed between two models that were compared",
        "model and preparation differ in more than one component between a rung and the one before",
        "Nobody can say which of the changes made the difference.",
        "Change one thing at a time, and compare after each.",
        "Karpathy 2019; decision catalogue 1.4", _several_changes,
    ),
    Flag(
        "M28", "info", "A gain was taken without asking why it came",
        "an accepted model, no why of a person's own, and no answer to “why did it get better?”",
        "A gain that nobody can explain is often a leak, and seldom the last word.",
        "Say what the model sees that the one before could not, and test that: leave it out, or shuffle it.",
        "S002: keep asking why", _unexplained,
    ),
    Flag(
        "M34", "info", "The gain was not what had been expected",
        "expected and measured gain lie further apart than the smallest gain that matters",
        "Over several projects it shows whether somebody's feeling for gains is right.",
        "Write down what made the difference, and expect accordingly next time.",
        "S002", _forecast_of_gain,
    ),
)  # fmt: skip
