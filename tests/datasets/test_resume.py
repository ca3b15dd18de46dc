"""A training that was killed and resumed equals one that ran through, bit for bit."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import nullcontext

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash.callbacks import EpochSeeds, TrainingBackup
from keras_deephash.datasets import ImageSet, image_dataset
from keras_deephash.datasets.augment import chain, color_jitter, cutout

EPOCHS, KILLED_AT = 4, (2, 3)  # Epoch and batch, both from 0.


class CallAt(keras.callbacks.Callback):
    """Calls a function at the end of one batch."""

    def __init__(self, place, function):
        super().__init__()
        self.place = place
        self.function = function

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.place:
            self.function()


def train(backup, during=None, cache=True, scope=None, global_seed=0, done=0):
    """Trains a new model, of which `done` epochs are, and returns what it learned."""
    keras.utils.set_random_seed(global_seed)
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (50, 40, 40, 3), dtype=np.uint8)
    labels = np.eye(5, dtype=np.uint8)[np.arange(50) % 5]
    with scope or nullcontext():
        model = kdh.DCH(TinyBackbone(dropout=0.5), bits=16)
        schedule = keras.optimizers.schedules.CosineDecay(0.05, EPOCHS * 6)
        model.compile(keras.optimizers.SGD(schedule, momentum=0.9, name="sgd"))
    seeds = EpochSeeds(3)
    dataset = image_dataset(
        ImageSet(pixels, labels),
        model.preprocessor,
        batch_size=8,
        training=True,
        seed=seeds,
        cache=cache,
        augment=chain(color_jitter(), cutout(4)),
    )
    saver = TrainingBackup(backup)
    assert saver.restore(model) == done
    callbacks = [seeds, saver]
    if during is not None:
        callbacks.append(CallAt(KILLED_AT, during))
    history = model.fit(
        dataset, epochs=EPOCHS, initial_epoch=done, callbacks=callbacks, verbose=0
    )
    variables = model.weights + model.optimizer.variables
    values = {variable.path: np.asarray(variable) for variable in variables}
    values |= {name: each[-2:] for name, each in history.history.items()}
    return values


def assert_same(found, expected):
    assert found.keys() == expected.keys() and len(found) > 20
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def kill_this_process():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_process_that_is_killed(tmp_path):
    command = [sys.executable, __file__, str(tmp_path / "parts")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, stderr=subprocess.DEVNULL)
    assert done.returncode == -9
    # The global seed is none of what matters.
    found = train(tmp_path / "parts", global_seed=9, done=KILLED_AT[0])
    assert_same(found, train(tmp_path / "whole"))


def test_two_replicas_and_no_cache(two_replicas, tmp_path):
    def run(name, **arguments):
        scope = two_replicas.scope()
        return train(tmp_path / name, cache=False, scope=scope, **arguments)

    def keep():
        shutil.copytree(tmp_path / "whole", tmp_path / "killed")

    whole = run("whole", during=keep)
    assert_same(run("killed", global_seed=9, done=KILLED_AT[0]), whole)


if __name__ == "__main__":
    # As in the process of the tests: graphs that are rewritten round otherwise.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    train(sys.argv[1], kill_this_process)
