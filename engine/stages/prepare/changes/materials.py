"""Dates, texts and pictures: how each becomes numbers."""

from __future__ import annotations

from engine.data.text_advice import recommended_encoding
from engine.effects import Ask
from engine.errors import InvalidAnswer
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Json, Option
from engine.session import Session
from engine.stages.columns import listed
from engine.stages.looks import column_views
from engine.stages.prepare.changes.change import Change, Known, chosen_words, inputs, inputs_of, option_words

DATES = Question(
    "data.dates",
    "Which parts of the dates matter?",
    options=(
        Option("parts", "Parts and elapsed time", "year, month, day, weekday, hour, and total seconds"),
        Option("cycles", "Cycles", "month, weekday and hour as circles: December is next to January"),
        Option("elapsed", "Elapsed time only"),
        Option("drop", "None: leave dates out"),
    ),
    whys=(
        Why("Why parts?", "Weekday is a category in disguise.", "skrub, DatetimeEncoder"),
        Why("Why cycles?", "To a line, hour 23 and hour 0 are worlds apart; on a circle they touch."),
        Why("What is the danger?", "{danger}"),
    ),
    source="skrub, DatetimeEncoder; decision catalogue, data.dates",
)


def _ask_dates(s: Session, known: Known) -> Ask | None:
    dates = [n for n, kind in s.input_types().items() if kind == "date"]
    if not dates or s.material == "series":
        return None
    danger = (
        "Elapsed time under a random split remembers the day: what happened then is known to the exam's neighbours."
    )
    at_random = s.choice("split.kind") != "time"

    def judge(choice: Json) -> Judgement:
        check = Check("date columns", len(dates), protocol="inputs")
        if at_random and choice in ("parts", "elapsed"):
            return Judgement((Objection(Level.NOTE, danger),), check)
        return Judgement(check=check)

    return Ask(
        DATES,
        recommended="parts",
        reason=f"{listed(f'“{n}”' for n in dates)}: weekday, month and elapsed time are what dates mostly tell by.",
        facts={"danger": danger if at_random else "None here: the split goes by time."},
        evidence=(known.seen,),
        shows=column_views(known.look, dates[:2]),
        judge=judge,
    )


TEXT = Question(
    "data.text",
    "How should text become numbers?",
    options=(
        Option("words", "Words and pairs of words", "TF-IDF, at most 20,000"),
        Option("letters", "Groups of 3 to 5 letters", "TF-IDF; for short, noisy or inflected text"),
        Option("both", "Words and letters"),
        Option("strings", "30 numbers from letter groups", "small and dense; for tables with some text"),
    ),
    whys=(
        Why("Why this one?", "{reason}", "Google text classification guide; skrub"),
        Why("Why inside the fold?", "A vocabulary over all rows has read the exam.", "KN L1.2"),
        Why("Why not a network at once?", "Below 1,500 texts per word of length, counts of words win.", "TG"),
    ),
    source="Google text classification guide; skrub, StringEncoder",
)


def _texts(s: Session, known: Known) -> dict[str, dict[str, Json]]:
    return {n: known.profile.columns[n] for n, kind in s.input_types().items() if kind == "text"}


def _plain_text(s: Session) -> str:
    return "words" if s.material == "text" else "strings"


def _ask_text(s: Session, known: Known) -> Ask | None:
    texts = _texts(s, known)
    if not texts:
        return None
    longest = max(texts, key=lambda n: texts[n].get("words") or 0)
    words, rows = texts[longest].get("words") or 0.0, known.profile.rows
    best, why = (
        "strings",
        f"“{longest}” has a median of {words:,.0f} words beside other columns: 30 numbers are enough.",
    )
    if s.material == "text":
        best, why = recommended_encoding(words, rows)
    return Ask(
        TEXT,
        recommended=best,
        reason=why,
        evidence=(known.seen,),
        judge=lambda choice: Judgement(check=Check("median words", words, protocol=f"“{longest}”, {rows:,} texts")),
    )


IMAGES = Question(
    "data.images",
    "How large should the pictures be fed?",
    Form.NUMBER,
    low=4,
    high=64,
    unit="pixels a side",
    whys=(
        Why("Why smaller?", "Small pictures train faster; more iterations.", "Keras examples"),
        Why("Why this size?", "{reason}"),
        Why("Is it kept?", "Only if the practice exams with it are not measurably worse."),
    ),
    source="Decision catalogue, data.images; S003 shapes",
)


def _ask_images(s: Session, known: Known) -> Ask | None:
    if s.material != "image":
        return None
    pixels = sum(bool(c.get("pixel")) for c in known.profile.columns.values())
    colours = 3 if pixels % 3 == 0 and round((pixels / 3) ** 0.5) ** 2 * 3 == pixels else 1
    side = round((pixels / colours) ** 0.5)
    half = max((k for k in (8, 16, 28, 32, 48) if k <= side / 2), default=None)

    def read(choice: Json) -> Json:
        if choice is not None and (not isinstance(choice, int) or choice > side):
            raise InvalidAnswer(
                f"data.images: a whole number of pixels up to {side} is needed, or none for as they are."
            )
        return None if choice == side else choice

    why = f"{pixels:,} pixel columns: {side} × {side}" + (" in three colours" if colours == 3 else " in grey")
    why += f"; half of it, {half} pixels, is tried." if half else "; small enough as they are."
    return Ask(
        IMAGES,
        recommended=half,
        reason=why,
        evidence=(known.seen,),
        read=read,
        judge=lambda choice: Judgement(check=Check("pixels a side", choice or side, reference=side, protocol="native")),
    )


CALENDAR = Change(DATES, "parts", _ask_dates, inputs_of("date"), option_words(DATES))
WORDS = Change(TEXT, _plain_text, _ask_text, inputs_of("text"), option_words(TEXT))
PIXELS = Change(IMAGES, None, _ask_images, inputs, chosen_words("pictures of {} pixels a side"))
