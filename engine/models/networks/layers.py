"""What a network is declared with: layers with a purpose, what enters the first of them, how it is trained.  Light."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Literal

from engine import counts
from engine.errors import UsageProblem
from engine.records import Json

Takes = Literal["table", "terms", "tokens", "window", "picture"]
"""What one row is to the first layer: table = numbers; terms = thousands of numbers, nearly all of them 0; tokens = a
text as numbers of its words, 0 behind its end; window = the values up to an origin; picture = pixels."""

SIZED = ("embedding", "dense", "ntk", "conv1d", "conv2d", "residual", "gru", "lstm", "ensemble")  # have a width
FOLLOWS = ("batchnorm", "pool", "dropout")  # what goes with the layer before it when that is left out
OVER_TIME = ("conv1d", "gru", "lstm", "attention", "masked_average", "masked_max", "average", "last", "flatten")
SIDE_OF_AVERAGE = 16  # pictures from here on are averaged before the head, smaller ones laid flat


def reach(side: int, share: float) -> int:
    """By how many whole pixels a picture of this side is moved at most: 10 % of 28 are 2, of 8 none.

    Parts of a pixel would have to be made up between pixels: that blurs what is learned from and not what is asked
    about.  On digits of 8 × 8 it cost 1.5 points of accuracy (0.976 against 0.991 on rows apart, mean of 3 seeds).
    """
    return int(share * side + 1e-9)


@dataclass(frozen=True)
class Layer:
    """One layer, and why it stands there, in words for the journal.

    size: units, filters or width; activation: "a/b" where classes and numbers take different ones; rate: share of units
    dropped; kernel, dilation, padding (valid, same, causal): of a convolution; copies: members of a parameter ensemble;
    form: how a head answers ("" plain, "ntk", "steps": one output a step ahead); sequence: whether a recurrent layer
    gives every time step; both: whether it reads both ways.
    rows, columns, levels, beside are filled in by what enters (`Network.resolved`); least_side: left out in smaller
    pictures; lowest: the code of a category's first level (kept networks of before have 1, which took that level for
    one never seen).
    """

    kind: str
    purpose: str
    size: int = 0
    activation: str = ""
    rate: float = 0.0
    kernel: int = 0
    dilation: int = 1
    padding: str = ""
    copies: int = 0
    form: str = ""
    sequence: bool = False
    both: bool = False
    rows: int = 0
    columns: int = 0
    levels: tuple[int, ...] = ()
    beside: int = 0
    least_side: int = 0
    lowest: int = 1

    def as_dict(self) -> dict[str, Json]:
        """The fields that this kind of layer uses."""
        plain = {f.name: f.default for f in fields(self)}
        said = {k: v for k, v in asdict(self).items() if k in ("kind", "purpose") or v != plain[k]}
        return {**said, "levels": list(self.levels)} if self.levels else said

    @classmethod
    def from_dict(cls, raw: Mapping[str, Json]) -> Layer:
        return cls(**{**raw, "levels": tuple(raw.get("levels") or ())})


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    learning_rate and weight_decay are AdamW's; patience counts epochs without a lower validation loss; batch None = by
    the table of `batch_size`; validation_share and validation_rows size the inner validation part; threads is fixed
    because the order of additions, hence the last bits of a result, depends on it (small nets gain nothing from two);
    device: cpu, cuda or mps, as measured and chosen (`deep.device`).

    schedule of the rate: constant, cosine (down to 0), or coslog4 (four ever longer waves, RealMLP's); warm_up: share
    of all steps over which the rate first rises; clip: largest norm of the gradient; drop_last: an epoch ends with its
    last whole batch; last_tie: of equally good epochs the last is kept; smoothing: share of the label that is spread
    over all classes (only where the metric is accuracy); shift: pictures are moved by up to this share of a side;
    mirror: they are mirrored, where left and right mean the same; precision: float32 or bf16.  number_rate: the rate
    where numbers are predicted, if it is another (`spec.suited`).
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
    betas: tuple[float, float] = (0.9, 0.999)
    schedule: str = "constant"
    warm_up: float = 0.0
    clip: float = 0.0
    drop_last: bool = False
    last_tie: bool = False
    smoothing: float = 0.0
    shift: float = 0.0
    mirror: bool = False
    precision: str = "float32"
    number_rate: float = 0.0

    @classmethod
    def from_dict(cls, raw: Mapping[str, Json]) -> Training:
        given = dict(raw)
        if "betas" in given:
            given["betas"] = tuple(float(b) for b in given["betas"])
        return cls(**given)

    def checked(self) -> Training:
        """Itself, or UsageProblem for a value that cannot be."""
        if self.schedule not in SCHEDULES:
            raise UsageProblem(f"A schedule is {', '.join(SCHEDULES)}, not {self.schedule!r}.")
        if self.precision not in PRECISIONS:
            raise UsageProblem(f"A precision is {' or '.join(PRECISIONS)}, not {self.precision!r}.")
        for name in ("warm_up", "smoothing", "shift"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageProblem(f"{name} is a share from 0 to below 1, not {getattr(self, name)}.")
        if self.clip < 0:
            raise UsageProblem(f"clip is a norm from 0 (off) on, not {self.clip}.")
        return self


SCHEDULES = ("constant", "cosine", "coslog4")
PRECISIONS = ("float32", "bf16")
ALWAYS_SAID = tuple(f.name for f in fields(Training))[:9]  # settings of every network, whatever their values


@dataclass(frozen=True)
class Inputs:
    """What enters the first layer, of one row.

    shape: (features,), (length,) of tokens, (time, channels) or (height, width, channels).  beside: numbers that do
    not belong to the material, and join it before the head.  rows: of the vocabulary.  numbers: how many of the
    features are numbers to embed, the first ones; levels: of the category codes, which stand last.  horizon: steps.
    """

    takes: Takes = "table"
    shape: counts.Shape = (1,)
    beside: int = 0
    rows: int = 0
    numbers: int = 0
    levels: tuple[int, ...] = ()
    horizon: int = 0

    def as_dict(self) -> dict[str, Json]:
        return {**asdict(self), "shape": list(self.shape), "levels": list(self.levels)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Json]) -> Inputs:
        return cls(**{**raw, "shape": tuple(map(int, raw["shape"])), "levels": tuple(map(int, raw["levels"]))})

    @property
    def width(self) -> int:
        """Numbers of one row, what is beside included."""
        return counts.size_of(self.shape) + self.beside

    @property
    def said(self) -> str:
        """The shape with a name for each side: "(batch, height 8, width 8, channel 1)"."""
        return shape_in_words(self.shape, tokens=self.takes == "tokens")


def shape_in_words(shape: counts.Shape, tokens: bool = False) -> str:
    """Of one row, without the batch → "(batch, time 24, channel 1)"."""
    names = {1: ("features",), 2: ("time", "channel"), 3: ("height", "width", "channel")}[len(shape)]
    if tokens and len(shape) == 1:
        names = ("length",)
    return f"(batch, {', '.join(f'{name} {side:,}' for name, side in zip(names, shape, strict=True))})"


@dataclass(frozen=True)
class Network:
    """A declared network, from what enters (`takes`) to one output a class (or one number, or one a step ahead).

    tier: T6 small, T7 full.  tasks: what it is offered for; none for all.  first: what it is a step up from.
    """

    name: str
    title: str
    layers: tuple[Layer, ...]
    training: Training = Training()
    source: str = ""
    takes: Takes = "table"
    tier: str = "T6"
    why: str = ""
    first: str = field(default="", compare=False)

    def resolved(self, inputs: Inputs) -> Network:
        """The network for these very inputs: vocabulary rows, embedded columns and what stands beside filled in; a
        `gather` layer is laid flat or averaged by the picture's side."""
        if inputs.takes != self.takes:
            raise UsageProblem(f"{self.title} takes {SAID[self.takes]}, and these are {SAID[inputs.takes]}.")
        layers = []
        for layer in self.layers:
            if layer.least_side and min(inputs.shape[:-1], default=0) < layer.least_side:
                continue
            match layer.kind:
                case "embedding":
                    layer = replace(layer, rows=inputs.rows)
                case "periodic":
                    layer = replace(layer, columns=inputs.numbers)
                case "categories":
                    layer = replace(layer, levels=inputs.levels)
                case "beside":
                    layer = replace(layer, beside=inputs.beside)
                case "gather":
                    kind = "flatten" if min(inputs.shape[:-1]) < SIDE_OF_AVERAGE else "average"
                    layer = replace(layer, kind=kind)
                case "head" if layer.form == "steps":
                    layer = replace(layer, beside=inputs.beside)
            idle = (layer.kind == "beside" and not layer.beside) or (layer.kind == "periodic" and not layer.columns)
            if not idle and not (layer.kind == "categories" and not layer.levels):
                layers.append(layer)
        return replace(self, layers=tuple(layers))

    def count(self, inputs: int | Inputs, outputs: int) -> counts.Count:
        """Parameters and shapes before anything is built.  inputs: a number is that many features."""
        given = Inputs(self.takes, (inputs,), numbers=0) if isinstance(inputs, int) else inputs
        return counts.count([layer.as_dict() for layer in self.resolved(given).layers], given.shape, outputs)

    @property
    def widths(self) -> tuple[int, ...]:
        """The width of each hidden layer, in order: the setting `widths` of the model."""
        return tuple(layer.size for layer in self.layers if layer.kind in SIZED)

    def with_widths(self, widths: Sequence[int]) -> Network:
        """The same network with these widths; fewer of them leave out the last hidden layers and what goes with them
        (their dropout, batch norm or pool)."""
        hidden = [i for i, layer in enumerate(self.layers) if layer.kind in SIZED]
        if not hidden:
            if not widths:
                return self
            raise UsageProblem(f"{self.title} has no layer whose width could be set.")
        if not 0 < len(widths) <= len(hidden):
            raise UsageProblem(f"{self.title} takes 1 to {len(hidden)} widths, not {len(widths)}.")
        layers = list(self.layers)
        for i, width in zip(hidden, widths, strict=False):
            layers[i] = replace(layers[i], size=int(width))
        for i in reversed(hidden[len(widths) :]):
            end = i + 1
            while end < len(layers) and layers[end].kind in FOLLOWS and not _kept_before_head(layers, end):
                end += 1
            del layers[i:end]
        return replace(self, layers=tuple(_recurrent_ends(layers))).checked()

    def halved(self) -> Network:
        """The same network with every hidden width, filter and embedding halved (`deep.half`)."""
        return self.with_widths([max(1, width // 2) for width in self.widths])

    def shorter(self) -> Network:
        """The same network with one hidden layer, and what goes with it, fewer (`deep.half`)."""
        return self.with_widths(self.widths[:-1])

    def as_dict(self) -> dict[str, Json]:
        return {
            "name": self.name,
            "title": self.title,
            "layers": [layer.as_dict() for layer in self.layers],
            "training": {**asdict(self.training), "betas": list(self.training.betas)},
            "source": self.source,
            "takes": self.takes,
            "tier": self.tier,
            "why": self.why,
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Json]) -> Network:
        """The network back from `as_dict`.  Raises UsageProblem when it is not one."""
        try:
            return cls(
                name=str(raw["name"]),
                title=str(raw["title"]),
                layers=tuple(Layer.from_dict(layer) for layer in raw["layers"]),
                training=Training.from_dict(raw["training"]),
                source=str(raw.get("source", "")),
                takes=raw.get("takes", "table"),
                tier=str(raw.get("tier", "T6")),
                why=str(raw.get("why", "")),
            ).checked()
        except (KeyError, TypeError, ValueError) as problem:
            raise UsageProblem(f"This does not declare a network: {problem}.") from None

    def checked(self) -> Network:
        """Itself, or UsageProblem: layers that fit each other, each with a purpose, the head last and only there."""
        for layer in self.layers:
            if not layer.purpose.strip():
                raise UsageProblem(f"The {layer.kind} layer of {self.title} has no purpose line; say why it is there.")
            if layer.kind in SIZED and layer.size < 1:
                raise UsageProblem(f"The {layer.kind} layer of {self.title} needs a size of at least 1.")
            if not 0 <= layer.rate < 1:
                raise UsageProblem(f"A dropout rate lies from 0 to below 1, not {layer.rate}.")
        kinds = [layer.kind for layer in self.layers]
        if kinds.count("head") != 1 or kinds[-1] != "head":
            raise UsageProblem(f"{self.title} must end in its one head layer.")
        if self.takes not in SAMPLE:
            raise UsageProblem(f"A network takes {', '.join(SAMPLE)}, not {self.takes!r}.")
        self.count(SAMPLE[self.takes], 1)
        self.training.checked()
        return self


SAID: Mapping[str, str] = {
    "table": "rows of a table",
    "terms": "counts of words",
    "tokens": "texts",
    "window": "windows of a series",
    "picture": "pictures",
}
SAMPLE: Mapping[str, Inputs] = {  # what a declaration is tried on before it is used
    "table": Inputs("table", (2,), numbers=1, levels=(3,)),
    "terms": Inputs("terms", (10,)),
    "tokens": Inputs("tokens", (32,), rows=10),
    "window": Inputs("window", (24, 1), beside=1, horizon=2),
    "picture": Inputs("picture", (32, 32, 1)),
}


def _kept_before_head(layers: Sequence[Layer], at: int) -> bool:
    """Dropout that stands right before the head belongs to the head where something has been gathered before it."""
    gathered = any(layer.kind in ("gather", "average", "flatten", "last") for layer in layers[:at])
    return layers[at].kind == "dropout" and gathered and at == len(layers) - 2 and layers[at - 1].kind not in SIZED


def _recurrent_ends(layers: Sequence[Layer]) -> list[Layer]:
    """A recurrent layer gives every step where another layer over time follows, else its last state."""
    found = []
    for i, layer in enumerate(layers):
        if layer.kind in ("gru", "lstm"):
            layer = replace(layer, sequence=any(after.kind in OVER_TIME for after in layers[i + 1 :]))
        found.append(layer)
    return found


KERAS_KINDS = frozenset({
    "dense", "dropout", "head", "conv2d", "pool", "flatten", "average", "batchnorm", "residual", "embedding",
    "masked_average",
})  # fmt: skip
KERAS_ACTIVATIONS = frozenset({"", "relu", "tanh", "silu", "gelu", "selu"})


def has_form(network: Network, inputs: Inputs) -> bool:
    """Whether Keras has every layer of it, and takes what enters in one piece (see `keras_form`)."""
    if inputs.takes not in ("table", "tokens", "picture") or inputs.beside:
        return False
    return all(
        layer.kind in KERAS_KINDS and layer.activation in KERAS_ACTIVATIONS and not layer.copies and not layer.form
        for layer in network.resolved(inputs).layers
    )
