"""Which table or query of a database is meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.data.address import split
from engine.data.naming import closest, quoted, shown
from engine.data.settings import Guess, ReadSettings
from engine.errors import DataProblem

MOST_SECONDS = 600  # that a query may take
_QUERY = re.compile(r"\s*(select|with|values|from)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """A table by name, or a query; `said` is what the person named, None where the file holds one table only."""

    table: str = ""
    query: str = ""
    tables: Sequence[str] = ()
    guesses: list[Guess] = field(default_factory=list)

    @property
    def said(self) -> str:
        return self.query or self.table

    @property
    def tables_in_words(self) -> str:
        return f"Its tables are {shown(self.tables)}." if self.tables else "There are no tables in it."


def one_of(path: Path, part: str, settings: ReadSettings | None, tables: Sequence[str], *, settled: bool) -> Part:
    """The table or query that the address or the settings name; the only table where they name none.

    settled: the settings win over the address, for a person has seen it.  Raises DataProblem that lists the tables.
    """
    said = (settings.table if settings else None) or ""
    alike = said if said in tables or _QUERY.match(said) else ""
    wanted = said or part if settled else part or alike
    if not wanted:
        if len(tables) == 1:
            why = "it is the only table of the file"
            return Part(tables[0], tables=tables, guesses=[Guess(setting="table", value=tables[0], why=why, count=1)])
        raise no_such(path, "", tables)
    named = [t for t in tables if t == wanted] or [t for t in tables if t.casefold() == wanted.casefold()]
    if named:
        return Part(named[0], tables=tables)
    if _QUERY.match(wanted):
        return Part(query=wanted.rstrip().rstrip(";"), tables=tables)
    raise no_such(path, wanted, tables)


def no_such(path: Path, wanted: str, tables: Sequence[str]) -> DataProblem:
    file, _ = split(path)
    if not tables:
        return DataProblem(f"{file} is a database without tables: there is nothing to read in it.")
    if not wanted:
        return DataProblem(
            f"{file} holds {len(tables)} tables ({shown(tables)}): name one, such as {file}::{tables[0]}, or write a "
            "query that begins with select in its place."
        )
    near = closest(wanted, tables)
    hint = f"did you mean {shown(near)}?" if near else f"its tables are {shown(tables)}; a query begins with select."
    return DataProblem(f"{file} has no table {quoted(wanted)}: {hint}")


def quoted_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
