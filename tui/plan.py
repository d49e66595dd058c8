"""Plan files: answers and whys in TOML, checked against the catalogue before anything is computed."""

from __future__ import annotations

import datetime as dt
import difflib
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.data.address import path_of
from engine.errors import InvalidAnswer, UsageProblem
from engine.questions import Catalogue
from engine.records import Json
from engine.words import short

TARGET = "problem.target"
NAMED = "Named on the command line (--target) as the column that this run is to learn."
SKIP_DEEP = ("deep.enter", "skip")
LEFT_OUT = "This run was told beforehand to end with simple models (skip-deep), to save computing time."

Where = Callable[[str], str]  # a key to the words that say where it stands, e.g. "plan.toml, line 7: "


@dataclass(frozen=True)
class Plan:
    """What a headless run answers with.  answers, whys: by question id, or by `id:subject`."""

    data: Path | None = None
    name: str = ""
    answers: Mapping[str, Json] = field(default_factory=dict)
    whys: Mapping[str, str] = field(default_factory=dict)
    stop_after: str = ""
    where: Where = field(default=lambda key: "", compare=False)

    def joined(self, more: Plan) -> Plan:
        """This plan with what the command line says besides; the command line wins."""

        def where(key: str) -> str:
            return more.where(key) if key in more.answers or key in more.whys else self.where(key)

        return Plan(
            data=more.data or self.data,
            name=more.name or self.name,
            answers={**self.answers, **more.answers},
            whys={**self.whys, **more.whys},
            stop_after=more.stop_after or self.stop_after,
            where=where,
        )


def read_plan(path: Path, catalogue: Catalogue) -> Plan:
    """The plan in a file.  Raises UsageProblem: file, line, what is wrong and what fits."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageProblem(f"There is no plan file {short(path)}.") from None
    except IsADirectoryError:
        raise UsageProblem(f"{short(path)} is a folder; name the plan file in it.") from None
    except OSError as problem:
        raise UsageProblem(f"The plan {short(path)} cannot be read: {problem.strerror}.") from None
    except UnicodeDecodeError as problem:
        raise UsageProblem(
            f"The plan {short(path)} is not UTF-8 text (byte {problem.start}); save it as UTF-8."
        ) from None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise UsageProblem(f"The plan {short(path)} is not TOML: {short(problem)}.") from None

    def where(key: str) -> str:
        line = line_of(text, key) or (line_of(text, "target") if key == TARGET else None)
        return f"{short(path)}, line {line}: " if line else f"{short(path)}: "

    return _plan_of(raw, path, catalogue, where)


def _plan_of(raw: dict[str, Json], path: Path, catalogue: Catalogue, where: Where) -> Plan:
    known = ("data", "name", "target", "stop_after", "skip_deep", "answers", "whys")
    problems = [f"{where(key)}{_unknown(key, known, 'entry of a plan')}" for key in raw if key not in known]
    for key in ("data", "name", "target", "stop_after"):
        if not isinstance(raw.get(key, ""), str):
            problems.append(f"{where(key)}{key} takes a text in quotes.")
    if not isinstance(raw.get("skip_deep", False), bool):
        problems.append(f"{where('skip_deep')}skip_deep takes true or false.")
    for key in ("answers", "whys"):
        if not isinstance(raw.get(key, {}), dict):
            problems.append(f"{where(key)}[{key}] takes a table: question id = value.")
    if problems:
        raise UsageProblem("\n".join(problems))
    answers = dict(flat(raw.get("answers", {})))
    whys = dict(flat(raw.get("whys", {})))
    if "target" in raw:
        answers.setdefault(TARGET, raw["target"])
        whys.setdefault(TARGET, "Named in the plan's first lines as the column that this run is to learn.")
    if raw.get("skip_deep"):
        answers.setdefault(*SKIP_DEEP)
        whys.setdefault(SKIP_DEEP[0], LEFT_OUT)
    data = path.parent / path_of(raw["data"]) if raw.get("data") else None
    plan = Plan(data, raw.get("name", ""), answers, whys, raw.get("stop_after", ""), where)
    return checked(plan, catalogue)


def from_command_line(
    catalogue: Catalogue,
    *,
    data: Path | None = None,
    name: str = "",
    target: str = "",
    answers: Iterable[str] = (),
    whys: Iterable[str] = (),
    stop_after: str = "",
    skip_deep: bool = False,
) -> Plan:
    """The plan that the options of `run` make; each answer and why is `ID=VALUE`.  Raises UsageProblem."""
    given = {key: value_of(text) for key, text in (_pair(item, "--answer") for item in answers)}
    said = dict(_pair(item, "--why") for item in whys)
    if target:
        given[TARGET] = target
        said.setdefault(TARGET, NAMED)
    if skip_deep:
        given.setdefault(*SKIP_DEEP)
        said.setdefault(SKIP_DEEP[0], LEFT_OUT)

    def where(key: str) -> str:
        if key == TARGET and target:
            return "--target: "
        return "--answer " if key in given else "--why "

    return checked(Plan(data, name, given, said, stop_after, where), catalogue)


def checked(plan: Plan, catalogue: Catalogue) -> Plan:
    """The plan with its answers as the journal keeps them.  Raises UsageProblem with every answer that cannot be.

    What depends on the data (a column, a label) is checked when it is asked.
    """
    ids = tuple(catalogue.order)
    problems = []
    answers: dict[str, Json] = {}
    for key, value in plan.answers.items():
        question_id = key.partition(":")[0]
        if question_id not in catalogue:
            problems.append(f"{plan.where(key)}{_unknown(question_id, ids, 'question')}")
            continue
        try:
            catalogue[question_id].read(value)
            answers[key] = _json(value, question_id)
        except InvalidAnswer as problem:
            problems.append(f"{plan.where(key)}{short(problem, 400)}")
    for key, why in plan.whys.items():
        question_id = key.partition(":")[0]
        if question_id not in catalogue:
            problems.append(f"{plan.where(key)}{_unknown(question_id, ids, 'question')}")
        elif not isinstance(why, str):
            problems.append(f"{plan.where(key)}the why of {short(key, 60)} takes a text in quotes.")
    if problems:
        raise UsageProblem("\n".join(problems))
    return Plan(plan.data, plan.name, answers, plan.whys, plan.stop_after, plan.where)


def value_of(text: str) -> Json:
    """A value typed on the command line: as TOML where it is TOML, else the text itself."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if set(parsed) == {"value"} else text


def flat(answers: Mapping[str, Json]) -> Iterable[tuple[str, Json]]:
    """Keys as question ids: `"data.leaks:alive" = …` as it is, and `problem.metric = …`, a table to TOML."""
    for key, value in answers.items():
        if "." not in key and isinstance(value, Mapping):
            for rest, inner in value.items():
                yield f"{key}.{rest}", inner
        else:
            yield key, value


def line_of(text: str, key: str) -> int | None:
    """The line on which a key of the plan begins, counted from 1; None when it cannot be told.

    tomllib says no positions: among the lines that name the key's last part, it is the one before which the text can
    be read without the key, and from which on with it.
    """
    last = re.split(r"[.]", key)[-1] if ":" not in key else key.split(":", 1)[1]
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        if last not in line and key not in line:
            continue
        if key in (_keys("".join(lines[: number - 1])) or ()):
            continue
        for end in range(number, len(lines) + 1):
            found = _keys("".join(lines[:end]))
            if found is not None:
                if key in found:
                    return number
                break
    return None


def _keys(text: str) -> set[str] | None:
    """Every key of a plan's beginning; None where it is cut off in the middle of a value."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    keys = set(raw)
    for table in ("answers", "whys"):
        if isinstance(raw.get(table), dict):
            keys |= {key for key, _ in flat(raw[table])}
    return keys


def _pair(item: str, option: str) -> tuple[str, str]:
    key, equals, value = item.partition("=")
    if not equals or not key.strip():
        raise UsageProblem(f"{option} takes ID=VALUE, such as problem.metric=roc_auc; {short(item, 60)!r} is not that.")
    return key.strip(), value.strip()


def _unknown(key: str, known: Iterable[str], what: str) -> str:
    known = tuple(known)
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    if close:
        hint = f"Did you mean {close[0]}?"
    else:
        same = [k for k in known if k.split(".")[0] == key.split(".")[0]] or list(known)
        hint = "There are " + ", ".join(same[:16]) + (", …" if len(same) > 16 else "") + "."
    return f"{short(key, 60)} is no {what}. {hint}"


def _json(value: Json, question_id: str) -> Json:
    """TOML's values as JSON's.  Raises InvalidAnswer for what JSON cannot say."""
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidAnswer(f"{question_id}: {value} is not a figure that can be recorded.")
    if isinstance(value, Mapping):
        return {str(k): _json(v, question_id) for k, v in value.items()}
    if isinstance(value, list):
        return [_json(v, question_id) for v in value]
    return value
