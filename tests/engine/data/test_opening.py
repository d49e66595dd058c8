"""Packed files are unpacked as far as they may be, and no further."""

import bz2
import gzip
import io
import lzma
import zipfile

import pyarrow as pa
import pytest

from engine.data import opening
from engine.data.read import read
from engine.errors import DataProblem


def zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", content)
    return out.getvalue()


PACKS = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
    "zstd": lambda content: pa.Codec("zstd").compress(content).to_pybytes(),
}


@pytest.mark.parametrize("name", PACKS)
def test_a_file_made_to_fill_a_machine_is_left_packed(tmp_path, monkeypatch, name):
    monkeypatch.setattr(opening, "MOST_UNPACKED", 1 << 20)
    monkeypatch.setattr(opening, "MOST_RATIO", 50)
    (tmp_path / "t").write_bytes(PACKS[name](b"a,b\n" + b"1,2\n" * 2_000_000))
    with pytest.raises(DataProblem, match="over 50 times its size: it looks made to fill a machine"):
        read(tmp_path / "t")


@pytest.mark.parametrize("name", PACKS)
def test_each_packing_is_read_and_a_damaged_one_is_said(tmp_path, name):
    rows = "".join(f"{i},{i * 7919 % 1000}\n" for i in range(3000))
    content = PACKS[name](f"a,b\n{rows}".encode())
    (tmp_path / "t").write_bytes(content)
    assert (read(tmp_path / "t").settings.compression, read(tmp_path / "t").rows) == (name, 3000)
    (tmp_path / "t").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataProblem, match="damaged"):
        read(tmp_path / "t")


def test_json_in_a_packed_file(tmp_path):
    for name, pack in PACKS.items():
        (tmp_path / name).write_bytes(pack(b'{"a": 1, "b": "x"}\n' * 9))
        raw = read(tmp_path / name)
        assert (raw.settings.format, raw.settings.compression, raw.rows) == ("jsonl", name, 9)
