"""What the rooms of the deep stage share: where the session stands, the networks there are for it, and one of them with
the settings chosen so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.conductor import needed
from engine.counts import Count
from engine.effects import Conversation, Measure
from engine.metrics import Metric
from engine.models.catalogue import model_spec
from engine.models.networks.layers import Inputs, Network
from engine.models.networks.spec import DENSE_64_32, batch_size, declared, described, networks_for, outputs_for
from engine.plans import exams_of_net, plan
from engine.records import Json, Trial
from engine.session import Session
from engine.stages.deep.purse import DEFAULT, Purse
from engine.stages.ladder import Candidate, about_model, asked_by, examine, metric, model
from engine.stages.simple.climbing import climb

ALPHA, STRICT = 0.05, 0.01  # what the first round may spend; strict proof: a fifth of it (2.6)
FULL = "T7"  # the tier of the larger net of a task (5.5)


@dataclass(frozen=True)
class Situation:
    """Where the session stands when a network is spoken of.

    rows: training rows of one exam.  features: columns after the preparation.  classes: 0 for numbers.  rarest: rows of
    the rarest class among those for practice, None for numbers.  entering: what enters each network, by name, as it was
    measured; a network of it lacks takes the prepared columns.  purse: the minutes that training may take.
    """

    s: Session
    m: Metric
    start: Candidate
    runners: Sequence[Candidate]
    champion: Candidate
    rows: int
    features: int
    classes: int
    rarest: int | None
    entering: Mapping[str, Inputs] = field(default_factory=dict)
    purse: Purse = field(default_factory=lambda: Purse(DEFAULT))

    def inputs(self, network: Network) -> Inputs:
        """What enters this network."""
        return self.entering.get(network.name) or Inputs(network.takes, (self.features,))

    def outputs(self, network: Network) -> int:
        """Units of its head."""
        return outputs_for(network, self.inputs(network), self.s.task, self.classes)

    @property
    def delta(self) -> float:
        return float(self.s.choice("problem.smallest_gain", default=0.0))

    @property
    def dev(self) -> int:
        """Rows for practice."""
        drawn = self.s.decision("split.drawn")
        return int(drawn.check.details["dev"]) if drawn and drawn.check else 0

    def runner(self, tier: str) -> Candidate | None:
        return next((c for c in self.runners if c.ok and c.spec.tier == tier), None)

    def exams(self) -> int | None:
        """How many of the exams a network takes, from the first: whole repeats of the plan; None for all (2.1)."""
        v = self.champion.exams.value
        if v["ordered"]:
            return None
        rows = self.dev or sum(v["n_test"])
        nets = exams_of_net(rows, self.s.choice("split.plan", default={}).get("folds") or plan(rows).folds)
        return None if nets >= v["J"] else nets

    def trainings(self) -> int:
        """J of a network."""
        return self.exams() or self.champion.exams.value["J"]


def arrive(s: Session) -> Conversation:
    """The situation, from the exams that the climb and the rounds of improving took."""
    start, runners, _ = yield from climb(s.before_improving(), s.choice("simple.candidates"))
    champion = yield from standing(s, (start, *runners))
    linear = next((c for c in runners if c.ok), champion)
    n = champion.exams.value["n_train"]
    classes = champion.exams.value.get("per_class") or []
    rarest = min((row["support"] for row in classes), default=None)
    features = linear.exams.value["features"]
    purse = Purse(float(s.choice("problem.training_cost", default=DEFAULT)))
    purse.paid(*(c.exams for c in (start, *runners, champion)))
    at = Situation(
        s, metric(s), start, runners, champion, round(sum(n) / len(n)), features, len(classes), rarest, purse=purse
    )
    return replace(at, entering=(yield from _entering(s)))


def _entering(s: Session) -> Conversation:
    """What one row is to each network, by name; nothing where it was not measured.  (batch, …) is said by `Inputs`."""
    names = [network.name for network in offered(s)]
    trial = Trial("inputs", {"recipe": s.recipe(), "names": names}, s.data, label="what would enter each network")
    (found,) = yield Measure((trial,), "What would enter a network", optional=True)
    return {name: Inputs.from_dict(v) for name, v in (found.value.get("inputs") or {}).items()} if found.ok else {}


def standing(s: Session, climbed: Sequence[Candidate]) -> Conversation:
    """The model on the last rung, as it was measured when it got there: at the climb, or in a round of improving."""
    top = s.rungs[-1]
    if s.recipe() == s.before_improving().recipe():
        for c in climbed:
            if c.name == top.model and top.described.get("settings") in (None, c.model["settings"]):
                return c
    what = dict(top.described) if "settings" in top.described else model(s, top.model)
    trials = (examine(s, what), about_model(s, "latency", what, "speed"))
    exams, speed = yield Measure(trials, f"{top.model}: what was measured of it", optional=True)
    needed([exams])
    return Candidate(what, exams, speed, asks=asked_by(what, climbed))


# -- networks ------------------------------------------------------------------------------------------------------


def offered(s: Session) -> tuple[Network, ...]:
    """The networks of the material's row in the catalogue's table 5.5, smallest first, then the small one for tables,
    which takes whatever the preparation makes of a row."""
    fitting = (*networks_for(s.material), DENSE_64_32)
    return tuple(dict.fromkeys(n for n in fitting if s.task in model_spec(n.name).tasks))


def is_full(network: Network) -> bool:
    """Whether it is one of the larger of its row, which a smaller must make way for."""
    return network.tier >= FULL


@dataclass(frozen=True)
class Net:
    """A declared network with the settings that were chosen for it so far; those left out are its own."""

    name: str
    settings: Mapping[str, Json] = field(default_factory=dict)
    way: str = field(default="", compare=False)  # how it differs from another of its name, in words

    @property
    def title(self) -> str:
        """“GRU”, or where there is another of that name how it differs: “Half of every width”."""
        return self.way[:1].upper() + self.way[1:] or self.network.title

    @property
    def network(self) -> Network:
        return declared(self.name, dict(self.settings))

    def but(self, **settings: Json) -> Net:
        """With these settings; what is declared anyway is not written down."""
        own = {k: v for k, v in model_spec(self.name).settings.items() if k != "device"}
        changed = {**self.settings, **settings}
        return Net(self.name, {k: v for k, v in changed.items() if k not in own or v != own[k]}, self.way)

    def model(self, s: Session) -> dict[str, Json]:
        return model(s, self.name, **self.settings)

    def count(self, at: Situation) -> Count:
        network = self.network
        return network.count(at.inputs(network), at.outputs(network))

    def described(self, at: Situation) -> list[dict[str, Json]]:
        """Layer by layer: layer, purpose, shape of a batch after it, parameters, multiplications."""
        network = self.network
        return described(network, at.inputs(network), at.outputs(network))

    def batch(self, at: Situation) -> int:
        return batch_size(self.learning_rows(at), self.network.training.batch)

    def learning_rows(self, at: Situation) -> int:
        """Rows that it learns from in one exam: the training part without the inner validation rows."""
        how = self.network.training
        held = min(max(round(at.rows * how.validation_share), how.validation_rows), at.rows // 3)
        return max(1, at.rows - held)

    def steps(self, at: Situation) -> int:
        """Steps of an epoch."""
        return math.ceil(self.learning_rows(at) / self.batch(at))


def arithmetic(net: Net, at: Situation) -> str:
    """“10 → 20 → 10 → 4: 220 + 210 + 44 = 474 parameters”, or of a long way only the parameters of its layers."""
    counted, inputs = net.count(at), at.inputs(net.network)
    sized = [layer for layer in counted.layers if layer.parameters]
    parts = " + ".join(f"{layer.parameters:,}" for layer in sized)
    total = f"{parts} = {counted.parameters:,} parameters" if len(sized) > 1 else f"{counted.parameters:,} parameters"
    if len(inputs.shape) > 1 or any(len(layer.shape) > 1 for layer in counted.layers):
        return total
    way = " → ".join(f"{n:,}" for n in (*inputs.shape, *(layer.shape[-1] for layer in sized)))
    return f"{way}: {total}"
