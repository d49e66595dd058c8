"""The guided tour: hints that hang on what is asked."""

from engine.stages import STAGES
from tests.tui.scripted import (
    PATH,
    ScriptedDesk,
    app_over,
    ask_champion,
    ask_statement,
    ask_target,
    home_lines,
    only,
    see,
    text_of,
    until,
)
from tui import tour
from tui.screens.workbench import Workbench


class TourDesk(ScriptedDesk):
    """A desk whose session is called as it was created."""

    def create(self, path, target, name, pace):
        super().create(path, target, name, pace)
        return name

    def open(self, name, branch="", read_only=False):
        session = super().open(name, branch, read_only)
        session.name = name
        return session


def test_every_hint_belongs_to_a_question_that_there_is():
    known = {question.id for stage in STAGES for question in stage.questions} | {"project.settled"}
    assert set(tour.HINTS) <= known
    assert all(len(text) <= 2 * 70 for text in (*tour.HINTS.values(), tour.WORKING, tour.ENDED, tour.ELSE))  # two lines


async def test_the_tour_begins_on_the_sample_without_asking_and_speaks_beside_each_question():
    desk = TourDesk(only(ask_statement(), ask_target(), ask_champion()))
    async with app_over(desk).run_test(size=(80, 24)) as pilot:
        await see(pilot, "a guided tour")
        await pilot.press("g")
        await see(pilot, "Each question stands alone")
        assert [(target, name, pace) for _, target, name, pace in desk.created] == [("churned", "tour", "quick")]
        await pilot.press(*"They call.", "enter")
        await see(pilot, "? lists every key")  # a question without a hint of its own
        await pilot.press("enter")
        await see(pilot, "the simplest of equals goes on")
        await pilot.press("g")
        await until(pilot, lambda: "simplest of equals" not in text_of(pilot))
        await pilot.press("g", "enter")
        await see(pilot, "That is the path.")


async def test_the_tour_says_what_goes_on_while_models_are_computed():
    desk = TourDesk(PATH[1:])
    async with app_over(desk, session="tour").run_test(size=(80, 24)) as pilot:
        await see(pilot, "in a process of their own")


async def test_a_tour_that_was_begun_is_taken_up_again():
    line = home_lines()[0]
    desk = TourDesk(only(ask_statement()), [line.__class__(**{**line.__dict__, "name": "tour"})])
    async with app_over(desk).run_test(size=(80, 24)) as pilot:
        await see(pilot, "tour")
        await pilot.press("g")
        await until(pilot, lambda: isinstance(pilot.app.screen, Workbench))
        assert not desk.created


async def test_other_sessions_have_no_hints():
    async with app_over(ScriptedDesk(only(ask_statement())), session="churn").run_test(size=(80, 24)) as pilot:
        await see(pilot, "differently")
        assert "tour" not in text_of(pilot)
        await pilot.press("escape", "g")
        await pilot.pause()
        assert "Each question stands alone" not in text_of(pilot)
