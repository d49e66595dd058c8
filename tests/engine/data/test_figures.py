"""Figures of distinct values and their counts are those of all values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.figures import BINS, histogram, moments, outliers, rare_levels

VALUES = st.lists(
    st.one_of(st.integers(-5, 30).map(float), st.floats(-1e6, 1e6), st.sampled_from((1e308, -1e308, 0.0, 1e-320))),
    min_size=1,
    max_size=60,
)


def weighed(x) -> tuple[np.ndarray, np.ndarray]:
    return np.unique(np.asarray(x, dtype=float) + 0.0, return_counts=True)


def test_moments_are_those_of_all_values():
    x = np.round(np.random.default_rng(0).gamma(2, 10, 500), 0)
    x[0] = 400
    found, d = moments(*weighed(x)), x - x.mean()
    assert found["mean"] == pytest.approx(x.mean())
    assert found["sd"] == pytest.approx(x.std(ddof=1))
    assert found["skew"] == pytest.approx((d**3).mean() / (d**2).mean() ** 1.5)
    assert [found[k] for k in ("min", "q1", "median", "q3", "max")] == pytest.approx(
        np.percentile(x, [0, 25, 50, 75, 100])
    )
    assert found["beyond_5sd"] == (np.abs(d) > 5 * x.std()).mean() == 1 / 500
    assert moments(np.array([]), np.array([], dtype=int)) == {}


def test_outliers_lie_beyond_three_quartile_ranges():
    x = np.concatenate([np.arange(1, 101), [400, 500, -300]])
    found = outliers(*weighed(x))
    q1, q3 = np.percentile(x, [25, 75])
    assert found == {"count": 3, "share": 3 / 103, "low": q1 - 3 * (q3 - q1), "high": q3 + 3 * (q3 - q1)}
    assert outliers(*weighed([0] * 80 + [1, 2, 300])) is None  # most are one value
    assert outliers(np.array([]), np.array([], dtype=int)) is None


@settings(max_examples=300, deadline=None)
@given(values=VALUES)
def test_a_histogram_holds_every_value_once(values):
    x = np.asarray(values) + 0.0
    found = histogram(*weighed(x))
    assert found is not None
    edges, counts = np.asarray(found["edges"]), np.asarray(found["counts"])
    assert counts.sum() == len(x)
    assert 1 <= len(counts) <= BINS + 1
    assert len(edges) == len(counts) + 1
    assert (edges[1:] > edges[:-1]).all()
    if len(counts) > 1:
        np.testing.assert_array_equal(counts, np.histogram(np.clip(x, edges[0], edges[-1]), bins=edges)[0])


def test_few_whole_numbers_have_a_bin_each_and_far_values_go_to_the_ends():
    assert histogram(*weighed([1, 1, 2, 4])) == {"edges": [0.5, 1.5, 2.5, 3.5, 4.5], "counts": [2, 1, 0, 1]}
    x = np.append(np.linspace(0, 1, 101), 1000)
    found = histogram(*weighed(x))
    assert found is not None
    assert found["edges"][-1] == pytest.approx(np.percentile(x, 75) + 3 * np.ptp(np.percentile(x, [25, 75])))
    assert found["counts"][-1] == 1
    assert histogram(*weighed([7.5, 7.5])) == {"edges": [7.5, 8.5], "counts": [2]}
    assert histogram(np.array([]), np.array([], dtype=int)) is None


def test_rare_levels():
    assert rare_levels(np.array([50, 9, 10, 1])) == {"rare": 2, "rare_rows": 10}
