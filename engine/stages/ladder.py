"""What the stages share that climb the ladder: the trials of a model, comparing models, showing them side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.metrics import ABSOLUTE, BY_NAME, Metric, figure, guards_of, quantile_of
from engine.models.catalogue import ModelSpec, key_of, model_spec, models_for, parts_of_model, spec_of
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import Session
from engine.views import Intervals, Table

PERCENTILES = ("p50_ms", "p95_ms", "p99_ms")  # of the time of an answer


def metric(s: Session) -> Metric:
    return BY_NAME[s.metric]


def model(s: Session, name: str, **settings: Json) -> dict[str, Json]:
    """A model as a trial carries it: its name and every setting written out, and the device of a network."""
    if name == "rule":
        settings = {"rules": s.choice("problem.rule", default=[]), **settings}
    spec = model_spec(name, s.task)
    if name == "season_growth":
        settings = {"percent": float(s.choice("problem.growth", default=0.0)), **settings}
    settings = {**_aim(s, spec), **settings}
    if spec.network:
        settings = {"device": s.choice("deep.device", default="cpu"), **settings}
    return {"name": name, "settings": spec.with_defaults(settings)}


# Trees of a forest of numbers end in single rows, and of a random forest see every column at each split: their mean
# smooths enough.  Leaves of five rows cost 14 % of the MAE on cars' prices and 8 % on bikes lent, a third of the
# columns another 26 % there, and neither gained anything on two other tables (5 folds, 150 trees).
FULL_GROWN: Mapping[str, Mapping[str, Json]] = {
    "forest": {"min_samples_leaf": 1, "max_features": 1.0},
    "extra_trees": {"min_samples_leaf": 1},
}


def _aim(s: Session, spec: ModelSpec) -> dict[str, Json]:
    """The settings by which a model of numbers learns what the metric rewards: the median for MAE, a quantile for
    costs that differ.  A squared error aims at the mean, which on a long tail loses to the median of no model at all.
    """
    q = quantile_of(s.costs) if s.metric == "pinball" else None
    if spec.name == "quantile":
        return {"quantile": q}
    if spec.name == "cheapest":
        return {"costs": s.costs or "equal"}
    if spec.name == "smoothing":
        return {"season": int(s.choice("data.series", default={}).get("season") or 1)}
    if spec.name == "one_column" and not s.classifies:
        return {"quantile": q if q is not None else 0.5 if s.metric in ABSOLUTE else None}
    if spec.name in ("boosting", "lightgbm", "catboost") and not s.classifies:
        if q is not None:
            return {"loss": "quantile", "quantile": q}
        return {"loss": "absolute_error" if s.metric in ABSOLUTE else "squared_error"}
    if spec.name in FULL_GROWN and not s.classifies:
        return dict(FULL_GROWN[spec.name])
    return {}


def floors_of(s: Session) -> list[dict[str, Json]]:
    """Every way of using no model: a quantile, and the cheapest action, only where costs ask for one."""
    wanted = {"quantile": s.metric == "pinball", "cheapest": s.costs is not None}
    named = [spec.name for spec in models_for(s.task, ("T0",))]
    return [model(s, name) for name in named if wanted.get(name, True)]


def examine(s: Session, what: Mapping[str, Json], folds: int | None = None) -> Trial:
    """The practice exams of one model; the first so many of them where `folds` is given."""
    params: dict[str, Json] = {"recipe": s.recipe(), "model": what, "folds": folds}
    return Trial("cross_validate", params, s.data, label=f"{title(what)}: practice exams")


def about_model(
    s: Session, kind: str, what: Mapping[str, Json], label: str, uses: Sequence[Evidence] = (), **more: Json
) -> Trial:
    """Another trial of one model: latency, learning_curve, errors."""
    params = {"recipe": s.recipe(), "model": what, **more}
    return Trial(kind, params, s.data, uses=tuple(e.key for e in uses), label=f"{title(what)}: {label}")


def compare(
    s: Session,
    champion: Candidate,
    challengers: Sequence[Candidate],
    delta: float,
    *,
    alpha: float = 0.05,
    round_: int = 1,
) -> Trial:
    params = {
        "metric": s.metric,
        "higher": metric(s).higher_is_better,
        "alpha": alpha,
        "delta": delta,
        "guards": guards(s, challengers),
        "names": [champion.name, *(c.name for c in challengers)],
        "budget_round": round_,
        "tiny": too_few(s),
        "recipe": s.recipe(),
    }
    if titles := {c.name: c.title for c in (champion, *challengers) if c.spec.composed}:
        params["titles"] = titles
    keys = (champion.exams.key, *(c.exams.key for c in challengers))
    return Trial("compare", params, s.data, uses=keys, label=f"{champion.title} against {len(challengers)}")


def guards(s: Session, challengers: Sequence[Candidate]) -> list[str]:
    """A rule says yes or no, never how likely: it is not held to guards that score probabilities."""
    ruled = any(c.name == "rule" for c in challengers)
    return [g for g in guards_of(s.task, s.metric) if not (ruled and BY_NAME[g].needs == "probabilities")]


def too_few(s: Session) -> bool:
    """Whether there are too few rows for any verdict above *unclear*."""
    drawn = s.decision("split.drawn")
    return bool(drawn and drawn.check and drawn.check.details.get("tiny"))


def asked_by(what: Mapping[str, Json], known: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Those of the candidates that a composed model asks for each answer.  A search asks none: its part is set anew."""
    parts = [dict(part) for part in parts_of_model(what)] if what["name"] != "tuned" else []
    return tuple(c for c in known if dict(c.model) in parts)


def title(what: Mapping[str, Json]) -> str:
    return spec_of(what).title


@dataclass(frozen=True)
class Candidate:
    """A model with what was measured of it."""

    model: Mapping[str, Json]
    exams: Evidence
    latency: Evidence | None = None
    verdict: Mapping[str, Json] | None = None  # its row of the comparison
    against: str = ""  # the champion that it was compared with
    stopped: str = ""  # why it was stopped after its first exams, in a sentence; `exams` holds only those then
    race: Evidence | None = None  # what it was stopped by
    asks: tuple[Candidate, ...] = ()  # of a composed model the parts that were timed by themselves
    summed: bool = False  # it was not timed: an answer takes what its parts take, one after the other

    @property
    def spec(self) -> ModelSpec:
        return spec_of(self.model)

    @property
    def name(self) -> str:
        return key_of(self.model)

    @property
    def title(self) -> str:
        return self.spec.title

    @property
    def ok(self) -> bool:
        return not self.stopped and self.exams.ok and self.exams.value.get("value") is not None

    @property
    def value(self) -> float:
        return self.exams.value["value"]

    @property
    def timing(self) -> dict[str, Json]:
        """What was timed of it, {} where nothing was.  It asks each of its parts, so that none of them may be said to
        take longer than it does, whatever the machine was doing at the two moments."""
        if self.summed:
            return _one_after_the_other([part.timing for part in self.asks])
        if self.latency is None or not self.latency.ok:
            return {}
        timed = dict(self.latency.value)
        for part in self.asks:
            timed |= {k: max(timed[k], part.timing[k]) for k in PERCENTILES if k in timed and k in part.timing}
        return timed

    @property
    def p95(self) -> float | None:
        return self.timing.get("p95_ms")

    def seconds(self) -> float:
        """Mean time to fit once."""
        taken = self.exams.value["fit_seconds"]
        return sum(taken) / len(taken)

    def check(self, m: Metric, reference: float | None, verdict: str = "", rung: bool = True) -> Check:
        """Its figure as a decision is held against it; with `rung`, the decision puts it on the ladder."""
        v = self.exams.value
        details: dict[str, Json] = {
            "parameters": v["parameters"],
            "fit_seconds": round(self.seconds(), 4),
            "latency_ms": self.p95,
            "model": dict(self.model),
        }
        if rung:
            details["rung"] = self.name
        if self.verdict:
            details["comparison"] = dict(self.verdict)
        protocol = f"{v['J']} exams, approximate 95 % interval"
        word = verdict or (self.verdict or {}).get("verdict") or "measured"
        return Check(m.name, v["value"], v["low"], v["high"], reference, protocol, word, details)

    def option(self, m: Metric) -> Option:
        """The row that the person chooses from."""
        v = self.exams.value
        figures: dict[str, Json] = {m.title: figure(v["value"]), "95 % interval": interval(v["low"], v["high"])}
        if self.verdict and self.verdict.get("diff") is not None:
            gain, se = self.verdict["diff"], self.verdict.get("se")
            figures["gain"] = f"{gain:+.3g}" + (f" ± {1.96 * se:.2g}" if se else "")
        figures["params"] = v["parameters"]
        figures["p95 ms"] = None if self.p95 is None else figure(self.p95)
        figures["fit s"] = figure(self.seconds())
        if "gain" in figures:
            figures["over"] = self.against
        return Option(self.name, self.title, self.spec.why, figures)


def _one_after_the_other(parts: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    """What models take that are asked in turn; {} where one of them was not timed.  (Catalogue 5.3: the latency of a
    blend is the sum of its parts'.)"""
    if not parts or not all(parts):
        return {}
    timed: dict[str, Json] = {}
    for name in (*PERCENTILES, "model_bytes"):
        if all(name in part for part in parts):
            timed[name] = sum(part[name] for part in parts)
    if all(part.get("rows_per_second") for part in parts):
        timed["rows_per_second"] = 1 / sum(1 / part["rows_per_second"] for part in parts)
    return timed


def interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{figure(low)} … {figure(high)}"


def with_interval(row: Mapping[str, Json], name: str) -> str:
    """A figure of a class with its interval, "" where there is none."""
    if row.get(name) is None:
        return ""
    spread = interval(row.get(f"{name}_low"), row.get(f"{name}_high"))
    return figure(row[name]) + (f" ({spread})" if spread else "")


def best(m: Metric, candidates: Iterable[Candidate]) -> Candidate:
    """The one whose interval promises most at its lower end, so that a lucky coin is not taken for a better constant.

    Of equals the lower tier, then the fewer parameters.
    """

    def promised(c: Candidate) -> float:
        ends = [m.oriented(c.exams.value[end]) for end in ("low", "high") if c.exams.value[end] is not None]
        return float(min(ends, default=m.oriented(c.value)))

    return min((c for c in candidates if c.ok), key=lambda c: (-promised(c), c.spec.tier, c.exams.value["parameters"]))


def ladder_view(
    m: Metric,
    candidates: Iterable[Candidate],
    reference: float | None = None,
    claimed: float | None = None,
    names: Sequence[str] = (),
) -> Intervals:
    """The models with their intervals; claimed: what today's way is said to reach, which nobody has measured here.

    names: what those are called that share a title with another; "" for the title itself.
    """
    rows: list[tuple[str, float, float | None, float | None]] = []
    if claimed is not None:
        rows.append(("today, as claimed", claimed, None, None))
    for i, c in enumerate(candidates):
        if c.ok:
            name = (names[i] if i < len(names) else "") or c.title
            rows.append((name, c.value, c.exams.value["low"], c.exams.value["high"]))
    return Intervals(f"{m.title}, approximate 95 % intervals", m.title, rows, reference)


def per_class_view(exams: Evidence) -> Table | None:
    rows = exams.value.get("per_class") or []
    if not rows:
        return None
    names = ("precision", "recall", "f1")
    cells = [(r["label"], *(None if r[n] is None else round(r[n], 3) for n in names), r["support"]) for r in rows]
    return Table("Per class", ("class", *names, "rows"), cells)
