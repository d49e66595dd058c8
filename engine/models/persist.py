"""A fitted model as bytes that anybody may open: a zip of JSON, skops files and, for a network, a `.keras` file.

A model made of others holds each of them in a folder of its own ("0/", "1/", and inside these again), and says in its
card how it joins them.

Nothing is unpickled.  skops rebuilds objects of trusted types only; the list is fixed here, in code, and never taken
from a file.  A file that names another type is refused before anything in it is built.
"""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from dataclasses import dataclass
from typing import Any

from engine.errors import DataProblem
from engine.models.catalogue import spec_of
from engine.models.composed import Composed
from engine.models.fitting import Fitted
from engine.records import Json

MEDIA_TYPE = "application/vnd.rungwise.model"
FORMAT = 1
CARD, PREPARE, SKOPS = "model.json", "prepare.skops", "estimator.skops"
KERAS, TORCH = "estimator.keras", "estimator.torch"  # of a network, by what has a form of it
LARGEST = 4 << 30  # bytes unpacked
_MEMBER = re.compile(rf"(\d/){{0,4}}({'|'.join(map(re.escape, (CARD, PREPARE, SKOPS, KERAS, TORCH)))})")

# Types beyond what skops trusts by itself (public scikit-learn estimators, numpy, scipy): ours, skrub's encoders, and
# the parts that scikit-learn's trees, boosting and encoders are made of.
TRUSTED = (
    "engine.data.rules.RuleClassifier",
    "engine.data.rules.RuleRegressor",
    "engine.models.baselines.Cheapest",
    "engine.models.boosters.CatClasses",
    "engine.models.boosters.CatNumbers",
    "engine.models.boosters.LightClasses",
    "engine.models.boosters.LightNumbers",
    "engine.models.columns.Capped",
    "engine.models.columns.EachColumn",
    "engine.models.columns.KeepBest",
    "engine.models.columns.MissingFlags",
    "engine.models.columns.Power",
    "engine.models.columns.Robust",
    "engine.models.columns.YesNo",
    "engine.models.columns.Zeros",
    "engine.models.columns._Nothing",
    "engine.models.kernels.Curved",
    "engine.models.networks.tokens.Tokens",
    "engine.models.onecolumn.ColumnClasses",
    "engine.models.onecolumn.ColumnNumbers",
    "engine.models.penalised.Margin",
    "engine.models.penalised.SparseLine",
    "engine.models.penalised.SparseLogistic",
    "engine.models.penalised.Tube",
    "engine.models.pixels.Pixels",
    "engine.models.smoothing.Smoothing",
    "engine.models.texts.WordBayes",
    "engine.models.texts.Vocabulary",
    "engine.models.window.FromHistory",
    "engine.models.window.OnOwnScale",
    "engine.models.window.StepRidge",
    "functools.partial",
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
    "skrub._datetime_encoder.DatetimeEncoder",
    "skrub._datetime_encoder._CircularEncoder",
    "skrub._squashing_scaler.SquashingScaler",
    "skrub._squashing_scaler._MinMaxScaler",
    "skrub._string_encoder.StringEncoder",
    "skrub._to_str.ToStr",
)


@dataclass(frozen=True)
class Artifact:
    """A model that has left: what it predicts with, and everything needed to feed it.

    recipe: as of the trial.  schema: see engine.models.final.  threshold: the cut for two classes, None for the most
    probable class.
    """

    fitted: Fitted
    recipe: dict[str, Json]
    schema: dict[str, Json]
    threshold: float | None

    @property
    def format(self) -> str:
        network = self.fitted.spec.network
        return str(getattr(self.fitted.estimator, "format", "keras")) if network else "skops"


def dumps(artifact: Artifact) -> bytes:
    """The artifact as bytes; the same model gives the same bytes."""
    card = {
        "format": FORMAT,
        **_card(artifact.fitted),
        "recipe": artifact.recipe,
        "schema": artifact.schema,
        "threshold": artifact.threshold,
    }
    members = {CARD: _json_bytes(card), **_members(artifact.fitted, "")}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in sorted(members.items()):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _json_bytes(card: dict[str, Json]) -> bytes:
    return json.dumps(card, sort_keys=True, allow_nan=False, indent=1).encode()


def _card(fitted: Fitted) -> dict[str, Json]:
    """What a fitted model is, apart from what it learned; how a composed one joins its parts is here, too."""
    card: dict[str, Json] = {
        "model": fitted.spec.name,
        "settings": fitted.settings,
        "task": fitted.task,
        "labels": fitted.labels,
        "columns": fitted.columns,
    }
    if fitted.most is not None:
        card["most_log1p"] = fitted.most
    if isinstance(fitted, Composed):
        card |= {"parts": len(fitted.parts), "head": fitted.head.state()}
    return card


def _members(fitted: Fitted, folder: str) -> dict[str, bytes]:
    """The files of a fitted model, but for its card, by their names under `folder` ("" or "0/", "0/1/", …)."""
    if isinstance(fitted, Composed):
        members: dict[str, bytes] = {}
        for i, part in enumerate(fitted.parts):
            inside = f"{folder}{i}/"
            members |= {inside + CARD: _json_bytes(_card(part)), **_members(part, inside)}
        return members
    members = {}
    if fitted.prepare is not None:
        members[folder + PREPARE] = _skops_bytes(fitted.prepare)
    if fitted.spec.network:
        from engine.models.networks.files import network_to_bytes

        kept = KERAS if fitted.estimator.format == "keras" else TORCH
        members[folder + kept] = network_to_bytes(fitted.estimator)
    else:
        members[folder + SKOPS] = _skops_bytes(fitted.estimator)
    return members


def loads(content: bytes) -> Artifact:
    """The artifact back.  Raises DataProblem for bytes that are no model of ours, or that name a type not trusted."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            strange = sorted(name for name in set(names) if not _MEMBER.fullmatch(name))
            if strange or len(names) != len(set(names)) or CARD not in names:
                raise _refused(f"it holds {strange[0]!r}" if strange else "it is incomplete")
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise _refused("it unpacks to more than 4 GB")
            members = {name: archive.read(name) for name in names}
        card = json.loads(members[CARD])
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError):
        raise _refused("it is damaged, or no model file at all") from None
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise _refused("it was written by another version")
    try:
        fitted = _fitted(card, members, "")
        return Artifact(fitted, card["recipe"], card["schema"], card["threshold"])
    except (KeyError, TypeError, AttributeError, ValueError):
        raise _refused("parts of it are missing") from None


def _fitted(card: dict[str, Json], members: dict[str, bytes], folder: str) -> Fitted:
    """The model of a card, from its files under `folder`.  Raises KeyError where one is missing."""
    spec = spec_of({"name": card["model"], "settings": card["settings"]}, card["task"])
    known = (spec, card["settings"], card["task"], list(card["labels"]), list(card["columns"]))
    if spec.composed:
        parts = []
        for i in range(int(card["parts"])):
            inside = f"{folder}{i}/"
            parts.append(_fitted(json.loads(members[inside + CARD]), members, inside))
        head: Any = spec.builder()
        return Composed(*known, None, None, parts=parts, head=head.of_state(card["head"]))
    prepare = _from_skops(members[folder + PREPARE]) if folder + PREPARE in members else None
    if spec.network:
        from engine.models.networks.files import network_from_bytes

        kept = TORCH if folder + TORCH in members else KERAS
        estimator: Any = network_from_bytes(members[folder + kept])
    else:
        estimator = _from_skops(members[folder + SKOPS])
    return Fitted(*known, prepare, estimator, most=card.get("most_log1p"))


_OTHER_ARRAYS = tuple(f"sklearn.externals.array_api_compat.{kind}" for kind in ("torch", "dask", "cupy"))


def _skops() -> Any:
    """skops.io.  When it is first imported it walks through all modules of scikit-learn, and so into PyTorch, which
    weighs 300 MB and is needed for nothing here: meanwhile these ways are shut."""
    shut = [] if "skops.io" in sys.modules else [name for name in _OTHER_ARRAYS if name not in sys.modules]
    known: dict[str, Any] = sys.modules  # type: ignore[assignment]  # None there means: not to be imported
    known.update(dict.fromkeys(shut))
    try:
        from skops import io as skops_io
    finally:
        for name in shut:
            known.pop(name, None)
    return skops_io


def _from_skops(content: bytes) -> Any:
    skops_io = _skops()
    try:
        stranger = sorted(set(skops_io.get_untrusted_types(data=content)) - set(TRUSTED))
        if stranger:
            raise _refused(f"it names the type {stranger[0]!r}, which no model of ours is made of")
        return skops_io.loads(content, trusted=list(TRUSTED))
    except DataProblem:
        raise
    except Exception as problem:  # skops raises many kinds for damaged files; all mean the same to a reader
        raise _refused(f"skops cannot read it ({type(problem).__name__})") from None


_IDENTITY = re.compile(rb'"__id__": (\d+)|"file": "([^"]+)"')


def _skops_bytes(model: Any) -> bytes:
    """skops names its parts by memory addresses; numbered in the order they stand, equal models are equal bytes."""
    skops_io = _skops()
    with zipfile.ZipFile(io.BytesIO(skops_io.dumps(model))) as archive:
        schema = archive.read("schema.json")
        files = {name: archive.read(name) for name in archive.namelist() if name != "schema.json"}
    numbers: dict[bytes, int] = {}
    renamed: dict[str, str] = {}

    def numbered(match: re.Match[bytes]) -> bytes:
        if match[1] is not None:
            return b'"__id__": %d' % numbers.setdefault(match[1], len(numbers) + 1)
        old = match[2].decode()
        if old not in files:
            return match[0]
        new = renamed.setdefault(old, f"{len(renamed) + 1}.{old.rpartition('.')[2]}")
        return f'"file": "{new}"'.encode()

    schema = _IDENTITY.sub(numbered, schema)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("schema.json"), schema)
        for old, new in sorted(renamed.items(), key=lambda pair: pair[1]):
            archive.writestr(zipfile.ZipInfo(new), files[old])
    return packed.getvalue()


def _refused(because: str) -> DataProblem:
    return DataProblem(f"This model file was not opened: {because}. Only open models that this program saved.")
