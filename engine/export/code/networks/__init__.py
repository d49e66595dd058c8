"""A network in code: its layers as plain torch, and the loop that trained it, written for this one case.

The loop draws random numbers in the very order of `engine.models.networks.training`, so that on the same machine the
same figures come out.  Every setting is a literal (`!r`): it may come from a stranger's store, and the code is run.
"""

from __future__ import annotations

from engine.export.code.networks.case import Case, case_of
from engine.export.code.networks.classes import named_in, written
from engine.export.code.networks.layers import layers
from engine.export.code.networks.learning import fit
from engine.export.code.networks.rows import answering, answers, entering
from engine.export.code.plan import Cell, Plan
from engine.words import literal


def code_of(case: Case) -> str:
    """The class: layers, training, answers."""
    told = "".join(f", {name}: {kind}" for name, kind in case.given.items())
    kept = ", ".join(f"self.{name}" for name in ("seed", *case.given))
    pieces = (
        f'class {case.name}:\n    """{_docstring(case)}"""\n\n'
        f"    def __init__(self, seed: int{told}) -> None:\n        {kept} = {', '.join(('seed', *case.given))}\n",
        layers(case),
        fit(case),
        answering(case),
        entering(case),
        answers(case),
    )
    return "\n".join(piece.rstrip("\n") + "\n" for piece in pieces if piece).rstrip("\n") + "\n"


def _docstring(case: Case) -> str:
    return f"{literal(case.network.title)}, called as scikit-learn calls a model."


def networks(plan: Plan) -> list[Cell]:
    """A cell for each network of the session."""
    found: list[Cell] = []
    known: set[str] = set()
    for leaf in plan.whole.leaves:
        if leaf.spec.network:
            code = code_of(case_of(plan, leaf))
            needs = [name for name in named_in(code) if name not in known]
            known.update(needs)
            top = [] if found else ["import copy\nimport math\n\nimport torch\nfrom torch import nn\n"]
            words = f"{literal(leaf.spec.why)} Trained as the session did: the same draws in the same order."
            found.append(Cell(leaf.spec.title, words, "\n\n".join([*top, *written(needs), code])))
    return found
