"""Fixtures for all tests."""

import gc
import importlib.util
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Processors with instructions for networks get oneDNN, whose convolutions fail where a
# replica has no image of a batch. GPUs take it, and the devices below stand for GPUs.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
# huggingface_hub reads these when it is imported, and Keras imports it. The Hub of the
# tests has no Xet storage; nothing may go to the real one.
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ.pop("HF_HUB_OFFLINE", None)
os.environ.pop("HF_TOKEN", None)

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_backbone import TinyBackbone

import keras_deephash as kdh

# Two logical devices on one CPU stand for two GPUs. TensorFlow fixes its devices
# when it starts, so this comes before any test.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)
# The graphs of the tests run a few times each: rewriting them to be faster takes longer
# than they run.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def pytest_collection_finish():
    """Looks for garbage seldom, and never among the packages and the list of tests.

    A graph that is traced makes so many objects that Python would look all the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def no_files_of_the_user(tmp_path_factory):
    """Commands take no file that the user has exported."""
    os.environ["KERAS_DEEPHASH_CACHE"] = str(tmp_path_factory.mktemp("cache"))


def pytest_terminal_summary(terminalreporter):
    """Lists the notebooks that ran, with their times."""
    for report in terminalreporter.stats.get("passed", ()):
        for name, value in report.user_properties:
            if name == "notebook":
                terminalreporter.write_line(f"notebook {value}")


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


@pytest.fixture
def eagerly():
    """Networks run operation by operation: a few batches sooner than they are traced.

    For tests of what stands around the graph: arguments, labels, names, files.
    """
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def two_replicas():
    # One for all tests: the collective operations of two strategies in one process
    # get into each other's way.
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.fixture(scope="session")
def load_script():
    """A function that imports a script of the zoo by its name."""
    zoo = Path(__file__).parents[1] / "zoo"

    def load(name):
        path = zoo / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(zoo)  # Where a script finds its neighbours.
        yield load


@pytest.fixture
def interrupted_replace(monkeypatch):
    """Has `os.replace` be interrupted when it is done, until `undo()`."""
    replace = os.replace

    def replace_then_interrupted(*names):
        replace(*names)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", replace_then_interrupted)
    return monkeypatch


@pytest.fixture
def make_model():
    """A function that makes a DCH of a few thousand weights."""

    def make(bits=16, normalization="batch", dropout=0.0, **arguments):
        backbone = TinyBackbone(normalization=normalization, dropout=dropout)
        return kdh.DCH(backbone, bits, **arguments)

    return make


@pytest.fixture(scope="session")
def make_alexnet():
    """A function that makes an AlexNet of a few thousand weights: slow to train."""

    def make(**arguments):
        return kdh.AlexNetBackbone.small(
            **{"filters": (4, 8, 8, 8, 8), "hidden_dim": 16, **arguments}
        )

    return make


@pytest.fixture(scope="session")
def same_images():
    """`images` for what a file of tests makes once; do not change them."""
    return np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def images(same_images):
    """24 uint8 images of 32 x 32 pixels."""
    return same_images.copy()


@pytest.fixture(scope="session")
def same_labels():
    """`labels` for what a file of tests makes once; do not change them."""
    generator = np.random.default_rng(1)
    return (generator.random((24, 4)) < 0.3).astype("float32")


@pytest.fixture
def labels(same_labels):
    """Multi-hot labels of 24 images, 4 labels; some images have none or two."""
    return same_labels.copy()
