"""A champion of few distinct scores against one that orders finely."""

import numpy as np
import pytest

from engine.evaluation.flagged import has_few_scores, positive_scores, recalls


def answers(scores: np.ndarray, folds: int = 2) -> dict[str, np.ndarray]:
    n = len(scores)
    return {"positions": np.arange(n), "fold": np.arange(n) % folds, "scores": np.column_stack([1 - scores, scores])}


def test_few_scores():
    rng = np.random.default_rng(0)
    fold = np.arange(200) % 5
    assert has_few_scores(rng.choice([0.1, 0.4, 0.8], 200), fold)
    assert not has_few_scores(rng.random(200), fold)


def test_recall_at_the_share_that_the_champion_flags():
    y = np.array([1, 1, 1, 1, 0, 0, 0, 0], bool)
    rule = answers(np.array([0.9, 0.9, 0.2, 0.2, 0.9, 0.9, 0.2, 0.2]))  # each exam: 1 of 2 positives in 2 of 4 flagged
    fine = answers(np.linspace(0.4, 0.1, 8))  # finds them all, though it would flag none at 0.5
    champion, challenger = recalls(y, rule, fine, 2)
    assert champion == pytest.approx([0.5, 0.5])
    assert challenger == pytest.approx([1, 1])


def test_the_order_of_answers_does_not_matter():
    rng = np.random.default_rng(1)
    y, a, b = rng.random(40) < 0.4, answers(rng.choice([0.2, 0.7], 40)), answers(rng.random(40))
    mixed = rng.permutation(40)
    shuffled = {name: values[mixed] for name, values in b.items()}
    assert np.array_equal(recalls(y, a, b, 2), recalls(y, a, shuffled, 2))


def test_an_exam_that_is_missing_or_flags_nobody_is_undefined():
    y = np.array([1, 0, 1, 0], bool)
    nobody, some = answers(np.full(4, 0.2)), answers(np.array([0.9, 0.8, 0.1, 0.2]))
    assert np.isnan(recalls(y, nobody, some, 3)).all()
    assert np.isnan(recalls(y, some, some, 3)[0][2])


def test_scores_of_either_shape():
    assert positive_scores({"scores": np.array([[0.3, 0.7]])}) == pytest.approx([0.7])
    assert positive_scores({"scores": np.array([0.7])}) == pytest.approx([0.7])
