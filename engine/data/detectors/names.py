"""LK3 and LK11: what the names of the columns give away."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from engine.data.detectors.base import Detector, Finding, Rows, quote, words

LATE = words(
    "result outcome status final end closed close resolved cancel cancelled churn terminate exit leave paid "
    "repaid refund settle recover approved denied decision diagnosis treatment discharge death after post next "
    "future pred score label flag"
)
HISTORY = words("previous prior past earlier former")  # of what was before the case, whatever word follows
# What a person is called by, whatever comes of the case: no outcome, though the word "status" stands in it.
STANDING = words("marital civil family employment housing smoking")
# Words of a target's name that say nothing of what it is: stop words, units, currencies and generic nouns.
EMPTY = words(
    "with from that this than over under into each number count total value values variable class type kind "
    "name column data amount feature field year years month months week weeks days hour hours minute minutes "
    "second seconds date time meter meters metre metres inch inches foot feet mile miles gram grams kilogram "
    "pound pounds liter litre percent degree degrees celsius dollar dollars euro euros cents yuan rupee rupees "
    "kroner yen currency"
)
SELECTED = re.compile(
    r"(?:pc|pca|ica|svd|lsa|nmf|umap|tsne|latent|embedding|principal[ _.-]?component)[ _.-]?\d+"
    r"|(?:top|best|selected|important)[ _.-]?(?:feature|feat|var|variable|col|column)s?[ _.-]?\d*",
    re.IGNORECASE,
)
MANY = 1_000


def tokens(name: str) -> list[str]:
    """The words of a name, lower case: split where the case rises, and at whatever is no letter."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word.casefold() for word in re.findall(r"[^\W\d_]+", apart)]


def late_name(rows: Rows) -> Iterator[Finding]:
    """LK3: a token of the name belongs to what is known only afterwards, or to the target's own name.

    Tokens of the target count when they have ≥ 4 letters, are no unit, currency or stop word, and stand in < 20% of
    the column names.  A marital, civil, family, employment, housing or smoking status is no outcome; nor is
    what a name calls previous, prior, past, earlier or former.
    """
    names = {column: set(tokens(column)) for column in rows.columns}
    spread = Counter(word for said in names.values() for word in said)
    own = {
        word
        for word in tokens(rows.target)
        if len(word) >= 4 and word not in EMPTY and spread[word] < max(0.2 * len(names), 1.5)
    }
    for column, said in names.items():
        if said & HISTORY:
            continue
        late, kin = sorted(said & LATE - ({"status"} if said & STANDING else set())), sorted(said & own)
        if late or kin:
            reason = (
                f"bears the target's own word “{kin[0]}”" if kin else f"has “{late[0]}” in it, a word of late things"
            )
            yield Finding("LK3", "amber", column, f"The name {column} {reason}: is it filled in before the prediction?")


def selected(rows: Rows) -> Iterator[Finding]:
    """LK11: more than 1,000 columns, or names such as pc1 or top_feature: somebody chose or made them, on some rows."""
    made = [column for column in rows.columns if SELECTED.fullmatch(column.strip())]
    if made:
        yield Finding(
            "LK11",
            "amber",
            made[0],
            f"{quote(made)}: these look chosen or computed from other columns. On which rows? If the later test rows "
            "were among them, the score will flatter.",
            columns=tuple(made),
        )
    elif len(rows.columns) > MANY:
        yield Finding(
            "LK11",
            "amber",
            "",
            f"{len(rows.columns):,} columns: if somebody chose them by how they go with {rows.target}, on which rows?",
        )


LATE_NAME = Detector("LK3", "late name", "L2", late_name)
SELECTED_BEFORE = Detector("LK11", "selected with everything", "L1.3", selected)
