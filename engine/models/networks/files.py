"""Networks as files: Keras's own format, opened so that a file from a stranger can do nothing.

A `.keras` file is a zip of config.json, metadata.json and model.weights.h5; ours carries rungwise.json beside them.
Before Keras sees a file, every member, every class and every function named in it is held against a fixed list, and
the weights against what could make HDF5 read another file; Keras then opens it in safe mode.  Nothing is unpickled.
"""

from __future__ import annotations

import io
import json
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import RungwiseError
from engine.models.networks.backend import load_keras
from engine.models.networks.build import Route
from engine.models.networks.estimator import NetworkClassifier, NetworkRegressor
from engine.models.networks.losses import Loss
from engine.models.networks.spec import Network
from engine.records import Json

MEDIA_TYPE = "application/vnd.keras"

OURS = "rungwise.json"
MEMBERS = {"config.json", "metadata.json", "model.weights.h5", OURS}
LISTS: dict[str, tuple[str | None, ...]] = {
    "class_name": ("Functional", "InputLayer", "Dense", "Dropout", "Activation", "DTypePolicy", "HeNormal", "Zeros",
                   "__keras_tensor__"),
    "module": (None, "keras", "keras.layers", "keras.initializers", "keras.src.models.functional"),
    "registered_name": (None, "Functional"),
    "activation": ("relu", "tanh", "silu", "gelu", "linear", "softmax"),
}  # fmt: skip
BYTES = 4
NO_DATE = "1980-01-01@00:00:00"
LARGEST = 512 * 2**20  # bytes unpacked: far above any network for tables, far below a zip bomb


class UnsafeNetwork(RungwiseError):
    """A file that is not a network of ours, or that names something a network file has no business with."""


def network_to_bytes(estimator: NetworkClassifier | NetworkRegressor) -> bytes:
    """A fitted network as a `.keras` file, which plain Keras opens too."""
    ours = {
        "format": 1,
        "network": estimator.network.as_dict(),
        "loss": {name: value for name, value in asdict(estimator.loss_).items() if value != ()},
        "classes": estimator.classes_.tolist() if isinstance(estimator, NetworkClassifier) else None,
        "trained": estimator.trained_,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        with _quietly():
            estimator.module_.save(path)
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in sorted(archive.namelist())}
    # Saved twice, the same network is the same bytes: no date of saving, neither Keras's nor the zip's
    members["metadata.json"] = json.dumps({**json.loads(members["metadata.json"]), "date_saved": NO_DATE}).encode()
    members[OURS] = json.dumps(ours).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(name), member, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def network_from_bytes(content: bytes) -> NetworkClassifier | NetworkRegressor:
    """The fitted estimator back.  Raises UnsafeNetwork (nothing of the file has run then) or NoNetworks."""
    ours = _inspect(content)
    keras = load_keras()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        path.write_bytes(content)
        try:
            with keras.device("cpu"), _quietly():
                module = keras.saving.load_model(path, custom_objects={}, compile=False, safe_mode=True)
        except Exception as problem:  # Keras raises many kinds here; all mean the same to a reader
            raise _refuse(f"Keras cannot read it ({type(problem).__name__})") from None
    try:
        network, loss = Network.from_dict(ours["network"]), Loss(**ours["loss"])
        family: type[NetworkClassifier | NetworkRegressor] = NetworkClassifier if loss.classes else NetworkRegressor
        estimator = family(network=network, loss=loss)
        estimator._take(Route(module))
        estimator.loss_ = loss
        if isinstance(estimator, NetworkClassifier):
            estimator.classes_ = np.asarray(ours["classes"])
            if len(estimator.classes_) != module.output_shape[1]:
                raise ValueError
        estimator.n_features = estimator.n_features_in_
        estimator.trained_ = dict(ours["trained"])
    except (KeyError, TypeError, ValueError, RungwiseError):
        raise _refuse(f"its {OURS} does not fit its layers") from None
    return estimator


def _inspect(content: bytes) -> dict[str, Json]:
    """What rungwise.json says, once everything in the file is known to be harmless.  Raises UnsafeNetwork."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            strange = sorted(set(names) - MEMBERS)
            if strange:
                raise _refuse(f"it contains {strange[0]!r}")
            if len(names) != len(MEMBERS) or set(names) != MEMBERS:
                raise _refuse("it is incomplete")
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise _refuse(f"it unpacks to more than {LARGEST // 2**20} MB")
            config = json.loads(archive.read("config.json"))
            ours = json.loads(archive.read(OURS))
            weights = archive.read("model.weights.h5")
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError):
        raise _refuse("it is damaged or no .keras file") from None
    try:
        for what, name in _named(config):
            raise _refuse(f"it names the {what} {name!r}")
        if BYTES * _parameters(config) > LARGEST:
            raise _refuse(f"its layers would take more than {LARGEST // 2**20} MB")
    except (KeyError, IndexError, TypeError, ValueError, RecursionError):
        raise _refuse("its config.json does not describe a network") from None
    _inspect_weights(weights)
    if not isinstance(ours, dict) or ours.get("format") != 1:
        raise _refuse("it was written by a newer version, or not by this program")
    return ours


def _named(value: Json) -> Iterator[tuple[str, str]]:
    """Everything in a Keras configuration that could make Keras import or call something not on our lists."""
    if isinstance(value, list):
        for item in value:
            yield from _named(item)
    elif isinstance(value, dict):
        for key, allowed in LISTS.items():
            if key in value and not any(value[key] == known for known in allowed):
                yield key.replace("_", " "), str(value[key])[:80]
        for item in value.values():
            yield from _named(item)


def _parameters(config: Json) -> int:
    """What Keras would make room for, counted from the configuration alone."""
    width, total = 0, 0
    for layer in config["config"]["layers"]:
        inside = layer["config"]
        if layer["class_name"] == "InputLayer":
            width = int(inside["batch_shape"][1])
        elif layer["class_name"] == "Dense":
            total += (width + 1) * int(inside["units"])
            width = int(inside["units"])
    return total


def _inspect_weights(content: bytes) -> None:
    """Refuse HDF5 that points outside itself (external links, external or virtual datasets) or holds objects."""
    import h5py

    def look(group: Any) -> None:
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _refuse("its weights point to another place")
            item = group[name]
            if isinstance(item, h5py.Group):
                look(item)
            elif item.is_virtual or item.external or item.dtype.kind not in "fiub":
                raise _refuse("its weights are not plain numbers")

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            look(file)
    except (OSError, RuntimeError, KeyError):
        raise _refuse("its weights are damaged") from None


@contextmanager
def _quietly() -> Iterator[None]:
    """Without Keras's warnings about NumPy's next version, which nobody here can act on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _refuse(because: str) -> UnsafeNetwork:
    return UnsafeNetwork(f"This network file was not opened: {because}. Only open networks that this program saved.")
