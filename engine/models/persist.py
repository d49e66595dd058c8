"""A fitted model as bytes that anybody may open: a zip of JSON, skops files and, for a network, a `.keras` file.

Nothing is unpickled.  skops rebuilds objects of trusted types only; the list is fixed here, in code, and never taken
from a file.  A file that names another type is refused before anything in it is built.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import dataclass
from typing import Any

from engine.errors import DataProblem
from engine.models.catalogue import model_spec
from engine.models.fitting import Fitted
from engine.records import Json

MEDIA_TYPE = "application/vnd.rungwise.model"
FORMAT = 1
CARD, PREPARE, SKOPS, KERAS = "model.json", "prepare.skops", "estimator.skops", "estimator.keras"
LARGEST = 4 << 30  # bytes unpacked

# Types beyond what skops trusts by itself (public scikit-learn estimators, numpy, scipy): ours, skrub's encoders, and
# the parts that scikit-learn's trees, boosting and encoders are made of.
TRUSTED = (
    "engine.data.rules.RuleClassifier",
    "engine.data.rules.RuleRegressor",
    "engine.models.columns.Capped",
    "engine.models.columns.EachColumn",
    "engine.models.columns.KeepBest",
    "engine.models.columns.MissingFlags",
    "engine.models.columns.Power",
    "engine.models.columns.Robust",
    "engine.models.columns.YesNo",
    "engine.models.columns.Zeros",
    "engine.models.columns._Nothing",
    "engine.models.pixels.Pixels",
    "engine.models.texts.WordBayes",
    "engine.models.texts.Vocabulary",
    "engine.models.window.FromHistory",
    "engine.models.window.OnOwnScale",
    "engine.models.window.StepRidge",
    "functools.partial",
    "numpy.dtype",
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
        return "keras" if self.fitted.spec.network else "skops"


def dumps(artifact: Artifact) -> bytes:
    """The artifact as bytes; the same model gives the same bytes."""
    fitted = artifact.fitted
    card = {
        "format": FORMAT,
        "model": fitted.spec.name,
        "settings": fitted.settings,
        "task": fitted.task,
        "labels": fitted.labels,
        "columns": fitted.columns,
        "recipe": artifact.recipe,
        "schema": artifact.schema,
        "threshold": artifact.threshold,
        **({} if fitted.most is None else {"most_log1p": fitted.most}),
    }
    members: dict[str, bytes] = {CARD: json.dumps(card, sort_keys=True, allow_nan=False, indent=1).encode()}
    if fitted.prepare is not None:
        members[PREPARE] = _skops_bytes(fitted.prepare)
    if fitted.spec.network:
        from engine.models.networks.files import network_to_bytes

        members[KERAS] = network_to_bytes(fitted.estimator)
    else:
        members[SKOPS] = _skops_bytes(fitted.estimator)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in sorted(members.items()):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def loads(content: bytes) -> Artifact:
    """The artifact back.  Raises DataProblem for bytes that are no model of ours, or that name a type not trusted."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            strange = sorted(set(names) - {CARD, PREPARE, SKOPS, KERAS})
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
        spec = model_spec(card["model"], card["task"])
        prepare = _from_skops(members[PREPARE]) if PREPARE in members else None
        if spec.network:
            from engine.models.networks.files import network_from_bytes

            estimator: Any = network_from_bytes(members[KERAS])
        else:
            estimator = _from_skops(members[SKOPS])
        names = list(card["columns"])
        fitted = Fitted(spec, card["settings"], card["task"], list(card["labels"]), names, prepare, estimator)
        fitted.most = card.get("most_log1p")
        return Artifact(fitted, card["recipe"], card["schema"], card["threshold"])
    except (KeyError, TypeError):
        raise _refused("parts of it are missing") from None


def _from_skops(content: bytes) -> Any:
    from skops import io as skops_io

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
    from skops import io as skops_io

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
