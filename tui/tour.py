"""The guided tour: a session on the bundled sample with a hint beside each question.

The hints hang on what is asked, not on a script: whoever answers otherwise, goes back or comes again another day finds
the hint that belongs there.
"""

from __future__ import annotations

from engine.conductor import Asking, Finished, Measuring, Waiting

NAME = "tour"  # what its session is called; a second one is taken up again, not begun anew

HINTS = {
    "problem.statement": "Each question stands alone, with examples or evidence below. Write one sentence; enter "
    "records it, and it is saved at once.",
    "problem.today": "Not sure why this is asked? esc leaves the field, then w keeps asking why: each press opens one "
    "more. p parks a question for later.",
    "problem.moment": "What is known at that moment may be used, and nothing else: later the guide looks for columns "
    "that were filled in afterwards.",
    "problem.use": "★ is the guide's advice, with its reason in the why. ↑ ↓ choose. Against the advice a why of your "
    "own is asked for; tab goes there.",
    "problem.costs": "“I do not know” is an honest answer here, and may be changed on any day: b goes back to any "
    "decision, on a branch of its own.",
    "problem.latency": "Empty means no limit. Every number says its unit and its range.",
    "problem.domain": "Whoever knows the field is asked before any model. Try: short contracts, many support calls.",
    "problem.rule": "A rule of thumb as SQL, checked as you type; the models will have to beat it. Empty is allowed.",
    "project.settled": "The quick pace asks what only you know. The rest was answered by the rules shown here; o opens "
    "one to change it.",
    "data.leaks": "The sample's trap: offers went to customers who had said that they leave. e shows the evidence; "
    "drop the column, and write why.",
    "data.look": "Look before you compute: ctrl+t turns the evidence from within a field, e gives it the whole screen, "
    "f shows a picture's figures.",
    "data.expert": "Columns of your own: a name, an equals sign, an SQL expression. Each is tried alone, and kept only "
    "when it is measurably better.",
    "problem.success": "The line is drawn before anybody has seen a model's score, so that no result can move it.",
    "simple.champion": "All took the same exams. Where the intervals overlap, a higher score may be luck: the simplest "
    "of equals goes on.",
    "deep.gate": "A network only when it is earned: twelve checks, each with its figure.",
}
WORKING = (
    "Models are computed in a process of their own: close the terminal if you like. j opens the journal meanwhile."
)
ENDED = (
    "That is the path. j goes through it again, decision by decision; h leads home, and n begins with your own data."
)
ELSE = "enter takes what stands; w asks why, e shows the evidence, b goes back, ? lists every key."


def is_tour(session: str) -> bool:
    return session == NAME


def hint(waiting: Waiting | None) -> str:
    """What to say beside what is waited for; empty while nothing is."""
    match waiting:
        case Asking():
            return HINTS.get(waiting.ask.question.id, ELSE)
        case Measuring():
            return WORKING
        case Finished():
            return ENDED
        case _:
            return ""
