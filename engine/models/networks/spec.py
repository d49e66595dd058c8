"""Networks as declarations: the start nets, and copies of them with settings changed.  Light: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from engine.errors import UsageProblem
from engine.models.networks.declarations import BY_NAME, DENSE_64_32, LADDERS, NETWORKS
from engine.models.networks.layers import Inputs, Layer, Network, Takes, Training, shape_in_words
from engine.records import Json

__all__ = [
    "BY_NAME", "DENSE_64_32", "LADDERS", "NETWORKS", "SETTINGS", "Inputs", "Layer", "Network", "Takes", "Training",
    "batch_size", "declared", "described", "networks_for", "outputs", "outputs_for", "start_net", "suited",
]  # fmt: skip

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
    training = {f.name: getattr(network.training, f.name) for f in fields(Training)} | settings
    return replace(network, training=Training.from_dict(training)).checked()


def suited(network: Network, task: str, metric: str) -> Network:
    """The network for a task: of two activations and two rates those of classes or of numbers; labels are smoothed only
    where accuracy decides, since smoothing spoils probabilities (Holzmüller et al. 2024)."""
    numbers = task not in ("binary", "multiclass")
    layers = (replace(layer, activation=layer.activation.split("/")[-1 if numbers else 0]) for layer in network.layers)
    how = network.training
    rate = how.number_rate if numbers and how.number_rate else how.learning_rate
    smoothing = how.smoothing if metric == "accuracy" and not numbers else 0.0
    training = replace(how, learning_rate=rate, number_rate=0.0, smoothing=smoothing)
    return replace(network, layers=tuple(layers), training=training)


def networks_for(material: str) -> tuple[Network, ...]:
    """The networks for a material (table, text, series, image), smallest first."""
    return LADDERS.get(material, LADDERS["table"])


def start_net(material: str, rows: int = 0, words: float = 0.0) -> Network:
    """Where to start (catalogue 5.5).  Of texts by the ratio of texts to median words: below 1,500 counts of words."""
    if material == "text":
        return BY_NAME["text_mean" if words and rows / words >= TEXTS_PER_WORD else "text_words"]
    return BY_NAME[{"series": "series_conv", "image": "image_small"}.get(material, "net_small")]


TEXTS_PER_WORD = 1_500


def outputs(task: str, classes: int) -> int:
    """Units of the head: one a class, for two classes as well, so that their probabilities sum to 1; else one."""
    return max(2, classes) if task in ("binary", "multiclass") else 1


def outputs_for(network: Network, inputs: Inputs, task: str, classes: int) -> int:
    """Units of the head of this network: one for each step ahead where it answers all steps of a window at once."""
    return inputs.horizon if network.takes == "window" else outputs(task, classes)


def batch_size(rows: int, wanted: int | None = None) -> int:
    """Rows per step: by the number of training rows, then halved until an epoch has at least 8 steps (`deep.batch`)."""
    if wanted is not None:
        return max(1, min(wanted, rows))
    batch = next((b for limit, b in ((1024, 64), (8192, 128), (30_000, 256), (100_000, 512)) if rows <= limit), 1024)
    while batch > 1 and -(-rows // batch) < 8:
        batch //= 2
    return batch


def described(network: Network, inputs: int | Inputs, units: int) -> list[dict[str, Json]]:
    """The network layer by layer, as data: {"layer", "purpose", "shape", "parameters", "multiplications"}; the first
    line is what enters.  shape: in words, "(batch, time 24, channel 32)".  units: of the head."""
    given = Inputs(network.takes, (inputs,)) if isinstance(inputs, int) else inputs
    counted = network.count(given, units).layers
    lines: list[dict[str, Json]] = [
        {"layer": "inputs", "purpose": "what one batch of rows is to the first layer", "shape": given.said,
         "parameters": 0, "multiplications": 0}
    ]  # fmt: skip
    for layer, step in zip(network.resolved(given).layers, counted, strict=True):
        lines.append(
            {
                "layer": _name(layer, units),
                "purpose": layer.purpose,
                "shape": shape_in_words(step.shape),
                "parameters": step.parameters,
                "multiplications": step.multiplications,
            }
        )
    return lines


def _name(layer: Layer, units: int) -> str:
    """A layer as a person would call it: "conv1d 32, kernel 3, dilation 2, causal, relu"."""
    size = units if layer.kind == "head" else layer.size
    said = [layer.kind.replace("_", " ") + (f" {size}" if size else "")]
    said += [f"{layer.copies} copies"] if layer.copies else []
    said += [f"kernel {layer.kernel}"] if layer.kernel else []
    said += [f"dilation {layer.dilation}"] if layer.dilation > 1 else []
    said += [layer.padding] if layer.padding in ("causal", "same") else []
    said += ["both ways"] if layer.both else []
    said += [f"{layer.rate:g}"] if layer.rate else []
    said += [layer.activation] if layer.activation else []
    return ", ".join(said)
