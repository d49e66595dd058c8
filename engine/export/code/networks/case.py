"""Which networks leave as code: the declared one, for its task, with what enters it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.data.pixels import as_drawn, layout
from engine.errors import UsageProblem
from engine.export.code.plan import Part, Plan, not_code
from engine.export.model.terms import NoForm
from engine.models.networks.layers import SAID, Inputs, Network, Training
from engine.models.networks.losses import Loss, loss_for
from engine.models.networks.spec import declared, outputs, suited

TURNS = {"": [], "relu": ["nn.ReLU()"], "selu": ["nn.SELU()"], "mish": ["nn.Mish()"]}
WRITTEN = (
    "scale",
    "ntk",
    "dense",
    "dropout",
    "head",
    "conv2d",
    "pool",
    "flatten",
    "average",
    "beside",
    "embedding",
    "masked_average",
)
BATCH = "engine.models.networks.spec:batch_size"


@dataclass(frozen=True)
class Case:
    """A network for a task, and what enters it: of tables and texts in the least shape, as they have theirs only once
    they are prepared."""

    name: str
    network: Network
    loss: Loss
    inputs: Inputs
    units: int
    balanced: bool

    @property
    def how(self) -> Training:
        return self.network.training

    @property
    def picture(self) -> bool:
        return self.network.takes == "picture"

    @property
    def tokens(self) -> bool:
        return self.network.takes == "tokens"

    @property
    def beside(self) -> bool:
        """Whether columns that are no part of the material stand beside it."""
        return bool(self.inputs.beside)

    @property
    def own_rates(self) -> bool:
        """Whether some of its weights learn at rates of their own."""
        return any(layer.kind in ("scale", "ntk") or layer.form == "ntk" for layer in self.network.layers)

    @property
    def given(self) -> tuple[str, ...]:
        """What it is told beside the seed."""
        return (*(("place",) if self.beside or self.tokens else ()), *(("words",) if self.tokens else ()))


def class_of(part: Part) -> str:
    """What the network is called in the code: "net_small" → "NetSmall"."""
    return "".join(word.capitalize() for word in (part.name or part.spec.name).split("_"))


def case_of(plan: Plan, part: Part) -> Case:
    """Raises NoForm, in a sentence that says which, for what is not written so far."""
    try:
        network = declared(part.spec.name, part.settings)
    except (TypeError, ValueError) as problem:
        if isinstance(problem, UsageProblem):
            raise
        raise not_code(problem) from None
    recipe = plan.recipe
    if network.takes not in ("table", "picture", "tokens"):
        raise NoForm(f"{network.title} takes {SAID[network.takes]} and does not leave as plain code so far; take --to "
                     "model.")  # fmt: skip
    network = suited(network, str(recipe["task"]), str(recipe.get("metric", "")))
    match network.takes:
        case "picture":
            inputs = _picture(plan, network)
        case "tokens":
            inputs = _texts(plan, network)
        case _:
            inputs = Inputs("table", (1,))
    network = network.resolved(inputs)
    _writable(network)
    labels = len(plan.table.labels or ())
    units = outputs(str(recipe["task"]), labels)
    return Case(class_of(part), network, loss_for(network, recipe), inputs, units, plan.weighs)


def _writable(network: Network) -> None:
    how, said = network.training, "does not leave as plain code so far; take --to model."
    if how.device != "cpu":
        raise NoForm(f"{network.title} was trained on a graphics card, whose draws are others than a processor's, and "
                     + said)  # fmt: skip
    if how.precision != "float32":
        raise NoForm(f"{network.title} was trained in another precision than 32 bits, and {said}")
    for layer in network.layers:
        plain = layer.activation in TURNS and not layer.copies and layer.form in ("", "ntk")
        if (
            layer.kind not in WRITTEN or not plain
        ):  # words are averaged where they are embedded: together they have a form
            what = f"a layer of the kind {layer.kind.replace('_', ' ')}"
            raise NoForm(f"{network.title} has {what} and {said}")


def _picture(plan: Plan, network: Network) -> Inputs:
    """Height, width and channels of every picture."""
    types = plan.recipe.get("types") or {}
    pixels = as_drawn([name for name, kind in types.items() if kind == "number"])
    found = layout(pixels) if plan.recipe.get("material") == "image" else None
    if found is None:
        raise NoForm(f"{network.title} takes pictures, and these columns make none; take --to model.")
    side = ((plan.recipe.get("prepare") or {}).get("images") or {}).get("side")
    height, width = found.height, found.width
    if side and side < height:
        height = width = int(side)
    return Inputs("picture", (height, width, found.channels), _beside(plan, len(pixels)))


def _texts(plan: Plan, network: Network) -> Inputs:
    """Texts of one word, until they are read."""
    types = plan.recipe.get("types") or {}
    texts = sum(kind == "text" for kind in types.values())
    if not texts:
        raise NoForm(f"{network.title} takes texts, and this table has none; take --to model.")
    return Inputs("tokens", (1,), _beside(plan, texts), rows=2)


def _beside(plan: Plan, material: int) -> int:
    """1 where columns stand beside those of the material: how many they become is known once they are prepared."""
    types = plan.recipe.get("types") or {}
    dropped = sum(kind == "date" for kind in types.values()) if plan.prepare["dates"]["encode"] == "drop" else 0
    return int(len(types) - dropped > material)


def before(case: Case) -> str:
    """The lines above the model, once the columns are prepared."""
    lines = []
    if "place" in case.given:
        name = "pixels" if case.picture else "tokens"
        lines.append(f'    place = prepare.output_indices_["{name}"]  # among the columns; the others stand beside\n')
    if "words" in case.given:
        lines.append('    words = prepare.named_transformers_["tokens"].rows\n')
    return "".join(lines)
