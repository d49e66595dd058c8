"""Which widget answers which kind of question."""

from __future__ import annotations

from collections.abc import Sequence

from engine.conductor import SETTLED
from engine.effects import Ask
from engine.questions import Form as Kind
from engine.records import Decision
from engine.session import Session
from tui.widgets.forms.base import Form
from tui.widgets.forms.choice import ChoiceForm
from tui.widgets.forms.costs import CostsForm
from tui.widgets.forms.rules import RulesForm
from tui.widgets.forms.settled import SettledForm
from tui.widgets.forms.table import TableForm
from tui.widgets.forms.text import NumberForm, TextForm


def form_for(ask: Ask, session: Session, taken: Sequence[Decision] = ()) -> Form:
    """The form for a question.  taken: what the pace answered in the stage, for the question that settles them."""
    if ask.question.id == SETTLED.id and taken:
        return SettledForm(ask, taken)
    match ask.question.form:
        case Kind.CHOICE:
            return ChoiceForm(ask)
        case Kind.CHOICES:
            return ChoiceForm(ask, several=True)
        case Kind.TEXT:
            return TextForm(ask)
        case Kind.NUMBER:
            return NumberForm(ask)
        case Kind.RULES:
            return RulesForm(ask, session)
        case Kind.COSTS:
            return CostsForm(ask, session)
        case Kind.TABLE:
            return TableForm(ask)
