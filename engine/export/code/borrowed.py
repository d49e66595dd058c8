"""Source of the program itself that a script takes over, so that it runs where the program is not.

Asked for a class or function, it gives its source with all that it needs: what it names in its module, in other modules
of the program, and the imports from elsewhere.  What annotations name comes along, but no classes of the program.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

IN_WORDS = ("get_feature_names_out", "sources", "told", "names", "__getstate__")
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


def borrow(wanted: Sequence[str], taken: Sequence[str] = (), known: str = "") -> Borrowed:
    """The source of "module:name"s and of all they need.

    taken: names that the script has for something else.  known: lines of import that it has already.
    """
    found = Borrowed()
    names: dict[str, tuple[str, str]] = dict.fromkeys(taken, ("", ""))
    for one in wanted:
        module, _, name = one.partition(":")
        _take(module, name, found, names)
    found.imports = _grouped([line for line in found.imports if line not in known.splitlines()])
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
    for used in _types(node):
        if used in read.imported and not read.imported[used][0].startswith("engine."):
            line = _import(*read.imported[used], used)
            found.imports += [line] * (line not in found.imports)
        elif isinstance(read.made.get(used), ast.Assign):  # the name of a type
            _take(module, used, found, names)
    found.pieces[module, name] = ""
    source = _written(read, node, called)
    del found.pieces[module, name]
    found.pieces[module, name] = source  # behind what it needs
    return told


def _import(module: str, there: str, used: str) -> str:
    if not there:
        return f"import {module}" if module == used else f"import {module} as {used}"
    return f"from {module} import {there}" + (f" as {used}" if used != there else "")


def _grouped(lines: Sequence[str]) -> list[str]:
    """One line a module."""
    plain = sorted(line for line in lines if line.startswith("import"))
    of: dict[str, list[str]] = {}
    for line in lines:
        module, _, name = line.removeprefix("from ").partition(" import ")
        if name:
            of.setdefault(module, []).append(name)
    return plain + [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(of.items())]


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
            if isinstance(child, ast.AST) and not _in_words_only(node, child):
                yield from _names(child)


def _types(node: ast.AST) -> list[str]:
    """The names that annotations ask for: not needed to run, but a reader and a checker look for them."""
    parts = [part for below in ast.walk(node) for part in (getattr(below, "annotation", None),
                                                           getattr(below, "returns", None)) if part]  # fmt: skip
    return list(dict.fromkeys(n.id for part in parts for n in ast.walk(part) if isinstance(n, ast.Name)))


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
    kept = [True] * len(lines)
    for method in node.body if isinstance(node, ast.ClassDef) else ():
        if _in_words_only(node, method):
            begin = min([method.lineno, *(d.lineno for d in getattr(method, "decorator_list", []))]) - first - 1
            end = int(method.end_lineno or 0) - first + 1
            kept[begin:end] = [False] * (end - begin)  # with the empty line above it
    lines = [line for line, keep in zip(lines, kept, strict=True) if keep]
    return "\n".join(re.sub(r"  # (pyright|noqa|type|fmt).*$", "", line) for line in lines)


def _in_words_only(owner: ast.AST, node: ast.AST) -> bool:
    """Whether a method only names things for people, or for what stores them: figures do not need it."""
    named = getattr(owner, "name", "")
    return isinstance(node, ast.FunctionDef) and node.name in IN_WORDS and not named.startswith("_")
