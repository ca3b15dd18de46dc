"""DCH: construction, training and configuration."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_backbone import TinyBackbone

import keras_deephash as kdh


def test_default_recipe_is_the_published_one(make_model):
    model = make_model()
    model.compile()
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    assert model.optimizer.momentum == 0.9
    assert float(model.optimizer.learning_rate) == pytest.approx(5e-3)
    assert model.learning_rate_multipliers == (1, 2, 10, 20)


def test_multipliers_equal_a_learning_rate_for_each_variable(
    make_model, images, labels
):
    model = make_model(gamma=5.0)
    start = [v.numpy() for v in model.trainable_variables]
    with tf.GradientTape() as tape:
        codes = model(images, training=True)
        loss = model.pair_loss(codes, labels)
    gradients = tape.gradient(loss, model.trainable_variables)
    model.compile(keras.optimizers.SGD(1e-3), learning_rate_multipliers=(1, 2, 10, 20))
    # The forward pass above moved the statistics, which play no part in training.
    model.fit(images, labels, batch_size=len(images), shuffle=False, verbose=0)
    seen = set()
    for variable, before, gradient in zip(
        model.trainable_variables, start, gradients, strict=True
    ):
        in_hash_layer = "hash_layer" in variable.path
        is_bias = variable.name == "bias"
        factor = {(0, 0): 1, (0, 1): 2, (1, 0): 10, (1, 1): 20}[in_hash_layer, is_bias]
        seen.add(factor)
        expected = before - 1e-3 * factor * gradient.numpy()
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-4, atol=1e-6)
    assert seen == {1, 2, 10, 20}


def test_training_lowers_the_loss_and_logs_the_metrics(make_model, images):
    numbers = np.arange(24) % 3
    labels = np.eye(3)[numbers]
    images = images // 4 + (60 * numbers).astype(np.uint8)[:, None, None, None]
    model = make_model(normalization="lrn", gamma=5.0, quantization_weight=0.1)
    rate = keras.optimizers.schedules.CosineDecay(1e-2, 30)
    model.compile(keras.optimizers.Adam(rate))
    history = model.fit(images, labels, batch_size=24, epochs=30, verbose=0).history
    assert set(history) == {"loss", "pair_loss", "quantization_loss", "saturated_bits"}
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    total = np.add(history["pair_loss"], 0.1 * np.array(history["quantization_loss"]))
    np.testing.assert_allclose(history["loss"], total, rtol=1e-4)
    codes = model.encode(images)
    metrics = kdh.evaluate_retrieval(codes, labels, codes, labels)
    assert metrics.map > 0.95


def test_loss_is_that_of_the_naive_formula(make_model, images, labels):
    model = make_model(gamma=3.0, quantization_weight=0.5)
    model.compile()
    logs = model.evaluate(images, labels, batch_size=24, return_dict=True, verbose=0)
    codes = model.predict(images, verbose=0)
    pair = kdh.losses.PairwiseCauchyLoss(3.0)(codes, labels)
    quantization = kdh.losses.CauchyQuantizationLoss(3.0)(codes)
    assert logs["pair_loss"] == pytest.approx(float(pair), rel=1e-4)
    assert logs["loss"] == pytest.approx(float(pair + 0.5 * quantization), rel=1e-4)
    saturated = np.mean(np.abs(codes) > 0.9)
    assert logs["saturated_bits"] == pytest.approx(saturated, abs=1e-6)


@pytest.mark.parametrize("steps_per_execution", [1, 3])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_optimizers_schedules_and_callbacks(
    make_model, images, labels, optimizer, steps_per_execution
):
    schedule = keras.optimizers.schedules.ExponentialDecay(1e-3, 2, 0.5)
    optimizer = {"sgd": keras.optimizers.SGD, "adamw": keras.optimizers.AdamW}[
        optimizer
    ](schedule)
    model = make_model()
    model.compile(optimizer, steps_per_execution=steps_per_execution)
    stop = keras.callbacks.EarlyStopping(monitor="loss", min_delta=1e9, patience=1)
    history = model.fit(
        images, labels, batch_size=8, epochs=9, callbacks=[stop], verbose=0
    )
    assert len(history.history["loss"]) == 2
    assert int(optimizer.iterations) == 6


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(images, labels, policy):
    backbone = TinyBackbone(dtype=policy)
    model = kdh.DCH(backbone, 8)
    model.compile()
    history = model.fit(images, labels, batch_size=8, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert model.predict(images, verbose=0).dtype == np.float32
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    model.compile(auto_scale_loss=False)
    assert not isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)


def test_a_step_that_is_not_finite_in_float16_is_left_out(images, labels):
    backbone = TinyBackbone(dtype="mixed_float16")
    model = kdh.DCH(backbone, 8)
    model.compile(
        keras.optimizers.LossScaleOptimizer(
            keras.optimizers.SGD(0.1), initial_scale=1e38
        )
    )
    before = [weight.numpy() for weight in model.trainable_weights]
    model.fit(images, labels, batch_size=24, verbose=0)
    for old, new in zip(before, model.trainable_weights, strict=True):
        np.testing.assert_array_equal(old, new)


def test_float16_on_several_replicas_is_refused(two_replicas):
    with two_replicas.scope():
        backbone = TinyBackbone(dtype="mixed_float16")
        with pytest.raises(ValueError, match="With 2 replicas .*mixed_bfloat16"):
            kdh.DCH(backbone, 8).compile()


def test_every_argument_is_in_the_config(make_model):
    model = make_model(
        bits=24,
        gamma=7.0,
        quantization_weight=0.25,
        distance="squared_euclidean",
        pair_weighting="one_sided",
        quantization="squared",
        preprocessor=kdh.Preprocessor(32, 40, channel_order="bgr", mean=(1, 2, 3)),
    )
    again = kdh.DCH.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert again.gamma == again.pair_loss.gamma == 7.0
    assert again.preprocessor.mean == (1.0, 2.0, 3.0)
    assert isinstance(again.quantization_loss, kdh.losses.SquaredQuantizationLoss)


def test_keras_saving_keeps_weights_and_optimizer(make_model, images, labels, tmp_path):
    model = make_model(quantization_weight=0.1)
    model.compile()
    model.fit(images, labels, batch_size=8, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        model.predict(images, verbose=0), again.predict(images, verbose=0)
    )
    assert int(again.optimizer.iterations) == 3
    assert tuple(again.learning_rate_multipliers) == (1, 2, 10, 20)
    momenta = [v.numpy() for v in again.optimizer.variables[2:]]
    assert max(np.abs(m).max() for m in momenta) > 0


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"bits": 13}, "`bits` must be a multiple of 8. Received: bits=13."),
        ({"bits": 0}, "`bits` must be a multiple of 8"),
        ({"bits": 16.0}, "`bits` must be a multiple of 8"),
        ({"gamma": -1}, "`gamma` must be finite and > 0"),
        ({"gamma": "30"}, "`gamma` must be finite and > 0. Received: gamma='30'"),
        ({"quantization_weight": None}, "`quantization_weight` must be finite"),
        ({"quantization_weight": float("inf")}, "`quantization_weight` must be finite"),
        (
            {"quantization_weight": -0.1},
            "quantization_weight` must be finite and >=",
        ),
        ({"quantization": "cubic"}, "`quantization` must be one of"),
        ({"preprocessor": kdh.Preprocessor(64)}, "agree on the image size"),
    ],
)
def test_bad_arguments(make_model, arguments, message):
    with pytest.raises(ValueError, match=message):
        make_model(**arguments)


def test_compile_refuses_a_loss_and_multipliers_of_adam(make_model):
    model = make_model()
    with pytest.raises(ValueError, match="`loss` is part of the model"):
        model.compile(loss="mse")
    with pytest.raises(ValueError, match="leave `loss_weights` out"):
        model.compile(loss_weights=[3.0])
    with pytest.raises(ValueError, match="need an SGD optimizer.*Received.*Adam"):
        model.compile("adam", learning_rate_multipliers=(1, 2, 10, 20))


@pytest.mark.parametrize(
    "multipliers",
    [(1, 2), "none", 3, (1, 2, 10, -1), (1, 2, 10, np.inf), "1234", np.array(3)],
)
def test_compile_refuses_what_are_no_four_multipliers(make_model, multipliers):
    with pytest.raises(ValueError, match='must be "auto", None or 4 numbers >= 0'):
        make_model().compile("sgd", learning_rate_multipliers=multipliers)


def test_fit_explains_what_it_cannot_use(make_model, images, labels):
    model = make_model()
    model.compile()
    with pytest.raises(ValueError, match="Training needs labels"):
        model.fit(images, verbose=0)
    with pytest.raises(ValueError, match="`sample_weight`"):
        model.fit(images, labels, sample_weight=np.ones(24), verbose=0)
    unknown = tf.data.Dataset.from_generator(
        lambda: [(images, labels)], output_types=(tf.uint8, tf.float32)
    )
    with pytest.raises(ValueError, match="must have a known number of axes"):
        model.fit(unknown, verbose=0)


@pytest.mark.parametrize("kind", [np.asarray, tf.constant])
def test_fit_refuses_other_labels_and_pixels_from_0_to_1(
    make_model, images, labels, kind
):
    model, others = make_model(), 3 * labels
    for arguments in (
        {"x": kind(images), "y": kind(others)},
        {"x": images, "y": labels, "validation_data": (images, kind(others))},
    ):
        with pytest.raises(ValueError, match="class indices.*or multi-hot"):
            model.fit(**arguments, verbose=0)
    small = kind(images / np.float32(255))
    for arguments in (
        {"x": small, "y": labels},
        {"x": images, "y": labels, "validation_data": (small, labels)},
    ):
        with pytest.raises(ValueError, match="look scaled to 0 to 1"):
            model.fit(**arguments, verbose=0)


def test_image_sets_refuse_class_indices(images):
    with pytest.raises(ValueError, match="multi-hot.*to_categorical"):
        kdh.datasets.ImageSet(images, np.full((24, 1), 3, np.uint8))


def test_multipliers_may_be_an_array(make_model):
    model = make_model()
    sgd = keras.optimizers.SGD(1e-3)
    model.compile(sgd, learning_rate_multipliers=np.array([1, 2, 10, 20]))
    assert list(model.learning_rate_multipliers) == [1, 2, 10, 20]


@pytest.mark.usefixtures("eagerly")
def test_fit_takes_positional_arguments_as_keras_does(make_model, images, labels):
    model = make_model()
    model.compile()
    model.fit(images, labels, 12, 2, 0)
    assert int(model.optimizer.iterations) == 4


def test_a_backbone_without_an_input_shape_is_refused():
    with pytest.raises(ValueError, match="`backbone` must be a Keras model with one"):
        kdh.DCH(keras.layers.Dense(3), bits=8)


@pytest.mark.parametrize(
    "size, pooling, message",
    [
        # As networks of `keras.applications` give without a top, and without a shape.
        (32, keras.layers.Identity, "a feature vector.*(None, 1, 1, 8)"),
        (None, keras.layers.GlobalAveragePooling2D, "with one fixed input shape"),
    ],
)
def test_networks_that_give_no_vector_of_one_size_are_refused(size, pooling, message):
    inputs = keras.Input((size, size, 3))
    outputs = pooling()(keras.layers.Conv2D(8, 32, strides=32)(inputs))
    with pytest.raises(ValueError, match=re.escape(message).replace(r"\.\*", ".*")):
        kdh.DCH(keras.Model(inputs, outputs), bits=16)


def test_another_preprocessor_counts_at_once(make_model, images):
    model = make_model()
    before = model.continuous_codes(images)
    model.predict(images, verbose=0)
    model.preprocessor = kdh.Preprocessor(32, mean=(0, 0, 0), scale=0.01)
    after = model.continuous_codes(images)
    assert not np.allclose(before, after, atol=1e-3)
    np.testing.assert_allclose(model.predict(images, verbose=0), after, atol=1e-5)
    with pytest.raises(ValueError, match="must agree on the image size"):
        model.preprocessor = kdh.Preprocessor(40)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.usefixtures("eagerly")
def test_training_on_very_few_images(make_model, images, labels, count):
    model = make_model()
    model.compile()
    model.fit(images[:count], labels[:count], epochs=2, verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
