"""Columns that come with a type (Parquet, Arrow, a database, a workbook): as the text a CSV of the same table would
hold, and straight to numbers and dates where that gives the same."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as _compute

pc: Any = _compute
WHOLE = float(2**53)  # up to here a float64 holds every whole number

Column: TypeAlias = pa.ChunkedArray


def is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_nested(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_nested(kind))


def is_bytes(kind: pa.DataType) -> bool:
    return (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def as_text(column: Column, decimal: str = ".") -> Column:
    """A column as text, "" where nothing stands.  Whole floats are written without a point, yes and no as True and
    False (as pandas writes them), moments in UTC as 2026-11-20 or 2026-11-20 08:30:00, lists and the like as JSON."""
    text = _text(column, decimal)
    return pc.fill_null(text, "") if text.null_count else text


def nullable_text(column: Column, decimal: str = ".") -> Column:
    """As `as_text`, but null where nothing stands (or "", where the file says so)."""
    return _text(column, decimal)


def _text(column: Column, decimal: str) -> Column:
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if is_text(kind):
        return pc.cast(column, pa.string())
    if isinstance(kind, pa.BaseExtensionType):
        return _text(pa.chunked_array([c.storage for c in column.chunks], kind.storage_type), decimal)
    if pa.types.is_dictionary(kind):
        return _text(pc.cast(column, kind.value_type), decimal)
    if pa.types.is_boolean(kind):
        return pc.if_else(column, "True", "False")
    if pa.types.is_integer(kind):
        return pc.cast(column, pa.string())
    if pa.types.is_floating(kind):
        return _float_text(column, decimal)
    if pa.types.is_decimal(kind):
        text = pc.cast(column, pa.string())
        return pc.replace_substring(text, ".", ",") if decimal == "," else text
    if pa.types.is_date(kind):
        return pc.cast(pc.cast(column, pa.date32()), pa.string())
    if pa.types.is_timestamp(kind):
        return _moment_text(column)
    if pa.types.is_time(kind):
        return pc.replace_substring_regex(pc.cast(column, pa.string()), r"\.0+$", "")
    if is_bytes(kind):
        return _bytes_text(column)
    return pa.chunked_array(
        [pa.array([cell_text(value) for value in chunk.to_pylist()], pa.string()) for chunk in column.chunks],
        pa.string(),
    )


def _float_text(column: Column, decimal: str) -> Column:
    column = pc.cast(column, pa.float32()) if pa.types.is_float16(column.type) else column
    column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), pa.scalar(WHOLE, column.type)))
    integers = pc.cast(pc.if_else(whole, column, pa.scalar(None, column.type)), pa.int64())
    text = pc.coalesce(pc.cast(integers, pa.string()), pc.cast(column, pa.string()))
    return pc.replace_substring(text, ".", ",") if decimal == "," else text


def _moment_text(column: Column) -> Column:
    text = pc.cast(_utc(column), pa.string())
    text = pc.replace_substring_regex(text, r"\.0+$", "")
    return pc.replace_substring_regex(pc.replace_substring_regex(text, r"(\.\d*?)0+$", r"\1"), " 00:00:00$", "")


def _utc(column: Column) -> Column:
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        column = pc.cast(column, pa.timestamp(kind.unit))
    return pc.cast(column, pa.timestamp("us"), safe=False)


def _bytes_text(column: Column) -> Column:
    try:
        return pc.cast(pc.cast(column, pa.binary()), pa.string())
    except pa.ArrowInvalid:  # no text: their length is all that can be said
        return pa.chunked_array(
            [pa.array([cell_text(value) for value in chunk.to_pylist()], pa.string()) for chunk in column.chunks],
            pa.string(),
        )


def numbers(column: Column) -> np.ndarray | None:
    """(n,) float64 with NaN where nothing stands; None where the text must be asked: the column is not of int or
    double, or holds an infinite value."""
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_float64(kind)):
        return None
    values = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    values = np.array(values, dtype=np.float64)  # Arrow's memory is read-only
    return None if np.isinf(values).any() else values


def dates(column: Column) -> np.ndarray | None:
    """(n,) datetime64[us] in UTC, NaT where nothing stands; None where the column holds no dates."""
    if not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
        return None
    return np.array(_utc(column).to_numpy(zero_copy_only=False), dtype="datetime64[us]")


def cell_text(value: Any, decimal: str = ".") -> str | None:
    """One value of any kind, written as `as_text` writes a column of it."""
    match value:
        case None:
            return None
        case str():
            return value.encode("utf-8", "replace").decode()  # a lone half of a pair is no text
        case bool():
            return str(value)
        case float():
            if value != value:
                return None
            text = str(int(value)) if value.is_integer() and abs(value) < WHOLE else repr(value)
            return text.replace(".", decimal)
        case bytes() | memoryview():
            held = bytes(value)
            try:
                return held.decode()
            except UnicodeDecodeError:
                return f"{len(held):,} bytes"
        case dt.datetime():
            text = value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
            return text.isoformat(" ").removesuffix(" 00:00:00")
        case list() | tuple() | dict():
            return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()
    return str(value)


_KINDS = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string(), dt.datetime: pa.timestamp("us")}


def column_of(values: list[Any], decimal: str = ".") -> pa.Array:
    """Python values as one Arrow array: of a type where they agree (whole numbers and others are numbers together),
    else of text."""
    kinds = {type(value) for value in values if value is not None}
    kinds = {dt.datetime if kind is dt.date else kind for kind in kinds}
    if not kinds:
        return pa.nulls(len(values))
    try:
        if kinds == {int, float}:
            if all(abs(value) < WHOLE for value in values if type(value) is int):
                return pa.array([None if value is None else float(value) for value in values], pa.float64())
        elif kinds == {dt.datetime}:
            naive = [_naive(value) for value in values]
            return pa.array(naive, pa.timestamp("us"))
        elif len(kinds) == 1 and (kind := _KINDS.get(next(iter(kinds)))) is not None:
            return pa.array(values, kind)
    except (pa.ArrowInvalid, UnicodeError, OverflowError):  # an integer too long, a text with half a character
        pass
    return pa.array([cell_text(value, decimal) for value in values], pa.string())


def _naive(value: dt.date | None) -> dt.datetime | None:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
    return None if value is None else dt.datetime.combine(value, dt.time())


def joined(chunks: list[pa.Array], decimal: str = ".") -> Column:
    """Parts of a column under one another; as text where their types differ (numbers of both kinds stay numbers)."""
    kinds = {chunk.type for chunk in chunks if not pa.types.is_null(chunk.type)}
    if len(kinds) <= 1:
        kind = next(iter(kinds), pa.string())
        return pa.chunked_array([chunk.cast(kind) if chunk.type != kind else chunk for chunk in chunks], kind)
    if kinds == {pa.int64(), pa.float64()} and all(map(_is_exact, chunks)):
        return pa.chunked_array([pc.cast(chunk, pa.float64(), safe=False) for chunk in chunks], pa.float64())
    return pa.chunked_array(
        [c for chunk in chunks for c in _text(pa.chunked_array([chunk]), decimal).chunks], pa.string()
    )


def _is_exact(chunk: pa.Array) -> bool:
    if not pa.types.is_integer(chunk.type):
        return True
    ends = pc.min_max(chunk).as_py()
    return ends["min"] is None or (ends["min"] > -WHOLE and ends["max"] < WHOLE)
