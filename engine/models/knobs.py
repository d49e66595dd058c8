"""Which settings of a model are worth a search, between which values, and what each is expected to do.

Light.  Ranges are those of the decision catalogue, table 4.5.1, column search.  Each move away from the default carries
its hypothesis: a trial without one could only tell that something happened, not whether the idea was right.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest

from engine.metrics import figure
from engine.models.catalogue import model_spec
from engine.records import Json

Number = int | float


@dataclass(frozen=True)
class Knob:
    """One setting to search.

    values: those to try, from the simplest model to the most complex; or for a range its two ends, in that order.
    beyond: what lies past the simple end and past the complex end, looked at once when the best value is at that end;
    None where nothing sensible does.  simpler, richer: what a move to either side is expected to do.
    """

    name: str
    title: str
    values: tuple[Number, ...]
    simpler: str
    richer: str
    ranged: bool = False
    log: bool = True
    whole: bool = True
    beyond: tuple[Number | None, Number | None] = (None, None)

    def place(self, value: Number) -> float:
        """0 at the simple end, 1 at the complex one; outside of that beyond them."""
        if not self.ranged:
            return (
                self.values.index(value) / max(len(self.values) - 1, 1) if value in self.values else self._past(value)
            )
        low, high, x = (self._scale(v) for v in (self.values[0], self.values[-1], value))
        return (x - low) / (high - low)

    def _past(self, value: Number) -> float:
        if value == self.beyond[0]:
            return -0.1
        if value == self.beyond[1]:
            return 1.1
        ends = self._scale(self.values[0]), self._scale(self.values[-1])
        return (self._scale(value) - ends[0]) / (ends[1] - ends[0])

    def _scale(self, value: Number) -> float:
        return math.log(value) if self.log else float(value)

    def at(self, share: float, low: Number | None = None, high: Number | None = None) -> Number:
        """The value of a range at a share of the way from its simple end (or `low`) to its complex one (or `high`)."""
        a, b = (self._scale(v) for v in (self.values[0] if low is None else low,
                                         self.values[-1] if high is None else high))  # fmt: skip
        x = a + share * (b - a)
        value = math.exp(x) if self.log else x
        return round(value) if self.whole else float(f"{value:.3g}")

    def at_edge(self, value: Number) -> int:
        """-1 at the simple end, 1 at the complex one, else 0.  The last tenth of a range counts as its end."""
        place, slack = self.place(value), 0.1 if self.ranged else 0.0
        return -1 if place <= slack else 1 if place >= 1 - slack else 0


FOREST_LEAF = Knob(
    "min_samples_leaf",
    "smallest leaf",
    (10, 5, 3, 1),
    "larger leaves: no answer from a handful of rows",
    "smaller leaves: rare groups get an answer of their own",
    beyond=(20, None),
)
BOOSTED = (
    Knob(
        "max_leaf_nodes",
        "leaves",
        (7, 63),
        "fewer leaves: less to memorise",
        "more leaves: columns that act together in threes and fours",
        ranged=True,
        beyond=(3, 127),
    ),
    Knob(
        "min_samples_leaf",
        "smallest leaf",
        (100, 5),
        "larger leaves: no answer from a handful of rows",
        "smaller leaves: rare groups get an answer of their own",
        ranged=True,
        beyond=(200, 2),
    ),
    Knob(
        "l2_regularization",
        "penalty",
        (10.0, 0.0),
        "a stronger penalty: leaves of few rows are trusted less",
        "a weaker penalty: what a leaf says counts in full",
        ranged=True,
        log=False,
        whole=False,
        beyond=(30.0, None),
    ),
    Knob(
        "learning_rate",
        "step",
        (0.02, 0.1),
        "smaller steps: more trees, each correcting less",
        "larger steps: fewer trees, each correcting more",
        ranged=True,
        whole=False,
        beyond=(0.01, 0.2),
    ),
)

KNOBS: Mapping[str, tuple[Knob, ...]] = {
    "logistic": (
        Knob(
            "C",
            "inverse penalty C",
            (0.001, 0.01, 0.1, 1.0, 10.0, 100.0),
            "a stronger penalty: columns that say little are held near 0",
            "a weaker penalty: the rows are many enough to be believed",
            whole=False,
            beyond=(0.0001, 1000.0),
        ),
    ),
    "linear_svm": (
        Knob(
            "C",
            "inverse penalty C",
            (0.001, 0.01, 0.1, 1.0, 10.0),
            "a stronger penalty: a wide margin, in which many rows may lie",
            "a weaker penalty: a narrow margin, drawn by few rows",
            whole=False,
            beyond=(0.0001, 100.0),
        ),
    ),
    "complement_bayes": (
        Knob(
            "alpha",
            "smoothing α",
            (1.0, 0.3, 0.1),
            "more smoothing: rare words count less",
            "less smoothing: rare words speak for themselves",
            whole=False,
            beyond=(3.0, 0.03),
        ),
    ),
    "tree": (
        Knob(
            "max_leaf_nodes",
            "leaves",
            (4, 8, 16),
            "fewer leaves: fewer questions, less to memorise",
            "more leaves: groups that a short list of questions cannot part",
        ),
    ),
    "knn": (
        Knob(
            "k",
            "neighbours",
            (61, 31, 15, 5),
            "more neighbours: an answer that hangs on no single row",
            "fewer neighbours: small groups of their own",
            beyond=(121, 3),
        ),
    ),
    "svm": (
        Knob(
            "C",
            "inverse penalty C",
            (0.1, 1.0, 10.0, 100.0),
            "a stronger penalty: a smooth border, with rows on the wrong side of it",
            "a weaker penalty: a border that bends round single rows",
            whole=False,
            beyond=(0.01, 1000.0),
        ),
    ),
    "forest": (FOREST_LEAF,),
    "extra_trees": (FOREST_LEAF,),
    "boosting": BOOSTED,
    "boosting_mean": BOOSTED,
    "lightgbm": BOOSTED,
}

TRIALS: Mapping[str, int] = {
    "logistic": 6, "linear_svm": 5, "complement_bayes": 3, "tree": 3, "knn": 4, "svm": 4, "forest": 4, "extra_trees": 4,
    "boosting": 40, "boosting_mean": 40, "lightgbm": 40,
}  # fmt: skip
WIDER = 4  # draws past the end of a range at which the best lies

Values = dict[str, Number]


def tunable(model: Mapping[str, Json]) -> bool:
    """Whether there is anything about this model to search: ridge and the like choose their penalty in every fit."""
    return str(model["name"]) in KNOBS


def default_values(model: Mapping[str, Json]) -> Values:
    """What its knobs are set to without a search."""
    settings = model_spec(str(model["name"])).with_defaults(model.get("settings"))
    return {knob.name: settings[knob.name] for knob in KNOBS[str(model["name"])]}


def drawn(model: Mapping[str, Json], trials: int, seed: int = 0) -> list[Values]:
    """The settings to try, each once, the default first.

    Of listed values those nearest to the default; of ranges at random (Bergstra & Bengio 2012: few knobs matter, and a
    grid tries few values of each).
    """
    knobs, start = KNOBS[str(model["name"])], default_values(model)
    found = [start]
    if not any(knob.ranged for knob in knobs):
        (knob,) = knobs
        here = knob.place(start[knob.name])
        near = sorted(knob.values, key=lambda v: abs(knob.place(v) - here))
        found += [{knob.name: value} for value in near if {knob.name: value} not in found]
        return found[: max(trials, 1)]
    rng = random.Random(seed)  # noqa: S311 - nothing secret is drawn
    for _ in range(20 * trials):
        if len(found) >= trials:
            break
        values = {knob.name: knob.at(rng.random()) for knob in knobs}
        if values not in found:
            found.append(values)
    return found


def widened(model: Mapping[str, Json], best: Values, trials: int, seed: int = 0) -> list[Values]:
    """Settings past the ends at which the best values lie, with the others as they are; none where it lies inside.

    trials: how many were tried before: a quarter as many, but two, are looked at here at most.
    """
    rng = random.Random(f"wider {seed}")  # noqa: S311 - nothing secret is drawn
    past_ends: list[list[Values]] = []
    for knob in KNOBS[str(model["name"])]:
        side = knob.at_edge(best[knob.name])
        past = None if side == 0 else knob.beyond[0 if side < 0 else 1]
        if past is None:
            continue
        if not knob.ranged:
            past_ends.append([{**best, knob.name: past}])
            continue
        end = knob.values[0 if side < 0 else -1]
        shares = [1.0, *(rng.random() for _ in range(WIDER - 1))]
        past_ends.append([{**best, knob.name: knob.at(share, end, past)} for share in shares])
    found = [values for turn in zip_longest(*past_ends) for values in turn if values is not None]
    fresh = [values for i, values in enumerate(found) if values != best and values not in found[:i]]
    return fresh[: _wider(trials)]


def _wider(trials: int) -> int:
    return max(2, trials // 4)


def simplicity(model: Mapping[str, Json], values: Values) -> tuple[float, ...]:
    """What R4 sorts settings by, the simplest first: the first knob decides, then the next."""
    return tuple(knob.place(values[knob.name]) for knob in KNOBS[str(model["name"])])


def hypothesis(model: Mapping[str, Json], values: Values) -> str:
    """What a setting is expected to do, for the two knobs that are turned farthest from the default."""
    start = default_values(model)
    moved = [
        (knob.place(values[knob.name]) - knob.place(start[knob.name]), knob)
        for knob in KNOBS[str(model["name"])]
        if values[knob.name] != start[knob.name]
    ]
    said = [knob.simpler if by < 0 else knob.richer for by, knob in sorted(moved, key=lambda m: -abs(m[0]))[:2]]
    return "; ".join(said) or "as it is without a search"


def described(model: Mapping[str, Json], values: Mapping[str, Json]) -> str:
    """The setting in a few words: “leaves 9, smallest leaf 40”."""
    return ", ".join(f"{knob.title} {figure(values[knob.name])}" for knob in KNOBS[str(model["name"])])


def fits_needed(model: Mapping[str, Json], trials: int, folds: int) -> int:
    """How many fits a search takes at most, its widening and the fit with what it found included."""
    number, total = len(drawn(model, trials)), 0
    for _ in range(folds):
        total += number
        number = halved(number)
    wider = sum(1 if not knob.ranged else WIDER for knob in KNOBS[str(model["name"])] if any(knob.beyond))
    return total + min(wider, _wider(trials)) * folds + 1


def halved(number: int) -> int:
    """How many settings of so many take the next inner exam: the better half, all of up to six."""
    return number if number <= FEW else max(FEW, math.ceil(number / 2))


FEW = 6


def affordable(model: Mapping[str, Json], folds: int, fits: float) -> int:
    """The most trials, up to what the catalogue gives the model, that take no more than so many fits; 0 for none."""
    most = TRIALS[str(model["name"])]
    return next((n for n in range(most, 2, -1) if fits_needed(model, n, folds) <= fits), 0)
