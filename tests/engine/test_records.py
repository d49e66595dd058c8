"""Decisions, trials and evidence as data: one spelling, one hash, read back as they were."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.records import GENESIS, Check, Decision, Option, Trial, canonical, digest
from tests.storage.samples import decision

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(plain)
def test_a_value_read_back_has_the_same_spelling_and_hash(value: object) -> None:
    read = json.loads(canonical(value))
    assert canonical(read) == canonical(value)
    assert digest(read) == digest(value)
    assert len(digest(value)) == 64


@given(st.dictionaries(st.text(), plain, max_size=4))
def test_a_trial_is_the_same_to_the_order_of_its_columns_when_it_comes_back_from_a_store(params: dict) -> None:
    """Of two columns that are as good a tree takes the first: another order would be another model under one key."""
    turned = {name: params[name] for name in reversed(params)}
    kept = Trial.from_dict(json.loads(canonical(Trial("fit", params).as_dict())))
    assert Trial("fit", turned) == Trial("fit", params) == kept
    assert json.dumps(Trial("fit", turned).params) == json.dumps(Trial("fit", params).params) == json.dumps(kept.params)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, {"x": [math.nan]}])
def test_what_json_cannot_spell_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(value)


def test_the_order_of_names_does_not_matter_that_of_a_list_does() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest([1, 2]) != digest([2, 1])
    assert digest(1) != digest("1")


@given(plain, st.text(), st.text(), st.lists(st.text(), max_size=2))
def test_a_decision_read_back_is_the_same(choice: object, why: str, subject: str, flags: list[str]) -> None:
    check = Check("roc_auc", 0.8, None, 0.9, details={"rung": "logistic"})
    first = decision(choice=choice, why=why, subject=subject, flags=tuple(flags), check=check).sealed(3, "ab")
    read = Decision.from_dict(json.loads(json.dumps(first.as_dict())))
    assert read.fingerprint() == first.fingerprint() == first.hash
    assert canonical(read.as_dict()) == canonical(first.as_dict())
    assert (read.place, read.name) == (first.place, first.name)


def test_any_change_shows_in_the_hash() -> None:
    sealed = decision().sealed(1, GENESIS)
    for change in ({"why": "other"}, {"choice": "accuracy"}, {"seq": 2}, {"prev_hash": "ab"}, {"flags": ("M04",)}):
        assert replace(sealed, **change).fingerprint() != sealed.hash


def test_fields_that_a_newer_version_added_are_left_out() -> None:
    raw = decision(check=Check("x", 1.0)).as_dict() | {"mood": "good"}
    raw = json.loads(json.dumps(raw))
    raw["options"][0]["colour"] = "red"
    raw["check"]["weather"] = "fair"
    read = Decision.from_dict(raw)
    assert read.options[0] == Option("roc_auc", "ROC AUC")
    assert read.check == Check("x", 1.0)


def test_a_trials_key_is_of_all_that_decides_its_result_and_of_nothing_else() -> None:
    trial = Trial("fit", {"a": 1}, "data", 0, ("k",), "a label")
    assert trial.key == replace(trial, label="another").key
    assert trial == replace(trial, label="another")
    for change in ({"kind": "x"}, {"params": {"a": 2}}, {"data": "d"}, {"seed": 1}, {"uses": ()}):
        assert replace(trial, **change).key != trial.key
    assert Trial.from_dict(json.loads(json.dumps(trial.as_dict()))) == trial
