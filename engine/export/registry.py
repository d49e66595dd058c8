"""The forms in which a session leaves, each declared once: the command line, its help and the tests read them here."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from engine.errors import DataProblem, RungwiseError, UsageProblem
from engine.export.dossier import Dossier, Product
from engine.words import short

EXTRA = "rungwise[export]"


@dataclass(frozen=True)
class Export:
    """One form.

    key: its letter in the app.  ending: what makes a usual file name of the session's.  shape: one file, or a folder
    (or a zip of it).  needs: "journal" for what can be told at any time, "model" for what takes the model that leaves.
    packages: what must be installed beside the program's own.  build: "module:function", called with a Dossier, gives
    a Product.
    """

    name: str
    key: str
    title: str
    ending: str
    build: str
    needs: Literal["journal", "model"] = "journal"
    shape: Literal["file", "folder"] = "file"
    packages: tuple[str, ...] = ()
    options: tuple[str, ...] = ()  # what it takes beside the session, from the command line
    binary: bool = False  # no text that a screen could show

    def builder(self) -> Callable[[Dossier], Product]:
        """Raises UsageProblem when a package is not there."""
        missing = [name for name in self.packages if find_spec(name) is None]
        if missing:
            raise UsageProblem(
                f"To export as {self.name} takes {' and '.join(missing)}; install with: pip install '{EXTRA}'."
            )
        module, _, name = self.build.partition(":")
        return getattr(importlib.import_module(module), name)


EXPORTS = (
    Export("md", "m", "the report in Markdown", ".md", "engine.export.markdown:markdown", options=("rows",)),
    Export("html", "h", "the report as one file for a browser", ".html", "engine.export.html:html", options=("rows",)),
    Export("card", "c", "a model card", "-card.md", "engine.export.card:card"),
    Export(
        "adr",
        "a",
        "a decision record for each decision of a person",
        "-decisions",
        "engine.export.adr:records",
        shape="folder",
    ),
    Export(
        "model",
        "f",
        "the model to use elsewhere",
        "-model",
        "engine.export.model.folder:model",
        "model",
        shape="folder",
    ),
    Export(
        "onnx",
        "o",
        "the model with its preparation as ONNX",
        ".onnx",
        "engine.export.model.graph.file:onnx",
        "model",
        packages=("onnx", "onnxruntime"),
        binary=True,
    ),
    Export(
        "sql",
        "s",
        "the model as one SELECT",
        ".sql",
        "engine.export.model.sql.file:sql",
        "model",
        packages=("sqlglot",),
        options=("dialect", "table"),
    ),
    Export(
        "script",
        "p",
        "the session as plain pandas and scikit-learn",
        ".py",
        "engine.export.code.script:script",
        "model",
    ),
    Export(
        "notebook",
        "n",
        "the same as a notebook",
        ".ipynb",
        "engine.export.code.script:notebook",
        "model",
        packages=("nbformat",),
    ),
)
BY_NAME = {export.name: export for export in EXPORTS}


def export_of(name: str) -> Export:
    """Raises UsageProblem for a form there is not."""
    found = BY_NAME.get(name)
    if found is None:
        raise UsageProblem(f"A session cannot be exported as {name!r}; it can as {', '.join(BY_NAME)}.")
    return found


@contextmanager
def telling(session: str, form: str) -> Iterator[None]:
    """What is built from a store that may be a stranger's: words where numbers belong, parts that are missing, end in a
    DataProblem of one sentence, with the cause behind it."""
    try:
        yield
    except RungwiseError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as problem:
        what = f"{type(problem).__name__}: {short(problem, 120)}"
        raise DataProblem(
            f"Session {session} holds something that cannot be told as {form} ({what}). If it came from somebody else, "
            "its evidence is not what this program writes; if it is yours, please report this."
        ) from problem


def in_words() -> str:
    """All forms in one sentence, for the help."""
    return "; ".join(f"{export.name}: {export.title}" for export in EXPORTS) + "."
