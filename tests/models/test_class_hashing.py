"""Methods with a vector for each class: their classes, codes, replicas and presets."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_backbone import TinyBackbone

import keras_deephash as kdh

METHODS = ["OrthoHash", "CSQ", "DPN", "HyP2"]
CENTERS = ["OrthoHash", "CSQ", "DPN"]
NAMES = ["cat", "dog", "bird", "fish"]
# Red, green, blue, and yellow.
COLORS = np.array([[180, 0, 0], [0, 180, 0], [0, 0, 180], [180, 180, 0]], np.uint8)


@pytest.fixture
def make():
    """A function that makes one of the methods, of a few thousand weights."""

    def make(name, bits=16, dtype=None, **arguments):
        backbone = TinyBackbone(normalization="lrn", dtype=dtype)
        return getattr(kdh, name)(backbone, bits, **arguments)

    return make


@pytest.fixture
def named(images):
    """A data set of 24 images of one of 4 named classes each."""
    labels = np.eye(4, dtype="uint8")[np.arange(24) % 4]
    return kdh.datasets.ImageSet(images, labels, NAMES)


def as_dataset(image_set, model, batch_size=8):
    return kdh.datasets.image_dataset(
        image_set, model.preprocessor, batch_size, training=True
    )


def unpacked(codes):
    """+1 and -1 of packed codes."""
    return np.unpackbits(codes, axis=1) * 2.0 - 1


@pytest.mark.parametrize("count", [64, 65])
def test_a_last_batch_of_one_image_spoils_nothing(make, count):
    generator = np.random.default_rng(0)
    labels = np.arange(65) % 4
    images = COLORS[labels][:, None, None] + generator.integers(
        0, 60, (65, 32, 32, 3), dtype=np.uint8
    )
    keras.utils.set_random_seed(0)
    model = make("OrthoHash")
    model.compile(keras.optimizers.SGD(1e-2))
    model.fit(images[:count], labels[:count], batch_size=32, epochs=4, verbose=0)
    codes = model.encode(images)
    found = kdh.evaluate_retrieval(codes, labels, codes, labels)
    assert found.map > 0.9


# === Losses ===
@pytest.mark.parametrize(
    "name, terms",
    [
        ("OrthoHash", ["center_loss"]),
        ("CSQ", ["center_loss", "quantization_loss"]),
        ("DPN", ["center_loss"]),
        ("HyP2", ["proxy_loss"]),
    ],
)
@pytest.mark.usefixtures("eagerly")
def test_the_loss_is_that_of_its_parts(make, images, labels, name, terms):
    model = make(name)
    model.compile()
    logs = model.evaluate(images, labels, batch_size=24, return_dict=True, verbose=0)
    assert set(logs) == {"loss", *terms}
    outputs = model.predict(images, verbose=0)
    vectors = model.class_vectors[0].vectors
    loss = getattr(model, terms[0])(outputs, labels, vectors=vectors)
    assert logs[terms[0]] == pytest.approx(float(loss), rel=1e-4)
    expected = float(loss)
    if name == "CSQ":
        quantization = np.mean((np.abs(np.tanh(outputs)) - 1) ** 2)
        assert logs["quantization_loss"] == pytest.approx(quantization, rel=1e-4)
        expected += 1e-4 * quantization
    assert logs["loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_learns_classes(make, images, name):
    labels = np.eye(4)[np.arange(24) % 4]
    images = images // 4 + np.tile(COLORS, (6, 1))[:, None, None]
    model = make(name)
    # The rate falls to zero: what has been learned is not lost in the last steps.
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(5e-3, 150))
    )
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(24)
    model.fit(dataset.repeat(15), epochs=10, verbose=0)
    codes = model.continuous_codes(images)
    assert model.retrieval_metrics(codes, labels, codes, labels)["map"] > 0.95
    # The codes of the classes find their images.
    products = unpacked(model.class_codes()) @ unpacked(model.encode(images)).T
    np.testing.assert_array_equal(products.argmax(axis=0), np.arange(24) % 4)


@pytest.mark.parametrize(
    "name, optimizer, rate",
    [
        ("OrthoHash", keras.optimizers.Adam, 1e-4),
        ("CSQ", keras.optimizers.RMSprop, 1e-5),
        ("DPN", keras.optimizers.RMSprop, 1e-5),
        ("HyP2", keras.optimizers.SGD, 1e-2),
    ],
)
def test_default_recipe_is_the_published_one(make, name, optimizer, rate):
    model = make(name)
    model.compile()
    assert type(model.optimizer) is optimizer
    assert float(model.optimizer.learning_rate) == pytest.approx(rate)
    assert model.learning_rate_multipliers is None
    if name in ("CSQ", "DPN"):
        assert model.optimizer.weight_decay == 1e-5
    if name == "HyP2":
        model.compile(learning_rate_multipliers=(1, 2, 10, 20))
        assert model.learning_rate_multipliers == (1, 2, 10, 20)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.usefixtures("eagerly")
def test_degenerate_batches(make, images, name):
    images = np.concatenate([images, images[:1]])
    labels = np.concatenate(
        [
            np.eye(8)[[0] * 8],  # One class.
            np.eye(8),  # No similar pair.
            np.zeros((8, 8)),  # No label at all.
            np.eye(8)[:1],  # One image.
        ]
    )
    model = make(name)
    model.compile(keras.optimizers.SGD(0.01))
    batches = tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)
    logs = model.fit(batches, epochs=2, verbose=0).history
    assert np.isfinite(logs["loss"]).all() and logs["loss"][0] > 0
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert np.isfinite(model.continuous_codes(images)).all()
    # Without any label there is nothing to learn from but the quantization.
    nothing = model.evaluate(images, np.full(25, -1), verbose=0, return_dict=True)
    assert nothing["loss"] == pytest.approx(
        1e-4 * nothing["quantization_loss"] if name == "CSQ" else 0
    )


@pytest.mark.parametrize(
    "name, dtype",
    [*((name, "mixed_bfloat16") for name in METHODS), ("OrthoHash", "mixed_float16")],
)
@pytest.mark.usefixtures("eagerly")
def test_mixed_precision(make, images, labels, name, dtype):
    model, exact = make(name, dtype=dtype), make(name)
    for each in (model, exact):
        each.know_classes(4)
    exact.set_weights(model.get_weights())
    figures = []
    for each in (model, exact):
        each.compile(keras.optimizers.SGD(1e-3))
        figures.append(each.fit(images, labels, verbose=0).history["loss"])
    assert model.continuous_codes(images).dtype == np.float32
    assert model.class_vectors[0].vectors.dtype == "float32"
    np.testing.assert_allclose(*figures, rtol=0.02)


# === Replicas ===
def train(model, images, labels, batch_size):
    """Weights and logs after two epochs with momentum and multipliers."""
    with model.distribute_strategy.scope():
        model.compile(
            keras.optimizers.SGD(1e-4, momentum=0.9),
            learning_rate_multipliers=(1, 2, 10, 20),
            # One replica needs no graph, which takes longer to trace than to run.
            run_eagerly=model.distribute_strategy.num_replicas_in_sync == 1,
        )
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(batch_size)
    history = model.fit(dataset, epochs=2, verbose=0)
    return model.get_weights(), history.history


# With centres that stay and targets of several labels, and with proxies that learn; the
# shares of each loss are compared in tests/losses.
@pytest.mark.parametrize("count", [23, pytest.param(17, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "name",
    [
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("OrthoHash", "DPN")),
        *("CSQ", "HyP2"),
    ],
)
def test_two_replicas_give_the_weights_of_one(
    two_replicas, make, images, labels, name, count
):
    # The halves of a batch of 8 differ. The last one has 7 images, 4 and 3, or 1, so
    # that one replica has none.
    images[np.arange(24) % 8 < 4] //= 4
    images, labels = images[:count], labels[:count]
    alone = make(name)
    alone.know_classes(4)
    start = alone.get_weights()
    with two_replicas.scope():
        together = make(name)
    together.know_classes(4)
    np.testing.assert_array_equal(together.class_codes(), alone.class_codes())
    together.set_weights(start)
    weights, logs = train(alone, images, labels, batch_size=8)
    weights_together, logs_together = train(together, images, labels, batch_size=8)
    moved = max(np.abs(a - b).max() for a, b in zip(weights, start, strict=True))
    assert moved > 1e-4
    for one, two in zip(weights, weights_together, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    for key, values in logs.items():
        np.testing.assert_allclose(values, logs_together[key], rtol=1e-4, atol=1e-6)
    codes = [model.continuous_codes(images) for model in (alone, together)]
    np.testing.assert_allclose(*codes, atol=1e-4)


def test_two_replicas_learn_several_lengths_and_new_classes_as_one(
    two_replicas, make, images, labels
):
    alone = make("HyP2", lengths=[8, 16])
    alone.know_classes(4)
    with two_replicas.scope():
        together = make("HyP2", lengths=[8, 16])
    together.know_classes(4)
    together.set_weights(alone.get_weights())
    found = []
    for model in (alone, together):
        train(model, images, labels, batch_size=8)
        model.add_classes(1)
        more = np.concatenate([labels, labels[:, :1]], axis=1)
        dataset = tf.data.Dataset.from_tensor_slices((images, more)).batch(8)
        model.fit(dataset, verbose=0)
        found.append(model.get_weights())
    for one, two in zip(*found, strict=True):
        np.testing.assert_allclose(one, two, atol=2e-5)


# === Classes ===
@pytest.mark.usefixtures("eagerly")
def test_codes_of_classes_by_name_and_number(make, named):
    model = make("OrthoHash")
    model.fit(as_dataset(named, model), verbose=0)
    codes = model.class_codes()
    assert codes.shape == (4, 2) and codes.dtype == np.uint8
    centers = np.array(model.class_vectors[0].vectors)
    np.testing.assert_array_equal(codes, np.packbits(centers > 0, axis=1))
    for asked, rows in (
        (["bird"], [2]),
        (["fish", "cat", "fish"], [3, 0, 3]),
        ([1, "cat"], [1, 0]),
        (np.arange(4), [0, 1, 2, 3]),
        ("dog", [1]),
        (3, [3]),
        ([], []),
    ):
        np.testing.assert_array_equal(model.class_codes(asked), codes[rows])
    for asked, message in (
        (["Cat"], "among the label names: cat, dog, bird, fish.*'Cat'"),
        ([4], "`classes` must be an integer from 0 to 3"),
        ([-1], "`classes` must be an integer from 0 to 3"),
        ([1.5], "`classes` must be an integer from 0 to 3"),
    ):
        with pytest.raises(ValueError, match=message):
            model.class_codes(asked)


def test_images_of_a_class_are_found_without_an_example(make, images):
    labels = np.eye(4)[np.arange(24) % 4]
    images = images // 4 + np.tile(COLORS, (6, 1))[:, None, None]
    model = make("CSQ")
    model.compile(keras.optimizers.Adam(5e-3))
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(24)
    model.fit(dataset.repeat(100), verbose=0)
    index = kdh.Index(model)
    index.add(images)
    _, ids = index.search(model.class_codes([2]), k=6)
    assert sorted(ids[0]) == [2, 6, 10, 14, 18, 22]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.usefixtures("eagerly")
def test_vectors_are_drawn_by_the_seed_and_stay_or_learn(make, images, labels, name):
    model = make(name, seed=3)
    model.know_classes(4)
    before = np.array(model.class_vectors[0].vectors)
    again, other = make(name, seed=3, classes=4), make(name, seed=4)
    again.know_classes(None)
    other.know_classes(4)
    np.testing.assert_array_equal(again.class_vectors[0].vectors, before)
    assert (np.array(other.class_vectors[0].vectors) != before).any()
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(images, labels, verbose=0)
    learned = (np.array(model.class_vectors[0].vectors) != before).any()
    assert learned == (name == "HyP2")


@pytest.mark.usefixtures("eagerly")
def test_what_is_not_known_yet(make, images):
    model = make("CSQ")
    with pytest.raises(ValueError, match="has no vectors of classes yet: call `fit`"):
        model.class_codes()
    with pytest.raises(ValueError, match="has no vectors of classes yet: call `fit`"):
        model.add_classes(2)
    dataset = tf.data.Dataset.from_tensor_slices((images, np.arange(24) % 4)).batch(8)
    with pytest.raises(
        ValueError, match="`CSQ` needs the number of classes.*`classes="
    ):
        model.fit(dataset, verbose=0)
    model.fit(dataset, classes=4, verbose=0)
    assert model.classes == 4 and model.class_codes().shape == (4, 2)
    with pytest.raises(ValueError, match="`CSQ` does not know its classes yet"):
        make("CSQ").vectors_for(np.zeros((2, 16)))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.usefixtures("eagerly")
def test_the_number_of_classes_is_that_of_the_labels(make, images, name):
    model = make(name)
    model.fit(images, np.arange(24) % 3, verbose=0)
    assert model.classes == 3
    # Of a part of the classes: the number is known.
    model.fit(images, np.zeros(24, int), verbose=0)
    assert model.classes == 3


@pytest.mark.usefixtures("eagerly")
def test_another_number_of_classes_is_refused(make, images, named):
    model = make("CSQ")
    model.fit(as_dataset(named, model), verbose=0)
    codes = model.class_codes()
    for labels in (np.eye(5)[np.arange(24) % 5], np.eye(3)[np.arange(24) % 3]):
        for run in (model.fit, model.evaluate):
            with pytest.raises(ValueError, match="vectors of 4 classes.*add_classes"):
                run(images, labels, verbose=0)
    # The model is as it was.
    assert model.label_names == NAMES
    np.testing.assert_array_equal(model.class_codes(["fish"]), codes[3:])
    model.fit(images, np.arange(24) % 4, verbose=0)


@pytest.mark.parametrize("classes", [1, 0, 10**6, 2.0, True, "4"])
def test_bad_numbers_of_classes(make, classes):
    with pytest.raises(ValueError, match="`classes` must be an integer from 2 to"):
        make("CSQ", classes=classes)


@pytest.mark.usefixtures("eagerly")
def test_bits_that_are_too_few(make, images):
    model = make("CSQ", bits=8)
    with pytest.raises(ValueError, match="`bits` must be large enough for 300 classes"):
        model.fit(images, np.arange(24), classes=300, verbose=0)
    assert model.classes is None  # As it was.
    model.fit(images, np.arange(24), verbose=0)
    assert model.classes == 24


@pytest.mark.parametrize("arguments", [{"seed": -1}, {"seed": 1.5}])
def test_bad_seeds(make, arguments):
    with pytest.raises(ValueError, match="`seed` must be an integer >= 0"):
        make("HyP2", **arguments)


# === More classes ===
@pytest.mark.parametrize("name", METHODS)
def test_classes_are_added(make, images, named, name):
    model = make(name)
    model.fit(as_dataset(named, model), verbose=0)
    before, codes = model.class_codes(), model.encode(images)
    model.add_classes(["zebra", "horse"])
    assert model.classes == 6 and model.label_names == [*NAMES, "zebra", "horse"]
    np.testing.assert_array_equal(model.class_codes()[:4], before)
    np.testing.assert_array_equal(model.encode(images), codes)
    new = unpacked(model.class_codes(["zebra", "horse"]))
    differ = (16 - new @ unpacked(model.class_codes()).T) / 2
    assert differ[[0, 0, 0, 0, 0, 1], [0, 1, 2, 3, 5, 3]].min() >= 4

    # They are trained on, and the others too.
    labels = np.eye(6)[np.arange(24) % 6]
    vectors = np.array(model.class_vectors[0].vectors)
    weights = model.hash_layer.get_weights()[0]
    model.fit(images, labels, batch_size=8, epochs=2, verbose=0)
    moved = np.abs(np.array(model.class_vectors[0].vectors) - vectors).max(axis=1)
    assert (moved > 0).all() if name == "HyP2" else (moved == 0).all()
    assert (model.hash_layer.get_weights()[0] != weights).any()
    assert model.label_names[-1] == "horse"


@pytest.mark.usefixtures("eagerly")
def test_added_proxies_are_as_long_as_the_others(make, images, labels):
    model = make("HyP2", classes=4)
    model.fit(images, labels, verbose=0)
    model.class_vectors[0].assign(5 * np.array(model.class_vectors[0].vectors))
    model.add_classes(3)
    lengths = np.linalg.norm(model.class_vectors[0].vectors, axis=1)
    np.testing.assert_allclose(lengths[4:], lengths[:4].mean(), rtol=1e-5)


def test_classes_are_added_of_several_lengths(make, images, labels):
    model = make("OrthoHash", lengths=[8, 16])
    model.fit(images, labels, verbose=0)
    before = [np.array(layer.vectors) for layer in model.class_vectors]
    model.add_classes(1)
    for layer, old in zip(model.class_vectors, before, strict=True):
        assert layer.vectors.shape == (5, layer.units)
        np.testing.assert_array_equal(np.array(layer.vectors)[:4], old)
    model.fit(images, np.eye(5)[np.arange(24) % 5], verbose=0)


@pytest.mark.usefixtures("eagerly")
def test_classes_that_cannot_be_added(make, images, named):
    model = make("CSQ")
    model.fit(as_dataset(named, model), verbose=0)
    for more, message in (
        (2, "must be names for a model that has `label_names`"),
        (["cat"], "must differ in more than their case"),
        (["a", "a"], "must differ in more than their case"),
        ([], "`names_or_count` must be an integer from 1"),
    ):
        with pytest.raises(ValueError, match=message):
            model.add_classes(more)
        assert model.classes == 4 and model.label_names == NAMES
    model.add_classes("zebra")
    assert model.label_names == [*NAMES, "zebra"]
    unnamed = make("CSQ", bits=8)
    unnamed.fit(images, np.arange(24), verbose=0)
    for more, message in (
        (["zebra"], "and a number for any other. Received: .'zebra'"),
        (0, "`names_or_count` must be an integer from 1"),
        (True, "`names_or_count` must be an integer from 1"),
        (300, "`bits` must be large enough"),
    ):
        with pytest.raises(ValueError, match=message):
            unnamed.add_classes(more)
        assert unnamed.classes == 24
    unnamed.add_classes(np.int64(2))
    assert unnamed.classes == 26


# === Several lengths ===
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.usefixtures("eagerly")
def test_several_lengths_have_vectors_each(make, images, labels, name):
    model = make(name, bits=32, lengths=[8, 16, 32], distillation_weight=0.5)
    model.compile()
    logs = model.evaluate(images, labels, batch_size=24, return_dict=True, verbose=0)
    outputs = model.predict(images, verbose=0)
    expected = 0
    for layer, length in zip(model.class_vectors, (8, 16, 32), strict=True):
        assert layer.vectors.shape == (4, length)
        alone = make(name, bits=length, classes=4)
        alone.class_vectors[0].assign(np.asarray(layer.vectors))
        terms = alone.loss_terms(tf.constant(outputs[:, :length]), labels)
        for key, (weight, term) in terms.items():
            assert logs[f"{key}_{length}"] == pytest.approx(float(term), rel=1e-4)
            expected += weight * float(term) / 3
    for length in (8, 16):
        expected += 0.5 / 3 * logs[f"distillation_loss_{length}"]
    assert logs["loss"] == pytest.approx(expected, rel=1e-4)
    assert model.class_codes().shape == (4, 4)
    model.fit(images, labels, verbose=0)
    np.testing.assert_array_equal(
        model.encode(images, bits=16), model.encode(images)[:, :2]
    )


# === Presets and files ===
@pytest.mark.parametrize("lengths", [None, [8, 16]])
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.usefixtures("eagerly")
def test_round_trips(make, images, named, tmp_path, name, lengths):
    model = make(name, seed=2, lengths=lengths)
    model.fit(as_dataset(named, model), verbose=0)
    model.check_savable()
    model.save_to_preset(tmp_path / "mine")
    model.save(tmp_path / "mine.keras")
    loaded = [
        kdh.from_preset(tmp_path / "mine"),
        keras.models.load_model(tmp_path / "mine.keras"),
    ]
    labels = named.labels.astype("float32")
    labels[:, 0] = 1  # Two labels: the ties are decided as before.
    figures = model.evaluate(images, labels, verbose=0, return_dict=True)
    for again in loaded:
        assert type(again) is type(model)
        assert again.get_config() | {"name": 0} == model.get_config() | {"name": 0}
        np.testing.assert_array_equal(again.encode(images), model.encode(images))
        np.testing.assert_array_equal(again.class_codes(), model.class_codes())
        if not again.compiled:
            again.compile()
        found = again.evaluate(images, labels, verbose=0, return_dict=True)
        assert found == pytest.approx(figures, rel=1e-5)
    assert loaded[0].label_names == NAMES
    for each in (loaded[0], model):
        each.add_classes(["zebra"])
    np.testing.assert_array_equal(
        loaded[0].class_codes(["zebra"]), model.class_codes(["zebra"])
    )


@pytest.mark.usefixtures("eagerly")
def test_an_untrained_model_is_saved_without_classes(make, images, labels, tmp_path):
    for name, arguments in (("CSQ", {}), ("HyP2", {"classes": 4})):
        make(name, **arguments).save_to_preset(tmp_path / name)
        again = kdh.from_preset(tmp_path / name)
        with pytest.raises(ValueError, match="has no vectors of classes yet"):
            again.class_codes()
        again.fit(images, labels, verbose=0)
        assert again.class_codes().shape == (4, 2)


@pytest.mark.usefixtures("eagerly")
def test_names_that_do_not_fit_the_classes(make, images, labels, tmp_path):
    model = make("CSQ")
    model.fit(images, labels, verbose=0)
    with pytest.raises(ValueError, match="names for the 4 classes .* Received: 2"):
        model.save_to_preset(tmp_path / "mine", label_names=["cat", "dog"])
    assert not (tmp_path / "mine").exists()


def test_more_classes_than_any_other_number(make, tmp_path):
    make("DPN", classes=20_000).save_to_preset(tmp_path / "mine")
    assert kdh.from_preset(tmp_path / "mine").classes == 20_000


@pytest.mark.parametrize("cls", [kdh.OrthoHash, kdh.CSQ])
def test_a_longer_centre_begins_with_the_shorter_one(make_backbone, cls):
    model = cls(make_backbone(), 64, classes=20, lengths=[16, 32, 64])
    model.know_classes(20)
    whole = model.class_codes()
    for bits in (16, 32):
        short = model.class_codes(bits=bits)
        np.testing.assert_array_equal(short, whole[:, : bits // 8])
    signs = np.unpackbits(whole, axis=1)
    others = ~np.eye(20, dtype=bool)
    for bits, least in ((16, 6), (32, 13), (64, 26)):
        part = signs[:, :bits]
        assert (part[:, None] != part).sum(axis=2)[others].min() >= least
    model.add_classes(2)
    np.testing.assert_array_equal(model.class_codes()[:20], whole)
    np.testing.assert_array_equal(
        model.class_codes(bits=16), model.class_codes()[:, :2]
    )
    one = cls(make_backbone(), 16, classes=20)
    one.know_classes(20)
    np.testing.assert_array_equal(one.class_codes(), whole[:, :2])


def test_ties_of_a_shorter_code_begin_those_of_a_longer_one():
    from keras_deephash.losses.target_codes import target_codes

    labels, centers = np.ones((1, 2), "float32"), np.ones((2, 32), "float32")
    centers[1] = -1  # Every sum is 0.
    whole = np.asarray(target_codes(labels, centers, seed=3))
    assert set(np.unique(whole)) == {-1, 1}
    short = np.asarray(target_codes(labels, centers[:, :16], seed=3))
    np.testing.assert_array_equal(short, whole[:, :16])


@pytest.mark.usefixtures("eagerly")
def test_added_classes_leave_an_index_as_it_is(make_backbone, images, labels, tmp_path):
    model = kdh.CSQ(make_backbone(), 16)
    model.know_classes(labels.shape[1])
    index = kdh.Index(model)
    index.add(images[:4])
    index.save(tmp_path / "index")
    model.add_classes(1)
    index.add(images[4:6])
    assert len(kdh.Index.load(tmp_path / "index", model)) == 4


@pytest.mark.usefixtures("eagerly")
def test_names_in_another_order_are_refused_by_fit(make_backbone, images):
    class Named:
        class_names = ["ant", "cat", "bee"]

    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(
        (images[:6], np.array([0, 1, 2, 0, 1, 2]))
    ).batch(3)
    model = kdh.CSQ(make_backbone(), 16)
    model.label_names = ["ant", "bee"]
    model.know_classes(2)
    model.add_classes(["cat"])
    dataset.class_names = Named.class_names
    with pytest.raises(ValueError, match="must be in the order of the `label_names`"):
        model.fit(dataset, verbose=0)
    assert model.label_names == ["ant", "bee", "cat"]


def test_names_of_added_classes_are_saved(make_backbone, tmp_path):
    model = kdh.CSQ(make_backbone(), 16)
    model.label_names = ["ant", "bee"]
    model.know_classes(2)
    model.training_record = {"weights_dtype": "float32", "label_names": ["ant", "bee"]}
    model.add_classes(["cat"])
    model.save_to_preset(tmp_path / "preset")
    again = kdh.from_preset(tmp_path / "preset")
    assert again.label_names == ["ant", "bee", "cat"]
    np.testing.assert_array_equal(
        again.class_codes(["cat"]), model.class_codes(["cat"])
    )


@pytest.mark.parametrize("name, learns", [("OrthoHash", False), ("HyP2", True)])
def test_switching_trainable_does_not_change_what_learns(make_backbone, name, learns):
    model = getattr(kdh, name)(make_backbone(), 16)
    model.trainable = False
    if learns:
        model.know_classes(3)
    model.trainable = True
    model.know_classes(3)
    trained = {id(weight) for weight in model.trainable_variables}
    assert (id(model.class_vectors[0].vectors) in trained) is learns


@pytest.mark.usefixtures("eagerly")
def test_an_optimizer_that_was_built_before_the_vectors(
    make_backbone, images, labels, tmp_path
):
    model = kdh.HyP2(make_backbone(), 16)
    model.compile(keras.optimizers.SGD(1e-3))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    again.fit(images, labels, batch_size=12, verbose=0)
    assert any(
        variable is again.class_vectors[0].vectors
        for variable in again.trainable_variables
    )


@pytest.mark.usefixtures("eagerly")
def test_a_backup_of_counted_classes_is_restored(
    make_backbone, images, labels, tmp_path
):
    from keras_deephash.callbacks import TrainingBackup

    def begin():
        model = kdh.OrthoHash(make_backbone(), 16)
        model.compile(keras.optimizers.SGD(1e-3))
        return model

    model = begin()
    backup = TrainingBackup(tmp_path / "backup")
    model.fit(images, labels, epochs=1, verbose=0, callbacks=[backup])
    again = begin()
    assert TrainingBackup(tmp_path / "backup").restore(again) == 1
    np.testing.assert_array_equal(again.class_codes(), model.class_codes())
    other = kdh.OrthoHash(make_backbone(), 16, lengths=[8, 16])
    other.compile(keras.optimizers.SGD(1e-3))
    with pytest.raises(ValueError, match="lengths"):
        TrainingBackup(tmp_path / "backup").restore(other)


@pytest.mark.parametrize("value", [None, 1.5, {"a"}])
def test_classes_to_add_are_names_or_a_number(make_backbone, value):
    model = kdh.CSQ(make_backbone(), 16, classes=2)
    model.know_classes(2)
    model.label_names = ["ant", "bee"]
    with pytest.raises(ValueError, match="`names_or_count` must be a"):
        model.add_classes(value)


def test_numbers_of_numpy_name_a_class(make_backbone):
    model = kdh.CSQ(make_backbone(), 16, classes=3)
    model.know_classes(3)
    np.testing.assert_array_equal(
        model.class_codes(np.int64(2)), model.class_codes()[2:]
    )
