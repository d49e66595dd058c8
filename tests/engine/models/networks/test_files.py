"""Networks on disk: they answer the same afterwards, plain Keras opens them, and a tampered file does nothing."""

import io
import json
import zipfile

import numpy as np
import pytest

from engine.models.networks.backend import HOW_TO_ADD, installed
from engine.models.networks.estimator import NetworkClassifier
from engine.models.networks.files import UnsafeNetwork, network_from_bytes, network_to_bytes
from engine.models.networks.inputs import Layout
from engine.models.networks.layers import Inputs
from engine.models.networks.spec import declared
from tests.engine.models.networks.test_training import NUMBER, network, rows

pytestmark = pytest.mark.skipif(not installed(), reason=HOW_TO_ADD)


@pytest.fixture(scope="module")
def fitted():
    X, y, _ = rows(200)
    return network(epochs=3).fit(X, np.array(["no", "yes"])[y])


@pytest.fixture(scope="module")
def content(fitted):
    return network_to_bytes(fitted)


def tampered(content, **members):
    """The archive with members put in or replaced; a dot in a name is written as two underscores."""
    out = io.BytesIO()
    new = {name.replace("__", "."): body for name, body in members.items()}
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as archive:
        for name in old.namelist():
            archive.writestr(name, new.pop(name, None) or old.read(name))
        for name, body in new.items():
            archive.writestr(name, body)
    return out.getvalue()


def config(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return json.loads(archive.read("config.json"))


def test_answers_the_same_afterwards(fitted, content):
    X, _, z = rows(50, seed=3)
    back = network_from_bytes(content)
    assert np.array_equal(back.predict_proba(X), fitted.predict_proba(X))
    assert np.array_equal(back.predict(X), fitted.predict(X))
    assert back.network == fitted.network
    assert back.trained_ == fitted.trained_
    number = network(NUMBER, epochs=3).fit(X, z)
    assert np.array_equal(network_from_bytes(network_to_bytes(number)).predict(X), number.predict(X))


def test_a_net_of_texts_opens_where_others_were_opened_before():
    inputs = Inputs("tokens", (6,), rows=9)
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 9, (80, 6)), rng.integers(0, 2, 80)
    net = NetworkClassifier(declared("text_mean", {"epochs": 1}), layout=Layout(inputs, 6, ((0, 6),))).fit(X, y)
    for content in [network_to_bytes(net) for _ in range(2)]:
        assert np.array_equal(network_from_bytes(content).predict_proba(X), net.predict_proba(X))


def test_saved_twice_is_the_same_bytes(fitted, content):
    assert network_to_bytes(fitted) == content
    assert network_to_bytes(network_from_bytes(content)) == content


def test_plain_keras_opens_it(fitted, content, tmp_path):
    import keras

    path = tmp_path / "network.keras"
    path.write_bytes(content)
    X = rows(20)[0]
    with keras.device("cpu"):
        opened = keras.saving.load_model(path, safe_mode=True)(X).detach().numpy()
    assert np.allclose(opened, fitted.predict_proba(X), atol=1e-6)


def with_layer(content, **layer):
    changed = config(content)
    changed["config"]["layers"][3] |= layer
    return tampered(content, config__json=json.dumps(changed))


def test_unsafe_content_is_refused(content):
    lambda_layer = with_layer(content, class_name="Lambda", config={"function": {"class_name": "__lambda__"}})
    for bad, says in (
        (lambda_layer, "names the class name 'Lambda'"),
        (with_layer(content, class_name="TorchModuleWrapper"), "names the class name 'TorchModuleWrapper'"),
        (with_layer(content, module="os", class_name="Dense"), "names the module 'os'"),
        (with_layer(content, registered_name="evil>Dense"), "names the registered name"),
        (
            with_layer(content, config={"activation": {"class_name": "function", "config": "system"}}),
            "names the activation",
        ),
        (with_layer(content, config={"activation": "exec"}), "names the activation 'exec'"),
        (with_layer(content, config={"units": 10**9}), "not that of the network it declares"),
        (with_layer(content, config={"units": None}), "not that of the network it declares"),
        (tampered(content, **{"payload__pkl": b"cos\nsystem\n"}), "contains 'payload.pkl'"),
        (tampered(content, **{"../../escape": b"x"}), "contains '../../escape'"),
        (tampered(content, config__json=b"[" * 10**6), "damaged"),
        (tampered(content, config__json=b"[[1]]"), "does not describe a network"),
        (tampered(content, model__weights__h5=b"not hdf5"), "weights are damaged"),
        (tampered(content, rungwise__json=b"{}"), "newer version"),
        (content[:1000], "damaged"),
        (b"", "damaged"),
    ):
        with pytest.raises(UnsafeNetwork, match=says) as refused:
            network_from_bytes(bad)
        assert "\n" not in str(refused.value)


def test_weights_that_point_elsewhere_are_refused(content, tmp_path):
    import h5py

    path = tmp_path / "weights.h5"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        path.write_bytes(archive.read("model.weights.h5"))
    with h5py.File(path, "a") as file:
        file["more"] = h5py.ExternalLink("/etc/hostname", "/")
    with pytest.raises(UnsafeNetwork, match="point to another place"):
        network_from_bytes(tampered(content, model__weights__h5=path.read_bytes()))
    with h5py.File(path, "a") as file:
        del file["more"]
        file.create_dataset("outside", shape=(4,), dtype="u1", external=[("/etc/hostname", 0, 4)])
    with pytest.raises(UnsafeNetwork, match="not plain numbers"):
        network_from_bytes(tampered(content, model__weights__h5=path.read_bytes()))


def test_a_declaration_that_does_not_fit_is_refused(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        ours = json.loads(archive.read("rungwise.json"))
    for change in ({"classes": ["one"]}, {"classes": None}, {"network": {}}, {"loss": {"name": "x", "y": 1}}):
        with pytest.raises(UnsafeNetwork, match="does not fit"):
            network_from_bytes(tampered(content, rungwise__json=json.dumps(ours | change).encode()))
