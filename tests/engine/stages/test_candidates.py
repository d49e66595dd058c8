"""A model with what was measured of it: what is said of one that is made of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.models.catalogue import as_model
from engine.records import Evidence, Json
from engine.stages.ladder import Candidate, asked_by


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
