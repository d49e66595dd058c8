"""What a question is, how an answer to it is read, and how firmly the guide objects to one."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from engine.errors import InvalidAnswer
from engine.metrics import figure
from engine.records import Check, Json, Option


class Form(StrEnum):
    """How a question is answered; the terminal has one widget for each."""

    CHOICE = "choice"  # one option's key
    CHOICES = "choices"  # a list of option keys
    TEXT = "text"  # a sentence
    NUMBER = "number"  # a number, or None where the question allows none
    RULES = "rules"  # [{"when": SQL condition, "then": class or value}, …, {"otherwise": …}]
    COSTS = "costs"  # a table of costs, "unknown" or "equal"
    TABLE = "table"  # {name: value}; where the question has options, each value is one of them


class Level(StrEnum):
    """How firmly the guide objects.  BLOCK cannot be overruled; HOLD can, with a why that passes the why test."""

    NOTE = "note"
    FLAG = "flag"
    HOLD = "hold"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        return list(Level).index(self)


@dataclass(frozen=True)
class Objection:
    """Why an answer is unsound, how firmly, and the review flag (e.g. M27) it leaves when it is given all the same."""

    level: Level
    message: str
    flag: str = ""


@dataclass(frozen=True)
class Judgement:
    """What the guide makes of one possible answer: its objections, and the figure it is checked against."""

    objections: tuple[Objection, ...] = ()
    check: Check | None = None

    @property
    def level(self) -> Level | None:
        return max((o.level for o in self.objections), key=lambda level: level.rank, default=None)

    def at(self, level: Level) -> tuple[Objection, ...]:
        return tuple(o for o in self.objections if o.level is level)


@dataclass(frozen=True)
class Why:
    """One step of *keep asking why*: a question, and its answer with this session's figures put in by `str.format`."""

    question: str
    answer: str
    source: str = ""


@dataclass(frozen=True)
class Question:
    """Something the guide asks.  Declared once, in its stage's tuple; forms, plans, journal and report read it there.

    asks: who must answer in the quick pace: "person" for what only a person can know or must own, "engine" for what
    the recommendation may answer.  options: the fixed ones; those that depend on the data come with the `Ask`.
    default: what is recorded when nobody answers and nothing can be recommended.
    """

    id: str
    prompt: str
    form: Form = Form.CHOICE
    asks: Literal["person", "engine"] = "engine"
    options: tuple[Option, ...] = ()
    default: Json = None
    other: bool = False  # an answer outside the options is taken, as text or as a number
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    whys: tuple[Why, ...] = ()
    why_required: bool = False  # beyond overrules, which always need one
    fact: bool = False  # only a person knows it; what is recommended is a guess, and another answer overrules nothing
    source: str = ""

    @property
    def stage_prefix(self) -> str:
        return self.id.split(".", 1)[0]

    def read(self, raw: Json, options: Sequence[Option] = ()) -> Json:
        """The answer as the journal keeps it.  Raises InvalidAnswer, naming what came and what fits."""
        offered = tuple(options) or self.options
        match self.form:
            case Form.CHOICE:
                return self._one_of(raw, offered)
            case Form.CHOICES:
                return self._several_of(raw, offered)
            case Form.NUMBER:
                return self._number(raw)
            case Form.TEXT:
                if not isinstance(raw, str):
                    raise self._refuse(raw, "a text in quotes")
                return raw.strip()
            case Form.RULES:
                return self._rules(raw)
            case Form.COSTS:
                return self._costs(raw)
            case Form.TABLE:
                if not isinstance(raw, Mapping) or not all(_is_cell(v) or _is_table(v) for v in raw.values()):
                    raise self._refuse(raw, "a table {name = value}")
                return {str(k): self._one_of(v, self.options) if self.options else v for k, v in raw.items()}

    def _one_of(self, raw: Json, offered: Sequence[Option]) -> Json:
        for option in offered:
            if raw == option.key and isinstance(raw, bool) == isinstance(option.key, bool):
                return option.key
        if raw is not None and _is_cell(raw):  # as typed: 1 may mean the label "1", and "Yes" the key "yes"
            typed = str(raw).strip()
            keys = [o.key for o in offered if str(o.key) == typed] or [
                o.key for o in offered if str(o.key).casefold() == typed.casefold()
            ]
            if len(keys) == 1:  # “AGE” fits both “Age” and “age”: then it must be spelled out
                return keys[0]
        if offered and not self.other:
            raise self._refuse(raw, _listed(offered) + _near(raw, offered))
        if not _is_cell(raw):
            raise self._refuse(raw, "one value")
        return raw

    def _several_of(self, raw: Json, offered: Sequence[Option]) -> list[Json]:
        """Each once, in the order in which they are offered, so that equal choices are equal."""
        if isinstance(raw, str):
            whole = raw.strip() in {str(o.key) for o in offered}  # a key may hold a comma
            raw = [raw] if whole else [part.strip() for part in raw.split(",") if part.strip()]
            if not whole and [part.casefold() for part in raw] == ["none"]:
                return []
        if not isinstance(raw, list | tuple):
            raise self._refuse(raw, "a list of " + _listed(offered))
        chosen = [self._one_of(item, offered) for item in raw]
        keys = [o.key for o in offered]
        others = [item for i, item in enumerate(chosen) if item not in keys and item not in chosen[:i]]
        return [key for key in keys if key in chosen] + others

    def _number(self, raw: Json) -> float | None:
        if raw is None or (isinstance(raw, str) and raw.strip().casefold() in ("", "none", "no")):
            if self.default is None:
                return None
            raise self._refuse(raw, self._range())
        try:
            if isinstance(raw, bool):
                raise ValueError
            value = float(raw)
        except (TypeError, ValueError, OverflowError):
            raise self._refuse(raw, self._range()) from None
        if not math.isfinite(value) or not self.low <= value <= self.high:
            raise self._refuse(raw, self._range())
        return int(value) if value.is_integer() and abs(value) < 2**53 else value

    def _rules(self, raw: Json) -> list[dict[str, Json]]:
        shape = 'a list like [{when = "SQL condition", then = "class or value"}, {otherwise = "…"}]'
        if raw is None or (isinstance(raw, str) and raw.strip().casefold() in ("", "none")):
            return []
        if isinstance(raw, str):  # the short form: a condition; what it predicts is the positive class
            return [{"when": raw.strip()}]
        if not isinstance(raw, list | tuple):
            raise self._refuse(raw, shape)
        for i, rule in enumerate(raw):
            keys = set(rule) if isinstance(rule, Mapping) else set()
            last = i == len(raw) - 1
            fits = keys in ({"when", "then"}, {"when"}) or (keys == {"otherwise"} and last)
            if not fits or not isinstance(rule.get("when", ""), str) or not all(map(_is_said, rule.values())):
                raise self._refuse(raw, shape)
        return [dict(rule) for rule in raw]

    def _costs(self, raw: Json) -> Json:
        if isinstance(raw, str) and raw.strip().casefold() in ("unknown", "equal"):
            return raw.strip().casefold()
        shape = '"unknown", "equal" or a table such as {false_positive = 1, false_negative = 5}'
        if not isinstance(raw, Mapping) or not raw:
            raise self._refuse(raw, shape)
        try:
            table = {str(k): float(v) for k, v in raw.items() if not isinstance(v, bool)}
        except (TypeError, ValueError, OverflowError):
            raise self._refuse(raw, shape) from None
        if len(table) != len(raw) or not all(map(math.isfinite, table.values())):
            raise self._refuse(raw, shape)
        return table

    def _range(self) -> str:
        words = "a number"
        if math.isfinite(self.low) and math.isfinite(self.high):
            words += f" from {figure(self.low)} to {figure(self.high)}"
        elif math.isfinite(self.low):
            words += f" of at least {figure(self.low)}"
        elif math.isfinite(self.high):
            words += f" of at most {figure(self.high)}"
        return words + (", or none" if self.default is None else "")

    def _refuse(self, raw: Json, fits: str) -> InvalidAnswer:
        try:
            came = repr(raw)
        except ValueError:  # an integer of thousands of digits, which Python will not write out
            came = "that number"
        came = came if len(came) <= 80 else came[:79] + "…"
        return InvalidAnswer(f"{self.id}: {came} is not offered; it takes {fits}{'' if fits.endswith('?') else '.'}")


def _near(raw: Json, offered: Sequence[Option]) -> str:
    """The option that was probably meant, in words; nothing when none is near."""
    if not isinstance(raw, str):
        return ""
    by_fold = {str(o.key).casefold(): str(o.key) for o in offered}
    near = difflib.get_close_matches(raw.casefold()[:100], list(by_fold), n=1, cutoff=0.7)
    return f"; did you mean {by_fold[near[0]]}?" if near else ""


def _is_table(value: Json) -> bool:
    """Whether it is a table of plain values, such as the dates' formats by column."""
    return isinstance(value, Mapping) and all(map(_is_cell, value.values()))


def _is_cell(value: Json) -> bool:
    """Whether it is one plain value that a journal can keep: NaN and infinity have no spelling there."""
    if isinstance(value, int):
        return abs(value) < 2**63
    return value is None or isinstance(value, str) or (isinstance(value, float) and math.isfinite(value))


def _is_said(value: Json) -> bool:
    return value is not None and _is_cell(value)


def _listed(options: Sequence[Option]) -> str:
    keys = [str(o.key) for o in options]
    if not keys:
        return "values"
    return ", ".join(keys[:12]) + (f", … ({len(keys)} in all)" if len(keys) > 12 else "")


@dataclass(frozen=True)
class Catalogue:
    """Every question that may be asked, by id, in the order of the path."""

    questions: tuple[Question, ...]
    order: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", {q.id: i for i, q in enumerate(self.questions)})
        if len(self.order) != len(self.questions):
            raise ValueError("two questions have the same id")

    def __contains__(self, question_id: str) -> bool:
        return question_id in self.order

    def __getitem__(self, question_id: str) -> Question:
        return self.questions[self.order[question_id]]
