"""Coming to terms with a Dask cluster: is it there, and would it compute the same figures?"""

from __future__ import annotations

import logging
from typing import Any

from engine.errors import UsageProblem
from engine.runners.on_cluster import computes_with
from engine.words import short

_PATIENCE = 10.0  # seconds for a scheduler to answer


def connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as problem:
        raise UsageProblem(
            "A cluster needs the extra `cluster`: pip install 'rungwise[cluster]' adds it; or leave out --cluster."
        ) from problem
    for name in ("distributed", "distributed.core", "distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters of it is said in a sentence
    try:
        return Client(address, timeout=_PATIENCE, set_as_default=False, name="rungwise")
    except Exception as problem:  # each way of not being there raises something else
        raise UsageProblem(
            f"No Dask scheduler answers at {short(address, 80)} ({_words(problem)}). Start one with `dask scheduler`, "
            "name the address that it prints (such as tcp://10.0.0.5:8786), or leave out --cluster."
        ) from problem


def _words(problem: Exception) -> str:
    text = str(problem).strip().splitlines()
    return short(f"{type(problem).__name__}: {text[0]}" if text else type(problem).__name__, 160)


def check(client: Any, address: str) -> None:
    """Raise UsageProblem where figures of the cluster could be others than ours."""
    try:
        versions = client.get_versions(check=False)
    except Exception as problem:
        raise UsageProblem(
            f"The scheduler at {short(address, 80)} does not say what it runs ({_words(problem)}); it is likely of "
            "another Dask version: install the same on both sides."
        ) from problem
    here = _packages(versions.get("client"))
    for whom, there in [("the scheduler", versions.get("scheduler")), *(versions.get("workers") or {}).items()]:
        for name in ("python", "distributed", "dask", "cloudpickle", "msgpack"):
            other = _packages(there).get(name)
            if other != here.get(name):
                raise UsageProblem(_differs(address, whom, name, other, here.get(name)))
    try:
        answers = client.run(computes_with, on_error="return")
    except Exception as problem:
        said = f"The workers of the cluster at {short(address, 80)} do not answer: {_words(problem)}."
        raise UsageProblem(said) from problem
    for worker, found in answers.items():
        _compare(address, worker, found)


def _packages(said: Any) -> dict[str, str]:
    return {name: str(version) for name, version in dict((said or {}).get("packages") or {}).items()}


def _compare(address: str, worker: str, found: Any) -> None:
    if isinstance(found, ModuleNotFoundError) or (isinstance(found, Exception) and "No module named" in str(found)):
        raise UsageProblem(
            f"The worker {worker} of the cluster at {short(address, 80)} has no Rungwise ({_words(found)}); install "
            "the same version there."
        )
    if isinstance(found, Exception):
        raise UsageProblem(f"The worker {worker} of the cluster does not say what it computes with: {_words(found)}.")
    here = _here()
    for name in ("rungwise", "python", "platform"):
        if found[name] != here[name]:
            raise UsageProblem(_differs(address, worker, name, found[name], here[name]))
    for name in sorted(set(found["versions"]) | set(here["versions"])):
        if found["versions"].get(name) != here["versions"].get(name):
            raise UsageProblem(_differs(address, worker, name, found["versions"].get(name), here["versions"].get(name)))
    if found["code"] != here["code"]:
        raise UsageProblem(
            f"The worker {worker} of the cluster at {short(address, 80)} computes with other code of Rungwise "
            f"{here['rungwise']} than this one; install the same on both sides and start the workers again."
        )


def _differs(address: str, whom: str, name: str, there: str | None, here: str | None) -> str:
    who = whom if whom == "the scheduler" else f"the worker {whom}"
    return (
        f"The cluster at {short(address, 80)} would compute otherwise: {who} has {name} {there or 'not installed'}, "
        f"here it is {here or 'not installed'}. Install the same versions (constraints.txt) on both sides."
    )


_here = computes_with
