"""Training on several replicas equals training on one."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf


def train(model, images, labels, batch_size):
    """Weights and logs after two epochs with momentum and multipliers."""
    with model.distribute_strategy.scope():
        model.compile(
            # A small step: large ones amplify rounding differences without bound.
            keras.optimizers.SGD(1e-4, momentum=0.9),
            learning_rate_multipliers=(1, 2, 10, 20),
            # One replica needs no graph, which takes longer to trace than to run.
            run_eagerly=model.distribute_strategy.num_replicas_in_sync == 1,
        )
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(batch_size)
    history = model.fit(dataset, epochs=2, verbose=0)
    return model.get_weights(), history.history


@pytest.mark.parametrize(
    "normalization, pair_weighting",
    [
        ("lrn", "one_sided"),
        ("batch", "balanced"),
        pytest.param("lrn", "balanced", marks=pytest.mark.slow),
        pytest.param("batch", "one_sided", marks=pytest.mark.slow),
    ],
)
def test_two_replicas_give_the_weights_of_one(
    two_replicas, make_model, images, labels, normalization, pair_weighting
):
    arguments = dict(
        normalization=normalization,
        pair_weighting=pair_weighting,
        gamma=5.0,
        quantization_weight=0.3,
    )
    alone = make_model(**arguments)
    start = alone.get_weights()
    with two_replicas.scope():
        together = make_model(**arguments)
        together.set_weights(start)
    weights, logs = train(alone, images, labels, batch_size=8)
    weights_together, logs_together = train(together, images, labels, batch_size=8)
    moved = max(np.abs(a - b).max() for a, b in zip(weights, start, strict=True))
    assert moved > 1e-3
    for one, two in zip(weights, weights_together, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    for name, values in logs.items():
        np.testing.assert_allclose(values, logs_together[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "normalization, count",
    [
        ("lrn", 23),
        ("batch", 17),
        pytest.param("lrn", 17, marks=pytest.mark.slow),
        pytest.param("batch", 23, marks=pytest.mark.slow),
    ],
)
def test_an_uneven_last_batch_gives_the_weights_of_one_replica(
    two_replicas, make_model, images, labels, normalization, count
):
    # In batches of 8, 23 images end with 7, 4 and 3 on the replicas; 17 with 1, so
    # that one replica has no rows at all.
    images, labels, batch_size = images[:count], labels[:count], 8
    alone = make_model(normalization=normalization, gamma=5.0)
    with two_replicas.scope():
        together = make_model(normalization=normalization, gamma=5.0)
    together.set_weights(alone.get_weights())
    weights, logs = train(alone, images, labels, batch_size)
    weights_together, logs_together = train(together, images, labels, batch_size)
    for one, two in zip(weights, weights_together, strict=True):
        assert np.isfinite(two).all()
        np.testing.assert_allclose(one, two, atol=1e-5)
    np.testing.assert_allclose(logs["loss"], logs_together["loss"], rtol=1e-4)


def test_regularization_counts_once(two_replicas, make_model, images, labels):
    def make():
        model = make_model()
        layer = model.backbone.get_layer("fc6")
        layer.kernel.regularizer = keras.regularizers.L2(0.1)
        return model

    alone = make()
    with two_replicas.scope():
        together = make()
    together.set_weights(alone.get_weights())
    weights, logs = train(alone, images, labels, 8)
    weights_together, logs_together = train(together, images, labels, 8)
    assert logs["loss"][0] > logs["pair_loss"][0] + 0.1
    for one, two in zip(weights, weights_together, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    np.testing.assert_allclose(logs["loss"], logs_together["loss"], rtol=1e-4)


def test_an_uneven_first_batch_is_refused(two_replicas, make_model, images, labels):
    with two_replicas.scope():
        model = make_model()
        model.compile()
    with pytest.raises(ValueError, match="must divide evenly over the 2 replicas"):
        model.fit(images, labels, batch_size=5, verbose=0)
    with pytest.raises(ValueError, match="must divide evenly over the 2 replicas"):
        model.evaluate(images, labels, batch_size=5, verbose=0)


ONE_IMAGE_FOR_TWO = """
import numpy as np
import tensorflow as tf
from tiny_backbone import TinyBackbone
import keras_deephash as kdh

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = kdh.DCH(TinyBackbone(), 16)
    model.compile()
images, labels = np.zeros((9, 32, 32, 3), np.uint8), np.eye(4)[np.arange(9) % 4]
for run in (model.fit, model.evaluate):
    try:
        run(images, labels, batch_size=8, verbose=0)
    except ValueError as error:
        print(error)
"""


def test_a_replica_without_an_image_is_refused_where_it_would_fail():
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    said = subprocess.check_output(
        [sys.executable, "-c", ONE_IMAGE_FOR_TWO], text=True, env=environment
    )
    assert said.count("fewer images than the 2 replicas, and on CPU") == 2


def test_model_from_outside_the_scope_is_refused(
    two_replicas, make_model, images, labels
):
    model = make_model()
    model.compile()
    with two_replicas.scope():
        with pytest.raises(ValueError, match="created outside the scope"):
            model.fit(images, labels, verbose=0)
        with pytest.raises(ValueError, match="created outside the scope"):
            model.compile()


def test_optimizer_from_outside_the_scope_is_refused(two_replicas, make_model):
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    with two_replicas.scope():
        model = make_model()
        with pytest.raises(ValueError, match="optimizer `SGD` was created outside"):
            model.compile(optimizer)


@pytest.mark.parametrize(
    "argument", [{"jit_compile": True}, {"steps_per_execution": 3}]
)
def test_what_two_replicas_cannot_run_is_refused(two_replicas, make_model, argument):
    with two_replicas.scope():
        model = make_model()
        with pytest.raises(ValueError, match=f"`{next(iter(argument))}` must be"):
            model.compile(**argument)


@pytest.mark.parametrize("name", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_clipping_on_two_replicas_is_refused(two_replicas, make_model, name):
    with two_replicas.scope():
        model = make_model()
        with pytest.raises(ValueError, match=f"`{name}` must be None with 2 replicas"):
            model.compile(keras.optimizers.SGD(0.1, **{name: 1.0}))
    make_model().compile(keras.optimizers.SGD(0.1, **{name: 1.0}))


def test_codes_are_those_of_one_replica(two_replicas, make_model, images):
    alone = make_model()
    with two_replicas.scope():
        together = make_model()
    together.set_weights(alone.get_weights())
    np.testing.assert_array_equal(alone.encode(images), together.encode(images))
