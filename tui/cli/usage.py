"""What the command line's library says about a wrong argument, in one sentence that says what to do."""

from __future__ import annotations

import re

TAKES = (  # its words for a value that cannot be read, and ours
    (
        re.compile(r"Invalid value for '?([^:']+)'?: Input should be a valid integer.*", re.S),
        r"\1 takes a whole number",
    ),
    (re.compile(r"Invalid value for '?([^:']+)'?: Input should be a valid number.*", re.S), r"\1 takes a number"),
    (re.compile(r"Missing (?:argument|parameter) '([^']+)'\.?", re.S), r"\1 is missing"),
    (re.compile(r"Missing option (.+?)\.?", re.S), r"\1 is missing"),
    (re.compile(r"Option (.+?) requires an argument\.?", re.S), r"\1 takes a value, and there is none"),
    (re.compile(r"Got unexpected extra arguments? ?(?:\(s\) )?\((.*)\)", re.S), r"There is one word too many (\1)"),
    (re.compile(r"No such command '(.*?)'\. Did you mean (.*)\?", re.S), r"There is no command \1; did you mean \2?"),
    (re.compile(r"No such command '(.*?)'\.?", re.S), r"There is no command \1"),
    (
        re.compile(r"No such option: (\S+) \((?:Possible options: |Did you mean )(.*?)\??\)", re.S),
        r"There is no option \1; did you mean \2?",
    ),
    (re.compile(r"No such option: (\S+?)\.? Did you mean (.*)\?", re.S), r"There is no option \1; did you mean \2?"),
    (re.compile(r"No such option: (.+)", re.S), r"There is no option \1"),
)


def is_usage(problem: Exception) -> bool:
    """Whether it is the library's own; asked by what it can do, as its classes have moved between versions."""
    return hasattr(problem, "format_message") and hasattr(problem, "exit_code")


def sentence(problem: Exception) -> str:
    """One sentence: what was wrong, and where it is said how it is meant; the help where a command was left out."""
    said = str(problem.format_message())  # type: ignore[attr-defined]
    if said.startswith("Usage:"):
        return said
    for theirs, ours in TAKES:
        if found := theirs.fullmatch(said.strip()):
            said = found.expand(ours).replace("' / '", " or ").replace("'", "")
            break
    context = getattr(problem, "ctx", None)
    command = getattr(context, "command_path", None) or "rungwise"
    said = said.strip().rstrip(".")
    return f"{said}{'' if said.endswith('?') else ';'} `{command} --help` says what it takes."
