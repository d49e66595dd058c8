"""Finished parts in files beside the store: there whole or not at all, and never in the way."""

import os
from pathlib import Path

import pytest

from engine.runners.kept import KeptParts


def test_a_part_comes_back_with_what_it_cost(tmp_path: Path) -> None:
    kept = KeptParts(tmp_path / "made by the first")
    assert kept.get("a") is None
    kept.put("a", b"one\ntwo\x00", {"seconds": 1.5})
    assert kept.get("a") == (b"one\ntwo\x00", {"seconds": 1.5})
    assert KeptParts(kept.folder).get("a") == (b"one\ntwo\x00", {"seconds": 1.5}), "by another process, too"
    kept.put("a", b"again", {})
    assert kept.get("a") == (b"again", {})


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"{}\nabc", b"[1]\nabc", b'{"sha256": "0", "cost": {}}\nabc', b"\xff\xfe\n"]
)
def test_whatever_else_lies_there_counts_as_nothing(tmp_path: Path, content: bytes) -> None:
    kept = KeptParts(tmp_path)
    (tmp_path / "a").write_bytes(content)
    assert kept.get("a") is None
    kept.put("a", b"new", {})
    assert kept.get("a") == (b"new", {})


def test_the_longest_unused_go_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.runners.kept._LOOK_EVERY", 1)
    kept = KeptParts(tmp_path, most=5000)
    for i, name in enumerate("abc"):
        kept.put(name, bytes(1000), {})
        os.utime(tmp_path / name, (i, i))
    assert kept.get("a") is not None  # used just now
    for name in "def":
        kept.put(name, bytes(1000), {})
    assert kept.get("b") is None
    assert kept.get("a") is not None
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 5000


def test_one_that_is_too_large_is_not_kept(tmp_path: Path) -> None:
    kept = KeptParts(tmp_path / "exams", most=400)
    kept.put("a", bytes(200), {})
    assert kept.get("a") is None


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    kept = KeptParts(tmp_path / "file" / "exams")
    kept.put("a", b"one", {})
    assert kept.get("a") is None
