"""`rungwise doctor`: what is installed, which devices there are, whether the store is sound."""

from __future__ import annotations

import os
from pathlib import Path

from engine.errors import RungwiseError
from engine.records import Json
from engine.runners.environment import cpus, environment
from engine.words import literal
from storage.store import Store
from tui.workers import worker_lock


def examine(path: Path, *, as_json: bool) -> int:
    """Print the findings; 1 when something is wrong that Rungwise needs."""
    found: dict[str, Json] = {
        "installed": _installed(),
        "devices": _devices(),
        "store": _store(path),
    }
    sound = not found["installed"]["missing"] and not found["store"]["problems"]
    found["sound"] = sound
    if as_json:
        from tui.cli.looking import print_json

        print_json(found)
    else:
        _print(found)
    return 0 if sound else 1


def _installed() -> dict[str, Json]:
    record = environment()
    needed = ("numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "skrub", "skops")
    deep = all(name in record["versions"] for name in ("torch", "keras"))
    return {**record, "missing": [name for name in needed if name not in record["versions"]], "deep": deep}


def _devices() -> dict[str, Json]:
    """The devices as the deep stage finds them; torch says which, and is imported only here."""
    import psutil

    memory = psutil.virtual_memory()
    devices: dict[str, Json] = {
        "cpus": cpus(),
        "memory_gb": round(memory.total / 2**30, 1),
        "free_gb": round(memory.available / 2**30, 1),
        "found": [],
        "problem": "",
    }
    try:
        from engine.device import found

        devices["found"] = [{"device": d.key, "name": d.name} for d in found()]
    except RungwiseError as problem:  # without the extra `deep`
        devices["problem"] = str(problem)
    except Exception as problem:  # torch's own word about a driver it cannot use
        devices["problem"] = f"The devices cannot be asked: {type(problem).__name__}: {problem}"
    return devices


def _store(path: Path) -> dict[str, Json]:
    state: dict[str, Json] = {"path": str(path), "exists": path.exists(), "problems": [], "remarks": []}
    if not path.exists():
        return state
    state["bytes"] = path.stat().st_size
    state["writable"] = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    try:
        with Store.open(path, read_only=True) as store:
            sessions = store.sessions.list()
            state["sessions"] = len(sessions)
            state["waiting"] = len(store.queue.active())
            state["worker"] = worker_lock(path).held_by_somebody
            state["problems"] = [str(finding) for finding in store.verify()]
            for info in sessions:
                try:
                    store.datasets.path(info.dataset)
                except RungwiseError as problem:  # a file that was moved: the session can still be read
                    state["remarks"].append(f"{info.name}: {problem}")
    except RungwiseError as problem:
        state["problems"] = [str(problem)]
    return state


def _print(found: dict[str, Json]) -> None:
    installed, devices, store = found["installed"], found["devices"], found["store"]
    versions = installed["versions"]
    print(
        f"rungwise {installed['rungwise'] or 'from a checkout'} · Python {installed['python']}"
        f" · {installed['platform']}"
    )
    print("  " + " · ".join(f"{name} {version}" for name, version in versions.items()))
    for name in installed["missing"]:
        print(f"  ! {name} is not installed; install Rungwise again.")
    if not installed["deep"]:
        print("  networks: not installed; `pip install 'rungwise[deep]'` adds them, everything else works without")
    print(f"devices: {devices['cpus']} processors, {devices['memory_gb']} GB of memory, {devices['free_gb']} GB free")
    for device in devices["found"]:
        print(f"  {device['device']}: {literal(device['name'])}")
    if devices["problem"] and installed["deep"]:
        print(f"  ! {literal(devices['problem'])}")
    print(f"store: {literal(store['path'])}" + ("" if store["exists"] else " (not made yet)"))
    if store.get("sessions") is not None:
        busy = f", {store['waiting']} trials waiting or running" if store["waiting"] else ""
        print(
            f"  {store['bytes'] / 2**20:.1f} MB, {store['sessions']} sessions{busy}, worker "
            f"{'running' if store['worker'] else 'asleep'}{'' if store['writable'] else ', read-only'}"
        )
    for problem in store["problems"]:
        print(f"  ! {literal(problem)}")
    for remark in store["remarks"]:
        print(f"  · {literal(remark)}")
    print("All is well." if found["sound"] else "Something needs attention: see the lines marked with “!”.")
