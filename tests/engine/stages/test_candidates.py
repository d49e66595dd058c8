"""A model with what was measured of it: what is said of one that is made of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.metrics import BY_NAME
from engine.models.catalogue import as_model, key_of
from engine.records import Evidence, Json
from engine.stages.ladder import Candidate, asked_by
from engine.stages.simple.climbing import averages


def test_a_blend_is_never_said_to_answer_sooner_than_a_part_of_it() -> None:
    def timed(model: Mapping[str, Json], ms: float, asks: tuple[Candidate, ...] = ()) -> Candidate:
        speed = {"p50_ms": ms / 2, "p95_ms": ms, "p99_ms": 2 * ms, "rows_per_second": 10.0}
        return Candidate(model, Evidence("e", "cross_validate", {}), Evidence("l", "latency", speed), asks=asks)

    slow, fast = timed(as_model("boosting"), 3.0), timed(as_model("ridge"), 0.1)
    what = {"name": "average", "settings": {"of": [dict(slow.model), dict(fast.model)]}}
    assert asked_by(what, (fast, slow, timed(as_model("tree"), 9.0))) == (fast, slow)
    blend = timed(what, 2.0, (fast, slow))  # the machine was idle by then
    assert (blend.p95, blend.timing["p50_ms"], blend.timing["p99_ms"]) == (3.0, 1.5, 6.0)
    assert blend.timing["rows_per_second"] == 10.0
    assert timed(what, 4.0, (fast, slow)).p95 == 4.0
    of_blend = timed({"name": "calibrated", "settings": {"of": [what]}}, 1.0, (blend,))
    assert of_blend.p95 == 3.0, "of a blend, too"
    searched = {"name": "tuned", "settings": {"of": [dict(slow.model)]}}
    assert asked_by(searched, (slow,)) == (), "what a search found may well be faster"
    assert replace(blend, latency=None).p95 is None


def examined(name: str, value: float, stopped: str = "") -> Candidate:
    known = {"value": value, "low": value - 0.1, "high": value + 0.1, "parameters": 3, "fit_seconds": [1.0], "J": 10}
    speed = {"p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0, "rows_per_second": 10.0, "model_bytes": 1_000}
    return Candidate(
        as_model(name), Evidence(name, "cross_validate", known), Evidence("l", "latency", speed), stopped=stopped
    )


def test_what_is_averaged_follows_from_the_race() -> None:
    m = BY_NAME["roc_auc"]
    ran = [
        examined("logistic", 0.8), examined("sparse_logistic", 0.81), examined("tree", 0.9),
        examined("knn", 0.8, "behind"), examined("forest", 0.7), examined("boosting", 0.75),
    ]  # fmt: skip
    (draws, asked), (kinds, parts) = averages(m, ran)
    assert [one["settings"].get("draw", 0) for one in draws["settings"]["of"]] == [0, 1, 2]
    assert draws["settings"]["of"][0] == as_model("boosting"), "whose exams are taken"
    assert asked == (ran[5],) * 3
    assert key_of(kinds) == "average:sparse_logistic+forest+average:3xboosting"
    assert [c.name for c in parts] == ["sparse_logistic", "forest", "boosting", "boosting", "boosting"]
    assert averages(m, [ran[0], ran[2]]) == [], "one kind is no average"
    every = ["logistic", "knn", "svm", "forest", "extra_trees", "boosting"]
    _, (most, _) = averages(m, [examined(name, 0.7 + i / 100) for i, name in enumerate(every)])
    assert [one["name"] for one in most["settings"]["of"]] == ["knn", "svm", "forest", "extra_trees", "average"]


def test_an_average_that_was_not_timed_takes_as_long_as_its_parts_in_turn() -> None:
    parts = (examined("logistic", 0.8), examined("boosting", 0.8))
    whole = Candidate({"name": "average"}, Evidence("e", "cross_validate", {}), asks=parts, summed=True)
    assert whole.timing == {
        "p50_ms": 2.0, "p95_ms": 4.0, "p99_ms": 6.0, "model_bytes": 2_000, "rows_per_second": 5.0,
    }  # fmt: skip
    assert whole.p95 == 4.0
    assert replace(whole, asks=(parts[0], replace(parts[1], latency=None))).p95 is None, "of one nothing is known"
