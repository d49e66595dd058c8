"""Where it runs faster: measured on this very network, not assumed."""

from __future__ import annotations

from engine.effects import Ask, Conversation, Decide, Measure
from engine.models.networks.spec import batch_size
from engine.questions import Option, Question, Why
from engine.records import Check, Evidence, Json, Trial
from engine.stages.deep.situation import Net, Situation
from engine.views import Table

DEVICE = Question(
    "deep.device",
    "Where does it run faster?",
    options=(Option("cpu", "CPU"), Option("cuda", "GPU (CUDA)"), Option("mps", "GPU (Apple)")),
    source="S000 GPU; S002 lower precision",
    whys=(
        Why("Why measure?", "A small network is often slower on a GPU: copies and launches outweigh the sums."),
        Why("How is it measured?", "30 training steps after 5 to warm up, copies included; the middle one counts."),
        Why("Why the CPU when they are close?", "Within 10 % the CPU is taken: every machine has one."),
    ),
)

QUESTIONS = (DEVICE,)
GROWN = 2.0  # times the size or the batch, from which the devices are timed again


def time_steps(at: Situation, net: Net) -> Conversation:
    """Evidence of the timing of training steps of a network; its error says why where it could not be timed."""
    network = net.network
    features, outputs = at.inputs(network).width, at.outputs(network)
    batch = batch_size(at.rows, network.training.batch)
    params: dict[str, Json] = {
        "recipe": at.s.recipe(),
        "model": {"name": net.name, "settings": dict(net.settings)},
        "features": features,
        "outputs": outputs,
        "batch": batch,
    }
    if len(at.inputs(network).shape) > 1 or network.takes not in ("table", "terms"):
        params["inputs"] = at.inputs(network).as_dict()
    probe = Trial("device", params, at.s.data, label="timing training steps on each device")
    (timed,) = yield Measure((probe,), "Timing this very network on each device", optional=True)
    return timed


def decide_device(timed: Evidence, subject: str = "") -> Ask:
    v = timed.value
    taken = next((t for t in v["timings"] if t["device"] == v["chosen"]), None)
    check = Check("ms per step", taken["ms_per_step"] if taken else None, protocol="30 steps after 5 warm-ups, median")
    rows = [(t["name"], t["device"], round(t["ms_per_step"], 3)) for t in v["timings"]]
    rows += [(e["name"], e["device"], e["reason"]) for e in v["excluded"]]
    shows = (Table("Timed on this machine", ("device", "kind", "ms a step"), rows),)
    return Decide(DEVICE, v["chosen"], v["why"], subject=subject, evidence=(timed,), check=check, shows=shows)


def again(at: Situation, before: Net, net: Net, timed: Evidence) -> Conversation:
    """Time the devices again where the network became twice as large, or its batch; (the device to train on, the
    timing that it was chosen by).  timed: of the network before."""
    chosen = str(at.s.choice("deep.device", default="cpu"))
    sizes = [(n.count(at).parameters, n.batch(at)) for n in (before, net)]
    other = before.name != net.name or any(b >= GROWN * a for a, b in zip(*sizes, strict=True))
    if not other:
        return chosen, timed
    anew = yield from time_steps(at, net)
    if not anew.ok:
        return chosen, timed
    return (yield decide_device(anew, subject=net.name)).choice, anew


def milliseconds(timed: Evidence) -> float | None:
    """Of a step in full precision on the device that was chosen."""
    if not timed.ok:
        return None
    v = timed.value
    taken = next((t for t in v["timings"] if t["device"] == v["chosen"]), None)
    return None if taken is None else taken.get("ms_of_float32", taken["ms_per_step"])


def room(at: Situation, net: Net, timed: Evidence) -> int | None:
    """Rows a step for which the chosen device has room, where these are fewer than were asked for; else None."""
    if not timed.ok:
        return None
    found = int(timed.value.get("batch") or 0)
    return found if 0 < found < batch_size(at.rows, net.network.training.batch) else None
