"""A network as a declaration: its layers, each with its purpose, and how it is trained.  Light: plain data.

The start nets of the catalogue (5.5) stand in `NETWORKS`; a model's settings change a copy of one (see `declared`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

from engine import counts
from engine.errors import UsageProblem
from engine.records import Json


@dataclass(frozen=True)
class Layer:
    """One layer.  size: units; rate: share of units dropped; purpose: why it stands there, in words for the journal."""

    kind: str
    purpose: str
    size: int = 0
    activation: str = ""
    rate: float = 0.0

    def as_dict(self) -> dict[str, Json]:
        """The fields that this kind of layer uses."""
        return {k: v for k, v in asdict(self).items() if v or k in ("kind", "purpose")}


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    learning_rate and weight_decay are AdamW's; patience counts epochs without a lower validation loss; batch None = by
    the table of `batch_size`; validation_share and validation_rows size the inner validation part; threads is fixed
    because the order of additions, hence the last bits of a result, depends on it (small nets gain nothing from two);
    device: cpu, cuda or mps, as measured and chosen (`deep.device`).
    """

    learning_rate: float = 2e-3
    weight_decay: float = 3e-4
    epochs: int = 200
    patience: int = 16
    batch: int | None = None
    validation_share: float = 0.15
    validation_rows: int = 50
    threads: int = 1
    device: str = "cpu"


@dataclass(frozen=True)
class Network:
    """A declared network for tables: (batch, features) float32 in, one output a class (or one number) out."""

    name: str
    title: str
    layers: tuple[Layer, ...]
    training: Training = Training()
    source: str = ""

    def count(self, inputs: int, outputs: int) -> counts.Count:
        return counts.count([layer.as_dict() for layer in self.layers], inputs, outputs)

    @property
    def widths(self) -> tuple[int, ...]:
        """The width of each hidden layer, in order: the setting `widths` of the model."""
        return tuple(layer.size for layer in self.layers if layer.kind == "dense")

    def with_widths(self, widths: Sequence[int]) -> Network:
        """The same network with these widths; fewer of them leave out the last hidden layers and their dropout."""
        hidden = [i for i, layer in enumerate(self.layers) if layer.kind == "dense"]
        if not 0 < len(widths) <= len(hidden):
            raise UsageProblem(f"{self.title} takes 1 to {len(hidden)} widths, not {len(widths)}.")
        layers = list(self.layers)
        for i, width in zip(hidden, widths, strict=False):
            layers[i] = replace(layers[i], size=int(width))
        if len(widths) < len(hidden):
            layers[hidden[len(widths)] :] = layers[-1:]
        return replace(self, layers=tuple(layers)).checked()

    def halved(self) -> Network:
        """The same network with every hidden width halved (`deep.half`)."""
        return self.with_widths([max(1, width // 2) for width in self.widths])

    def shorter(self) -> Network:
        """The same network with one hidden layer, and the dropout that follows it, fewer (`deep.half`)."""
        return self.with_widths(self.widths[:-1])

    def as_dict(self) -> dict[str, Json]:
        return {**asdict(self), "layers": [layer.as_dict() for layer in self.layers]}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Json]) -> Network:
        """The network back from `as_dict`.  Raises UsageProblem when it is not one."""
        try:
            return cls(
                name=str(raw["name"]),
                title=str(raw["title"]),
                layers=tuple(Layer(**layer) for layer in raw["layers"]),
                training=Training(**raw["training"]),
                source=str(raw.get("source", "")),
            ).checked()
        except (KeyError, TypeError) as problem:
            raise UsageProblem(f"This does not declare a network: {problem}.") from None

    def checked(self) -> Network:
        """Itself, or UsageProblem: layers that fit each other, each with a purpose, the head last and only there."""
        for layer in self.layers:
            if not layer.purpose.strip():
                raise UsageProblem(f"The {layer.kind} layer of {self.title} has no purpose line; say why it is there.")
            if layer.kind == "dense" and layer.size < 1:
                raise UsageProblem(f"The dense layer of {self.title} needs a size of at least 1, not {layer.size}.")
            if not 0 <= layer.rate < 1:
                raise UsageProblem(f"A dropout rate lies from 0 to below 1, not {layer.rate}.")
        kinds = [layer.kind for layer in self.layers]
        if kinds.count("head") != 1 or kinds[-1] != "head":
            raise UsageProblem(f"{self.title} must end in its one head layer.")
        self.count(1, 1)
        return self


DENSE_64_32 = Network(
    name="net_small",
    title="Small net (dense 64-32)",
    layers=(
        Layer("dense", "mixes the columns: each unit is one learned combination of inputs", 64, "relu"),
        Layer("dropout", "hides some of the units at each step, so that none is relied on alone", rate=0.1),
        Layer("dense", "combines combinations: effects of one column that depend on another", 32, "relu"),
        Layer("dropout", "the same, one level up", rate=0.1),
        Layer("head", "weighs them for each output; starts at 0, so that training starts from the best constant"),
    ),
    source="decision catalogue 5.5, table, start",
)

NETWORKS: tuple[Network, ...] = (DENSE_64_32,)
BY_NAME = {network.name: network for network in NETWORKS}

SETTINGS = (*(f.name for f in fields(Training)), "dropout", "widths")


def declared(name: str, settings: Mapping[str, Json] | None = None) -> Network:
    """The named start net with settings put in.

    settings: any field of `Training`; "dropout" (all rates at once); "widths" (the width of each hidden layer).
    Raises UsageProblem for a name or setting that does not exist.
    """
    if name not in BY_NAME:
        raise UsageProblem(f"There is no network called {name!r}; there are {', '.join(BY_NAME)}.")
    network = BY_NAME[name]
    settings = dict(settings or {})
    unknown = sorted(set(settings) - set(SETTINGS))
    if unknown:
        raise UsageProblem(f"{network.title} has no setting {unknown[0]!r}; its settings are: {', '.join(SETTINGS)}.")
    if "widths" in settings:
        network = network.with_widths(settings.pop("widths"))
    if "dropout" in settings:
        rate = float(settings.pop("dropout"))
        layers = (replace(layer, rate=rate) if layer.kind == "dropout" else layer for layer in network.layers)
        network = replace(network, layers=tuple(layers))
    return replace(network, training=replace(network.training, **settings)).checked()


def outputs(task: str, classes: int) -> int:
    """Units of the head: one a class, for two classes as well, so that their probabilities sum to 1; else one."""
    return max(2, classes) if task in ("binary", "multiclass") else 1


def batch_size(rows: int, wanted: int | None = None) -> int:
    """Rows per step: by the number of training rows, then halved until an epoch has at least 8 steps (`deep.batch`)."""
    if wanted is not None:
        return max(1, min(wanted, rows))
    batch = next((b for limit, b in ((1024, 64), (8192, 128), (30_000, 256), (100_000, 512)) if rows <= limit), 1024)
    while batch > 1 and -(-rows // batch) < 8:
        batch //= 2
    return batch
