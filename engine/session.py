"""A session as its stages see it: a pure fold over decisions, never stored, never refusing what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from engine.data.conditions import validate_condition
from engine.records import Decision, Json

# What a column can be; only the first five are inputs to a model.
INPUT_TYPES = ("number", "category", "yes_no", "date", "text")
COLUMN_TYPES = (*INPUT_TYPES, "id", "drop")

# Changes of the preparation that must earn their place (R5); the others are repairs, kept unless they harm (R2).
OPTIONAL_CHANGES = frozenset(
    ("data.missing", "data.skew", "data.encode", "data.dates", "data.text", "data.target_transform", "data.imbalance",
     "data.bins", "data.features")
)  # fmt: skip

UNASKED: Mapping[str, Json] = {"data.missing": "indicator"}  # where it is not what stands when a change is undone

FEW_TO_EXAMINE, FEW_TO_JUDGE = 10, 20  # rows of a class below which it cannot be examined; no verdict can be given


def levels_of(order: str) -> list[str]:
    """The levels of an ordered category as they are typed, “low < medium < high”, the least first."""
    return [level.strip() for level in order.split("<") if level.strip()]


@dataclass(frozen=True)
class Rung:
    """A model that was accepted at a stage, with the score and interval it was accepted on."""

    stage: str
    model: str  # as `engine.models.catalogue.key_of` names it; the model itself is in the details
    metric: str
    value: float
    low: float | None
    high: float | None
    details: Mapping[str, Json] = field(default_factory=dict)  # parameters, latency_ms, fit_seconds, evidence, …

    @property
    def described(self) -> Mapping[str, Json]:
        """The model as a trial carries it: its name, and every setting."""
        return self.details.get("model") or {"name": self.model}


class Session:
    """The answers so far, latest first in force; and what follows from them."""

    def __init__(
        self,
        name: str,
        data: str,
        decisions: Iterable[Decision] = (),
        looks: Callable[[str], tuple[int, int]] = lambda exam: (0, 0),
    ) -> None:
        self.name = name
        self.data = data  # fingerprint of the dataset
        self.looks = looks  # other exams that saw locked rows of this data: in this session, and in others
        self.spent: dict[str, float] = {}  # seconds of computing that the path has rested on so far, by stage
        self._in_force: dict[tuple[str, str], Decision] = {}
        for decision in decisions:
            self.take(decision)

    def take(self, decision: Decision) -> None:
        """Fold one more decision in.

        A later answer to the same question about the same thing stands in the place of the earlier: where it comes on
        the path decides the ladder's order, not when somebody came back to it.
        """
        self._in_force[decision.place] = decision

    def decisions(self) -> tuple[Decision, ...]:
        """Those in force, in the order in which their questions were first answered."""
        return tuple(self._in_force.values())

    def decision(self, question: str, subject: str = "") -> Decision | None:
        return self._in_force.get((question, subject))

    def choice(self, question: str, subject: str = "", default: Json = None) -> Json:
        found = self._in_force.get((question, subject))
        return default if found is None or found.choice is None else found.choice

    def about(self, question: str) -> dict[str, Json]:
        """The choices of a question that is asked once a subject: {subject: choice}."""
        return {s: d.choice for (q, s), d in self._in_force.items() if q == question}

    def snapshot(self) -> dict[str, Json]:
        """The state, for comparing two of them."""
        return {d.name: d.choice for d in self._in_force.values()}

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The ladder: every decision whose check says that it put a model on a rung."""
        return tuple(
            Rung(d.stage, str(c.details["rung"]), c.metric, c.value, c.low, c.high, c.details)
            for d in self._in_force.values()
            if (c := d.check) is not None and c.details.get("rung") and c.value is not None
        )

    # -- the problem -----------------------------------------------------------------------------------------------

    @property
    def target(self) -> str:
        return self.choice("problem.target", default="")

    @property
    def task(self) -> str:
        return self.choice("problem.task", default="")

    @property
    def metric(self) -> str:
        return self.choice("problem.metric", default="")

    @property
    def classifies(self) -> bool:
        """Whether the answer is one of several classes; else it is a number."""
        return self.task not in ("regression", "forecast")

    @property
    def material(self) -> str:
        """What the rows are made of: table, text, image or series."""
        return self.choice("problem.material", default="table")

    @property
    def locked(self) -> float:
        """What is locked away: a share of the rows, or horizons of a series; 0 for nothing."""
        return self.choice("split.horizons" if self.material == "series" else "split.lockbox", default=0.0)

    @property
    def capacity(self) -> float | None:
        """The share of rows that can be acted on, where only the top of a ranked list is."""
        return self.choice("problem.capacity")

    @property
    def costs(self) -> dict[str, float] | None:
        costs = self.choice("problem.costs")
        return costs if isinstance(costs, dict) else None

    @property
    def entity(self) -> str | None:
        """The column that names what comes back in several rows."""
        unit = self.choice("problem.unit", default="none")
        return None if unit == "none" else unit

    @property
    def time_column(self) -> str | None:
        """The date column that the moment of prediction was named by."""
        moment = self.choice("problem.moment", default="")
        return moment if self.choice("data.types", default={}).get(moment) == "date" else None

    # -- what trials carry -----------------------------------------------------------------------------------------

    def input_types(self) -> dict[str, str]:
        """The input columns and their types, in file order, then those that are computed."""
        return self._inputs((), self.features())

    def _inputs(self, without: Collection[str], made: list[dict[str, Json]]) -> dict[str, str]:
        out = {self.target, self.entity}
        out |= {column for column, choice in self.about("data.ids").items() if choice == "drop"}
        out |= {column for column, choice in self.about("data.leaks").items() if choice == "drop"}
        out |= set(self._taken("data.select", [], without))
        types = {**self.choice("data.types", default={}), **{feature["name"]: feature["type"] for feature in made}}
        return {column: t for column, t in types.items() if t in INPUT_TYPES and column not in out}

    def features(self) -> list[dict[str, Json]]:
        """The columns that are computed from others, row by row, and were kept: {name, formula, type}."""
        kept = {name for name, choice in self.about("data.features").items() if choice == "keep"}
        if self.undone("data.features"):
            kept = set()
        for round_, made in self.about("improve.feature").items():
            if self.choice("improve.keep_feature", round_) == "keep":
                kept |= set(made)
        return [feature for feature in self.proposed_features() if feature["name"] in kept]

    def proposed_features(self) -> list[dict[str, Json]]:
        """The columns that somebody would compute, kept or not: while preparing, and in each round of improving."""
        proposed = dict(self.choice("data.expert", default={}))
        for made in self.about("improve.feature").values():
            proposed |= made
        return [{"name": name, **made} for name, made in proposed.items()]

    def before_improving(self) -> Session:
        """The session as the simple models were examined in it: without what was decided about improving since."""
        earlier = (d for d in self._in_force.values() if not d.question.startswith("improve."))
        return Session(self.name, self.data, earlier, self.looks)

    def undone(self, question: str) -> bool:
        """Whether a change of the preparation was tried and not kept."""
        if self.choice("data.keep", question) == "undo":
            return True
        return question in OPTIONAL_CHANGES and self.choice("data.recheck") == "strip"

    def _taken(self, question: str, plain: Json, without: Collection[str] = ()) -> Json:
        """The answer that holds in the preparation: the plain one where the change was tried and not kept."""
        if question in without or self.undone(question):
            return plain
        return self.choice(question, default=UNASKED.get(question, plain))

    def recipe(self, *, without: Collection[str] = (), adding: Collection[str] = ()) -> dict[str, Json]:
        """All that decides how rows become what a model is fitted to and examined on, as JSON.

        Every trial that touches the data carries it, so that its key changes when, and only when, one of these does:
        what stands for “nothing special” is left out, so that a new question leaves old keys as they were.
        without: questions whose answer is left aside, to measure what the answer changes.  adding: names of proposed
        features to take in beside those that were kept.
        """
        marks = {c: m for c, m in self.about("data.missing_marks").items() if m}
        split = {
            "kind": self.choice("split.kind", default="random"),
            "lockbox": self.locked,
            "seed": self.choice("split.seed", default=0),
        }
        kept = {feature["name"] for feature in self.features()} if "data.features" not in without else set()
        made = [feature for feature in self.proposed_features() if feature["name"] in kept | set(adding)]
        inputs = self._inputs(without, made)
        return {
            "read": self.choice("data.load"),
            "target": self.target,
            "task": self.task,
            "positive": self.choice("problem.positive"),
            "types": inputs,
            "marks": marks,
            "group": self.entity if split["kind"] == "group" else None,
            "time": self.time_column if split["kind"] == "time" else None,
            "keep_together": self.choice("data.duplicates", default="keep") != "repeats",
            "split": split,
            "plan": self.choice("split.plan", default={"folds": 5, "repeats": 1, "seed": 0}),
            "prepare": self._prepare(without),
            "costs": self.costs,
            "metric": self.metric,
            **self._rare(),
            **self._special(inputs, made),
        }

    def _prepare(self, without: Collection[str]) -> dict[str, Json]:
        """How columns become numbers, inside each fold."""

        def taken(question: str, plain: Json) -> Json:
            return self._taken(question, plain, without)

        numbers: dict[str, Json] = {
            "impute": "median",
            "indicator": taken("data.missing", "fill") == "indicator",
            "scale": taken("data.scale", "standard"),
            "skew": taken("data.skew", "none"),
            "clip": 0.005 if taken("data.outliers", "keep") == "clip" else "none",
            "bins": taken("data.bins", []),
        }
        categories: dict[str, Json] = {
            "encode": taken("data.encode", "onehot"),
            "rare": taken("data.rare", 10),
            "ordered": {c: levels_of(order) for c, order in taken("data.order", {}).items() if order},
        }
        whole: dict[str, Json] = {
            "numbers": {k: v for k, v in numbers.items() if k in ("indicator", "scale") or v not in ("none", [])},
            "categories": {k: v for k, v in categories.items() if v != {}},
            "dates": {"encode": taken("data.dates", "parts")},
            "text": {"encode": taken("data.text", "strings" if self.material == "table" else "words")},
        }
        if self.material == "image":
            whole["images"] = {"side": taken("data.images", None)}
        if taken("data.target_transform", "value") != "value":
            whole["target"] = self.choice("data.target_transform")
        if taken("data.imbalance", "nothing") == "weights":
            whole["weights"] = "balanced"
        if taken("data.top", None):
            whole["select"] = self.choice("data.top")
        return whole

    def _named_beside(
        self, inputs: Mapping[str, str], made: list[dict[str, Json]], impossible: Mapping[str, str]
    ) -> dict[str, str]:
        """Columns that are no inputs, but that a formula or a condition names, with their types."""
        types = {c: t for c, t in self.choice("data.types", default={}).items() if c != self.target}
        texts = [feature["formula"] for feature in made] + list(impossible.values())
        named = [column for text in texts for column in validate_condition(text, types).columns]
        return {c: types[c] if types[c] in INPUT_TYPES else "category" for c in named if c not in inputs}

    def _special(self, inputs: Mapping[str, str], made: list[dict[str, Json]]) -> dict[str, Json]:
        """What only some problems have."""
        found: dict[str, Json] = {}
        if self.material != "table":
            found["material"] = self.material
        if self.choice("data.duplicates") == "equal":  # of texts and pictures: near copies may be parted
            found["near"] = False
        if self.capacity:
            found["capacity"] = self.capacity
        if impossible := {c: text for c, text in self.choice("data.impossible", default={}).items() if text}:
            found["impossible"] = impossible
        if made:
            found["features"] = made
        if beside := self._named_beside(inputs, made, found.get("impossible", {})):
            found["beside"] = beside
        if self.material == "series":
            named = self.choice("problem.series", default={})
            found["series"] = {
                "time": named.get("time"),
                "id": named.get("id"),
                "horizon": self.choice("problem.horizon", default=1),
                "known": self.choice("data.known_ahead", default=[]),
                **self.choice("data.series", default={}),
            }
        return found

    def _rare(self) -> dict[str, Json]:
        """What is done with classes too rare to be examined; nothing is said where there are none."""
        ways = {"merge": {"below": FEW_TO_JUDGE, "as": "other"}, "leave_out": {"below": FEW_TO_EXAMINE, "as": None}}
        way = ways.get(self.choice("data.target_quality", default=""))
        return {"rare": way} if way else {}
