"""Of each update only what differs is sent, and the terminal then shows what it should."""

import random
import re
from itertools import pairwise

import pytest
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from tui.thrift import Shown

CONSOLE = Console(color_system="256", force_terminal=True, _environ={})
STYLES = [Style.parse(s) for s in ("red on black", "bold red on black", "white on blue", "underline white on blue",
                                   "bold underline white on blue", "red", "on blue", "bold", "")]  # fmt: skip
TOKEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[(\d+)C|\x1b\[([\d;]*)m|([^\x1b\n])")
WIDTH, HEIGHT = 30, 4
Look = tuple[frozenset[str], str, str]  # attributes, colour, ground


class Terminal:
    """A terminal that knows no more than places, attributes, colours and signs of one cell."""

    def __init__(self) -> None:
        self.cells: list[list[tuple[str, Look]]] = [[("?", (frozenset(), "", ""))] * WIDTH for _ in range(HEIGHT)]
        self.look: Look = (frozenset(), "", "")
        self.x = self.y = 0

    def feed(self, sent: str) -> None:
        assert not TOKEN.sub("", sent).strip("\n"), "it knows nothing else"
        for row, column, over, codes, sign in (found.groups() for found in TOKEN.finditer(sent)):
            if row:
                self.y, self.x = int(row) - 1, int(column) - 1
            elif over:
                self.x += int(over)
            elif sign:
                self.cells[self.y][self.x] = (sign, self.look)
                self.x += 1
            else:
                for code in (codes or "0").split(";"):
                    self._turn(code)

    def _turn(self, code: str) -> None:
        attributes, colour, ground = self.look
        if code == "0":
            self.look = (frozenset(), "", "")
        elif len(code) == 1:
            self.look = (attributes | {code}, colour, ground)
        elif code[0] == "3":
            self.look = (attributes, "" if code == "39" else code, ground)
        else:
            assert code[0] == "4"
            self.look = (attributes, colour, "" if code == "49" else code)

    def looks(self) -> list[list[tuple[str, Look]]]:
        """What can be seen: of a blank its ground and a line under it."""
        return [[(sign, _seen(look) if sign == " " else look) for sign, look in line] for line in self.cells]


def _seen(look: Look) -> Look:
    return look[0] & {"4"}, "", look[2]


def whole(picture: list[list[Segment]]) -> LayoutUpdate:
    return LayoutUpdate([[Strip(line)] for line in picture], Region(0, 0, WIDTH, HEIGHT))


def drawn(draw: random.Random) -> list[list[Segment]]:
    """Lines of words, each in a style of its own."""
    lines = []
    for _ in range(HEIGHT):
        text = "".join(draw.choice("ab   ─█") for _ in range(WIDTH))
        cuts = [0, *sorted(draw.sample(range(1, WIDTH), 3)), WIDTH]
        lines.append([Segment(text[a:b], draw.choice(STYLES)) for a, b in pairwise(cuts)])
    return lines


@pytest.mark.parametrize("seed", range(20))
def test_after_any_updates_the_terminal_shows_what_it_would_have_shown(seed):
    draw, shown = random.Random(seed), Shown()
    thrifty, plain = Terminal(), Terminal()
    picture = drawn(draw)
    for _ in range(8):
        update: LayoutUpdate | ChopsUpdate = whole(picture)
        if draw.random() < 0.5:  # a part of some lines
            picture, y, x = drawn(draw), draw.randrange(HEIGHT), draw.randrange(1, WIDTH - 1)
            line = Strip(picture[y])
            chops = [{0: None, x: None} if n != y else {0: line.crop(0, x), x: line.crop(x)} for n in range(HEIGHT)]
            update = ChopsUpdate(chops, [(y, x, WIDTH)], [[x, WIDTH]] * HEIGHT)
        elif draw.random() < 0.5:
            picture = drawn(draw)
            update = whole(picture)
        thrifty.feed(shown.sent(update, CONSOLE))
        plain.feed(update.render_segments(CONSOLE))
        assert thrifty.looks() == plain.looks()


def test_what_is_shown_already_is_not_sent_again():
    shown, picture = Shown(), drawn(random.Random(0))
    assert len(shown.sent(whole(picture), CONSOLE)) > WIDTH * HEIGHT
    assert shown.sent(whole(picture), CONSOLE) == ""
    picture[2][0] = Segment("X" + picture[2][0].text[1:], picture[2][0].style)
    sent = shown.sent(whole(picture), CONSOLE)
    assert sent.startswith("\x1b[3;1H")
    assert sent.count("X") == 1
    assert len(sent) < 40


def test_nothing_is_known_after_a_resize():
    shown, picture = Shown(), drawn(random.Random(0))
    first = shown.sent(whole(picture), CONSOLE)
    shown.forget()
    assert shown.sent(whole(picture), CONSOLE) == first


def test_signs_of_two_cells_are_sent_with_all_that_stands_beside_them():
    shown, style = Shown(), STYLES[0]
    for text in ("東京 is far", "東京 is fat", "no more of it"):
        line = LayoutUpdate([[Strip([Segment(text, style)])]], Region(0, 0, WIDTH, 1))
        sent = shown.sent(line, CONSOLE)
        assert text in sent
    assert shown.sent(line, CONSOLE) == ""
