"""The workbench, key by key, over a scripted path."""

from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace

import pytest
from textual.css.query import NoMatches

from engine.ports import TrialState
from engine.questions import Judgement, Level, Objection
from engine.records import Progress
from tests.tui.scripted import (
    EXAMS,
    PATH,
    ScriptedDesk,
    app_over,
    ask_champion,
    ask_statement,
    ask_target,
    only,
    see,
    text_of,
    until,
)
from tui.screens.home import Home
from tui.screens.reading import EvidenceBox
from tui.screens.workbench import Workbench
from tui.widgets.question import QuestionPane
from tui.widgets.where import Where

SIZE = (120, 40)
ASKED = "carry forward"
WHY = "The regulator reads each coefficient, and the campaign needs reasons for every customer"


@asynccontextmanager
async def at(desk, words, size=SIZE):
    """The desk's session, opened, once these words are on its screen."""
    async with app_over(desk, session="churn").run_test(size=size) as pilot:
        await see(pilot, words)
        yield pilot


def pane(pilot):
    return pilot.app.screen.query_one(QuestionPane)


async def to_what_was_taken(pilot):
    """From the first question of the path to what the pace took for the person."""
    await pilot.press("enter")
    await see(pilot, "differently")
    pane(pilot).query_one("#text").insert("The service team calls those customers every Monday")
    await pilot.press("enter")
    await see(pilot, "taken for you")


async def test_enter_takes_the_recommendation_in_the_guides_words():
    desk = ScriptedDesk(only(ask_target()))
    async with at(desk, "Which column") as pilot:
        await pilot.press("enter")
        await see(pilot, "walked to its end")
        (decision,) = desk.opened[0].decisions()
        assert (decision.choice, decision.author, decision.why_author) == ("Churn", "person", "engine")
        assert decision.why == "“Churn” stands last and has two values."


async def test_an_overrule_asks_for_a_why_and_loses_nothing():
    desk = ScriptedDesk(only(ask_champion()))
    async with at(desk, ASKED) as pilot:
        assert "the guide's words" in text_of(pilot)
        await pilot.press("down", "down")
        await see(pilot, "hold: needs a why of your own — Its gain of 0.002 ± 0.006 is within noise.")
        assert pane(pilot).why.text == ""  # the suggestion was for another answer
        await pilot.press("enter")
        await see(pilot, "Write why: one sentence of your own.")
        assert pilot.app.focused is pane(pilot).why
        await pilot.press(*"because", "enter")
        await see(pilot, "Say a little more")
        assert pane(pilot).why.text == "because"
        await pilot.press("ctrl+u")
        pane(pilot).why.insert(WHY)
        await see(pilot, "✓ yours")
        await pilot.press("enter")
        await see(pilot, "walked to its end")
        (decision,) = desk.opened[0].decisions()
        assert (decision.choice, decision.why, decision.why_author) == ("boosting", WHY, "person")
        assert decision.overruled
        assert "M03" in decision.flags


async def test_a_question_left_open_says_that_a_why_will_do():
    def judge(choice):
        return Judgement(() if choice else (Objection(Level.HOLD, "Without a moment late columns pass."),))

    desk = ScriptedDesk(only(replace(ask_statement(), judge=judge)))
    async with at(desk, "optional here") as pilot:
        await pilot.press("enter")
        await see(pilot, "Write why: one sentence of your own.")
        await see(pilot, "answer above, or say here why it stays open")
        assert "optional here" not in text_of(pilot)
        await pilot.press("tab")
        pane(pilot).why.insert(WHY)
        await pilot.press("enter")
        await see(pilot, "walked to its end")
        (decision,) = desk.opened[0].decisions()
        assert (decision.choice, decision.why) == ("", WHY)


async def test_a_suggestion_comes_back_with_its_answer_but_never_over_ones_own_words():
    desk = ScriptedDesk(only(ask_champion()))
    async with at(desk, ASKED) as pilot:
        await pilot.press("down", "up")
        assert pane(pilot).why.text.startswith("Boosted trees gain")
        await pilot.press("tab", "space", *"yes", "escape", "down", "up")
        assert pane(pilot).why.text.endswith("one error. yes")


async def test_a_suggestion_longer_than_its_field_says_so_from_the_beginning():
    desk = ScriptedDesk(only(replace(ask_champion(), reason="It is the simplest of those that are level. " * 12)))
    async with at(desk, "more lines: tab", (80, 24)) as pilot:
        await pilot.press("down")
        await see(pilot, "a why of your own is asked for here")
        await pilot.press("up")
        await see(pilot, "more lines: tab")
        hidden = int(text_of(pilot).split(" more lines: tab")[0].split("·")[-1])
        assert hidden == pane(pilot).why.wrapped_document.height - pane(pilot).why.size.height > 1
    desk = ScriptedDesk(only(ask_champion()))
    async with at(desk, "the guide's words", (80, 24)) as pilot:  # two lines, both seen
        await pilot.pause()
        assert "more line" not in text_of(pilot)


async def test_letters_are_text_in_a_field_and_keys_outside_it():
    desk = ScriptedDesk(only(ask_statement()))
    async with at(desk, "differently") as pilot:
        await pilot.press(*"web jh")
        assert pane(pilot).form.raw() == "web jh"
        assert "esc Leave field" in text_of(pilot)
        assert "f1 Help" in text_of(pilot)
        await pilot.press("escape", "w")
        await see(pilot, "Who answers it")
        await pilot.press("escape")
        assert pane(pilot).form.raw() == "web jh"


async def test_what_is_typed_outlives_the_screen():
    desk = ScriptedDesk(only(ask_statement()))
    async with at(desk, "differently") as pilot:
        await pilot.press(*"half a sent", "tab", *"mine", "escape", "h")
        await until(pilot, lambda: isinstance(pilot.app.screen, Home))
        await until(pilot, lambda: desk.opened[0].closed)
        pilot.app.open_session("churn")
        await see(pilot, "half a sent")
        await until(pilot, lambda: pane(pilot).why.text == "mine")


async def test_an_answer_that_is_refused_says_so_where_it_stands():
    desk = ScriptedDesk(only(ask_statement()))
    async with at(desk, "differently") as pilot:
        await pilot.press("enter")
        await see(pilot, "Say in one sentence what it is for.")
        assert desk.opened[0].decisions() == []


async def test_keep_asking_why_opens_one_more_at_each_press():
    desk = ScriptedDesk(only(ask_champion()))
    async with at(desk, ASKED) as pilot:
        await pilot.press("w")
        await see(pilot, "Why this one?")
        assert "What is noise here?" not in text_of(pilot)
        await pilot.press("w", "w")
        await see(pilot, "The spread over 25 practice exams.")
        assert "boosted trees is higher by less than its own noise." in text_of(pilot)
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, Workbench)


async def test_evidence_turns_by_number_by_t_and_in_full():
    desk = ScriptedDesk(only(ask_champion()))
    async with at(desk, ASKED) as pilot:
        await pilot.press("4")
        await see(pilot, "Two-year contracts leave a third as often.")
        await pilot.press("t")
        await until(pilot, lambda: "Two-year" not in text_of(pilot))
        await pilot.press("e", "right")
        await see(pilot, "validation")
        await pilot.press("left", "3")
        await see(pilot, "precision")
        await pilot.press("escape", "4", "e")  # it opens at what was looked at
        await until(pilot, lambda: isinstance(pilot.app.screen, EvidenceBox))
        await see(pilot, "Two-year contracts leave a third as often.")
        await pilot.press("left")
        await see(pilot, "precision")
        await pilot.press("escape")


async def test_work_is_shown_cancelled_retried_and_left_out():
    desk = ScriptedDesk(PATH[1:])
    async with at(desk, "Practice exams") as pilot:
        await see(pilot, " 3 to do")
        desk.finish(0)
        desk.run(1, 9)
        desk.run(2, 12, points=12)
        await see(pilot, "fold 9/25")
        await see(pilot, "2 of 3 to do")
        await pilot.press("end")
        await see(pilot, "validation loss")
        await pilot.press("ctrl+x")
        await see(pilot, "cancelled")
        await pilot.press("r")
        await until(pilot, lambda: desk.states[EXAMS[2].key].status == "queued")
        desk.finish(1)
        desk.fail(2, "Out of memory.")
        await see(pilot, "Out of memory.")
        await pilot.press("s")
        await see(pilot, "Out of memory.")  # this path needs all three: it says so, and goes no further


async def test_how_far_it_is_keeps_its_room_until_there_is_a_score_and_a_spent_estimate_is_none():
    desk = ScriptedDesk(PATH[1:])
    async with at(desk, "Practice exams", (72, 24)) as pilot:
        late = Progress(29, 40, "fit", "boosting", left=0.0)
        desk.states[EXAMS[0].key] = TrialState(EXAMS[0], "running", late, elapsed=43.0)
        await see(pilot, "━━━━━━━───")
        assert "43 s" in text_of(pilot)
        assert "0.0 s" not in text_of(pilot)
        assert "score" not in text_of(pilot)
        desk.run(1, 9)
        await see(pilot, "score")
        assert "0.846" in text_of(pilot)


async def test_a_training_is_paused_goes_on_and_is_ended_with_its_best():
    """Only what runs can wait, and only a training has a best so far to keep."""
    desk = ScriptedDesk(PATH[1:])
    async with at(desk, "Practice exams") as pilot:
        desk.run(1, 9)
        await see(pilot, "fold 9/25")
        await pilot.press("k")
        await pilot.press("p")
        await see(pilot, "paused at fold 9/25")
        assert desk.states[EXAMS[1].key].wish == "pause"
        await pilot.press("p")
        await until(pilot, lambda: desk.states[EXAMS[1].key].wish == "")
        desk.run(1, 12, points=12)
        await see(pilot, "lowest validation loss")
        await see(pilot, "Keep the best")
        await pilot.press("k")
        await see(pilot, "ends after this epoch")
        assert desk.states[EXAMS[1].key].wish == "enough"
        await pilot.press("p")
        assert desk.states[EXAMS[1].key].wish == "enough"


async def test_everything_else_works_while_work_goes_on_and_the_next_question_comes_by_itself():
    desk = ScriptedDesk(PATH)
    async with at(desk, "Which column") as pilot:
        await to_what_was_taken(pilot)
        await pilot.press("enter")
        await see(pilot, "Practice exams")
        desk.run(0, 3)
        await pilot.press("j")
        await see(pilot, "what stood then")
        await pilot.press("escape")
        await see(pilot, "fold 3/25")
        desk.finish_all()
        await see(pilot, ASKED)


async def test_a_taken_answer_is_opened_and_asked_on_a_branch():
    desk = ScriptedDesk(PATH)
    async with at(desk, "Which column") as pilot:
        await to_what_was_taken(pilot)
        await pilot.press("o")
        await see(pilot, "How shall numbers be scaled?")
        assert "branch-2" in text_of(pilot)


async def test_back_picks_a_decision_and_starts_a_branch():
    desk = ScriptedDesk(only(ask_target(), ask_champion()))
    async with at(desk, "Which column") as pilot:
        await pilot.press("enter")
        await see(pilot, ASKED)
        await pilot.press("b")
        await see(pilot, "A branch starts there.")
        assert "you" in text_of(pilot)  # as the journal names who gave it
        assert "person" not in text_of(pilot)
        await pilot.press("enter")
        await see(pilot, "Which column")
        assert "branch-2" in text_of(pilot)
        assert len(desk.opened[0].decisions()) == 1


async def test_read_only_shows_and_records_nothing():
    desk = ScriptedDesk(only(ask_target()), read_only=True)
    async with at(desk, "Which column") as pilot:
        await pilot.press("enter")
        await see(pilot, "Nothing can be recorded: another window has it open.")


async def test_a_finished_session_offers_a_branch_only_where_one_can_be_begun():
    desk = ScriptedDesk(only(ask_target()))
    async with at(desk, "Which column") as pilot:
        await pilot.press("enter")
        await see(pilot, "back to any decision")
    read_only = ScriptedDesk(only(ask_target()), read_only=True)
    read_only.kept = list(desk.opened[0].decisions())
    async with at(read_only, "walked to its end") as pilot:
        assert "back to any decision" not in text_of(pilot)


async def test_two_quick_enters_record_once():
    desk = ScriptedDesk(only(ask_target()))
    async with at(desk, "Which column") as pilot:
        pilot.app.screen.action_record()
        pilot.app.screen.action_record()
        await see(pilot, "walked to its end")
        assert len(desk.opened[0].decisions()) == 1


@pytest.mark.parametrize("leaves", [True, False])
async def test_an_answer_that_comes_while_the_screen_is_left_finds_nothing_missing(leaves, monkeypatch):
    """The parts of a screen go before it does; while it stays, a part that is missing is a mistake and is said."""
    desk = ScriptedDesk(only(ask_target()))
    async with at(desk, "Which column") as pilot:
        screen = pilot.app.screen
        await screen.query(Where).remove()
        monkeypatch.setattr(screen, "_closing", leaves)
        with nullcontext() if leaves else pytest.raises(NoMatches):
            await screen._advance()
        monkeypatch.setattr(screen, "_closing", False)


async def test_a_failed_state_is_an_error_in_words_not_a_crash():
    desk = ScriptedDesk(PATH[1:])
    async with at(desk, "Practice exams", (80, 24)) as pilot:
        desk.states[EXAMS[0].key] = TrialState(EXAMS[0], "failed", reason="[bold]disk full[/]\x1b[31m")
        await see(pilot, "[bold]disk full[/]␛[31m")


async def test_a_why_that_was_not_recorded_is_there_again_after_a_crash():
    desk = ScriptedDesk(only(ask_champion()))
    async with at(desk, ASKED) as pilot:
        await pilot.press("down", "down", "tab")
        pane(pilot).why.insert("The regulator reads each")
        await until(pilot, lambda: any(d and d["why"] for d in desk.drafts.values()))
        kept = dict(desk.drafts)
    desk.drafts = kept  # what stood on the disk when the power went: nothing that closing down may have added
    async with at(desk, "The regulator reads each") as pilot:
        assert "hold: needs a why" in text_of(pilot)  # the choice is back, too
        pane(pilot).why.insert(" coefficient, and wants a reason for every customer")
        await pilot.press("tab", "tab")
        pane(pilot).record()
        await see(pilot, "walked to its end")
    assert not any(desk.drafts.values())


async def test_a_draft_of_a_form_that_has_changed_is_let_go():
    desk = ScriptedDesk(only(ask_champion()))
    desk.drafts[("churn", "simple.champion", "")] = {"form": {"chosen": "all"}, "why": "Kept words", "own": True}
    async with at(desk, "Kept words") as pilot:
        await see(pilot, ASKED)


async def test_leaving_at_once_loses_no_letter():
    desk = ScriptedDesk(only(ask_champion()))
    async with at(desk, ASKED) as pilot:
        pane(pilot).why.insert("Half a")
        await pilot.pause()
        await pilot.press("ctrl+q")
    (draft,) = desk.drafts.values()
    assert "Half a" in draft["why"]
