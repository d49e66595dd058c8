"""The why test: does a why say more than the question already did?  (Decision catalogue, 1.3.)"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

WhyVerdict = Literal["ok", "missing", "restates", "thin", "copied"]

_STOP_WORDS = (
    "a about all also am an and any are as at be because been but by can could did do does for from had "
    "has have he her his how i if in into is it its just may me more most my no nor not of on only or our "
    "out over she should so some such than that the their them then there these they this those to too up "
    "us very was we were what when where which who why will with would you your "
    "d ll m re s t ve "  # what is left of I'd, we'll, it's, don't
)
STOP_WORDS = frozenset(_STOP_WORDS.split())

ADVICE = {
    "missing": "Write why: one sentence of your own.",
    "restates": "This repeats the question. Say what in your problem or in the figures makes it right.",
    "thin": "Say a little more: at least five telling words.",
    "copied": "The same why was already given twice. What is different here?",
}


def tokens(text: str) -> set[str]:
    """Words and numbers, lower case, without stop words, cut to 6 letters."""
    words = re.findall(r"[^\W_]+(?:[.,]\d+)?", text.casefold())
    return {word[:6] for word in words if word not in STOP_WORDS}


def normalised(why: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", why.casefold()))


def judge_why(why: str, asked: str, earlier: Iterable[str] = ()) -> WhyVerdict:
    """Judge a why.  asked: prompt, options and recommendation in one text.  earlier: the whys given before."""
    if not why.strip():
        return "missing"
    said = tokens(why)
    if len(said) < 5:
        return "thin"
    if len(said - tokens(asked)) < 3:
        return "restates"
    if sum(normalised(why) == normalised(other) for other in earlier) >= 2:
        return "copied"
    return "ok"
