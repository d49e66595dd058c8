"""How a text is best turned into numbers, from its length.  Light."""

from __future__ import annotations

SHORT = 6  # median words below which letters tell more than words do


def recommended_encoding(words: float, texts: int) -> tuple[str, str]:
    """(option of `data.text`, why) for a problem that is a text.  words: median a text; texts: how many there are.

    Counts of words before sequences: below 1,500 texts per median word they win (Google text classification guide).
    """
    ratio = texts / max(words, 1.0)
    if words < SHORT:
        why = (
            f"A median of {words:,.0f} words a text is short: groups of letters also see endings and slips of the pen."
        )
        return "letters", why
    said = f"{texts:,} texts of {words:,.0f} words (median)"
    if ratio < 1500:
        return "words", f"{said}: {ratio:,.0f} texts a word, below 1,500, where counts of words and pairs win."
    return "words", f"{said}: counts of words and pairs are the simplest thing to beat."
