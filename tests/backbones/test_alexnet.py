"""AlexNetBackbone: shapes, configs, the weights file and every error."""

import h5py
import keras
import numpy as np
import pytest

from keras_deephash import AlexNetBackbone

NARROW = dict(filters=(4, 6, 8, 8, 6), hidden_dim=8)
CAFFE = dict(image_shape=(67, 67, 3), **NARROW)

CONVOLUTIONS = [
    ((3, 3, 3, 4), (4,)),
    ((5, 5, 2, 6), (6,)),
    ((3, 3, 6, 8), (8,)),
    ((3, 3, 4, 8), (8,)),
    ((3, 3, 4, 6), (6,)),
]
DENSES = [((54, 8), (8,)), ((8, 8), (8,))]
BATCH_NORMALIZATIONS = [((n,),) * 4 for n in (4, 6, 8, 8, 6, 8, 8)]


def images(size, count=2):
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, size, size, 3)).astype("float32")


def test_caffe_form():
    backbone = AlexNetBackbone()
    assert backbone.count_params() == 56_868_224
    assert backbone.input_shape == (None, 227, 227, 3)
    assert backbone.output_shape == (None, 4096)
    for name, shape in {
        "conv1": (55, 55, 96),
        "norm1": (27, 27, 96),
        "conv2": (27, 27, 256),
        "norm2": (13, 13, 256),
        "conv3": (13, 13, 384),
        "conv5": (13, 13, 256),
        "pool5": (6, 6, 256),
        "flatten": (9216,),
    }.items():
        assert backbone.get_layer(name).output.shape == (None, *shape), name
    assert backbone.get_layer("conv2").kernel.shape == (5, 5, 48, 256)


def test_small_form():
    backbone = AlexNetBackbone.small()
    assert backbone.count_params() == 4_980_032
    assert backbone(images(32)).shape == (2, 1024)


@pytest.mark.parametrize("size", [32, 48, 64])
def test_sizes_of_the_small_form(size):
    backbone = AlexNetBackbone.small(size, **NARROW)
    y = np.asarray(backbone(images(size)))
    assert y.shape == (2, 8) and np.isfinite(y).all() and (y >= 0).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: AlexNetBackbone(**CAFFE),
        lambda: AlexNetBackbone(
            image_shape=[40, 52, 6],
            filters=[3, 4, 6, 6, 3],
            stem_kernel_size=5,
            stem_strides=2,
            stem_padding="same",
            groups=1,
            normalization="batch",
            hidden_dim=5,
            dropout=0.25,
            dtype="mixed_bfloat16",
            name="alexnet",
            trainable=False,
        ),
        lambda: AlexNetBackbone.small(**NARROW),
        lambda: AlexNetBackbone.small(64, normalization="lrn", **NARROW),
    ],
)
def test_configs_round_trip(make, tmp_path):
    backbone = make()
    config = backbone.get_config()
    copy = AlexNetBackbone.from_config(config)
    assert copy.get_config() == config
    assert [(w.path, w.shape) for w in copy.weights] == [
        (w.path, w.shape) for w in backbone.weights
    ]
    assert copy.count_params() == backbone.count_params()
    assert len(copy.trainable_weights) == len(backbone.trainable_weights)
    backbone.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert type(loaded) is AlexNetBackbone and loaded.get_config() == config
    x = np.random.default_rng(0).normal(size=(2, *backbone.image_shape))
    difference = keras.ops.cast(loaded(x) - backbone(x), "float32")
    np.testing.assert_array_equal(difference, 0)


def test_names_and_types_of_layers():
    for backbone in (AlexNetBackbone(**CAFFE), AlexNetBackbone.small(**NARROW)):
        assert not any(isinstance(x, keras.layers.Lambda) for x in backbone.layers)
        names = {layer.name for layer in backbone.layers}
        stages = {f"conv{n}" for n in range(1, 6)} | {"pool1", "pool2", "pool5"}
        assert stages | {"fc6", "relu6", "drop6", "fc7", "relu7", "drop7"} <= names
        is_lrn = backbone.normalization == "lrn"
        assert ({"norm1", "norm2"} <= names) == is_lrn
        assert ({f"bn{n}" for n in range(1, 8)} <= names) != is_lrn


def expected_datasets(kind, shapes):
    for number, variables in enumerate(shapes):
        suffix = f"_{number}" if number else ""
        for index, shape in enumerate(variables):
            yield f"layers/{kind}{suffix}/vars/{index}", shape


@pytest.mark.parametrize("normalization", ["lrn", "batch"])
def test_layout_of_the_weights_file(normalization, tmp_path):
    # These paths are the format of the presets: a change makes them unreadable.
    expected = dict(expected_datasets("grouped_conv2d", CONVOLUTIONS))
    expected.update(expected_datasets("dense", DENSES))
    if normalization == "batch":
        kind = "batch_normalization"
        expected.update(expected_datasets(kind, BATCH_NORMALIZATIONS))
    path = tmp_path / "model.weights.h5"
    AlexNetBackbone.small(normalization=normalization, **NARROW).save_weights(path)
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item.shape

    with h5py.File(path) as file:
        file.visititems(visit)
    assert found == expected


@pytest.mark.parametrize("form", ["caffe", "small"])
def test_mixed_bfloat16(form):
    make, arguments = {
        "caffe": (AlexNetBackbone, CAFFE),
        "small": (AlexNetBackbone.small, NARROW),
    }[form]
    mixed, full = make(dtype="mixed_bfloat16", **arguments), make(**arguments)
    full.set_weights(mixed.get_weights())
    x = images(full.image_shape[0])
    y = np.asarray(keras.ops.cast(mixed(x), "float32"))
    assert keras.backend.standardize_dtype(mixed(x).dtype) == "bfloat16"
    assert np.isfinite(y).all()
    expected = np.asarray(full(x))
    assert np.abs(y - expected).max() <= 0.05 * np.abs(expected).max()


def test_dropout_only_in_training():
    backbone = AlexNetBackbone(dropout=0.9, **CAFFE)
    x = images(67)
    np.testing.assert_array_equal(backbone(x), backbone(x, training=False))
    assert np.count_nonzero(backbone(x, training=True)) < np.count_nonzero(backbone(x))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            dict(normalization="layer"),
            '`normalization` must be one of "lrn", "batch". '
            "Received: normalization='layer'",
        ),
        (
            dict(filters=(1, 2, 3)),
            r"`filters` must hold 5 numbers.* Received: filters=\(1, 2, 3\)",
        ),
        (
            dict(image_shape=(64, 64)),
            r"`image_shape` must be \(height, width, channels\). "
            r"Received: image_shape=\(64, 64\)",
        ),
        (
            dict(image_shape=(32, 32, 3)),
            "`image_shape` is too small: 2 x 2 pixels are left before pool2, 3 x 3 "
            r"are needed. .*Received: image_shape=\(32, 32, 3\)",
        ),
        (
            dict(filters=(4, 5, 8, 8, 6)),
            "`groups` must divide `filters`. Received: filters=5, groups=2",
        ),
        (dict(groups=0), "`groups` must be an integer >= 1"),
        (dict(stem_padding="full"), "`padding` must be one of"),
        (dict(image_shape=(None, None, 3)), "`image_shape` must be"),
        (dict(image_shape=(5, 5, 3)), "smaller than the kernel of conv1"),
        (
            dict(filters=(3, 6, 8, 8, 6)),
            "must be divisible by `groups`. Received: channels=3, groups=2",
        ),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        AlexNetBackbone(**{**CAFFE, **arguments})
