"""Source of the program itself that a script takes over, so that it runs where the program is not.

Asked for a class or function, it gives its source with all that it needs: what it names in its module, in other modules
of the program, and the imports from elsewhere.  Types in annotations are not needed to run, and not taken.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

ERRORS = "engine.errors"  # what goes wrong is a ValueError outside


@dataclass(frozen=True)
class _Module:
    """A module's text; which statement makes which of its names; and which of its names come from where."""

    lines: list[str]
    made: dict[str, ast.stmt]
    imported: dict[str, tuple[str, str]]  # name -> (module, name there; "" for the module itself)


@dataclass
class Borrowed:
    """What is taken over, in the order that it must stand in.  imports: lines from elsewhere."""

    imports: list[str] = field(default_factory=list)
    pieces: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return "\n\n\n".join(self.pieces.values())


def borrow(wanted: Sequence[str], taken: Sequence[str] = ()) -> Borrowed:
    """The source of "module:name"s and of all they need.  taken: names that the script has for something else."""
    found = Borrowed()
    names: dict[str, tuple[str, str]] = dict.fromkeys(taken, ("", ""))
    for one in wanted:
        module, _, name = one.partition(":")
        _take(module, name, found, names)
    found.imports.sort(key=lambda line: (not line.startswith("import"), line))
    return found


def _take(module: str, name: str, found: Borrowed, names: dict[str, tuple[str, str]]) -> str:
    """Take over a name of a module; returns what it is called in the script."""
    if module == ERRORS:
        return "ValueError"
    told = name
    while names.setdefault(told, (module, name)) != (module, name):
        told = f"{told}_of_{module.rpartition('.')[2]}" if told == name else f"{told}_"
    if (module, name) in found.pieces:
        return told
    read = _read(module)
    if name in read.imported and name not in read.made:
        return _take(*read.imported[name], found, names)
    node = read.made[name]
    found.pieces[module, name] = ""  # it may name itself
    called = {name: told} if told != name else {}
    for used in dict.fromkeys(n.id for n in _names(node)):
        if used == name:
            continue
        if used in read.made:
            as_ = _take(module, used, found, names)
        elif used in read.imported:
            at, there = read.imported[used]
            if at.startswith("engine."):
                as_ = _take(at, there, found, names)
            else:
                line = _import(at, there, used)
                found.imports += [line] * (line not in found.imports)
                continue
        else:
            continue
        if as_ != used:
            called[used] = as_
    found.pieces[module, name] = ""
    source = _written(read, node, called)
    del found.pieces[module, name]
    found.pieces[module, name] = source  # behind what it needs
    return told


def _import(module: str, there: str, used: str) -> str:
    if not there:
        return f"import {module}" if module == used else f"import {module} as {used}"
    return f"from {module} import {there}" + (f" as {used}" if used != there else "")


@cache
def _read(name: str) -> _Module:
    text = inspect.getsource(importlib.import_module(name))
    made: dict[str, ast.stmt] = {}
    imported: dict[str, tuple[str, str]] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            made[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            made |= {n.id: node for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.Import):
            imported |= {(a.asname or a.name): (a.name, "") for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {(a.asname or a.name): (str(node.module), a.name) for a in node.names}
    return _Module(text.splitlines(), made, imported)


def _names(node: ast.AST) -> Iterator[ast.Name]:
    """The names that running the code asks for; those in annotations are not."""
    if isinstance(node, ast.Name):
        yield node
    for part, below in ast.iter_fields(node):
        if part in ("annotation", "returns"):
            continue
        for child in below if isinstance(below, list) else [below]:
            if isinstance(child, ast.AST):
                yield from _names(child)


def _written(read: _Module, node: ast.stmt, called: dict[str, str]) -> str:
    """The statement's source, with names that would clash called otherwise."""
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(d.lineno for d in decorators)])
    lines = read.lines[first - 1 : node.end_lineno]
    places = [(n.lineno, n.col_offset, n.id) for n in _names(node) if n.id in called]
    if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in called:
        line = lines[node.lineno - first]
        places.append((node.lineno, len(line[: line.index(node.name, 4)].encode()), node.name))
    for at, column, name in sorted(places, reverse=True):
        raw = lines[at - first].encode()
        lines[at - first] = (raw[:column] + called[name].encode() + raw[column + len(name.encode()) :]).decode()
    return "\n".join(re.sub(r"  # (pyright|noqa|type|fmt).*$", "", line) for line in lines)
