"""Networks as files, opened so that a file from a stranger can do nothing.

Where Keras has a form of the network: a `.keras` file, a zip of config.json, metadata.json and model.weights.h5, which
plain Keras opens; ours carries rungwise.json beside them.  Everything else: a zip of rungwise.json and weights.npz.

rungwise.json declares the network.  It is built from that declaration alone, in the size that was counted first; from
the file come its weights, and nothing else: what config.json says must be what Keras says of the network built here,
and every array must have the name, the shape and the type that it has there.  Nothing is unpickled.
"""

from __future__ import annotations

import io
import json
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import RungwiseError
from engine.models.networks.backend import NoNetworks, load_torch
from engine.models.networks.estimator import NetworkClassifier, NetworkRegressor
from engine.models.networks.inputs import Layout, plain_layout
from engine.models.networks.losses import Loss
from engine.models.networks.spec import Network
from engine.records import Json

MEDIA_TYPE = "application/vnd.keras"

OURS, WEIGHTS, ARRAYS = "rungwise.json", "model.weights.h5", "weights.npz"
MEMBERS = {"keras": {"config.json", "metadata.json", WEIGHTS, OURS}, "torch": {OURS, ARRAYS}}
LISTS: dict[str, tuple[str | None, ...]] = {
    "class_name": ("Functional", "InputLayer", "Dense", "Dropout", "Activation", "DTypePolicy", "HeNormal", "Zeros",
                   "Ones", "GlorotUniform", "RandomUniform", "Conv2D", "MaxPooling2D", "Flatten", "Add",
                   "GlobalAveragePooling1D", "GlobalAveragePooling2D", "BatchNormalization", "Embedding",
                   "NotEqual", "__keras_tensor__"),
    "module": (None, "keras", "keras.layers", "keras.initializers", "keras.src.models.functional",
               "keras.src.ops.numpy"),
    "registered_name": (None, "Functional", "NotEqual"),
    "activation": ("relu", "tanh", "silu", "gelu", "selu", "linear", "softmax"),
}  # fmt: skip
BYTES = 4
NO_DATE = "1980-01-01@00:00:00"
LARGEST = 512 * 2**20  # bytes unpacked: far above any network here, far below a zip bomb

Estimator = NetworkClassifier | NetworkRegressor


class UnsafeNetwork(RungwiseError):
    """A file that is not a network of ours, or that names something a network file has no business with."""


def network_to_bytes(estimator: Estimator) -> bytes:
    """A fitted network as a file: `.keras` where it has that form (`estimator.format`), else arrays and JSON."""
    ours = {
        "format": 2,
        "network": estimator.network.as_dict(),
        "layout": estimator.layout_.as_dict(),
        "outputs": estimator.net_.outputs,
        "loss": {name: value for name, value in asdict(estimator.loss_).items() if value != ()},
        "classes": estimator.classes_.tolist() if isinstance(estimator, NetworkClassifier) else None,
        "trained": estimator.trained_,
    }
    members = _keras_members(estimator) if estimator.format == "keras" else {ARRAYS: _arrays(estimator.net_)}
    members[OURS] = json.dumps(ours).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(name), member, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _keras_members(estimator: Estimator) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        with _quietly():
            estimator.module_.save(path)
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in sorted(archive.namelist())}
    # Saved twice, the same network is the same bytes: no date of saving, neither Keras's nor the zip's
    members["metadata.json"] = json.dumps({**json.loads(members["metadata.json"]), "date_saved": NO_DATE}).encode()
    return members


def _arrays(net: Any) -> bytes:
    """The state of a torch module as npz, with no date in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, tensor in sorted(net.state_dict().items()):
            array = io.BytesIO()
            np.lib.format.write_array(array, tensor.detach().cpu().contiguous().numpy(), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), array.getvalue(), zipfile.ZIP_STORED)
    return out.getvalue()


def network_from_bytes(content: bytes) -> Estimator:
    """The fitted estimator back.  Raises UnsafeNetwork (nothing of the file has run then) or NoNetworks."""
    members = _inspect(content)
    ours = _json(members[OURS])
    if not isinstance(ours, dict) or ours.get("format") not in (1, 2):
        raise _refuse("it was written by a newer version, or not by this program")
    load_torch()
    estimator, net = _built(ours)
    if ARRAYS in members:
        _put_arrays(net, members[ARRAYS])
    else:
        _put_keras(net, estimator.loss_, members)
    estimator._take(net)
    return estimator


def _built(ours: Mapping[str, Json]) -> tuple[Estimator, Any]:
    """The estimator that a file declares, and its network with weights of no meaning yet."""
    from engine.models.networks.modules import Net

    try:
        network, loss = Network.from_dict(ours["network"]), Loss(**_loss(ours["loss"]))
        if ours["format"] == 1:  # from when there were dense networks on tables only
            outputs = len(ours["classes"]) if loss.classes else 1
            layout = plain_layout(int(ours["features"])) if "features" in ours else _first_width(ours)
        else:
            layout, outputs = Layout.from_dict(ours["layout"]), int(ours["outputs"])
        if loss.name not in ("cross_entropy", "squared", "absolute", "pinball") or outputs < 1:
            raise ValueError
        counted = network.count(layout.inputs, outputs)
        if BYTES * counted.parameters > LARGEST:
            raise _refuse(f"its layers would take more than {LARGEST // 2**20} MB")
        family: type[Estimator] = NetworkClassifier if loss.classes else NetworkRegressor
        estimator = family(network=network, loss=loss, layout=layout)
        estimator.loss_, estimator.layout_ = loss, layout
        if isinstance(estimator, NetworkClassifier):
            estimator.classes_ = np.asarray(ours["classes"])
            if len(estimator.classes_) != outputs:
                raise ValueError
        estimator.trained_ = dict(ours["trained"])
        net = Net(network, layout.inputs, outputs, np.zeros(outputs, np.float32), 0)
    except (UnsafeNetwork, NoNetworks):
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError, RungwiseError):
        raise _refuse(f"its {OURS} does not fit its layers") from None
    return estimator, net


def _loss(said: Mapping[str, Json]) -> dict[str, Json]:
    return {**said, "weights": tuple(said.get("weights") or ())}


def _first_width(ours: Mapping[str, Json]) -> Layout:
    return plain_layout(int(ours["inputs"]))


def _put_arrays(net: Any, content: bytes) -> None:
    """The weights of an npz, each of which must have its name, its shape and its type."""
    torch = load_torch()
    known = net.state_dict()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            if set(stored.files) != set(known):
                raise _refuse("its weights are not those of the layers it declares")
            for name, tensor in known.items():
                array = stored[name]
                if array.shape != tuple(tensor.shape) or array.dtype != tensor.numpy().dtype:
                    raise _refuse("its weights do not fit the layers it declares")
                if array.dtype.kind == "f" and not np.isfinite(array).all():
                    raise _refuse("its weights are no numbers")
                known[name] = torch.from_numpy(np.array(array))
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, MemoryError):
        raise _refuse("its weights are damaged") from None
    net.load_state_dict(known)


def _put_keras(net: Any, loss: Loss, members: Mapping[str, bytes]) -> None:
    """The weights of a Keras file whose configuration is that of the network built here."""
    from engine.models.networks.keras_form import skeleton, take_weights
    from engine.models.networks.layers import has_form

    if not has_form(net.network, net.inputs):
        raise _refuse("it declares layers that a .keras file cannot hold")
    model = skeleton(net.network, net.inputs, net.outputs, loss)
    said, made = _json(members["config.json"]), json.loads(model.to_json())
    if _shape_of(said) != _shape_of(made):
        raise _refuse("its config.json is not that of the network it declares")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / WEIGHTS
        path.write_bytes(members[WEIGHTS])
        try:
            with _quietly():
                model.load_weights(path)
        except Exception as problem:  # Keras raises many kinds here; all mean the same to a reader
            raise _refuse(f"Keras cannot read its weights ({type(problem).__name__})") from None
    take_weights(net, model)


def _shape_of(config: Json) -> Json:
    """What a Keras configuration says of the layers: names, kinds, sizes; not how they were drawn at first.

    What finds the ends of texts is no layer of ours: Keras numbers it by how many were made in the process before.
    """
    try:
        return [
            (
                layer["class_name"],
                layer["name"] if layer["class_name"] != "NotEqual" else "",
                {k: layer["config"].get(k) for k in _TOLD},
            )
            for layer in config["config"]["layers"]
        ]
    except (KeyError, TypeError, AttributeError):
        raise _refuse("its config.json does not describe a network") from None


_TOLD = ("units", "activation", "filters", "kernel_size", "padding", "pool_size", "input_dim",
         "output_dim", "mask_zero", "batch_shape", "epsilon", "use_bias")  # fmt: skip


def _inspect(content: bytes) -> dict[str, bytes]:
    """The members of a file, once everything in it is known to be harmless.  Raises UnsafeNetwork."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            kind = "torch" if ARRAYS in names else "keras"
            strange = sorted(set(names) - MEMBERS[kind])
            if strange:
                raise _refuse(f"it contains {strange[0]!r}")
            if len(names) != len(MEMBERS[kind]) or set(names) != MEMBERS[kind]:
                raise _refuse("it is incomplete")
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise _refuse(f"it unpacks to more than {LARGEST // 2**20} MB")
            members = {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError):
        raise _refuse("it is damaged or no network file") from None
    if kind == "keras":
        try:
            for what, name in _named(_json(members["config.json"])):
                raise _refuse(f"it names the {what} {name!r}")
        except (KeyError, IndexError, TypeError, ValueError, RecursionError):
            raise _refuse("its config.json does not describe a network") from None
        _inspect_weights(members[WEIGHTS])
    return members


def _json(content: bytes) -> Json:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise _refuse("it is damaged or no network file") from None


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
