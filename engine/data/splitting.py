"""The lockbox and the practice exams: which rows are held back, and which train and test each candidate."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.data import near
from engine.data.shares import assign
from engine.data.table import Table, load
from engine.errors import DataProblem
from engine.plans import ENOUGH_ORIGINS
from engine.records import Json, digest
from engine.trials import Context

KINDS = ("stratified", "random", "group", "time", "origins")
LEAST_VALIDATION = 50  # rows; fewer say too little about when to stop training

Fold = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Splits:
    """Positions (int64, ascending) into a Table's rows.

    dev and lockbox share no row, no copy (when kept together) and no group (when split by group).  folds: (train, test)
    pairs within dev, repeat by repeat.  rho: mean of n_test/n_train (2.3).  ordered: the folds follow time.
    purged: rows in neither dev nor lockbox, because a time-ordered lockbox holds their copies.
    """

    dev: np.ndarray
    lockbox: np.ndarray
    folds: list[Fold]
    rho: float
    ordered: bool
    plan_hash: str
    lockbox_hash: str
    k: int  # folds of one repeat; time: blocks
    repeats: int
    purged: int = 0


_cache: OrderedDict[str, Splits] = OrderedDict()
_lock = threading.Lock()


def lockbox_and_plan(table: Table, recipe: Mapping[str, Json]) -> Splits:
    """Draw the lockbox and the plan (2.1, `split.lockbox`).  The same table and recipe give the same splits.

    Raises DataProblem when there are too few rows, groups or times to draw them.
    """
    parts = ("split", "plan", "keep_together", "group", "time", "types", "material", "near")
    key = digest([table.key, {k: recipe.get(k) for k in parts if k in recipe}])
    with _lock:
        if table.key and key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    splits = _draw(table, recipe)
    with _lock:
        _cache[key] = splits
        while len(_cache) > 8:
            _cache.popitem(last=False)
    return splits


def _draw(table: Table, recipe: Mapping[str, Json]) -> Splits:
    plan = recipe["plan"]
    kind = _kind(table, recipe)
    if kind == "origins":
        return _from_origins(table, recipe)
    clusters = _clusters(table, recipe)
    dev, lockbox = _lockbox(table, kind, clusters, recipe["split"])
    if kind == "time":
        folds = _time_folds(table, dev, clusters, int(plan.get("blocks", 8)), float(plan.get("gap", 0) or 0))
        k, repeats = len(folds), 1
    else:
        folds, k, repeats = _shuffled_folds(
            table, dev, clusters, kind, int(plan["folds"]), int(plan["repeats"]), int(plan.get("seed", 0))
        )
    return Splits(
        dev, lockbox, folds,
        rho=float(np.mean([len(test) / len(train) for train, test in folds])),
        ordered=kind == "time",
        plan_hash=_hash(table, [part for fold in folds for part in fold]),
        lockbox_hash=_hash(table, [lockbox]) if len(lockbox) else "",
        k=k,
        repeats=repeats,
        purged=len(table) - len(dev) - len(lockbox),
    )  # fmt: skip


def inner_split(
    table: Table, positions: np.ndarray, recipe: Mapping[str, Json], share: float = 0.1, seed: int = 0
) -> Fold:
    """Cut training positions into (train, validation) for early stopping: of the plan's kind, sharing no row, copy or
    group; validation has at least 50 rows, or half of them when there are fewer than 100.

    Raises DataProblem when they cannot be cut in two.
    """
    positions = np.sort(np.asarray(positions, dtype=np.int64))
    n = len(positions)
    wanted = max(round(share * n), min(LEAST_VALIDATION, n // 2))
    kind = _kind(table, recipe)
    if kind == "origins":
        train, validation = _latest_origins(table, positions, wanted)
    else:
        train, validation = _two_parts(table, positions, kind, _clusters(table, recipe), wanted, _seed(seed, 1))
    if not len(train) or not len(validation):
        raise DataProblem(f"{n:,} training rows cannot be cut in two parts of kind '{kind}': too few rows or groups.")
    return train, validation


def inner_folds(table: Table, positions: np.ndarray, recipe: Mapping[str, Json], k: int, seed: int = 0) -> list[Fold]:
    """Cut training positions into k (train, test) pairs of the plan's kind, for what is chosen inside a training part.

    Fewer than k where a class or the groups are too few.  In time order the tests follow one another over the later
    half, each after all that it learns from.  Raises DataProblem when not even two can be cut.
    """
    positions = np.sort(np.asarray(positions, dtype=np.int64))
    kind = _kind(table, recipe)
    if kind == "origins":
        return _origin_folds(table, positions, k)
    clusters = _clusters(table, recipe)
    if kind == "time":
        return _time_folds(table, positions, clusters, k, float(recipe["plan"].get("gap", 0) or 0))
    return _shuffled_folds(table, positions, clusters, kind, k, 1, _seed(seed, 3))[0]


def _origin_folds(table: Table, positions: np.ndarray, k: int) -> list[Fold]:
    """Blocks of origins over the later half; each learns what was known at the first origin of its block."""
    steps: Any = table.steps
    origins = np.unique(steps.origin[positions])
    later = origins[len(origins) // 2 :]
    folds: list[Fold] = []
    for block in np.array_split(later, min(k, len(later))):
        train = positions[steps.target[positions] <= block[0]]
        test = positions[np.isin(steps.origin[positions], block)]
        if len(train) and len(test):
            folds.append((train, test))
    if len(folds) < 2:
        raise DataProblem(
            f"{len(origins)} origins in a training part leave no two inner exams. Forecast fewer steps, look back less "
            "(data.series), or choose settings by hand."
        )
    return folds


def _kind(table: Table, recipe: Mapping[str, Json]) -> str:
    kind = recipe["split"]["kind"]
    if kind not in KINDS:
        raise DataProblem(f"There is no split called '{kind}'; the kinds are {', '.join(KINDS)}.")
    if kind == "group" and table.groups is None:
        raise DataProblem("A split by group needs the column that names the group: answer problem.unit.")
    if kind == "time" and table.times is None:
        raise DataProblem(
            "A split by time needs the column that orders the rows: answer problem.target with a time column."
        )
    if (kind == "origins") != (table.steps is not None):
        what = "asks for rows of a series" if kind == "origins" else f"is '{kind}', but rows of a series"
        raise DataProblem(f"The split {what}: they are parted by origins, and only they are. Answer split.kind again.")
    return "random" if kind == "stratified" and not table.is_classification else kind


def _clusters(table: Table, recipe: Mapping[str, Json]) -> np.ndarray | None:
    """(n,) numbers; rows with equal numbers must stay on one side.  None when every row stands alone."""
    groups = table.groups if recipe["split"]["kind"] == "group" else None
    copies = near.kept_together(table, recipe) if recipe.get("keep_together") else None
    if copies is not None and len(copies) and int(copies.max()) + 1 == len(copies):
        copies = None  # no two rows are alike
    if groups is None or copies is None:
        return groups if copies is None else copies
    return near.together(groups, copies)  # a copy may link two groups, which may link others


def _lockbox(
    table: Table, kind: str, clusters: np.ndarray | None, split: Mapping[str, Json]
) -> tuple[np.ndarray, np.ndarray]:
    everything = np.arange(len(table), dtype=np.int64)
    share = float(split.get("lockbox") or 0.0)
    if not 0 <= share < 1:
        raise DataProblem(f"The lockbox takes a share of the rows between 0 and 1, not {share:g}.")
    wanted = round(share * len(table))
    if wanted == 0:
        return everything, everything[:0]
    dev, lockbox = _two_parts(table, everything, kind, clusters, wanted, _seed(int(split.get("seed", 0)), 0))
    if len(dev) < 2 or not len(lockbox):
        raise DataProblem(
            f"{len(table):,} rows cannot be cut into a lockbox of {share:.0%} and development rows{_linked(clusters)}."
        )
    return dev, lockbox


def _linked(clusters: np.ndarray | None) -> str:
    if clusters is None:
        return ""
    largest = float(np.bincount(np.unique(clusters, return_inverse=True)[1]).max()) / len(clusters)
    return (
        f": groups and copies that stay together link {largest:.0%} of the rows. If copies are real repeats, say so in "
        "data.duplicates; or choose another column as the group"
    )


def _two_parts(
    table: Table, positions: np.ndarray, kind: str, clusters: np.ndarray | None, wanted: int, seed: int
) -> Fold:
    """(rest, part): a part of about `wanted` rows: the latest by time, else drawn by class and whole clusters."""
    if kind == "time":
        order, times = _in_time(table, positions)
        cut = _cut(times, len(order) - wanted)
        rest, part = _purged(order[:cut], order[cut:], clusters)
        return np.sort(rest), np.sort(part)
    weights = np.array([len(positions) - wanted, wanted], dtype=float) / max(1, len(positions))
    y = table.y[positions] if table.is_classification and kind != "random" else np.zeros(len(positions), dtype=np.int64)
    inside = None if clusters is None else clusters[positions]
    side = assign(y, inside, weights, np.random.default_rng(seed))
    return positions[side == 0], positions[side == 1]


def _shuffled_folds(
    table: Table, dev: np.ndarray, clusters: np.ndarray | None, kind: str, k: int, repeats: int, seed: int
) -> tuple[list[Fold], int, int]:
    y = table.y[dev] if table.is_classification and kind != "random" else np.zeros(len(dev), dtype=np.int64)
    inside = None if clusters is None else np.unique(clusters[dev], return_inverse=True)[1]
    if table.is_classification:
        rarest = int(np.bincount(table.y[dev], minlength=len(table.labels)).min())
        k = max(2, min(k, rarest // 10))
    units = len(dev) if inside is None else int(inside.max()) + 1
    if units < k:
        k, repeats = units, 1
    if k < 2:
        raise DataProblem(
            f"Practice exams need at least two rows outside the lockbox that may be parted; there are {units} of "
            f"{len(dev)}{_linked(inside)}."
        )
    folds: list[Fold] = []
    for repeat in range(repeats):
        fold = assign(y, inside, np.full(k, 1 / k), np.random.default_rng(_seed(seed, 2, repeat)))
        folds += [(dev[fold != j], dev[fold == j]) for j in range(k)]
    return folds, k, repeats


def _in_time(table: Table, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions from the earliest to the latest (equal times in file order), and their times."""
    times: Any = table.times
    order = positions[np.argsort(times[positions], kind="stable")]
    return order, times[order]


def _cut(times: np.ndarray, cut: int) -> int:
    """The cut next to the wanted one that parts no equal times; when that moves it far, file order decides."""
    n = len(times)
    cut = min(max(cut, 1), n - 1)
    before = int(np.searchsorted(times, times[cut], "left"))
    after = int(np.searchsorted(times, times[cut], "right"))
    near = min((c for c in (before, after) if 0 < c < n), key=lambda c: abs(c - cut), default=cut)
    return near if abs(near - cut) <= 0.5 * min(cut, n - cut) else cut


def _purged(train: np.ndarray, test: np.ndarray, clusters: np.ndarray | None) -> Fold:
    """Time fixes the test rows, so copies of them are taken out of the training rows."""
    if clusters is None:
        return train, test
    return train[~np.isin(clusters[train], clusters[test])], test


def _time_folds(table: Table, dev: np.ndarray, clusters: np.ndarray | None, blocks: int, gap: float) -> list[Fold]:
    """Expanding window: equal test blocks covering the last half; training rows end `gap` before the block begins
    (seconds for dates, else the time column's unit)."""
    order, times = _in_time(table, dev)
    half = len(order) // 2
    blocks = min(blocks, len(order) - half)
    edges = np.unique([_cut(times, int(e)) for e in np.linspace(half, len(order), blocks + 1)[:-1].round()])
    edges = np.append(edges, len(order))
    folds: list[Fold] = []
    for begin, end in itertools.pairwise(edges):
        usable = int(np.searchsorted(times[:begin], times[begin] - gap, "right" if gap else "left"))
        if not gap and usable < begin / 2:  # one time holds most rows: file order decides among equals
            usable = int(begin)
        train, test = _purged(order[:usable], order[begin:end], clusters)
        if len(train) and len(test):
            folds.append((np.sort(train), np.sort(test)))
    if len(folds) < 2:
        raise DataProblem(
            f"{len(dev):,} rows outside the lockbox take {len(np.unique(times)):,} different times: too few for "
            "practice exams in time order. Split another way, or shorten the gap."
        )
    return folds


def _from_origins(table: Table, recipe: Mapping[str, Json]) -> Splits:
    """Lockbox and exams of a forecast (`split.plan`, section 7).

    Lockbox: the last horizons, each asked for from its own origin.  Exams: each asks for the horizon after an origin,
    having learned rows whose answer was known by then.  Rows that look across the border are in neither part.
    """
    from engine.data.series.rows import exam_origins, locked_origins

    steps: Any = table.steps
    horizons = float(recipe["split"].get("lockbox") or 0)
    if horizons != int(horizons) or horizons < 0:
        raise DataProblem(f"The lockbox of a series takes whole horizons, not {horizons:g} of them.")
    length = steps.length - int(horizons) * steps.horizon
    dev = np.flatnonzero(steps.target < length)
    lockbox = np.flatnonzero(np.isin(steps.origin, locked_origins(steps.length, steps.horizon, int(horizons))))
    folds: list[Fold] = []
    for origin in exam_origins(length, steps.horizon, recipe["plan"]):
        train, test = dev[steps.target[dev] <= origin], dev[steps.origin[dev] == origin]
        if len(train) and len(test):
            folds.append((train, test))
    if len(folds) < 2 or (horizons and not len(lockbox)):
        raise DataProblem(
            f"{length:,} steps outside the lockbox leave {len(folds)} practice exams with something to learn from and "
            f"a horizon of {steps.horizon} to examine; at least two are needed. Forecast fewer steps, look back less "
            "(data.series), or lock fewer horizons away (split.horizons)."
        )
    return Splits(
        dev, lockbox, folds,
        rho=float(np.mean([table.values(test) / table.values(train) for train, test in folds])),
        ordered=True,
        plan_hash=_hash(table, [part for fold in folds for part in fold]),
        lockbox_hash=_hash(table, [lockbox]) if len(lockbox) else "",
        k=len(folds),
        repeats=1,
        purged=len(table) - len(dev) - len(lockbox),
    )  # fmt: skip


def _latest_origins(table: Table, positions: np.ndarray, wanted: int) -> Fold:
    """(rest, part): a part of about `wanted` rows, those of the latest origins, and of the rest the rows whose answer
    was known at the first of them: no answer is on both sides."""
    steps: Any = table.steps
    origins, counts = np.unique(steps.origin[positions], return_counts=True)
    kept = int(np.searchsorted(np.cumsum(counts[::-1]), wanted)) + 1
    first = origins[max(1, len(origins) - kept)] if len(origins) > 1 else origins[0]
    early = positions[steps.target[positions] <= first]
    return early, positions[steps.origin[positions] >= first]


def _seed(*parts: int) -> int:
    """A seed of its own for every purpose and repeat: never that of a neighbour."""
    return int(np.random.SeedSequence([abs(int(p)) for p in parts]).generate_state(1, np.uint64)[0])


def _hash(table: Table, parts: Sequence[np.ndarray]) -> str:
    """SHA-256 over the row numbers of the file, part by part."""
    total = hashlib.sha256()
    for positions in parts:
        ids = np.sort(table.rows[positions]).astype("<i8")
        total.update(len(ids).to_bytes(8, "little") + ids.tobytes())
    return total.hexdigest()


def split(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Trial: draw the lockbox and the plan of a recipe, and describe them."""
    recipe = params["recipe"]
    table = load(ctx.source(), recipe)
    splits = lockbox_and_plan(table, recipe)
    if table.steps is not None:
        return _described_series(table, splits, recipe)
    counts = np.bincount(table.y[splits.dev], minlength=len(table.labels)) if table.is_classification else None
    held = np.bincount(table.y[splits.lockbox], minlength=len(table.labels)) if table.is_classification else None
    sizes = np.bincount(table.copies)
    at_odds, floor = conflicts(table)
    return {
        "rows": len(table) + table.unlabelled,
        "unlabelled": table.unlabelled,
        "dev": len(splits.dev),
        "lockbox": len(splits.lockbox),
        "purged": splits.purged,
        "lockbox_hash": splits.lockbox_hash,
        "plan_hash": splits.plan_hash,
        "folds": splits.k,
        "repeats": splits.repeats,
        "J": len(splits.folds),
        "rho": splits.rho,
        "n_train": round(float(np.mean([len(train) for train, _ in splits.folds]))),
        "n_test": round(float(np.mean([len(test) for _, test in splits.folds]))),
        "n_test_least": min(len(test) for _, test in splits.folds),
        "rarest": None if counts is None else int(counts.min()),
        "classes": {} if counts is None else dict(zip(table.labels, counts.tolist(), strict=True)),
        "lockbox_classes": {} if held is None else dict(zip(table.labels, held.tolist(), strict=True)),
        "ordered": splits.ordered,
        "groups": None if table.groups is None else len(np.unique(table.groups)),
        "copies": int(sizes[sizes > 1].sum()),
        "copies_grouped": int(sizes[sizes > 1].sum()) if recipe.get("keep_together") else 0,
        **_near_copies(table, recipe),
        "conflicts": at_odds,
        "conflict_floor": floor,
        "bad_lines": table.bad_lines,
        "unparsed": {name: dict(list(found.items())[:20]) for name, found in table.unparsed.items()},
    }


def _near_copies(table: Table, recipe: Mapping[str, Json]) -> dict[str, Json]:
    """Of texts and pictures, how many rows differ from others but hardly; they stay together unless left free."""
    found = near.near_of(table, recipe)
    if found is None:
        return {}
    together = bool(recipe.get("keep_together")) and bool(recipe.get("near", True))
    return {"near": {**near.counts(found, table.copies), "kept_together": together}}


def _described_series(table: Table, splits: Splits, recipe: Mapping[str, Json]) -> dict[str, Json]:
    """As `split` describes it; dev and lockbox count values of the series, n_train and n_test rows.

    tiny: fewer than five exams that do not overlap (split.plan).  too_tiny: fewer than two.
    """
    steps: Any = table.steps
    apart = int(recipe["plan"].get("step") or steps.horizon)
    return {
        "rows": len(table),
        "unlabelled": table.unlabelled,
        "dev": table.values(splits.dev),
        "lockbox": table.values(splits.lockbox),
        "purged": splits.purged,
        "lockbox_hash": splits.lockbox_hash,
        "plan_hash": splits.plan_hash,
        "folds": splits.k,
        "repeats": 1,
        "J": len(splits.folds),
        "rho": splits.rho,
        "n_train": round(float(np.mean([len(train) for train, _ in splits.folds]))),
        "n_test": round(float(np.mean([len(test) for _, test in splits.folds]))),
        "n_test_least": min(len(test) for _, test in splits.folds),
        "rarest": None,
        "classes": {},
        "lockbox_classes": {},
        "ordered": True,
        "groups": None,
        "copies": 0,
        "copies_grouped": 0,
        "conflicts": 0,
        "conflict_floor": None,
        "bad_lines": table.bad_lines,
        "unparsed": {name: dict(list(found.items())[:20]) for name, found in table.unparsed.items()},
        "series": len(steps.names),
        "short": steps.short,
        "step": apart,
        "tiny": len(splits.folds) < ENOUGH_ORIGINS or apart < steps.horizon,
        "too_tiny": len(splits.folds) < 2,
    }


def conflicts(table: Table) -> tuple[int, float | None]:
    """Rows whose inputs also stand with another label, and the share of rows that no model of these inputs can get
    right (`data.target_quality`).  A copy check: it may look at all rows.  Regression: differing targets, no floor."""
    copies = table.copies
    _, target = np.unique(table.y, return_inverse=True)
    pairs, counts = np.unique(np.stack([copies, target]), axis=1, return_counts=True)
    labels = np.bincount(pairs[0])
    rows = int(np.bincount(copies)[labels > 1].sum())
    if not table.is_classification:
        return rows, None
    most = np.zeros(len(labels), dtype=np.int64)
    np.maximum.at(most, pairs[0], counts)
    return rows, 1.0 - float(most.sum()) / len(table)
