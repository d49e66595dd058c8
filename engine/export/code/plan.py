"""What a script is written from, and the pieces it is cut into.

Whatever comes from a session's store, which may be a stranger's, reaches the code as a literal (`value`) or as a
comment (`comment`): the code is run here.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from engine.data.table import Table
from engine.errors import DataProblem
from engine.evaluation.bench import Bench
from engine.export.dossier import Dossier
from engine.export.model.terms import NoForm
from engine.models.catalogue import ModelSpec, model_spec, parts_of_model
from engine.models.knobs import KNOBS
from engine.models.pipeline import PLAIN
from engine.records import Evidence, Json
from engine.stages.deep.training import SEEDS
from engine.words import literal

WIDTH = 116


@dataclass(frozen=True)
class Cell:
    """A piece of the script: what it is for, and its code."""

    title: str
    words: str
    code: str


@dataclass(frozen=True)
class Part:
    """A model of the session, or one that it is made of.

    parts: those that this one is made of.  name: what its function is called in the code; "" for the only one.
    plain: its settings without a search, where one chooses some of them.
    """

    spec: ModelSpec
    settings: Mapping[str, Json]
    parts: tuple[Part, ...] = ()
    name: str = ""
    plain: Mapping[str, Json] = field(default_factory=dict)

    @property
    def leaves(self) -> tuple[Part, ...]:
        """The models at the ends, which learn from columns."""
        return tuple(leaf for part in self.parts for leaf in part.leaves) if self.parts else (self,)


@dataclass(frozen=True)
class Plan:
    """What a script is written from.  table: as the session read it.  recipe: of its rows.  seed: of the trials."""

    d: Dossier
    recipe: Mapping[str, Json]
    model: Mapping[str, Json]
    threshold: float | None
    table: Table
    bench: Bench
    seed: int
    stem: str
    careful: bool = False  # numbers are cut out of what stands around them

    @cached_property
    def whole(self) -> Part:
        """The model as a tree.  Raises NoForm for one that cannot be written as plain code."""
        return _part(self.model, self.recipe["task"], [])

    @cached_property
    def examined(self) -> Evidence | None:
        """The practice exams of this very model, on these very rows and columns: those that its rung stands on; of a
        network that was held to strict proof the mean over several seeds."""
        rungs = self.d.session.rungs
        wanted = {"model": self.model, "plan_hash": self.bench.splits.plan_hash}
        seen = [found for kind in ("seeds", "cross_validate") for found in self.d.of_kind(kind)]
        for found in reversed(seen):
            of_these = all(found.value.get(key) == value for key, value in wanted.items())
            if of_these and rungs and found.value.get("value") == rungs[-1].value:
                return found
        return None

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those that each practice exam was taken with; their mean is what counts."""
        many = self.examined.value.get("seeds") if self.examined is not None else None
        return SEEDS[:many] if isinstance(many, int) and many > 1 else (self.seed,)

    @property
    def classifies(self) -> bool:
        return bool(self.table.labels)

    @property
    def prepare(self) -> dict[str, Any]:
        """How columns are prepared, with what holds where nothing was said."""
        given = self.recipe.get("prepare") or {}
        return {**given, **{key: {**PLAIN[key], **given.get(key, {})} for key in PLAIN}}

    @property
    def forecasts(self) -> bool:
        return self.recipe["task"] == "forecast"

    @property
    def file_recipe(self) -> Mapping[str, Json]:
        """What columns of the file are; of a series those beside the time, the name and the values."""
        if not self.forecasts:
            return self.recipe
        said = self.recipe["series"]
        others = (self.recipe["target"], said.get("time"), said.get("id"))
        wide = (said.get("shape") or "long") != "long"  # what it names are the series themselves
        types = {name: kind for name, kind in self.recipe["inputs"].items() if name not in others and not wide}
        return {**self.recipe, "types": types}

    @property
    def weighs(self) -> bool:
        """Whether classes count alike."""
        return self.classifies and (self.recipe.get("prepare") or {}).get("weights") == "balanced"

    @property
    def logs(self) -> bool:
        """Whether the logarithm of the target is learned."""
        return self.recipe["task"] == "regression" and (self.recipe.get("prepare") or {}).get("target") == "log1p"

    def why(self, question: str, subject: str = "") -> str:
        decision = self.d.session.decision(question, subject)
        return "" if decision is None else literal(decision.why or decision.reason)


def _part(model: Mapping[str, Json], task: str, taken: list[str], inside: bool = False) -> Part:
    spec = model_spec(str(model["name"]), task)
    settings = spec.with_defaults(model.get("settings"))
    given = parts_of_model(model)
    if spec.name == "tuned" and settings["found"] is not None:
        (one,) = given
        known = {"name": one["name"], "settings": {**(one.get("settings") or {}), **settings["found"]}}
        return _part(known, task, taken, inside)
    name = ""
    if inside:
        name = spec.name if spec.name not in taken else f"{spec.name}_{sum(t.startswith(spec.name) for t in taken) + 1}"
        taken.append(name)
    parts = tuple(_part(one, task, taken, True) for one in given)
    if spec.name == "tuned":
        parts = tuple(_searched(part) for part in parts)
    return Part(spec, settings, parts, name)


class _Chosen:
    """A setting that the code itself chooses: an expression in place of a literal."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"chosen[{self.name!r}]"


def _searched(part: Part) -> Part:
    """Its knobs as what a search chooses.  Raises NoForm for a model without any."""
    if part.parts or part.spec.name not in KNOBS:
        raise NoForm(f"Settings of {part.spec.title} searched in every training part do not leave as plain code.")
    chosen = {knob.name: _Chosen(knob.name) for knob in KNOBS[part.spec.name]}
    return replace(part, settings={**part.settings, **chosen}, plain=part.settings)


def value(given: Any) -> str:
    """A literal, over several lines where it is long."""
    if isinstance(given, Mapping) and len(repr(given)) > 80:
        return "{\n" + "".join(f"    {key!r}: {item!r},\n" for key, item in given.items()) + "}"
    if isinstance(given, list) and len(repr(given)) > 100:
        lines, line = [], "   "
        for item in given:
            if len(line) + len(repr(item)) > WIDTH - 2 and line.strip():
                lines, line = [*lines, line], "   "
            line += f" {item!r},"
        return "[\n" + "\n".join([*lines, line]) + "\n]"
    return repr(given)


def comment(*lines: str, indent: str = "") -> str:
    """Lines of comment; "" for none."""
    found: list[str] = []
    for line in lines:
        found += textwrap.wrap(literal(line), WIDTH - len(indent), break_long_words=False) if line else []
    return "".join(f"{indent}# {line}\n" for line in found)


def not_code(problem: Exception) -> DataProblem:
    """What is said where a literal of the session makes no code."""
    return DataProblem(f"A setting of this session cannot be written as code ({problem.args[0]}); take --to model.")
