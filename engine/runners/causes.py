"""Why a figure may have come out otherwise when it was computed again: what differs between then and now.  Light."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.records import Evidence, Json, Trial

_NOTHING = "nothing that is recorded differs: the program's own code changed, or something draws without a seed"


def likely_cause(
    trial: Trial,
    recorded: Evidence,
    again: Evidence,
    then: Mapping[str, Json] | None,
    now: Mapping[str, Json],
    drifted: Collection[str],
) -> str:
    """The likeliest cause, in a few words.

    then, now: the environments of both (see `engine.runners.environment`); then is None where it was not kept.
    drifted: keys of the trials that had come out otherwise before this one.
    """
    if again.error and not recorded.error:
        return f"it could not be computed: {again.error}"
    if recorded.error and not again.error:
        return "it could not be computed when this was recorded"
    if {**dict(recorded.value.get("net") or {}), **recorded.value}.get("ended_by_person"):
        return "a person had ended its training early, and kept the best so far"
    if any(key in drifted for key in trial.uses):
        return "it rests on figures that came out otherwise themselves"
    if exams := _other_exams(recorded, again):
        return exams
    differs = [] if then is None else _differences(then, now)
    if recorded.device != again.device:
        differs.insert(0, f"device {recorded.device} → {again.device}")
    if differs:
        return "; ".join(differs[:4]) + (f"; and {len(differs) - 4} more" if len(differs) > 4 else "")
    return "the environment of then was not kept" if then is None else _NOTHING


def _other_exams(recorded: Evidence, again: Evidence) -> str:
    """Where a final exam without locked rows took another number of exams; what says no number took all there were."""
    exams = again.value.get("final_exams")
    if not isinstance(exams, Mapping):
        return ""
    before = (recorded.value.get("final_exams") or {}).get("taken", exams["drawn"])
    if before == exams["taken"]:
        return ""
    return (
        f"it took {before} exams then and takes {exams['taken']} now: the final exam of a network has since come to "
        "take as many as it takes in practice"
    )


def _differences(then: Mapping[str, Json], now: Mapping[str, Json]) -> list[str]:
    """What changes figures, the likeliest first: versions, the program, Python, threads, processors, the machine."""
    old, new = (_table(env, "versions") for env in (then, now))
    found = [_moved(name, old.get(name), new.get(name)) for name in sorted(old | new)]
    found += [_moved(name, then.get(name), now.get(name)) for name in ("rungwise", "python")]
    threads = [_table(env, "threads") for env in (then, now)]
    found += [_moved(name, threads[0].get(name), threads[1].get(name)) for name in sorted(threads[0] | threads[1])]
    found += [_moved(name, then.get(name), now.get(name)) for name in ("cpus", "platform")]
    return [words for words in found if words]


def _table(environment: Mapping[str, Json], name: str) -> dict[str, Json]:
    table = environment.get(name)
    return dict(table) if isinstance(table, Mapping) else {}


def _moved(name: str, old: Json, new: Json) -> str:
    return "" if old == new else f"{name} {'none' if old is None else old} → {'none' if new is None else new}"
