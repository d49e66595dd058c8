"""What is shipped and what the README says of it: dependencies, versions, commands; nothing of anybody's machine."""

from __future__ import annotations

import ast
import fnmatch
import importlib
import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from urllib.parse import unquote

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.main import get_command

from engine.stages import CATALOGUE
from tui.cli.commands import app
from tui.plan import read_plan

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OURS = {"engine", "storage", "tui", "tests"}
README = (ROOT / "README.md").read_text(encoding="utf-8")
CLI = get_command(app)

BASE = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
EXTRAS = {
    name: [Requirement(line) for line in lines] for name, lines in PROJECT["project"]["optional-dependencies"].items()
}
AT_WORK = [r for name, requirements in EXTRAS.items() if name != "dev" for r in requirements]
PINS = {
    canonicalize_name(name): version
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
    for name, _, version in [line.partition("==")]
}


def imported(*folders: str) -> dict[str, str]:
    """Third-party top-level modules that the folders' files import, also inside functions; each with one such file."""
    found = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [node.module]
                for name in names:
                    top = name.partition(".")[0]
                    if top not in sys.stdlib_module_names and top not in OURS:
                        found.setdefault(top, str(path.relative_to(ROOT)))
    return found


def distributions(modules: dict[str, str]) -> dict[str, str]:
    """The distributions that the modules come from, each with a file that imports it."""
    known = packages_distributions()
    return {canonicalize_name(known[module][0]): path for module, path in modules.items()}


def names(requirements: list[Requirement]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements}


def test_the_command_is_there():
    module, _, function = PROJECT["project"]["scripts"]["rungwise"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    used = distributions(imported("engine", "storage", "tui"))
    declared = names(BASE + AT_WORK)
    assert {name: path for name, path in used.items() if name not in declared} == {}
    assert declared - set(used) == set()


def test_what_the_tests_import_is_declared():
    used = distributions(imported("tests"))
    declared = names(BASE + AT_WORK + EXTRAS["dev"])
    assert {name: path for name, path in used.items() if name not in declared} == {}


def test_the_tested_versions_lie_within_what_is_declared():
    for requirement in BASE + AT_WORK + EXTRAS["dev"]:
        version = PINS[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} does not take {version}"
    assert PINS["torch"] == "2.13.0"
    for name, version in PINS.items():
        assert re.fullmatch(r"[0-9][0-9a-z.]*", version), f"{name}=={version}: one exact version, no local part"


def test_nothing_that_is_needed_floats():
    """Every requirement of a requirement is pinned too, but for what its parent pins itself (torch does, for CUDA)."""
    todo = [(canonicalize_name(r.name), frozenset(r.extras)) for r in BASE + AT_WORK + EXTRAS["dev"]]
    seen, loose = set(todo), set()
    while todo:
        name, extras = todo.pop()
        if name not in PINS:
            loose.add(name)
        try:
            lines = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        for requirement in map(Requirement, lines):
            needed = requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}
            )
            item = (canonicalize_name(requirement.name), frozenset(requirement.extras))
            fixed = any(specifier.operator == "==" for specifier in requirement.specifier)
            if needed and not fixed and item not in seen:
                seen.add(item)
                todo.append(item)
    assert loose <= {"pip", "setuptools"}  # the installers themselves


def test_every_file_of_the_packages_is_shipped():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    for package in ("engine", "storage", "tui"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                assert any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns), path


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands_in_readme() -> list[list[str]]:
    """Every `rungwise …` of the README, as words: those of the shell blocks and those in running text."""
    lines = [line for block in fenced("sh") for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`(rungwise[^`]*)`", re.sub(r"^```.*?^```", "", README, flags=re.DOTALL | re.MULTILINE))
    words = [shlex.split(line.partition(" # ")[0]) for line in lines]
    return [line for line in words if line[:1] == ["rungwise"]]


def test_every_command_in_the_readme_exists():
    assert len(commands_in_readme()) > 10
    for _, *words in commands_in_readme():
        command = CLI
        while words and not words[0].startswith("-") and hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        options = {name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]}
        for word in words:
            if word.startswith("-"):
                assert word.partition("=")[0] in options | {"--help"}, f"{command.name} has no {word}"


def test_the_readme_leaves_no_command_out():
    shown = {words[1] for words in commands_in_readme() if len(words) > 1}
    assert {name for name, command in CLI.commands.items() if not command.hidden} <= shown


def test_every_make_target_in_the_readme_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join(fenced("sh"))))
    assert {"run", "test"} <= named <= targets


def test_the_readmes_plan_is_one_that_would_be_run(tmp_path):
    (text,) = fenced("toml")
    (tmp_path / "plan.toml").write_text(text, encoding="utf-8")
    plan = read_plan(tmp_path / "plan.toml", CATALOGUE)
    assert plan.data is not None
    assert plan.answers
    assert plan.whys


def test_the_readmes_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("https://"):
            assert (ROOT / unquote(target)).exists(), target


def test_ci_can_be_started():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


MACHINE = re.compile(
    r"(?<![\w.])/(?:roo[t]|wor[k]|op[t]|Use[r]s/\w+|hom[e]/\w+)/|[-_]inde[x]-url|find-link[s]|pypi\.or[g]|pythonhoste[d]"
)


def test_nothing_of_anybodys_machine_or_registry():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("no git checkout")
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if name and path.is_file():
            found = MACHINE.search(path.read_text(encoding="utf-8", errors="replace"))
            assert found is None, f"{name}: {found and found.group()}"
