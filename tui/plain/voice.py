"""What is said and heard: lines no longer than the terminal is wide, and the line that answers."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from tui.plain.spoken import WIDTH, aloud

Read = Callable[[str], str]
Write = Callable[[str], None]
LEAST = 20  # cells below which a line would be cut to pieces
END = "."  # alone on a line, ends what is written on several


class Left(Exception):
    """The person wants to stop here."""


class Cut(BaseException):
    """The process is to end, by a signal of this number.  No Exception, so that nothing takes it for a mistake.

    half: what was typed of the line that was being read.
    """

    def __init__(self, number: int, half: str = "") -> None:
        super().__init__(number, half)
        self.number, self.half = number, half


@dataclass
class Voice:
    """read: the next line after a prompt; raises EOFError when there is none.  width: of the terminal, in cells.

    recall: has the arrow up bring a line back, and says whether there is such a key.
    """

    read: Read
    write: Write
    width: Callable[[], int] = lambda: WIDTH
    recall: Callable[[str], bool] = lambda _: False

    def say(self, text: str) -> None:
        """A text on as many lines as it needs; a continued line is set in as far as what it continues."""
        width = max(LEAST, min(WIDTH, self.width() - 1))
        for line in aloud(text).splitlines() or [""]:
            indent = " " * (len(line) - len(line.lstrip()))
            for part in textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False) or [""]:
                self.write(part)

    def pause(self) -> None:
        """An empty line, which a screen reader can jump to."""
        self.write("")

    def hear(self, prompt: str) -> str:
        """What is answered, without the space around it.  Raises EOFError at the end of what there is to read."""
        return self.read(prompt).strip()

    def hear_lines(self, kept: Callable[[str], None]) -> str:
        """Several lines, up to one that holds a full stop alone.  kept: is told all of them after each line."""
        self.say("Write as many lines as you like; a full stop alone on a line ends them.")
        lines: list[str] = []
        try:
            while (line := self.read("").rstrip()) != END:
                lines.append(line)
                kept("\n".join(lines))
        except Cut as cut:
            if lines or cut.half:
                kept("\n".join([*lines, cut.half]).rstrip())
            raise
        return "\n".join(lines).strip()
