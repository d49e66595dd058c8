"""The two themes of its own.  Every colour is one of the 256 of xterm, so that SSH without truecolor shows the same."""

from __future__ import annotations

from collections.abc import Mapping

from textual.color import Color
from textual.theme import Theme

_BLOCK = {"block-cursor-text-style": "none", "input-selection-background": "#5fafd7 35%"}


def _scrollbars(bar: str, ground: str) -> dict[str, str]:
    return {
        "scrollbar": bar, "scrollbar-hover": bar, "scrollbar-active": bar, "scrollbar-background": ground,
        "scrollbar-background-hover": ground, "scrollbar-background-active": ground, "scrollbar-corner-color": ground,
    }  # fmt: skip


DARK = Theme(
    name="rungwise",
    primary="#5fafd7",  # 74
    secondary="#5f87af",  # 67
    accent="#d7af5f",  # 179
    warning="#d7875f",  # 173
    error="#ff8787",  # 210
    success="#87af5f",  # 107
    foreground="#d0d0d0",  # 252
    background="#121212",  # 233
    surface="#1c1c1c",  # 234
    panel="#262626",  # 235
    dark=True,
    variables={
        **_BLOCK,
        "text-muted": "#9e9e9e",  # 247: 6.6 to 1 on the background
        "line": "#4e4e4e",  # 239
        "cursor": "#303030",  # 236
        "cursor-idle": "#262626",
        **_scrollbars("#4e4e4e", "#1c1c1c"),
    },
)

LIGHT = Theme(
    name="rungwise-light",
    primary="#005f87",  # 24
    secondary="#005f5f",  # 23
    accent="#875f00",  # 94
    warning="#af5f00",  # 130
    error="#af0000",  # 124
    success="#005f00",  # 22
    foreground="#262626",  # 235
    background="#ffffff",  # 231
    surface="#f8f8f8",
    panel="#eeeeee",  # 255
    dark=False,
    variables={
        **_BLOCK,
        "text-muted": "#585858",  # 240
        "line": "#b2b2b2",  # 249
        "cursor": "#dadada",  # 253
        "cursor-idle": "#eeeeee",
        **_scrollbars("#b2b2b2", "#eeeeee"),
    },
)


def missing_variables(theme: Theme) -> dict[str, str]:
    """The colours of ours that a theme does not set: lines, and the row under the cursor with and without focus; and in
    the terminal's own sixteen a colour for keys and titles that can be read."""
    if theme.ansi:
        found = {"line": "ansi_bright_black", "cursor": "ansi_cyan", "cursor-idle": "ansi_default"}
        if theme.dark:  # blue and black are 2 to 1: nothing is written in the one on the other
            found |= {"primary": "ansi_cyan", "cursor": "ansi_blue"}
    else:
        front = Color.parse(theme.foreground or ("#e0e0e0" if theme.dark else "#202020"))
        back = Color.parse(theme.background or ("#121212" if theme.dark else "#f0f0f0"))
        shares = {"line": 0.3, "cursor": 0.18, "cursor-idle": 0.1}
        found = {name: back.blend(front, share).hex for name, share in shares.items()}
    return {name: value for name, value in found.items() if name not in theme.variables}


def dark_by_environment(environ: Mapping[str, str]) -> bool | None:
    """What COLORFGBG says (rxvt, Konsole and others set it: `15;0`, `0;default;15`); None where it says nothing."""
    last = environ.get("COLORFGBG", "").rpartition(";")[2]
    if not last.isdecimal() or int(last) > 15:
        return None
    return int(last) in (0, 1, 2, 3, 4, 5, 6, 8)
