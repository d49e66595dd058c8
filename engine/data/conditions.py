"""The conditions of a domain rule: SQL as SQLite reads it, checked before anything runs.  Light: nothing but sqlite3.

A condition stands in the WHERE of a query over one table that holds the columns it names and nothing else.  It is cut
into pieces first (no second statement, no comment, no parameter, no sub-select, no unknown name in quotes), then
compiled and run under an authorizer that allows reading those columns and calling a few harmless functions, with
limits on length, depth and steps.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

from engine.data.naming import alike
from engine.data.sql_functions import ADDED, install
from engine.errors import InvalidAnswer
from engine.records import Json

LONGEST = 2_000  # characters of a condition
MOST_RULES = 5  # more is a tree, not a rule
STEPS_EVERY, STEPS_FREE, STEPS_A_ROW = 1_000, 1_000_000, 5_000  # of SQLite's machine
KEY = "row:number"  # cannot be written without quotes, and in quotes only a column of the table may stand
TABLE = "rows"
FUNCTIONS = frozenset(
    [
        *("abs", "coalesce", "ifnull", "nullif", "iif", "length", "lower", "upper", "trim", "ltrim", "rtrim", "substr"),
        *("substring", "instr", "round", "min", "max", "like", "glob", "sign"),
        *(name for name, _, _ in ADDED),
    ]
)
_FUNCTIONS_ARE = f"these functions are: {', '.join(sorted(FUNCTIONS))}."
SQL_WORDS = frozenset(
    [
        *("and", "or", "not", "is", "null", "in", "like", "glob", "between", "case", "when", "then", "else", "end"),
        *("cast", "as", "collate", "nocase", "escape", "isnull", "notnull", "true", "false", "distinct", "from"),
    ]
)
NOT_HERE = frozenset(["select", "with", "values", "over", "filter", "raise", "current_date", "current_time"])
NOT_HERE |= {"current_timestamp", "rowid", "oid", "_rowid_", "match", "regexp"}
PIECE = re.compile(
    r"""(?P<space>\s+)
    |(?P<text>'(?:[^']|'')*')
    |(?P<name>"(?:[^"]|"")*"|\[[^\]]*\]|`(?:[^`]|``)*`)
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w$]))
    |(?P<word>[A-Za-z_\u0080-\U0010ffff][\w$\u0080-\U0010ffff]*)
    |(?P<mark>--|/\*|\|\||<=|>=|<>|!=|==|<<|>>|.)""",
    re.VERBOSE | re.DOTALL,
)
ALLOWED_MARKS = frozenset(["||", "<=", ">=", "<>", "!=", "==", "=", "<", ">", "+", "-", "*", "/", "%", "(", ")", ","])


@dataclass(frozen=True)
class Condition:
    """A condition that compiles: its text, and the columns it reads, as they are called in the table."""

    text: str
    columns: tuple[str, ...]


def validate_condition(text: object, columns: Iterable[str] | Mapping[str, str]) -> Condition:
    """Read one condition over these columns (names, or name → type as in a recipe).

    Raises InvalidAnswer: what is wrong, where, and what columns there are.
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidAnswer("A condition is missing: write one such as tenure < 12 AND Contract = 'Month-to-month'.")
    text = text.strip()
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise InvalidAnswer("The condition holds a character that is no text: type it again.")
    if len(text) > LONGEST:
        raise InvalidAnswer(f"The condition has {len(text):,} characters; at most {LONGEST:,} are read.")
    names = list(columns)
    used = _names_used(text, names)
    types = columns if isinstance(columns, Mapping) else {}
    affinities = {name: "REAL" if types.get(name) == "number" else "TEXT" for name in used}
    _answers(_where(text, affinities), text, affinities, [], names)
    return Condition(text, tuple(used))


def read_rules(
    raw: Json,
    columns: Iterable[str] | Mapping[str, str],
    *,
    task: str = "binary",
    labels: Sequence[str] = (),
    positive: str | None = None,
) -> list[dict[str, Json]]:
    """The rules in their kept form: [{"when", "then"}, …] and perhaps a last {"otherwise"}.

    A missing `then` is the positive class (binary only).  labels: the classes, when they are known; a number for
    regression.  Raises InvalidAnswer naming the rule by its place.
    """
    if isinstance(raw, (str, Mapping)):
        raw = [{"when": raw} if isinstance(raw, str) else raw]
    if not isinstance(raw, (list, tuple)) or not raw:
        raise InvalidAnswer('A rule is a list such as [{"when": "tenure < 12", "then": "Yes"}, {"otherwise": "No"}].')
    names = columns if isinstance(columns, Mapping) else list(columns)
    value = partial(_value, task=task, labels=list(labels))
    kept: list[dict[str, Json]] = []
    for place, rule in enumerate(raw, start=1):
        try:
            if not isinstance(rule, Mapping):
                raise InvalidAnswer('it is not of the form {"when": …, "then": …}.')
            if unknown := set(rule) - {"when", "then", "otherwise"}:
                raise InvalidAnswer(f"{min(map(str, unknown))} is not part of a rule; when, then and otherwise are.")
            if "otherwise" in rule:
                if "when" in rule or "then" in rule or place != len(raw):
                    raise InvalidAnswer("otherwise stands alone, and last.")
                kept.append({"otherwise": value(rule["otherwise"])})
                continue
            then = rule.get("then")
            if then is None and task != "binary":
                raise InvalidAnswer("it does not say what follows: add then.")
            when = validate_condition(rule.get("when"), names).text
            if then is None and positive is None:
                kept.append({"when": when})
            else:
                kept.append({"when": when, "then": value(positive if then is None else then)})
        except InvalidAnswer as problem:
            if len(raw) == 1 and "when" in str(raw[0]):
                raise
            raise InvalidAnswer(f"Rule {place}: {str(problem)[:1].lower() + str(problem)[1:]}") from None
    conditions = sum("when" in rule for rule in kept)
    if not conditions:
        raise InvalidAnswer("There is no condition: a rule needs at least one when.")
    if conditions > MOST_RULES:
        raise InvalidAnswer(
            f"{conditions} conditions are given; at most {MOST_RULES} make a rule a person can hold in mind."
        )
    return kept


def _value(raw: Json, *, task: str, labels: list[str]) -> Json:
    if task == "regression":
        try:
            number = float(raw)
        except (TypeError, ValueError):
            number = math.nan
        if isinstance(raw, bool) or not math.isfinite(number):
            raise InvalidAnswer(f"{raw!r} is no number, and the target is one.")
        return number
    if raw is None or isinstance(raw, (list, dict)):
        raise InvalidAnswer("a class is missing.")
    text = str(int(raw)) if isinstance(raw, float) and raw.is_integer() else str(raw).strip()
    if labels and text not in labels:
        near = get_close_matches(text, labels, n=1, cutoff=0.5)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise InvalidAnswer(f"{text!r} is no class of the target; its classes are {_list(labels)}.{meant}")
    return text


def quoted(name: str) -> str:
    """A column's name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def matching(
    condition: Condition,
    affinities: Mapping[str, str],
    cells: Sequence[Sequence[object]],
    names: Sequence[str] | None = None,
) -> list[int]:
    """Positions of the rows for which the condition is true.

    affinities: SQLite type by column, in the order of the cells of a row; cells: (n, columns) of float, str or None.
    Raises InvalidAnswer when the condition does not compile, or runs away.
    """
    return _answers(_where(_divided(condition.text), affinities), condition.text, affinities, cells, names)


def _key(affinities: Mapping[str, str]) -> str:
    """A name for the number of a row that no column has."""
    taken, name = set(map(fold, affinities)), KEY
    while name in taken:
        name += ":"
    return name


def _where(text: str, affinities: Mapping[str, str]) -> str:
    return f"SELECT {quoted(_key(affinities))} FROM {TABLE} WHERE (\n{text}\n)"  # noqa: S608 - pieces checked, guarded


def _divided(text: str) -> str:
    """The same with real division: in SQL 9 / 5 is 1.  Text is compared and shown as it was typed."""
    pieces = (match.group() for match in PIECE.finditer(text))
    return "".join("* 1.0 /" if piece == "/" else piece for piece in pieces)


def values_of(
    expression: Condition,
    affinities: Mapping[str, str],
    cells: Sequence[Sequence[object]],
    names: Sequence[str] | None = None,
) -> list[float | int | str | None]:
    """What an expression gives for each row, in the order of the rows.  The arguments are those of `matching`."""
    text = _divided(expression.text)
    query = f"SELECT (\n{text}\n) FROM {TABLE} ORDER BY {quoted(_key(affinities))}"  # noqa: S608 - pieces checked, guarded
    return _answers(query, expression.text, affinities, cells, names)


def _answers(
    query: str,
    text: str,
    affinities: Mapping[str, str],
    cells: Sequence[Sequence[object]],
    names: Sequence[str] | None,
) -> list:
    known = list(names if names is not None else affinities)
    with _table(affinities, cells) as con:
        steps = iter(range((STEPS_FREE + STEPS_A_ROW * len(cells)) // STEPS_EVERY))
        con.set_progress_handler(lambda: int(next(steps, None) is None), STEPS_EVERY)
        con.set_authorizer(partial(_allowed, frozenset(affinities) | {_key(affinities), ""}))
        for limit, most in _LIMITS:
            con.setlimit(limit, most)
        try:
            return [row[0] for row in con.execute(query)]
        except (sqlite3.Error, sqlite3.Warning, OverflowError, MemoryError, UnicodeError) as problem:
            raise InvalidAnswer(_explain(str(problem), text, known)) from None


_LIMITS = (
    (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
    (sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000),
    (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 200),
    (sqlite3.SQLITE_LIMIT_FUNCTION_ARG, 20),
    (sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
)


@contextmanager
def _table(affinities: Mapping[str, str], cells: Sequence[Sequence[object]]) -> Iterator[sqlite3.Connection]:
    con = sqlite3.connect(":memory:", isolation_level=None)
    try:
        install(con)
        columns = "".join(f", {quoted(name)} {kind}" for name, kind in affinities.items())
        con.execute(f"CREATE TABLE {TABLE} ({quoted(_key(affinities))} INTEGER PRIMARY KEY{columns})")
        marks = ", ".join("?" * (len(affinities) + 1))
        con.execute("BEGIN")
        con.executemany(
            f"INSERT INTO {TABLE} VALUES ({marks})",  # noqa: S608 - question marks only
            ((i, *row) for i, row in enumerate(cells)),
        )
        con.execute("COMMIT")
        yield con
    finally:
        con.close()


def _allowed(
    columns: frozenset[str], action: int, first: str | None, second: str | None, base: str | None, _: str | None
) -> int:
    if action == sqlite3.SQLITE_SELECT:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ and first == TABLE and second in columns:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in FUNCTIONS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _names_used(text: str, names: list[str]) -> list[str]:
    """The columns that a condition names, in their order of appearance.  Raises InvalidAnswer."""
    used: dict[str, None] = {}
    depth, before = 0, ""
    for match in PIECE.finditer(text):
        kind, piece = match.lastgroup, match.group()
        if kind == "space":
            continue
        if kind == "mark":
            depth += {"(": 1, ")": -1}.get(piece, 0)
            if depth < 0:
                raise InvalidAnswer(f"A bracket closes that was never opened{_at(match)}.")
            if piece in "'\"[`":
                raise InvalidAnswer(f"A quote opens and never closes{_at(match)}.")
            if piece == ".":
                raise InvalidAnswer(f"A stray dot{_at(match)}: name a column alone, in double quotes if it has a dot.")
            if piece not in ALLOWED_MARKS:
                raise InvalidAnswer(
                    f"{piece} has no place in a condition{_at(match)}: write one comparison, without it."
                )
        elif kind == "text" and piece.strip("'").strip().lower() in ("now", "localtime", "utc"):
            raise InvalidAnswer(f"{piece} depends on the clock{_at(match)}: a rule must say the same tomorrow.")
        elif kind == "name":
            inner = piece[1:-1]
            inner = inner if piece[0] == "[" else inner.replace(piece[0] * 2, piece[0])
            found = _column(inner, names)
            if found is None:
                raise InvalidAnswer(_unknown_name(inner, piece, names))
            used[found] = None
        elif kind == "word" and (found := _column(piece, names)) is not None:
            used[found] = None
        elif kind == "word" and fold(piece) in NOT_HERE:
            raise InvalidAnswer(f"{piece} has no place in a condition{_at(match)}: compare columns with values.")
        elif kind == "word" and fold(piece) not in SQL_WORDS and text[match.end() :].lstrip().startswith("("):
            if fold(piece) not in FUNCTIONS:
                near = get_close_matches(fold(piece), sorted(FUNCTIONS), n=1, cutoff=0.6)
                meant = f" Did you mean {near[0]}()?" if near else ""
                raise InvalidAnswer(f"{piece}() is not allowed in a condition; {_FUNCTIONS_ARE}{meant}")
        elif kind == "word" and fold(piece) not in SQL_WORDS and before not in ("as", "collate"):
            raise InvalidAnswer(_explain(f"no such column: {piece}", text, names))
        if before == "(" and piece == ")":
            raise InvalidAnswer(f"Empty brackets{_at(match)}.")
        before = fold(piece)
    if depth:
        raise InvalidAnswer(f"{depth} bracket{'s' if depth > 1 else ''} never closed.")
    folded = [fold(name) for name in used]
    for name, same in zip(used, folded, strict=True):
        if folded.count(same) > 1:
            raise InvalidAnswer(
                f"Columns that differ from {name} only in their case cannot be told apart in one condition."
            )
        if "\0" in name:
            raise InvalidAnswer(f"A column called {name!r} cannot be used in a condition.")
    return list(used)


def fold(name: str) -> str:
    """Case as SQLite sees it: only A–Z have a small letter."""
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in name)


def _column(name: str, names: list[str]) -> str | None:
    """The column meant: that very name, else the one that differs in case only."""
    if name in names:
        return name
    same = [column for column in names if fold(column) == fold(name)]
    if len(same) > 1:
        raise InvalidAnswer(f"{name} may be any of {_list(same)}: write it with their capitals.")
    return same[0] if same else None


def _unknown_name(inner: str, piece: str, names: list[str]) -> str:
    if piece[0] == '"' and not get_close_matches(inner, names, n=1, cutoff=0.8):
        text = "'" + inner.replace("'", "''") + "'"
        return f"{piece} is no column; if it is a text to compare with, use single quotes: {text}. {_columns(names)}"
    return f"There is no column {inner}. {_closest(inner, names)}{_columns(names)}"


def _explain(problem: str, text: str, names: Sequence[str]) -> str:
    """SQLite's complaint as a sentence about the condition."""
    odd = [n for n in names if n and not re.fullmatch(r"[A-Za-z_]\w*", n) and _bare(n, text)]
    keyword = re.search(r'near "([^"]*)"', problem)
    if keyword and _column(keyword[1], list(names)):
        odd = [_column(keyword[1], list(names)) or ""]
    hint = f" Put the column's name in double quotes: {quoted(odd[0])}." if odd else ""
    if problem.startswith("no such column"):
        name = problem.partition(":")[2].strip()
        return f"There is no column {name}.{hint or ' ' + _closest(name, list(names))}".rstrip() + " " + _columns(names)
    if problem.startswith("interrupted"):
        return "The condition takes too long to work out: make it simpler."
    if "not authorized" in problem or "prohibited" in problem or "no such function" in problem:
        return f"Something in the condition is not allowed; {_FUNCTIONS_ARE}"
    if "misuse of aggregate" in problem:
        return "min() and max() compare two or more values of one row here: max(a, b)."
    if "stack overflow" in problem or "too large" in problem or "tree is" in problem:
        return "The condition is nested too deeply: use fewer brackets."
    if "incomplete input" in problem or (keyword and keyword[1] == ")"):
        return "The condition stops in the middle. An example: tenure < 12 AND Contract = 'Month-to-month'."
    if keyword:
        return f"The condition cannot be read near {keyword[1]}.{hint} An example: tenure < 12 AND Contract = 'Yes'."
    return f"The condition cannot be used: {problem}.{hint}"


def _bare(name: str, text: str) -> bool:
    unquoted = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", " ", text)
    return fold(name) in fold(unquoted)


def _closest(name: str, names: list[str]) -> str:
    near = alike(name, names, most=1)
    return f"Did you mean {near[0]}? " if near else "A text to compare with stands in single quotes: 'Yes'. "


def _columns(names: Sequence[str]) -> str:
    return f"The columns are: {_list(names)}." if names else "The table has no columns."


def _list(names: Sequence[str], most: int = 30) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _at(match: re.Match[str]) -> str:
    return f" (character {match.start() + 1})"
