"""Fixtures for the tests of the Hub."""

import time

import keras
import numpy as np
import pytest
from loopback_hub import LoopbackHub, Repository

import keras_deephash as kdh

REPOSITORY = "org/tiny"
HANDLE = f"hf://{REPOSITORY}"


@pytest.fixture(scope="session", autouse=True)
def imported_client():
    """The client imports its parts late: not within the seconds that a test allows."""
    from huggingface_hub import HfApi, errors, get_session, hf_hub_download  # noqa: F401
    from huggingface_hub.utils import hf_raise_for_status, tqdm  # noqa: F401

    get_session()


@pytest.fixture
def hub():
    hub = LoopbackHub()
    yield hub
    hub.close()


@pytest.fixture(autouse=True)
def a_few_images(eagerly):
    """Each model encodes a few images once."""


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    """Attempts follow each other at once, so that the tests are fast."""
    monkeypatch.setattr("keras_deephash.presets.hub.download.WAITS", (0.02, 0.05))
    # The client waits between its own attempts too, up to eight seconds.
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.05)))


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """The directory of a small trained preset; do not change it."""
    keras.utils.set_random_seed(1)
    backbone = kdh.AlexNetBackbone.small(filters=(4, 8, 8, 8, 8), hidden_dim=16)
    model = kdh.DCH(backbone, bits=16)
    model.compile(run_eagerly=True)
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (32, 32, 32, 3)).astype("uint8")
    labels = np.eye(4, dtype="float32")[np.arange(32) % 4]
    model.fit(images, labels, batch_size=16, verbose=0)
    folder = tmp_path_factory.mktemp("saved") / "tiny"
    model.save_to_preset(
        folder,
        dataset="CIFAR-10",
        label_names=["cat", "dog", "frog", "ship"],
        training={"seed": 1, "command": "keras-deephash train --bits 16"},
        metrics={"map": 0.25, "map_at_radius": 0.5, "radius": 2, "queries": 8},
    )
    return folder


@pytest.fixture(scope="session")
def codes(saved, same_images):
    """What the small preset makes of `images`; do not change them."""
    return kdh.from_preset(saved).encode(same_images, verbose=0)


@pytest.fixture
def repository(hub, saved):
    """A repository with the small preset; what is loaded from it is its last commit."""
    repository = hub.repositories[REPOSITORY] = Repository()
    files = {path.name: path.read_bytes() for path in saved.iterdir()}
    files["notes.bin"] = b"not of the preset" * 100
    repository.commit("main", files, message="preset")
    return repository


@pytest.fixture
def load(hub, tmp_path):
    """`from_preset` at the loopback Hub, with a cache of its own."""

    def load(handle=HANDLE, **arguments):
        options = {"endpoint": hub.endpoint, "cache_dir": tmp_path / "cache"}
        return kdh.from_preset(handle, **{**options, **arguments})

    return load
