"""Performing one trial: what comes back, what it cost, what happens when it cannot be done."""

from pathlib import Path

import pytest

from engine.errors import Cancelled, DataProblem
from engine.records import Progress, Trial
from engine.runners.again import FreshArtifacts, FreshEvidence, compare
from engine.runners.context import Workplace
from engine.runners.environment import environment, environment_key
from engine.runners.inline import perform
from tests.engine.runners.kinds import KINDS


class NoFiles:
    def path(self, fingerprint: str) -> Path:
        raise DataProblem("no data here")


class NoBytes:
    def keep(self, content: bytes, media_type: str) -> str:
        raise AssertionError

    def fetch(self, digest: str) -> bytes:
        raise AssertionError


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(FreshEvidence(), FreshArtifacts(NoBytes()), NoFiles(), tmp_path / "logs")


def test_evidence_carries_value_cost_and_environment(place: Workplace) -> None:
    trial = Trial("double", {"n": 21}, seed=4)
    evidence = perform(trial, place, kinds=KINDS)
    assert evidence.ok
    assert (evidence.key, evidence.kind, evidence.value) == (trial.key, "double", {"value": 42, "seed": 4})
    assert evidence.environment == environment_key()
    assert evidence.device == "cpu"
    assert evidence.seconds >= 0
    assert evidence.peak_memory_mb > 1


def test_memory_is_the_peak_of_this_trial_not_of_those_before(place: Workplace) -> None:
    large = perform(Trial("memory", {"mb": 200}), place, kinds=KINDS)
    small = perform(Trial("double", {"n": 1}), place, kinds=KINDS)
    assert large.peak_memory_mb > small.peak_memory_mb + 150


def test_earlier_evidence_and_kept_bytes_can_be_read(place: Workplace) -> None:
    first = perform(Trial("double", {"n": 2}), place, kinds=KINDS)
    place.evidence.put(first)
    evidence = perform(Trial("reads", uses=(first.key,)), place, kinds=KINDS)
    assert evidence.value == {"before": 4, "again": "bytes"}


def test_a_failure_is_one_visible_sentence_and_a_log(place: Workplace) -> None:
    evidence = perform(Trial("breaks", label="odd \x1b model"), place, kinds=KINDS)
    assert not evidence.ok
    assert evidence.value == {}
    assert "\x1b" not in evidence.error
    assert "\n" not in evidence.error
    assert evidence.error.startswith("odd ␛ model could not be computed: ValueError: ␛[31mthe column␊has no values")
    assert len(evidence.error) < 500
    assert place.logs is not None
    (log,) = place.logs.iterdir()
    assert log.name in evidence.error
    assert "Traceback" in log.read_text()


def test_no_memory_is_said_in_plain_words(place: Workplace) -> None:
    evidence = perform(Trial("breaks", {"how": "memory"}), place, kinds=KINDS)
    assert "not enough memory" in evidence.error


def test_a_problem_with_the_data_is_no_evidence(place: Workplace) -> None:
    with pytest.raises(DataProblem, match="put it back"):
        perform(Trial("breaks", {"how": "data"}), place, kinds=KINDS)


def test_a_figure_that_is_none_fails_here_and_not_in_the_store(place: Workplace) -> None:
    assert "could not be computed" in perform(Trial("infinite"), place, kinds=KINDS).error


def test_a_kind_of_a_newer_version_is_said(place: Workplace) -> None:
    with pytest.raises(DataProblem, match="cannot compute 'teleport'"):
        perform(Trial("teleport"), place, kinds=KINDS)


def test_progress_is_told_and_cancelling_stops_at_the_next_report(place: Workplace) -> None:
    told: list[Progress] = []
    perform(Trial("steps", {"steps": 3, "pause": 0.0}), place, told=told.append, kinds=KINDS)
    assert [p.step for p in told] == [1, 2, 3]
    with pytest.raises(Cancelled):
        perform(Trial("steps", {"steps": 100, "pause": 0.06}), place, stopped=lambda: True, kinds=KINDS)


def test_the_environment_names_versions_without_importing_them() -> None:
    assert environment()["versions"]["scikit-learn"]
    assert environment()["cpus"] >= 1


def test_computing_again_tells_reproduced_from_drifted(place: Workplace) -> None:
    trial = Trial("double", {"n": 3})
    first = perform(trial, place, kinds=KINDS)
    assert compare(trial, first, perform(trial, place, kinds=KINDS)).outcome == "reproduced"
    other = perform(Trial("double", {"n": 4}), place, kinds=KINDS)
    drifted = compare(trial, first, other)
    assert drifted.outcome == "drifted"
    assert (drifted.differences[0].where, drifted.differences[0].recorded) == ("value", 6)
    assert compare(trial, None, first).outcome == "new"
