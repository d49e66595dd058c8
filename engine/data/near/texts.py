"""Texts that are nearly the same: equal but for case, signs and blanks, or with nine tenths of their letters alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np

from engine.data.near.links import linked

LETTERS = 5  # of a shingle
LEAST = 0.9  # Jaccard of two texts' sets of shingles (`data.duplicates`)
BANDS, BAND = 12, 6  # at a Jaccard of 0.9 a pair is missed once in 8,000 times, at 0.2 it is looked at once in 1,300
SHORT = 19 + LETTERS - 1  # letters: one other letter, even the last, takes a shorter text below LEAST
SLACK = 0.15  # below LEAST, for the share of equal minima: four of its standard deviations
PIECE = 1 << 20  # letters at a time
MOST_LETTERS = 200_000_000  # more texts than this are not compared: the hashing alone would take minutes

_BETWEEN = re.compile(r"[\W_]+")


def near_texts(texts: Sequence[str]) -> np.ndarray | None:
    """(n,) int64: near copies share a number.  None where there is too much text to compare.

    Near: equal once normalised, or 5-letter shingles with a Jaccard of at least 0.9, which MinHash brings together and
    the shingles themselves confirm (Broder 1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, 3.4).
    A text without a letter or digit is near to none but its equals.
    """
    if sum(map(len, texts)) > MOST_LETTERS:
        return None
    plain = [normalised(text) or text for text in texts]
    known: dict[str, int] = {}
    number = np.array([known.setdefault(text, len(known)) for text in plain], dtype=np.int64)
    del plain
    long = {text: i for text, i in known.items() if len(text) >= SHORT}
    of_long = np.fromiter(long.values(), dtype=np.int64, count=len(long))
    different, found = list(long), np.arange(len(known))
    del known, long
    if len(different) < 2:
        return number
    signatures = _signatures(different)
    sets: dict[int, np.ndarray] = {}

    def shingles(i: int) -> np.ndarray:
        if i not in sets:
            sets[i] = np.unique(_shingles([different[i]])[0])
        return sets[i]

    def alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        likely = (signatures[a] == signatures[b]).mean(axis=1) >= LEAST - SLACK
        for k in np.flatnonzero(likely):
            likely[k] = jaccard(shingles(int(a[k])), shingles(int(b[k]))) >= LEAST
        return likely

    def keys() -> Iterator[np.ndarray]:
        for band in range(BANDS):
            sets.clear()
            yield _key(signatures[:, band * BAND : (band + 1) * BAND])

    clusters = linked(len(different), keys(), alike)
    found[of_long] = of_long[np.unique(clusters, return_index=True)[1]][clusters]
    return np.unique(found, return_inverse=True)[1][number].astype(np.int64)


def normalised(text: str) -> str:
    """Folded to one case and one way of writing each sign, with one blank between words and no punctuation."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _BETWEEN.sub(" ", text.casefold()).strip()


def jaccard(a: np.ndarray, b: np.ndarray) -> float:
    """Of two sets, each sorted without repeats."""
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both)


def _shingles(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Hashes (m,) uint32 of every five letters of each text, and where each text's begin (len(texts),)."""
    padded = [text.ljust(LETTERS, "\0") for text in texts]
    letters = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    lengths = np.array([len(text) for text in padded])
    hashed = np.zeros(len(letters) - LETTERS + 1, dtype=np.uint64)
    for k in range(LETTERS):
        hashed = (hashed ^ letters[k : len(letters) - LETTERS + 1 + k]) * np.uint64(0x9E3779B97F4A7C15)
        hashed ^= hashed >> np.uint64(29)
    ends = np.cumsum(lengths)
    inside = np.ones(len(hashed), dtype=bool)
    for k in range(1, LETTERS):  # what runs over from one text into the next
        inside[ends[:-1] - k] = False
    counts = lengths - LETTERS + 1
    return (hashed[inside] >> np.uint64(32)).astype(np.uint32), np.cumsum(counts) - counts


def _signatures(texts: Sequence[str]) -> np.ndarray:
    """(n, BANDS × BAND) uint32: the least of each text's hashes, under so many ways of hashing."""
    ways = np.random.default_rng(0).integers(0, 1 << 32, (2, BANDS * BAND), dtype=np.uint64).astype(np.uint32)
    made = np.empty((len(texts), BANDS * BAND), dtype=np.uint32)
    for begin, end in _pieces(texts):
        hashed, starts = _shingles(texts[begin:end])
        for way, (flip, times) in enumerate(ways.T):
            # the bits that a product mixes well are its upper ones, which the least of them goes by
            made[begin:end, way] = np.minimum.reduceat((hashed ^ flip) * (times | np.uint32(1)), starts)
    return made


def _pieces(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    begin = held = 0
    for i, text in enumerate(texts):
        held += len(text)
        if held >= PIECE:
            yield begin, i + 1
            begin, held = i + 1, 0
    if begin < len(texts):
        yield begin, len(texts)


def _key(band: np.ndarray) -> np.ndarray:
    """(n,) uint64 of (n, BAND) uint32."""
    key = np.zeros(len(band), dtype=np.uint64)
    for column in band.T:
        key = (key ^ column) * np.uint64(0xD6E8FEB86659FD93)
        key ^= key >> np.uint64(32)
    return key
