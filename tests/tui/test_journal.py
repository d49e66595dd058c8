"""The journal: moving through time, and forking."""

from storage.store import Store
from tests.tui.reviewed import sound_session
from tests.tui.scripted import PATH, ScriptedDesk, app_over, ask_champion, ask_target, only, see, text_of, until
from tui.opened import OpenSession
from tui.screens.journal import JournalScreen
from tui.screens.workbench import Workbench
from tui.widgets.sheet import Sheet

SIZE = (120, 40)


async def at_the_journal(pilot):
    await see(pilot, "Which column")
    await pilot.press("enter")
    await see(pilot, "carry forward")
    await pilot.press("enter")
    await see(pilot, "walked to its end")
    await pilot.press("j")
    await until(pilot, lambda: isinstance(pilot.app.screen, JournalScreen))
    await see(pilot, "3 options stood")


async def test_scrubbing_shows_the_ladder_and_all_that_stood_then():
    desk = ScriptedDesk(only(ask_target(), ask_champion()))
    async with app_over(desk, session="churn").run_test(size=SIZE) as pilot:
        await at_the_journal(pilot)
        screen = pilot.app.screen.query_one("#detail", Sheet).text.replace("\n        ", " ")
        assert "ROC AUC 0.711 → 0.846" in screen
        assert "25 practice exams" in screen
        assert "logistic 0.846" in text_of(pilot)
        assert "the guide's words" in " ".join(screen.split())
        await pilot.press("left")
        await see(pilot, "no rung yet")
        assert "15 options stood" in text_of(pilot)
        await pilot.press("right")
        await see(pilot, "3 options stood")


async def test_play_walks_from_the_beginning():
    desk = ScriptedDesk(only(ask_target(), ask_champion()))
    async with app_over(desk, session="churn").run_test(size=SIZE) as pilot:
        await at_the_journal(pilot)
        seen = []
        pilot.app.screen.watch(pilot.app.screen.rows, "cursor", lambda at: seen.append(at), init=False)
        await pilot.press("p")
        await until(pilot, lambda: seen == [0, 1])
        await see(pilot, "3 options stood")


async def test_fork_asks_the_decision_again_on_a_branch():
    desk = ScriptedDesk(only(ask_target(), ask_champion()))
    async with app_over(desk, session="churn").run_test(size=SIZE) as pilot:
        await at_the_journal(pilot)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(pilot.app.screen, Workbench))
        await see(pilot, "branch branch-2")
        await see(pilot, "carry forward")


async def test_a_read_only_journal_offers_no_fork():
    desk = ScriptedDesk(PATH)
    async with app_over(desk, session="churn", read_only=True).run_test(size=SIZE) as pilot:
        await see(pilot, "Nothing was decided yet.")
        assert "Fork" not in text_of(pilot)


async def test_a_key_repaints_only_the_lines_that_change(monkeypatch):
    """Over a slow line a pane that is painted whole, or twice, is what a held key waits for."""
    desk = ScriptedDesk(only(ask_target(), ask_champion()))
    async with app_over(desk, session="churn").run_test(size=SIZE) as pilot:
        await at_the_journal(pilot)
        await pilot.press("left")
        await see(pilot, "15 options stood")
        whole, shown = [], []
        refresh, show = Sheet.refresh, JournalScreen._show
        monkeypatch.setattr(
            Sheet, "refresh", lambda *a, **k: (whole.append(1) if len(a) == 1 else None, refresh(*a, **k))[1]
        )
        monkeypatch.setattr(JournalScreen, "_show", lambda screen: (shown.append(screen.at), show(screen))[1])
        await pilot.press("right")
        await see(pilot, "3 options stood")
        await pilot.pause()
        assert shown == [1]
        assert len(whole) <= 1


async def test_whoever_only_looks_at_a_journal_waits_for_no_conversation(tmp_path):
    with Store.open(tmp_path / "s.db") as store:
        sound_session(store, tmp_path / "data.csv")
        opened = OpenSession.open(store, store.sessions.list()[0].name, read_only=True)
        assert len(opened.decisions()) > 10
        assert opened.moment(opened.decisions()[0]).data
        assert "conductor" not in vars(opened)
        assert opened.session.name == opened.name  # but it is there when it is wanted
