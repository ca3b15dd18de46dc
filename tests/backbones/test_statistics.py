"""Batch normalizations that stay as they are while the rest learns."""

import keras
import numpy as np

import keras_deephash as kdh
from keras_deephash.backbones.statistics import freeze_statistics

STATISTICS = ("moving_mean", "moving_variance", "gamma", "beta")


def values(backbone, wanted):
    return {
        weight.path: np.array(weight)
        for weight in backbone.weights
        if (weight.path.split("/")[-1] in STATISTICS) is wanted
    }


def test_statistics_stay_while_the_kernels_learn():
    backbone = kdh.AlexNetBackbone.small(32)
    assert freeze_statistics(backbone) == 7
    model = kdh.DCH(backbone, 16)
    fixed, learned = values(backbone, True), values(backbone, False)
    images = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), np.uint8)
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(images, np.eye(2)[np.arange(16) % 2], batch_size=8, verbose=0)
    for path, value in values(backbone, True).items():
        np.testing.assert_array_equal(value, fixed[path], path)
    changed = [
        not np.array_equal(value, learned[path])
        for path, value in values(backbone, False).items()
    ]
    assert len(changed) == 14 and all(changed)


def test_layers_of_inner_models_count():
    inner = keras.Sequential(
        [keras.Input((4, 4, 3)), keras.layers.BatchNormalization()]
    )
    outer = keras.Sequential([keras.Input((4, 4, 3)), inner, keras.layers.ReLU()])
    assert freeze_statistics(outer) == 1
    assert not inner.layers[0].trainable


def test_a_backbone_without_batch_normalization_is_left_alone(narrow_backbone):
    backbone = narrow_backbone()
    assert freeze_statistics(backbone) == 0
    assert backbone.trainable_variables
