"""Folders of pictures and of texts are tables like any other: a row a file, its class the folder it lies in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.data.profile import profile
from engine.data.read import columns_of, read, sniff
from engine.data.settings import ReadSettings
from engine.errors import DataProblem
from tests.engine.tables import Memory


def picture(path: Path, value: int | tuple[int, ...], size: tuple[int, int] = (8, 8), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)


def letters(folder: Path, n: int = 6) -> Path:
    rng = np.random.default_rng(0)
    for label in ("bars", "dots"):
        for i in range(n):
            cells = rng.integers(0, 40, (8, 8)).astype(np.uint8)
            cells[:, 3 if label == "bars" else slice(None, None, 3)] = 200
            (folder / label).mkdir(parents=True, exist_ok=True)
            Image.fromarray(cells).save(folder / label / f"{i}.png")
    return folder


def test_pictures_are_rows_of_pixels_and_their_folder_the_class(tmp_path: Path) -> None:
    raw = read(letters(tmp_path))
    assert (raw.rows, len(raw.names)) == (12, 2 + 64)
    assert raw.names[:3] == ["file", "label", "pixel_0_0"]
    assert raw.cells("label").to_pylist() == ["bars"] * 6 + ["dots"] * 6
    values, bad = raw.numbers("pixel_5_3")
    assert not bad
    assert (values[:6] == 200).all()
    assert {"side": 8, "colour": False}.items() <= {g["setting"]: g["value"] for g in raw.guesses}.items()


def test_the_profile_calls_them_pictures(tmp_path: Path) -> None:
    found = profile({"read": None}, Memory(letters(tmp_path)))
    assert found["kind"] == "image"
    assert found["target_guess"] == "label"


def test_pictures_of_many_sizes_and_colours_are_drawn_to_one_square(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png", (255, 0, 0), (60, 40), "RGB")
    picture(tmp_path / "a" / "2.jpg", (250, 10, 10), (30, 90), "RGB")
    picture(tmp_path / "b" / "3.gif", 7, (16, 16))
    raw = read(tmp_path)
    assert raw.settings.format == "images"
    assert len(raw.names) == 2 + 32 * 32 * 3
    assert raw.numbers("pixel_4_4_r")[0][0] == 255
    assert "3 sizes" in raw.warnings[0]
    small = read(tmp_path, ReadSettings(format="images", side=8, colour=False))
    assert len(small.names) == 2 + 64


def test_a_damaged_picture_is_left_out_and_named(tmp_path: Path) -> None:
    letters(tmp_path)
    (tmp_path / "bars" / "9.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    raw = read(tmp_path)
    assert (raw.rows, raw.bad_lines) == (12, 1)
    assert "9.png" in raw.bad_examples[0].text
    for path in tmp_path.rglob("*.png"):
        path.write_bytes(b"nothing")
    with pytest.raises(DataProblem, match="can be opened"):
        read(tmp_path)


def test_a_picture_made_to_fill_the_machine_is_refused(tmp_path: Path) -> None:
    letters(tmp_path)
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bars" / "huge.png")
    raw = read(tmp_path, ReadSettings(format="images", side=8, colour=False))
    assert raw.bad_lines == 1
    assert "huge.png" in raw.bad_examples[0].text


def test_see_through_lies_on_white(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png", (0, 0, 0, 0), (8, 8), "RGBA")
    picture(tmp_path / "b" / "2.png", (0, 0, 0, 255), (8, 8), "RGBA")
    assert read(tmp_path).numbers("pixel_0_0")[0].tolist() == [255, 0]


def test_texts_are_rows_with_their_whole_text(tmp_path: Path) -> None:
    for label, words in (("good", "Très bien"), ("bad", "schlecht, leider")):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.txt").write_text(words, encoding="utf-8")
        (tmp_path / label / "2.txt").write_bytes((words + "\r\nzwei").encode("cp1252"))
    raw = read(tmp_path)
    assert raw.names == ["file", "label", "text"]
    assert raw.as_written("text").to_pylist()[2] == "Très bien"
    assert raw.as_written("text").to_pylist()[3] == "Très bien\nzwei"
    assert sniff(tmp_path).format == "texts"
    (tmp_path / "bad" / "3.txt").write_bytes(bytes(range(256)) * 20)
    assert read(tmp_path).bad_lines == 1


def test_a_change_in_the_folder_is_read_again(tmp_path: Path) -> None:
    assert read(letters(tmp_path)).rows == 12
    picture(tmp_path / "dots" / "more.png", 9)
    assert read(tmp_path).rows == 13


def test_pictures_without_classes_can_be_predicted_from(tmp_path: Path) -> None:
    for i in range(3):
        picture(tmp_path / f"{i}.png", i)
    settings = ReadSettings(format="images", side=8, colour=False)
    assert columns_of(tmp_path, settings)[:2] == ["file", "pixel_0_0"]
