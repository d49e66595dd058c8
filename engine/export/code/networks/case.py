"""Which networks leave as code: the declared one, for its task, with what enters it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from engine.counts import LayerCount
from engine.data.pixels import as_drawn, layout
from engine.errors import UsageProblem
from engine.export.code.plan import Part, Plan, not_code
from engine.export.model.terms import NoForm
from engine.models.networks.layers import Inputs, Layer, Network, Training
from engine.models.networks.losses import Loss, loss_for
from engine.models.networks.spec import declared, outputs_for, suited

TURNS = {"": [], "relu": ["nn.ReLU()"], "selu": ["nn.SELU()"], "mish": ["nn.Mish()"]}
BATCH = "engine.models.networks.spec:batch_size"
LEVELS = "engine.models.networks.inputs:levels_of"


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
    def layers(self) -> tuple[Layer, ...]:
        return self.network.layers

    @cached_property
    def counted(self) -> tuple[LayerCount, ...]:
        """What each layer makes of one row."""
        return self.network.count(self.inputs, self.units).layers

    @property
    def kinds(self) -> list[str]:
        return [layer.kind for layer in self.layers]

    @property
    def picture(self) -> bool:
        return self.network.takes == "picture"

    @property
    def tokens(self) -> bool:
        return self.network.takes == "tokens"

    @property
    def terms(self) -> bool:
        return self.network.takes == "terms"

    @property
    def window(self) -> bool:
        return self.network.takes == "window"

    @property
    def reads(self) -> bool:
        """Whether it makes something of the words of a text before they are averaged."""
        return self.tokens and self.kinds[:2] != ["embedding", "masked_average"]

    @property
    def embeds(self) -> bool:
        """Whether it embeds columns."""
        return bool({"periodic", "categories"} & set(self.kinds))

    @property
    def members(self) -> int:
        """How many nets there are in one; 0 where it is one."""
        return self.layers[-1].copies

    @property
    def beside(self) -> bool:
        """Whether columns that are no part of the material stand beside it."""
        return bool(self.inputs.beside)

    @property
    def own_rates(self) -> bool:
        """Whether some of its weights learn at rates of their own."""
        return any(layer.kind in ("scale", "ntk") or layer.form == "ntk" for layer in self.layers)

    @property
    def given(self) -> dict[str, str]:
        """What it is told beside the seed, and of which type it is."""
        if self.embeds:
            return {"numbers": "slice", "codes": "slice", "levels": "tuple[int, ...]"}
        place = {"place": "slice"} if self.tokens or (self.picture and self.beside) else {}
        return {**place, **({"words": "int"} if self.tokens else {})}


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
    network = suited(network, str(recipe["task"]), str(recipe.get("metric", "")))
    match network.takes:
        case "picture":
            inputs = _picture(plan, network)
        case "tokens":
            inputs = _texts(plan, network)
        case "window":
            inputs = _window(plan, network)
        case "terms":
            inputs = Inputs("terms", (1,))
        case _:
            inputs = _columns(plan)
    network = network.resolved(inputs)
    _repeatable(network)
    units = outputs_for(network, inputs, str(recipe["task"]), len(plan.table.labels or ()))
    return Case(class_of(part), network, loss_for(network, recipe), inputs, units, plan.weighs)


def _repeatable(network: Network) -> None:
    how, said = network.training, "does not leave as plain code so far; take --to model."
    if how.device != "cpu":
        raise NoForm(f"{network.title} was trained on a graphics card, whose draws are others than a processor's, and "
                     + said)  # fmt: skip
    if how.precision != "float32":
        raise NoForm(f"{network.title} was trained in another precision than 32 bits, and {said}")


def _columns(plan: Plan) -> Inputs:
    """Whether there are numbers and levels that could be embedded; how many is known once they are prepared."""
    types = plan.recipe.get("types") or {}
    ordered = plan.prepare["categories"].get("ordered") or {}
    numbers = any(kind == "number" for kind in types.values()) and plan.recipe.get("material") != "image"
    codes = any(kind in ("category", "yes_no") and name not in ordered for name, kind in types.items())
    return Inputs("table", (1 + numbers + codes,), numbers=int(numbers), levels=(1,) * codes)


def _window(plan: Plan, network: Network) -> Inputs:
    """The last values, and what is known beside them: of how many columns is known once they are prepared."""
    if not plan.forecasts:
        raise NoForm(f"{network.title} takes windows of a series, and this is a table; take --to model.")
    said = plan.recipe["series"]
    return Inputs("window", (int(said["window"]), 1), beside=1, horizon=int(said["horizon"]))


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


def before(case: Case, forecasts: bool) -> str:
    """The lines above the model, once the columns are prepared."""
    lines = []
    if "place" in case.given:
        name = "pixels" if case.picture else "tokens"
        lines.append(f'    place = prepare.output_indices_["{name}"]  # among the columns; the others stand beside\n')
    if "words" in case.given:
        lines.append('    words = prepare.named_transformers_["tokens"].rows\n')
    if case.embeds:
        lines.append(
            "    lie = prepare.output_indices_  # where the prepared columns lie\n"
            '    numbers, codes = (lie.get(name, slice(0, 0)) for name in ("numbers", "codes"))\n'
        )
        lines.append(
            '    levels = levels_of(prepare.named_transformers_["codes"]) if codes.stop > codes.start else ()\n'
        )
        if forecasts:
            lines.append("    numbers, codes = (slice(at.start - 2, at.stop - 2) for at in (numbers, codes))\n")
    return "".join(lines)
