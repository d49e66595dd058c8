"""A glance tells the columns where that is cheap, and never fails."""

import bz2
import gzip
import lzma

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data import glance
from tests.engine.data.formats.writers import WRITERS

FRAME = pd.DataFrame({"age": [1, 2], "the city": ["a", "b"], "pay": [1.5, None]})


@pytest.mark.parametrize("key", ["csv", "csv.gz", "csv.bz2", "csv.xz", "jsonl", "json", "db"])
def test_columns_at_a_glance(tmp_path, key):
    WRITERS[key](tmp_path / "t", FRAME)
    assert glance.columns(tmp_path / "t") == list(FRAME)


@pytest.mark.parametrize("key", ["parquet", "feather", "xlsx", "duckdb", "csv.zst", "csv.zip"])
def test_what_a_glance_does_not_tell(tmp_path, key):
    WRITERS[key](tmp_path / "t", FRAME)
    assert glance.columns(tmp_path / "t") == []


def test_tables_and_their_columns(tmp_path):
    WRITERS["db"](tmp_path / "t.db", FRAME)
    assert glance.tables(tmp_path / "t.db") == ["orders"]
    WRITERS["db"](tmp_path / "u.db", FRAME[["pay"]])
    assert glance.columns(tmp_path / "u.db::orders") == ["pay"]
    assert glance.columns(tmp_path / "u.db::select 1") == []
    assert glance.tables(tmp_path / "none.db") == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    content=st.binary(max_size=60),
    start=st.sampled_from([b"", b'{"a":', b"[{", b"SQLite format 3\0", b"PK\x03\x04", b"\x1f\x8b"]),
    pack=st.sampled_from([bytes, gzip.compress, bz2.compress, lzma.compress]),
)
def test_any_bytes(tmp_path, content, start, pack):
    (tmp_path / "t").write_bytes(pack(start + content))
    assert isinstance(glance.columns(tmp_path / "t"), list)
    assert glance.tables(tmp_path / "t") == []
