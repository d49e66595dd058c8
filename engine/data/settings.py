"""How a file is read, as data: light, so that the questions and the journal may hold it without reading anything."""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TypedDict

from engine.data.formats import FORMATS
from engine.errors import DataProblem, InvalidAnswer
from engine.records import Json

FIRST = ("separator", "encoding", "decimal", "quote", "compression", "header", "dates")  # always written
COMPRESSIONS = ("gzip", "bz2", "xz", "zip", "zstd")
THOUSANDS = (",", ".", " ", "'", "")


class Guess(TypedDict):
    """A setting that was found, and by what: `count` cells, lines or rows speak for it."""

    setting: str
    value: Json
    why: str
    count: int


@dataclass(frozen=True)
class ReadSettings:
    """How a file is read; JSON with `as_dict`, back with `from_dict`.

    thousands: None takes whatever sets threes of digits apart (1,234 · 1 234 · 1'234; with a decimal comma 1.234); one
    mark takes this alone; "" takes none.
    """

    separator: str = ","
    encoding: str = "utf-8"  # a Python codec name; utf-8-sig when there is a byte order mark
    decimal: str = "."
    quote: str = '"'
    compression: str | None = None  # gzip, bz2, xz, zip, zstd
    header: bool = True
    dates: dict[str, str] = field(default_factory=dict)  # column → strptime format or ISO8601, fixed by the profile
    format: str = "csv"  # a key of engine.data.formats
    thousands: str | None = None
    skip: int = 0  # lines (rows of a sheet) before the header that are no part of the table
    sheet: str | None = None  # of a workbook
    table: str | None = None  # of a database: a table or a query
    missing: tuple[str, ...] = ()  # texts that mean missing in every column, beyond those that always do
    blanks: bool = True  # blanks around a cell are cut
    side: int | None = None  # pixels, that every picture of a folder is drawn to
    colour: bool | None = None  # whether its pictures keep their colours

    def as_dict(self) -> dict[str, Json]:
        """As JSON.  The settings that came later are left out where they have nothing to say, so that the journal of a
        plain file reads as it always did."""
        said: dict[str, Json] = {}
        for known in fields(self):
            value = getattr(self, known.name)
            if known.name in FIRST or value != known.default:
                said[known.name] = dict(value) if known.name == "dates" else value
        if "missing" in said:
            said["missing"] = _as_text(self.missing)
        return said

    @classmethod
    def from_dict(cls, raw: Mapping[str, Json]) -> ReadSettings:
        """Settings from JSON; what is not said is the default, what is unknown is left out.

        Raises DataProblem for a value that cannot be, naming it and what fits.
        """
        known = {f.name for f in fields(cls)}
        said = {key: value for key, value in raw.items() if key in known}
        if isinstance(said.get("missing"), str):
            between = "\n" if "\n" in said["missing"] else ","
            said["missing"] = tuple(part.strip() for part in said["missing"].split(between) if part.strip())
        elif isinstance(said.get("missing"), list):
            said["missing"] = tuple(map(str, said["missing"]))
        if isinstance(said.get("dates"), Mapping):
            said["dates"] = {str(key): str(value) for key, value in said["dates"].items()}
        settings = cls(**said)
        for wrong, words in _wrongs(settings):
            if wrong:
                raise DataProblem(words)
        return settings


def _as_text(marks: tuple[str, ...]) -> str:
    """Marks as one text, for an answer holds no lists: between commas, or a line each where one holds a comma."""
    return "".join(f"{mark}\n" for mark in marks) if any("," in mark for mark in marks) else ", ".join(marks)


def overruled(found: Mapping[str, Json], choice: Mapping[str, Json]) -> dict[str, Json]:
    """What was found, with what a person said in its place; `{}` and the same settings leave it as it is.

    Raises InvalidAnswer for a setting that there is not, or a value that cannot be.
    """
    known = [f.name for f in fields(ReadSettings)]
    for name, value in choice.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}."
            raise InvalidAnswer(f"data.load: {name} = {value!r} is no setting; {hint}")
    try:
        return ReadSettings.from_dict({**found, **choice}).as_dict()
    except DataProblem as problem:
        raise InvalidAnswer(f"data.load: {problem}") from None


def in_words(read: Mapping[str, Json]) -> str:
    """Settings in a few words, for a person who looks whether they are right."""
    settings = ReadSettings.from_dict(read)
    form = FORMATS[settings.format]
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "blank"}
    said = [form.words] if settings.format != "csv" else [settings.encoding]
    if settings.format == "csv":
        said.append(f"separated by {names.get(settings.separator) or repr(settings.separator)}")
    if settings.sheet is not None:
        said.append(f"sheet “{settings.sheet}”")
    if settings.table is not None:
        said.append(f"{'query' if ' ' in settings.table else 'table'} “{settings.table}”")
    said.append(f"decimal “{settings.decimal}”")
    if settings.thousands:
        mark = {" ": "a blank"}.get(settings.thousands, f"“{settings.thousands}”")
        said.append(f"thousands set apart by {mark}")
    if settings.skip:
        said.append(f"{settings.skip:,} {'line' if settings.skip == 1 else 'lines'} before the header left out")
    if not settings.header:
        said.append("no header")
    if settings.missing:
        said.append(f"missing where {', '.join(f'“{mark}”' for mark in settings.missing)} stands")
    if settings.compression:
        said.append(settings.compression)
    return ", ".join(said)


def _wrongs(s: ReadSettings) -> list[tuple[bool, str]]:
    """What cannot be, each with the sentence that says so."""
    single = isinstance(s.separator, str) and len(s.separator) == 1 and s.separator not in "\r\n"
    quoting = isinstance(s.quote, str) and len(s.quote) <= 1
    return [
        (
            not (single and quoting and s.decimal in (".", ",")),
            "A separator and a quote are one character each, the decimal sign is '.' or ','.",
        ),
        (single and s.separator == s.quote, "The separator and the quote cannot be the same character."),
        (
            single and quoting and not (s.separator + s.quote).isascii(),
            f"The separator {s.separator!r} or the quote {s.quote!r} is more than one byte; choose a plain one.",
        ),
        (
            not isinstance(s.encoding, str) or not _known_encoding(s.encoding),
            f"There is no encoding called {s.encoding!r}; utf-8 and cp1252 are usual.",
        ),
        (s.format not in FORMATS, f"There is no format called {s.format!r}; there are {', '.join(FORMATS)}."),
        (
            s.compression is not None and s.compression not in COMPRESSIONS,
            f"Files are packed as {', '.join(COMPRESSIONS)}, not as {s.compression!r}.",
        ),
        (
            s.thousands is not None and (s.thousands not in THOUSANDS or s.thousands == s.decimal),
            'The thousands mark is one of , . \' or a blank, or "" for none, and not the decimal sign.',
        ),
        (
            isinstance(s.skip, bool) or not isinstance(s.skip, int) or not 0 <= s.skip <= 1000,
            "The lines to skip before the header are a number from 0 to 1,000.",
        ),
        (
            not all(isinstance(flag, bool) for flag in (s.header, s.blanks)),
            "Settings `header` and `blanks` are true or false.",
        ),
        (
            not all(name is None or isinstance(name, str) for name in (s.sheet, s.table)),
            "A sheet and a table are named by a text.",
        ),
        (
            s.side is not None and (isinstance(s.side, bool) or not isinstance(s.side, int) or not 4 <= s.side <= 128),
            "The side of a picture is a whole number from 4 to 128 pixels.",
        ),
        (s.colour is not None and not isinstance(s.colour, bool), "Setting `colour` is true or false."),
        (
            not isinstance(s.missing, tuple) or not isinstance(s.dates, dict),
            "Setting `missing` takes texts, and `dates` a table {column = format}.",
        ),
    ]


def _known_encoding(name: str) -> bool:
    try:
        return codecs.lookup(name)._is_text_encoding  # pyright: ignore - base64 and rot13 are codecs, but of no text
    except (LookupError, ValueError):
        return False
