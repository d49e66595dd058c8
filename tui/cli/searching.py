"""`rungwise search`: words in whys, answers and comments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.stages.columns import counted
from engine.words import literal
from storage.search import END, MOST, START, Hit
from tui.cli.looking import opened, print_json


def search(path: Path, words: Sequence[str], session: str, *, as_json_: bool) -> None:
    """Print where the words stand, the best hits first."""
    typed = " ".join(f'"{word}"' if " " in word else word for word in words)
    with opened(path) as store:
        found = store.search(typed, session or None)
    if as_json_:
        print_json([vars(hit) | {"text": _plain(hit.text)} for hit in found])
        return
    for hit in found:
        where = f" · decision {hit.seq} {literal(hit.place)}" if hit.seq else ""
        branch = f"@{literal(hit.branch)}" if hit.branch else ""
        print(f"{literal(hit.session)}{branch}{where} · {hit.what} by {literal(hit.author)}")
        print(f"    {_marked(hit)}")
    more = f"; the best {MOST} are shown" if len(found) == MOST else ""
    said = f"{counted(len(found), 'place')}{more}." if found else f"“{literal(' '.join(words))}” was found nowhere."
    print(said)


def _plain(text: str) -> str:
    return text.replace(START, "").replace(END, "")


def _marked(hit: Hit) -> str:
    """The text with what was found between » and «."""
    return literal(hit.text.replace(START, "»").replace(END, "«"))
