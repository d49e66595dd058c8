"""The likely cause of a figure that came out otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.records import Evidence, Trial
from engine.runners.causes import likely_cause

NOW = {"rungwise": "0.2", "python": "3.11.9", "platform": "Linux x86_64", "cpus": 2, "threads": {},
       "versions": {"numpy": "2.1.0", "scikit-learn": "1.9.1"}}  # fmt: skip
TRIAL = Trial("cross_validate", {}, "f", uses=("before",))
OLD = Evidence(TRIAL.key, "cross_validate", {"value": 0.8})
NEW = replace(OLD, value={"value": 0.7})


def cause(then=None, old=OLD, new=NEW, drifted=()):
    return likely_cause(TRIAL, old, new, NOW if then is None else NOW | then, NOW, drifted)


@pytest.mark.parametrize(
    ("then", "says"),
    [
        ({"versions": {"numpy": "2.1.0", "scikit-learn": "1.9.0"}}, "scikit-learn 1.9.0 → 1.9.1"),
        ({"versions": {"numpy": "2.1.0"}}, "scikit-learn none → 1.9.1"),
        ({"rungwise": "0.1", "python": "3.11.2"}, "rungwise 0.1 → 0.2; python 3.11.2 → 3.11.9"),
        ({"threads": {"OMP_NUM_THREADS": "4"}, "cpus": 8}, "OMP_NUM_THREADS 4 → none; cpus 8 → 2"),
        ({"platform": "Darwin arm64"}, "platform Darwin arm64 → Linux x86_64"),
        ({}, "nothing that is recorded differs"),
    ],
)
def test_what_differs_between_then_and_now_is_named(then, says):
    assert cause(then).startswith(says)


def test_the_nearest_cause_goes_first():
    assert cause(drifted=("before",)) == "it rests on figures that came out otherwise themselves"
    assert cause(new=replace(NEW, error="No memory.")) == "it could not be computed: No memory."
    assert cause(old=replace(OLD, error="No memory.")) == "it could not be computed when this was recorded"
    assert cause({"python": "3.12"}, new=replace(NEW, device="cuda")) == "device cpu → cuda; python 3.12 → 3.11.9"
    assert likely_cause(TRIAL, OLD, NEW, None, NOW, ()) == "the environment of then was not kept"


def test_a_final_exam_of_another_number_of_exams_is_told_before_threads():
    new = replace(NEW, value={"value": 0.7, "final_exams": {"taken": 10, "drawn": 50}})
    says = "it took 50 exams then and takes 10 now: "
    assert cause({"threads": {"OMP_NUM_THREADS": "4"}}, new=new).startswith(says), "what says no number took them all"
    old = replace(OLD, value={"value": 0.8, "final_exams": {"taken": 20, "drawn": 50}})
    assert cause(old=old, new=new).startswith("it took 20 exams then")
    same = replace(new, value=new.value | {"final_exams": {"taken": 50, "drawn": 50}})
    assert cause({"threads": {"OMP_NUM_THREADS": "4"}}, new=same) == "OMP_NUM_THREADS 4 → none"


def test_a_long_list_is_cut():
    many = {"versions": {f"package{n}": "1" for n in range(9)}}
    assert cause(many).endswith("; and 7 more")
