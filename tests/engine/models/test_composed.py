"""Models made of other models: what they say, what they are stored as, and what their heads learn from."""

import dataclasses
import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest

from engine.data.table import load
from engine.errors import DataProblem, UsageProblem
from engine.evaluation.crossval import cross_validate
from engine.evaluation.latency import latency
from engine.models.catalogue import as_model, key_of, spec_of
from engine.models.composed import Composed, Stack, out_of_fold
from engine.models.final import final
from engine.models.fitting import fit
from engine.models.persist import loads
from engine.models.predict import predict_file
from engine.models.setting import Setting
from tests.engine.tables import Memory, customers, recipe, sales, series_recipe

TWO = {"name": "average", "settings": {"of": [as_model("logistic"), as_model("tree")]}}
NESTED = {"name": "average", "settings": {"of": [TWO, as_model("naive_bayes")]}}


@pytest.fixture
def path(tmp_path):
    return customers(tmp_path / "t.csv", 200, task="binary")


def test_an_average_says_the_mean_of_what_its_parts_say(path):
    told = recipe("binary")
    table = load(path, told)
    train, test = np.arange(120), table.frame.iloc[120:]
    whole = fit(TWO, told, table, train, 3)
    parts = [fit(part, told, table, train, 3) for part in TWO["settings"]["of"]]
    assert np.array_equal(whole.scores(test), (parts[0].scores(test) + parts[1].scores(test)) / 2)
    assert whole.parameters == sum(part.parameters for part in parts)
    one_row = np.vstack([whole.scores(test.iloc[[i]]) for i in range(20)])
    assert np.allclose(one_row, whole.scores(test)[:20], atol=1e-12)
    assert np.array_equal(whole.scores_of_prepared(whole.prepared), whole.scores(table.frame.iloc[train]))


def test_it_is_examined_timed_and_left_like_any_other(path, tmp_path):
    ctx = Memory(path)
    params = {"recipe": recipe("binary"), "model": NESTED}
    exams = cross_validate(params, ctx)
    assert len(exams["scores"]["roc_auc"]) == exams["J"]
    assert exams["failures"] == []
    timed = latency(params, ctx)
    assert timed["parameters"] == exams["parameters"] or abs(timed["parameters"] - exams["parameters"]) < 40
    value = final({**params, "threshold": 0.4}, ctx)
    assert value["artifact"] == final({**params, "threshold": 0.4}, ctx)["artifact"], "the same model is the same bytes"
    artifact = loads(ctx.fetch(value["artifact"]))
    assert isinstance(artifact.fitted, Composed)
    assert isinstance(artifact.fitted.parts[0], Composed)
    table = load(path, recipe("binary"))
    again = fit(NESTED, recipe("binary"), table, np.arange(len(table.y)), ctx.seed)
    assert np.array_equal(artifact.fitted.scores(table.frame), again.scores(table.frame)), "to the bit"
    assert artifact.fitted.spec == again.spec
    assert artifact.fitted.settings == again.settings
    assert predict_file(artifact, path, tmp_path / "out.csv") == 200


def test_a_file_that_lacks_a_part_or_holds_more_is_refused(path):
    ctx = Memory(path)
    content = ctx.fetch(final({"recipe": recipe("binary"), "model": TWO}, ctx)["artifact"])

    def rezipped(without: str = "", more: dict[str, bytes] | None = None):
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
            for name in old.namelist():
                if name != without:
                    new.writestr(name, old.read(name))
            for name, extra in (more or {}).items():
                new.writestr(name, extra)
        return out.getvalue()

    for missing in ("1/estimator.skops", "1/model.json"):
        with pytest.raises(DataProblem, match="parts of it are missing"):
            loads(rezipped(missing))
    with pytest.raises(DataProblem, match=r"it holds '0/run\.py'"):
        loads(rezipped(more={"0/run.py": b""}))
    with pytest.raises(DataProblem, match="it holds"):
        loads(rezipped(more={"../model.json": b"{}"}))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        card = json.loads(archive.read("model.json"))
    assert card["parts"] == 2


def test_names_tiers_and_readability_follow_from_the_parts():
    assert spec_of(TWO).title == "Logistic regression and small tree, average"
    assert spec_of(TWO).tier == "T5"
    assert not spec_of(TWO).readable
    assert key_of(NESTED) == "average:average:logistic+tree+naive_bayes"
    assert spec_of({"name": "average", "settings": {"of": [as_model("ridge"), as_model("net_small")]}}).tier == "T8"
    few = {"name": "average", "settings": {"of": [as_model("ridge")]}}
    with pytest.raises(UsageProblem, match="made of 2 to 5 others"):
        fit(few, recipe("regression"), None, np.arange(2))  # pyright: ignore[reportArgumentType]


def test_draws_of_one_model_stop_by_other_rows_and_are_called_by_their_number(path):
    told = recipe("binary")
    table = load(path, told)
    train, test = np.arange(150), table.frame.iloc[150:]
    trees = as_model("boosting", {"learning_rate": 0.3})
    draws = [trees, *({**trees, "settings": {**trees["settings"], "draw": n}} for n in (1, 2))]
    said = [fit(one, told, table, train, 3).scores(test) for one in draws]
    assert not np.array_equal(said[0], said[1])
    assert not np.array_equal(said[1], said[2])
    as_it_is = fit({**trees, "settings": {**trees["settings"], "draw": 0}}, told, table, train, 3)
    assert np.array_equal(as_it_is.scores(test), said[0])
    whole = {"name": "average", "settings": {"of": draws}}
    assert spec_of(whole).title == "Gradient boosting ×3"
    assert spec_of(whole).tier == "T5"
    assert "draw" not in as_model("boosting")["settings"], "what was recorded before there were draws keeps its keys"
    many = {"name": "average", "settings": {"of": [as_model("logistic"), whole, as_model("forest"), as_model("knn")]}}
    assert spec_of(many).title == "Logistic regression and 3 more, average"
    with pytest.raises(UsageProblem, match="draw is a number"):
        as_model("boosting", {"draw": "__import__('os')"})


@pytest.mark.parametrize("kind", ["random", "group", "time", "origins"])
def test_answers_out_of_fold_come_from_models_that_never_saw_the_row(kind, tmp_path, monkeypatch):
    """Each inner fit is watched: what it learned from, and what it was asked about next, share nothing."""
    if kind == "origins":
        told, path = series_recipe(), sales(tmp_path / "t.csv")
    else:
        path = customers(tmp_path / "t.csv", 200, task="regression")
        told = recipe("regression", split={"kind": kind, "lockbox": 0.2, "seed": 0})
        told |= {"group": "zip"} if kind == "group" else {"time": "since"} if kind == "time" else {}
        told |= {"plan": {"blocks": 4, "seed": 0}} if kind == "time" else {}
    table: Any = load(path, told)
    told |= table.of_rows
    train = np.arange(0, len(table.y) * 2 // 3)
    learned: list[np.ndarray] = []
    from engine.models import composed

    def watched(model, recipe, table, positions, *more, **named):
        learned.append(positions)
        return fit(model, recipe, table, positions, *more, **named)

    monkeypatch.setattr(composed, "fit", watched)
    asked, scores, _ = out_of_fold([as_model("ridge")], told, table, train, 3, 3)
    assert len(asked) == len(learned) >= 2
    assert len(scores[0]) == sum(map(len, asked))
    for mine, test in zip(learned, asked, strict=True):
        assert not np.isin(test, mine).any()
        assert np.isin(mine, train).all()
        assert np.isin(test, train).all()
        if table.groups is not None and kind == "group":
            assert not np.isin(table.groups[test], table.groups[mine]).any()
        if kind == "time":
            assert table.times[mine].max() <= table.times[test].min()
        if kind == "origins":
            assert table.steps.target[mine].max() <= table.steps.origin[test].min()


def test_rows_outside_the_training_part_change_nothing(path):
    told = recipe("binary")
    table = load(path, told)
    train = np.arange(0, 120)
    y = table.y.copy()
    y[120:] = 1 - y[120:]
    poisoned = dataclasses.replace(table, y=y)
    a, b = (fit(TWO, told, t, train, 3).scores(table.frame) for t in (table, poisoned))
    assert np.array_equal(a, b)


def stacked(*names):
    return {"name": "stack", "settings": {"of": [as_model(name) for name in names], "folds": 3, "alpha": 1.0}}


@pytest.mark.parametrize(("task", "names"), [("binary", ("logistic", "tree")), ("multiclass", ("logistic", "tree")),
                                             ("regression", ("ridge", "tree"))])  # fmt: skip
def test_a_stack_learns_from_answers_about_rows_its_parts_had_not_seen(task, names, tmp_path, monkeypatch):
    told = recipe(task)
    path = customers(tmp_path / "t.csv", 200, task=task)
    table = load(path, told)
    train = np.arange(120)
    given: dict[str, Any] = {}
    learn = Stack.learn.__func__  # pyright: ignore[reportFunctionMemberAccess]

    def watched(cls, scores, y, setting):
        given.update(scores=scores, y=y)
        return learn(cls, scores, y, setting)

    monkeypatch.setattr(Stack, "learn", classmethod(watched))
    model = stacked(*names)
    whole = fit(model, told, table, train, 3)
    monkeypatch.undo()
    asked, scores, _ = out_of_fold(model["settings"]["of"], told, table, train, 3, 3)
    assert all(np.array_equal(a, b) for a, b in zip(given["scores"], scores, strict=True))
    assert np.array_equal(given["y"], table.y[np.concatenate(asked)])
    in_sample = [part.scores(table.frame.iloc[np.concatenate(asked)]) for part in whole.parts]  # pyright: ignore
    assert not any(np.allclose(a, b) for a, b in zip(given["scores"], in_sample, strict=True))
    again = Stack.of_state(json.loads(json.dumps(whole.head.state())))  # pyright: ignore
    said = whole.scores(table.frame)
    assert np.array_equal(again.combine([p.scores(table.frame) for p in whole.parts]), said)  # pyright: ignore
    if task != "regression":
        assert np.allclose(said.sum(axis=1), 1)


def test_a_stack_weighs_by_what_is_known_to_be_right():
    """Of two parts one says the truth, with noise, and one says nothing: known weights come out."""
    rng = np.random.default_rng(0)
    x, noise = rng.normal(0, 1, 20_000), rng.normal(0, 1, 20_000)
    numbers = Stack.learn([x, noise], 3 * x + 7 + rng.normal(0, 0.1, 20_000),
                          Setting("regression", {"alpha": 1e-3}, 20_000))  # fmt: skip
    assert numbers.weights[0] == pytest.approx([3, 0], abs=0.01)
    assert numbers.intercepts[0] == pytest.approx(7, abs=0.01)
    p = 1 / (1 + np.exp(-x))
    y = (rng.random(20_000) < 1 / (1 + np.exp(-2 * x))).astype(int)  # twice as sure as the part says
    q = 1 / (1 + np.exp(-noise))
    both = [np.stack([1 - p, p], axis=1), np.stack([1 - q, q], axis=1)]
    classes = Stack.learn(both, y, Setting("binary", {"alpha": 1e-3}, 20_000, labels=("a", "b")))
    assert classes.weights[0] == pytest.approx([2, 0], abs=0.1)
    three = [np.clip(rng.dirichlet([1, 1, 1], 2_000), 1e-3, 1)]
    known = Stack.learn(three, np.arange(2_000) % 2 * 2, Setting("multiclass", {"alpha": 1}, 3, labels=("a", "b", "c")))
    assert (known.combine(three)[:, 1] == 0).all()
    only = Stack.learn(three, np.ones(2_000, int), Setting("multiclass", {"alpha": 1}, 3, labels=("a", "b", "c")))
    assert (only.combine(three)[:, 1] == 1).all()
