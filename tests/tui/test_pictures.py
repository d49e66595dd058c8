"""Every screen and state as a picture, at 80×24 and 120×40.  Each docstring says what a person should see."""

import pytest

from engine.effects import Ask
from engine.records import Option
from engine.views import Table
from tests.tui.scripted import (
    COSTS,
    LATENCY,
    MARKS,
    PATH,
    TYPES,
    ScriptedDesk,
    app_over,
    ask_champion,
    ask_rule,
    ask_statement,
    ask_target,
    home_lines,
    only,
    see,
)
from tests.tui.test_tour import TourDesk
from tui.widgets.question import QuestionPane

pytestmark = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])


def shown(snap_compare, app, size, *steps):
    """Compare the picture after steps: a text to wait for, or [keys] to press."""

    async def before(pilot):
        for step in steps:
            if isinstance(step, str):
                await see(pilot, step)
            else:
                await pilot.press(*step)
        await pilot.pause()

    return snap_compare(app, terminal_size=size, run_before=before)


def working(snap_compare, size, *asks, steps=()):
    return shown(snap_compare, app_over(ScriptedDesk(only(*asks)), session="churn"), size, *steps)


def test_home_empty(snap_compare, size):
    """What this is, in three lines, and two keys to begin with."""
    assert shown(snap_compare, app_over(ScriptedDesk()), size, "begin with")


def test_home_filled(snap_compare, size):
    """Three sessions, newest first, with data, target, stage and ladder; one is at work; markup is literal."""
    assert shown(snap_compare, app_over(ScriptedDesk(sessions=home_lines())), size, "diamonds")


def test_begin_with_an_error(snap_compare, size):
    """The dialog over a dimmed home; it says what is missing, in red and in words."""
    assert shown(snap_compare, app_over(ScriptedDesk()), size, "begin with", ["n"], "pace", ["enter"], "Write where")


def test_help(snap_compare, size):
    """What home is for, and every key that works there."""
    app = app_over(ScriptedDesk(sessions=home_lines()))
    assert shown(snap_compare, app, size, "diamonds", ["question_mark"], "Begin a session with a file")


def test_choice_of_models(snap_compare, size):
    """Options as a table with their figures, the star on the recommended one, tabs of evidence, the suggested why."""
    assert working(snap_compare, size, ask_champion(), steps=["carry forward", "the guide's words"])


def test_choice_against_the_advice(snap_compare, size):
    """A hold in words for the row under the cursor; the why is empty and asked for; the refusal stands below it."""
    steps = ["the guide's words", ["down", "down"], "hold:", ["enter"], "Write why"]
    assert working(snap_compare, size, ask_champion(), steps=steps)


def test_choice_among_many(snap_compare, size):
    """A search field above a long list; hostile column names stand as they are."""
    assert working(snap_compare, size, ask_target(), steps=["the guide's words", ["end"], "two␊lines"])


def test_choices(snap_compare, size):
    """Boxes, two of three ticked, a star before what is recommended."""
    ask = Ask(MARKS, subject="age", options=(Option("?"), Option("-9"), Option("n/a")), recommended=["?", "-9"],
              reason="“-9” lies far from the other values.")  # fmt: skip
    assert working(snap_compare, size, ask, steps=["the guide's words"])


def test_text(snap_compare, size):
    """Two lines of text, and the why below."""
    steps = ["differently", [*"who", "ctrl+j", *"when"], "when"]
    assert working(snap_compare, size, ask_statement(), steps=steps)


def test_number_out_of_range(snap_compare, size):
    """The unit and the range beside the field; what is wrong below it."""
    assert working(snap_compare, size, Ask(LATENCY), steps=["How long", ["9", "9", "9", "9", "9"], "from 0.001 to"])


def test_rules(snap_compare, size):
    """A condition with its class, checked while it is typed, and one more line for another."""
    steps = ["experienced", [*"tenure<12", "tab", *"yes", "ctrl+n", *"foo"], "names no column"]
    assert working(snap_compare, size, ask_rule(), steps=steps)


def test_costs(snap_compare, size):
    """Unknown, equal, or a table whose fields open."""
    steps = ["mistake cost", "the guide's words", ["down", "down"], "actual.predicted"]
    assert working(snap_compare, size, Ask(COSTS, recommended="unknown", reason="Nobody said."), steps=steps)


def test_table_of_roles(snap_compare, size):
    """Names and types; the changed one is marked, and what it was stands below."""
    types = {"tenure": "number", "zip": "number", "[red]name[/]": "category", "two\nlines": "category"}
    ask = Ask(TYPES, recommended=types, reason="As found in the file.")
    assert working(snap_compare, size, ask, steps=["the guide's words", ["down", "right"], "was found to be number"])


def test_whys(snap_compare, size):
    """Two whys opened, the third offered."""
    steps = ["the guide's words", ["w"], "Why this one?", ["w"], "higher by less"]
    assert working(snap_compare, size, ask_champion(), steps=steps)


def test_evidence_in_full(snap_compare, size):
    """The loss curves with the whole screen to themselves, two lines told apart without colour."""
    steps = ["the guide's words", ["e", "right"], "validation"]
    assert working(snap_compare, size, ask_champion(), steps=steps)


def test_figures_of_a_picture(snap_compare, size):
    """The same loss curves as a table of their figures, one row an epoch; the first under the cursor."""
    steps = ["the guide's words", ["e", "right"], "validation", ["f"], "0.780"]
    assert working(snap_compare, size, ask_champion(), steps=steps)


def test_wide_table(snap_compare, size):
    """A table of more columns than fit: the first stays, “.” turns to the others; above it which are seen."""
    columns = ("customer", *(f"month {n}" for n in range(1, 25)), "what was said")
    rows = [
        [f"A-{n:04}", *(n * 13.5 + m for m in range(24)), "asked twice for a better price, then " * 3] for n in range(9)
    ]
    ask = Ask(MARKS, subject="age", options=(Option("?"), Option("-9")), recommended=["-9"],
              reason="“-9” lies far from the other values.", shows=(Table("rows", columns, rows),))  # fmt: skip
    steps = ["the guide's words", ["e"], "columns 2", ["full_stop"], "of 26"]
    assert working(snap_compare, size, ask, steps=steps)


def test_palette(snap_compare, size):
    """The commands of the screen, each with its key and what it does; the framework's own come after them."""
    app = app_over(ScriptedDesk(sessions=home_lines()))
    assert shown(snap_compare, app, size, "diamonds", ["ctrl+p"], "Begin a session with a file")


def test_tour(snap_compare, size):
    """The question, and in the last lines above the keys what the tour says of it."""
    app = app_over(TourDesk(only(ask_statement())), session="tour")
    assert shown(snap_compare, app, size, "differently", "Each question stands alone")


def test_too_small(snap_compare, size):
    """What the terminal needs, and what it has; nothing of the session behind it.  Once too narrow, once too low."""
    small = (55, 24) if size == (80, 24) else (120, 15)
    assert shown(snap_compare, app_over(ScriptedDesk()), small, "60×16 is needed")


def test_measuring(snap_compare, size):
    """One line a trial with bar, epoch, time, time left and score; the curve of the network below."""
    desk = ScriptedDesk(PATH[1:])
    app = app_over(desk, session="churn")

    async def before(pilot):
        await see(pilot, "Practice exams")
        desk.finish(0)
        desk.run(2, 12, points=12)
        await see(pilot, "epoch 12/25")
        await see(pilot, "validation loss")

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_measuring_failed(snap_compare, size):
    """The reason in plain words, and the two keys that help."""
    desk = ScriptedDesk(PATH[1:])
    app = app_over(desk, session="churn")

    async def before(pilot):
        await see(pilot, "Practice exams")
        desk.finish(0)
        desk.fail(1)
        desk.finish(2)
        await see(pilot, "r tries it again")

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_settled(snap_compare, size):
    """What was taken for the person in this stage, each with its reason; enter keeps, o opens."""
    app = app_over(ScriptedDesk(PATH), session="churn")

    async def before(pilot):
        await see(pilot, "Which column")
        await pilot.press("enter")
        await see(pilot, "differently")
        pilot.app.screen.query_one(QuestionPane).query_one("#text").insert("The service team calls them each Monday")
        await pilot.press("enter")
        await see(pilot, "taken for you")
        await see(pilot, "the guide's words")

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_finished_and_journal(snap_compare, size):
    """The journal of two decisions, the ladder then, and all that stood at the second."""
    steps = ["Which column", ["enter"], "carry forward", ["enter"], "walked to its end", ["j"], "better, 25 practice"]
    assert working(snap_compare, size, ask_target(), ask_champion(), steps=steps)


def test_finished(snap_compare, size):
    """What was reached: the ladder, how many decisions, and where to go from here."""
    steps = ["Which column", ["enter"], "carry forward", ["enter"], "walked to its end", "all sessions"]
    assert working(snap_compare, size, ask_target(), ask_champion(), steps=steps)


def test_go_back(snap_compare, size):
    """The decisions so far over a dimmed question; it says that nothing is lost."""
    steps = ["Which column", ["enter"], "carry forward", ["b"], "A branch starts there."]
    assert working(snap_compare, size, ask_target(), ask_champion(), steps=steps)


def test_with_letters_alone(snap_compare, size):
    """The choice of models where the terminal has no signs: frames, intervals and stars made of letters."""
    app = app_over(ScriptedDesk(only(ask_champion())), session="churn")
    app.ascii_only = True
    assert shown(snap_compare, app, size, "carry forward", "the guide's words", "|--o-")


def test_said_in_passing(snap_compare, size):
    """A notice on lines of its own above the keys; header, breadcrumb, question and why stand as they stood."""
    app = app_over(ScriptedDesk(only(ask_champion())), session="churn")

    async def before(pilot):
        await see(pilot, "the guide's words")
        app.notify("Session “churn” is open in another window; here it can only be read.", timeout=600)
        await see(pilot, "can only be read")
        await pilot.pause(0.2)

    assert snap_compare(app, terminal_size=size, run_before=before)
