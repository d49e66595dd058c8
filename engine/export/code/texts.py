"""Columns of text in the preparation: plain TF-IDF for a line where that is what the session has, else as it has it."""

from __future__ import annotations

import numpy as np

from engine.export.code.plan import Plan
from engine.models.pipeline import NEAR, REDUCED, SPARSE
from engine.models.texts import MOST_TERMS

_VOCABULARIES = {"words": ["words"], "letters": ["letters"], "both": ["words", "letters"]}
_PLAIN = {"words": "ngram_range=(1, 2)", "letters": 'analyzer="char_wb", ngram_range=(3, 5)'}


def text_rows(plan: Plan, style: str, columns: list[str]) -> list[str]:
    """The steps for columns of text."""
    if not columns:
        return []
    if style == "tokens":
        return ['("tokens", Tokens(), TEXTS)']
    encode = plan.prepare["text"]["encode"]
    if style == "terms" and encode not in _VOCABULARIES:
        encode = "words"
    if encode == "tfidf":  # as the first sessions wrote it
        encode = "words" if style == "linear" else "strings"
    if encode not in _VOCABULARIES:
        return ['("text", EachColumn("strings", seed), TEXTS)']
    kinds = _VOCABULARIES[encode]
    if style in SPARSE and all(_common_words(plan, column) for column in columns):
        told = f"preprocessor=lower, min_df=2, max_features={MOST_TERMS}, sublinear_tf=True"
        return [f'("{kind} {j + 1}", TfidfVectorizer({_PLAIN[kind]}, {told}), TEXTS[{j}])'
                for j in range(len(columns)) for kind in kinds]  # fmt: skip
    most = {"linear": None, "terms": None, "dense": NEAR}.get(style, REDUCED)
    return [f'("text", Vocabulary({kinds!r}, {most!r}, seed), TEXTS)']


def _common_words(plan: Plan, column: str) -> bool:
    """Whether some word is so common that any part to learn from holds it twice: then no vocabulary is ever empty."""
    from collections import Counter

    from engine.export.code.marks import LEARNS, marks_of

    texts = plan.table.frame[column].to_numpy(dtype=object)
    counts: Counter[str] = Counter()
    for text in texts[:: max(1, len(texts) // 5_000)]:
        counts.update({word for word in str(text or "").lower().split() if len(word) > 1 and word.isalpha()})
    for word, _ in counts.most_common(3):
        held = np.array([word in str(text or "").lower().split() for text in texts])
        if all(held[marks == LEARNS].sum() >= 2 for marks in marks_of(plan).values()):
            return True
    return False
