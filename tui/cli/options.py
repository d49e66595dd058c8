"""The options that several commands have, each declared once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="PATH",
        help="The store to use. Also RUNGWISE_STORE; by default a file in your data directory.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object or list on stdout.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A session's name; `rungwise sessions` lists them.")]
BranchOption = Annotated[
    str, typer.Option("--branch", metavar="BRANCH", help="A branch; by default the current one.", show_default=False)
]


def _on_cluster(address: str) -> str:
    """Have the exams sent there by whatever takes them, also by the worker that is started for this window."""
    from tui.workers import VARIABLE

    if address:
        os.environ[VARIABLE] = address
    return address


ClusterOption = Annotated[
    str,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="A Dask scheduler (tcp://10.0.0.5:8786) whose workers take the practice exams. Also RUNGWISE_CLUSTER.",
        callback=_on_cluster,
        show_default=False,
    ),
]


def chosen_store(context: typer.Context, named: Path | None) -> Path:
    """The store named after the command, else before it, else the usual one."""
    from tui.cli import store_path

    return store_path(named if named is not None else context.find_root().params.get("store"))
