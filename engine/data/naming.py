"""What a column's name says.  Light: no pandas here, so that the screens and the questions may ask too."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

CODE_WORDS = ("code", "type", "zip", "class")
KEY_TOKENS = frozenset({"id", "uuid", "guid", "key", "nr", "number", "rownames", "index", "idx"})
ENTITY_WORDS = ("user", "customer", "patient", "store", "device", "session")
TIME_TOKENS = frozenset({"date", "time", "datetime", "timestamp", "month", "day", "week", "year", "created", "at"})
BIRTH_TOKENS = frozenset({"birth", "born", "dob", "birthday", "birthdate"})
TARGET_NAMES = ("target", "label", "y", "class", "churn", "price")  # `problem.target`, in order of preference
PROTECTED_TOKENS = frozenset(
    {
        "age",
        "sex",
        "gender",
        "race",
        "ethnicity",
        "ethnic",
        "religion",
        "religious",
        "nationality",
        "citizenship",
        "marital",
        "disability",
        "disabled",
        "pregnant",
        "pregnancy",
        "veteran",
        "orientation",
        "caste",
        "birth",
        "dob",
    }
)
PROTECTED_PAIRS = (("native", "country"), ("country", "origin"), ("country", "birth"))


def tokens(name: str) -> list[str]:
    """The words of a column name in lower case, split on case, digits and signs: 'customerID2' → customer, id."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+", name)
    return [part.lower() for part in parts]


def is_key(name: str) -> bool:
    return not KEY_TOKENS.isdisjoint(tokens(name))


def is_entity(name: str) -> bool:
    """Whether the name speaks of something that may come back in several rows (`problem.unit`).

    'id' counts only as a word of its own: width and humidity are not entities.
    """
    return "id" in tokens(name) or any(word in name.lower() for word in ENTITY_WORDS)


def is_code(name: str) -> bool:
    """Whether integers under this name may be codes rather than amounts (`data.types`)."""
    return any(part.startswith(word) or part.endswith(word) for part in tokens(name) for word in CODE_WORDS)


def is_protected(name: str) -> bool:
    """Whether the name is that of an attribute by which people must not be treated worse."""
    words = set(tokens(name))
    return not PROTECTED_TOKENS.isdisjoint(words) or any(set(pair) <= words for pair in PROTECTED_PAIRS)


def is_time(name: str) -> bool:
    words = set(tokens(name))
    return not TIME_TOKENS.isdisjoint(words) and BIRTH_TOKENS.isdisjoint(words)


def target_guess(names: Sequence[str]) -> str:
    """The column that most often is the target: one named so, else the last.  Beside a z, y is a place, no target."""
    lowered = {name.strip().lower(): name for name in reversed(names)}
    if "z" in lowered:
        lowered.pop("y", None)
    return next((lowered[known] for known in TARGET_NAMES if known in lowered), names[-1])


def closest(name: str, names: Sequence[str], most: int = 3) -> list[str]:
    """The names most like the one that is not there, likeliest first; at most `most`."""
    near = alike(name, names, most)
    low = name.lower()
    inside = [k for k in names if k not in near and (low in k.lower() or (len(k) > 2 and k.lower() in low))]
    return (near + inside)[:most]


def alike(name: str, names: Sequence[str], most: int = 3) -> list[str]:
    """The names that are spelled most like it, likeliest first.

    Case, spaces and signs count for nothing: “bill_length” means “Bill Length (mm)” rather than “bill_depth”.
    """
    of: dict[str, list[str]] = {}
    for known in names:
        of.setdefault(_bare(known), []).append(known)
    near = difflib.get_close_matches(_bare(name), list(of), n=most, cutoff=0.5)
    return [known for bare in near for known in of[bare]][:most]


def _bare(name: str) -> str:
    """The letters and digits of a name in lower case; of one that has none, the name."""
    return re.sub(r"[\W_]+", "", name.casefold()) or name.casefold()


def shown(names: Sequence[str], most: int = 8) -> str:
    """Names for a sentence, quoted literally, with control characters made visible; at most `most` of them."""
    text = ", ".join(quoted(name) for name in names[:most])
    return text + (f" and {len(names) - most} more" if len(names) > most else "")


def quoted(text: str, most: int = 60) -> str:
    """A text from the data between quotes, cut to a sane length, its control characters visible."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return "'" + "".join(c if c.isprintable() else repr(c)[1:-1] for c in cut) + "'"
