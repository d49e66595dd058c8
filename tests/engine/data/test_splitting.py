"""Lockbox and practice exams: nothing stands on both sides, everything is covered, time and seeds are kept."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.shares import assign
from engine.data.splitting import Splits, conflicts, inner_split, lockbox_and_plan
from engine.data.splitting import split as split_trial
from engine.data.table import Table
from engine.errors import DataProblem


def table(
    n: int, seed: int = 0, classes: int = 2, distinct: int | None = None, groups: int | None = None,
    times: int | None = None,
) -> Table:  # fmt: skip
    """n made-up rows; `distinct` different inputs, `groups` entities, `times` different times."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, distinct, n) if distinct else np.arange(n)
    y = (
        rng.choice(classes, n, p=np.arange(1, classes + 1) / sum(range(1, classes + 1)))
        if classes
        else rng.normal(size=n)
    )
    if classes:
        y[: 2 * classes] = np.tile(np.arange(classes), 2)
    return Table(
        pd.DataFrame({"x": x.astype(float)}), y, [str(c) for c in range(classes)], np.arange(n) * 2,
        rng.integers(0, groups, n) if groups else None, rng.integers(0, times, n).astype(float) if times else None,
    )  # fmt: skip


def recipe(kind: str = "stratified", lockbox: float = 0.2, seed: int = 0, together: bool = True, **plan) -> dict:
    return {
        "split": {"kind": kind, "lockbox": lockbox, "seed": seed}, "keep_together": together,
        "plan": {"folds": 5, "repeats": 2, "seed": 0, "blocks": 8, **plan},
    }  # fmt: skip


def check(t: Table, splits: Splits) -> None:
    """What holds for every plan."""
    n = len(t)
    assert not set(splits.dev) & set(splits.lockbox)
    assert len(splits.dev) + len(splits.lockbox) + splits.purged == n
    for train, test in splits.folds:
        assert len(train)
        assert len(test)
        assert (np.diff(train) > 0).all()
        assert (np.diff(test) > 0).all()
        assert not set(train) & set(test)
        assert set(train) | set(test) <= set(splits.dev)
    if not splits.ordered:
        for repeat in range(splits.repeats):
            tests = np.concatenate([test for _, test in splits.folds[repeat * splits.k : (repeat + 1) * splits.k]])
            assert sorted(tests) == list(splits.dev)  # each repeat examines every row once
    assert splits.rho == pytest.approx(np.mean([len(b) / len(a) for a, b in splits.folds]))


def sides(t: Table, splits: Splits) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(splits.dev, splits.lockbox), *splits.folds]


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(60, 300), seed=st.integers(0, 9), classes=st.sampled_from([0, 2, 3]),
    distinct=st.sampled_from([None, 30, 150]), share=st.sampled_from([0.0, 0.1, 0.2, 0.3]),
)  # fmt: skip
def test_shuffled_plans_are_disjoint_covering_and_part_no_copies(n, seed, classes, distinct, share):
    t = table(n, seed, classes, distinct)
    splits = lockbox_and_plan(t, recipe("stratified", share, seed))
    check(t, splits)
    for a, b in sides(t, splits):
        assert not set(t.copies[a]) & set(t.copies[b])
    again = lockbox_and_plan(t, recipe("stratified", share, seed))
    assert (again.plan_hash, again.lockbox_hash) == (splits.plan_hash, splits.lockbox_hash)
    assert (splits.lockbox_hash == "") == (share == 0)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(80, 300), seed=st.integers(0, 9), classes=st.sampled_from([0, 2, 3]), groups=st.integers(10, 40),
    distinct=st.sampled_from([None, 100]),
)  # fmt: skip
def test_groups_never_straddle_and_neither_do_copies(n, seed, classes, groups, distinct):
    t = table(n, seed, classes, distinct, groups)
    assert t.groups is not None
    try:
        splits = lockbox_and_plan(t, recipe("group", seed=seed))
    except DataProblem:  # copies may link all groups to one
        assert distinct
        return
    check(t, splits)
    for a, b in sides(t, splits):
        assert not set(t.groups[a]) & set(t.groups[b])
        assert not set(t.copies[a]) & set(t.copies[b])


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(60, 300), seed=st.integers(0, 9), times=st.sampled_from([12, 50, 100_000]),
    distinct=st.sampled_from([None, 100]), blocks=st.integers(2, 8),
)  # fmt: skip
def test_time_order_is_respected(n, seed, times, distinct, blocks):
    t = table(n, seed, 2, distinct, times=times)
    assert t.times is not None
    splits = lockbox_and_plan(t, recipe("time", seed=seed, blocks=blocks))
    assert splits.ordered
    check(t, splits)
    for a, b in sides(t, splits):
        assert t.times[a].max() <= t.times[b].min()
        assert not set(t.copies[a]) & set(t.copies[b])
    later = [test for _, test in splits.folds]
    assert all(t.times[a].max() <= t.times[b].min() for a, b in pairwise(later))
    if times == 100_000:
        assert len(splits.folds) == blocks
        assert len(np.concatenate(later)) == pytest.approx(len(splits.dev) / 2, abs=8)


def test_a_gap_keeps_the_last_rows_before_a_block_out():
    t = Table(
        pd.DataFrame({"x": np.arange(200.0)}), np.tile([0, 1], 100), ["a", "b"], np.arange(200), None, np.arange(200.0)
    )
    for train, test in lockbox_and_plan(t, recipe("time", gap=10)).folds:
        assert test.min() - train.max() == 10


@settings(max_examples=60, deadline=None)
@given(
    y=st.lists(st.integers(0, 3), min_size=5, max_size=300), k=st.integers(2, 10), seed=st.integers(0, 99),
)  # fmt: skip
def test_stratification_is_within_one_row(y, k, seed):
    codes = np.array(y)
    part = assign(codes, None, np.full(k, 1 / k), np.random.default_rng(seed))
    for c in np.unique(codes):
        counts = np.bincount(part[codes == c], minlength=k)
        assert counts.max() - counts.min() <= 1
    totals = np.bincount(part, minlength=k)
    assert totals.max() - totals.min() <= 1


def test_lockbox_is_stratified_within_one_row_also_with_copies():
    for distinct in (None, 700):
        t = table(1000, 3, 3, distinct)
        splits = lockbox_and_plan(t, recipe())
        share = np.bincount(t.y[splits.lockbox]) / np.bincount(t.y)
        assert np.abs(share * np.bincount(t.y) - 0.2 * np.bincount(t.y)).max() <= 1


def test_folds_of_groups_are_even_in_rows_and_classes():
    t = table(2000, 1, 2, groups=150)
    for _, test in lockbox_and_plan(t, recipe("group")).folds:
        assert len(test) == pytest.approx(320, rel=0.1)
        assert t.y[test].mean() == pytest.approx(t.y.mean(), abs=0.03)


def test_repeats_seeds_and_rows_make_different_plans():
    t = table(300)
    splits = lockbox_and_plan(t, recipe())
    assert not np.array_equal(splits.folds[0][1], splits.folds[5][1])
    assert lockbox_and_plan(t, recipe(seed=1)).lockbox_hash != splits.lockbox_hash
    fresh = lockbox_and_plan(t, {**recipe(), "plan": {"folds": 5, "repeats": 2, "seed": 1}})
    assert fresh.lockbox_hash == splits.lockbox_hash  # new exams, the same lockbox
    assert fresh.plan_hash != splits.plan_hash
    grouped = lockbox_and_plan(table(300, groups=30), recipe("group"))
    assert len({test.tobytes() for _, test in grouped.folds}) == 10


def test_fewer_folds_when_a_class_is_rare_or_groups_are_few():
    y = np.zeros(400, dtype=np.int64)
    y[:40] = 1
    rare = Table(pd.DataFrame({"x": np.arange(400.0)}), y, ["a", "b"], np.arange(400))
    assert lockbox_and_plan(rare, recipe()).k == 3  # 32 rare rows outside the lockbox: 10 for each fold
    few = lockbox_and_plan(table(200, classes=0, groups=4), recipe("group", 0.0))
    assert (few.k, few.repeats, len(few.folds)) == (4, 1, 4)


def test_what_cannot_be_split_is_said():
    with pytest.raises(DataProblem, match="needs the column that names the group"):
        lockbox_and_plan(table(50), recipe("group"))
    with pytest.raises(DataProblem, match="needs the column that orders"):
        lockbox_and_plan(table(50), recipe("time"))
    with pytest.raises(DataProblem, match="no split called 'magic'"):
        lockbox_and_plan(table(50), recipe("magic"))
    with pytest.raises(DataProblem, match="link 100% of the rows"):
        lockbox_and_plan(table(50, groups=1), recipe("group", 0.0))
    with pytest.raises(DataProblem, match="cannot be cut into a lockbox"):
        lockbox_and_plan(table(50, groups=1), recipe("group"))
    with pytest.raises(DataProblem, match="share of the rows between 0 and 1"):
        lockbox_and_plan(table(50), recipe(lockbox=20))


@settings(max_examples=30, deadline=None)
@given(kind=st.sampled_from(["stratified", "random", "group", "time"]), seed=st.integers(0, 20))
def test_inner_split_is_of_the_plans_kind(kind, seed):
    t = table(700, seed, 2, None if kind == "group" else 500, groups=60, times=1000)  # copies would link all groups
    assert t.groups is not None
    assert t.times is not None
    positions = lockbox_and_plan(t, recipe(kind)).folds[0][0]
    train, validation = inner_split(t, positions, recipe(kind), 0.1, seed)
    assert set(train) | set(validation) <= set(positions)
    assert not set(train) & set(validation)
    assert len(validation) >= (50 if kind in ("stratified", "random") else 45)
    assert not set(t.copies[train]) & set(t.copies[validation])
    if kind == "group":
        assert not set(t.groups[train]) & set(t.groups[validation])
    if kind == "time":
        assert t.times[train].max() <= t.times[validation].min()
    assert np.array_equal(inner_split(t, positions, recipe(kind), 0.1, seed)[1], validation)


def test_conflicts_and_their_floor():
    t = Table(pd.DataFrame({"x": [1.0, 1, 1, 2, 2, 3]}), np.array([0, 0, 1, 1, 1, 0]), ["a", "b"], np.arange(6))
    assert conflicts(t) == (3, pytest.approx(1 / 6))


class Here:
    """The context of a trial on one file."""

    data, seed = "", 0

    def __init__(self, path):
        self.path = path

    def source(self):
        return self.path

    def report(self, progress):
        pass


def test_split_trial_on_titanic_keeps_its_copies_together(shared_data):
    types = {"pclass": "category", "sex": "yes_no", "age": "number", "sibsp": "number", "fare": "number"}
    whole = {**recipe(folds=10, repeats=5), "target": "survived", "task": "binary", "positive": "1", "types": types}
    found = split_trial({"recipe": whole}, Here(shared_data / "titanic" / "train.csv"))
    assert found["rows"] == 668
    assert found["lockbox"] == pytest.approx(134, abs=2)
    assert found["dev"] + found["lockbox"] == 668
    assert (found["folds"], found["repeats"], found["J"]) == (10, 5, 50)
    assert found["copies_grouped"] > 70
    assert found["conflicts"] > 0
    assert sum(found["classes"].values()) == found["dev"]
    assert found["rarest"] == found["classes"]["1"]
    assert len(found["plan_hash"]) == 64
