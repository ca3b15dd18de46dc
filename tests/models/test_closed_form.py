"""Methods without labels, against the same steps in plain NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash.datasets import ImageSet

NAMES = ("ITQ", "PCAHash", "LSH", "RQ")


def made(name, **arguments):
    backbone = TinyBackbone()
    if name == "RQ":
        arguments = {"subcodebooks": 2, "subcenters": 4, "dim": 6, **arguments}
    else:
        arguments = {"bits": 8, **arguments}
    return getattr(kdh, name)(backbone, **arguments)


@pytest.fixture(scope="module")
def pictures():
    """40 images whose colours differ."""
    generator = np.random.default_rng(0)
    colors = generator.integers(0, 200, (40, 1, 1, 3))
    return (colors + generator.integers(0, 56, (40, 32, 32, 3))).astype(np.uint8)


def centred(model, pictures):
    """Features of length 1, less their mean, float64."""
    unit = np.float64(model.features(pictures))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    return unit - unit.mean(axis=0)


def test_features_are_the_backbone_s(pictures):
    model = made("ITQ")
    expected = model.backbone(model.preprocessor.normalize(pictures)).numpy()
    features = model.features(pictures, batch_size=7)
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)
    batches = list(model.feature_batches(pictures, batch_size=16))
    assert [len(batch) for batch in batches] == [16, 16, 8]


def test_outputs_of_pca_are_projections_of_deviation_one(pictures):
    model = made("PCAHash")
    model.fit(pictures)
    features = centred(model, pictures)
    _, _, right = np.linalg.svd(features, full_matrices=False)
    expected = features @ right[:8].T
    expected /= np.sqrt(np.mean(expected**2))
    outputs = model.continuous_codes(pictures)
    # The signs of components are free.
    np.testing.assert_allclose(abs(outputs), abs(expected), rtol=1e-2, atol=1e-3)
    assert np.sqrt(np.mean(np.square(outputs))) == pytest.approx(1, rel=1e-3)
    np.testing.assert_array_equal(
        model.encode(pictures), np.packbits(outputs >= 0, axis=1)
    )


def test_itq_rotates_the_components_and_lowers_its_error(pictures):
    itq, pca = made("ITQ"), made("PCAHash")
    pca.backbone.set_weights(itq.backbone.get_weights())
    history = itq.fit(pictures, seed=3).history["quantization_error"]
    pca.fit(pictures)
    assert len(history) == 50 and (np.diff(history) <= 1e-9).all()
    rotation = np.linalg.lstsq(
        np.asarray(pca.hash_layer.kernel), np.asarray(itq.hash_layer.kernel)
    )[0]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(8), atol=1e-3)


def test_distances_of_lsh_estimate_angles(pictures):
    model = made("LSH", bits=4096)
    model.fit(pictures)
    features = centred(model, pictures)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    angles = np.arccos((features @ features.T).clip(-1, 1))
    codes = model.encode(pictures)
    apart = np.bitwise_count(codes[:, None] ^ codes).sum(axis=2, dtype=int)
    # A deviation of at most 0.5 / 64 for each.
    np.testing.assert_allclose(apart / 4096, angles / np.pi, atol=0.05)


def test_rq_quantizes_projections_of_length_one(pictures):
    model = made("RQ")
    history = model.fit(pictures).history["distortion"]
    features = centred(model, pictures)
    _, _, right = np.linalg.svd(features, full_matrices=False)
    expected = features @ right[:6].T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    outputs = model.continuous_codes(pictures)
    np.testing.assert_allclose(abs(outputs), abs(expected), rtol=1e-2, atol=1e-2)
    codes = model.encode(pictures)
    assert codes.shape == (40, 2)
    found = np.mean(np.sum((outputs - model.decode(codes)) ** 2, axis=1))
    assert found == pytest.approx(min(history), rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_method_like_any_other(name, pictures, tmp_path):
    model = made(name)
    with pytest.raises(ValueError, match=f"This `{name}` is not fitted yet"):
        model.encode(pictures)
    model.fit(pictures)
    codes = model.encode(pictures)
    np.testing.assert_array_equal(codes, model.encode(pictures, batch_size=7))
    model.save_to_preset(tmp_path / "preset")
    loaded = kdh.from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(codes, loaded.encode(pictures))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(codes, loaded.encode(pictures))
    index = kdh.Index(model)
    index.add(codes)
    distances, ids = index.search(pictures[:3], k=2)
    assert distances.shape == (3, 2)
    assert set(index.search(pictures[:1], k=40)[1][0]) == set(range(40))


@pytest.mark.parametrize("name", ["ITQ", "RQ"])
def test_images_in_any_form_give_the_same_model(name, pictures):
    model = made(name)
    model.fit(pictures)
    weights = model.get_weights()
    labels = np.zeros((40, 2), "uint8")
    for images in (
        ImageSet(pictures, labels),
        tf.data.Dataset.from_tensor_slices((pictures, labels)).batch(7),
        list(pictures),
        model.features(pictures),
    ):
        model.fit(images)
        for now, before in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_allclose(now, before, rtol=1e-3, atol=1e-3)


def test_a_seed_gives_the_same_codes(pictures):
    model = made("LSH")
    codes = []
    for seed in (1, 1, 2):
        model.fit(pictures, seed=seed)
        codes.append(model.encode(pictures))
    np.testing.assert_array_equal(codes[0], codes[1])
    assert (codes[0] != codes[2]).any()


def test_under_a_strategy_it_is_fitted_as_on_one_device(pictures, two_replicas):
    alone = made("ITQ")
    alone.fit(pictures)
    with two_replicas.scope():
        model = made("ITQ")
        model.backbone.set_weights(alone.backbone.get_weights())
    model.fit(pictures)
    np.testing.assert_array_equal(model.encode(pictures), alone.encode(pictures))


def test_half_precision_is_for_the_backbone_alone(pictures):
    model = kdh.ITQ(TinyBackbone(dtype="mixed_bfloat16"), bits=8)
    model.fit(pictures)
    assert model.hash_layer.kernel.dtype == "float32"
    assert model.continuous_codes(pictures).dtype == np.float32
    assert len(np.unique(model.encode(pictures))) > 2


def test_unreadable_images_are_left_out(pictures, tmp_path):
    from PIL import Image

    for number, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(tmp_path / f"{number:02}.png")
    (tmp_path / "50.png").write_bytes(b"no image")
    model = made("PCAHash")
    with pytest.raises(ValueError, match=r"50\.png"):
        model.fit(tmp_path)
    seen = []
    model.fit(tmp_path, on_error=lambda number, error: seen.append(number))
    assert seen == [40]
    codes = model.encode(pictures)
    model.fit(pictures)
    np.testing.assert_array_equal(codes, model.encode(pictures))


@pytest.mark.parametrize(
    "name, arguments, count, message",
    [
        ("ITQ", {"bits": 24}, 40, "`bits` must be at most 16, the dimension"),
        ("RQ", {"dim": 17}, 40, "`dim` must be at most 16, the dimension"),
        ("PCAHash", {}, 8, "bits=8 needs more than 8 images.*Received: 8"),
        ("RQ", {}, 5, "dim=6 needs more than 6 images.*Received: 5"),
        ("LSH", {}, 1, "needs at least 2 images.*Received: 1"),
        ("LSH", {}, 0, "needs at least 2 images.*Received: 0"),
    ],
)
def test_too_few_images_or_too_many_bits(name, arguments, count, message, pictures):
    model = made(name, **arguments)
    with pytest.raises(ValueError, match=message):
        model.fit(pictures[:count])


@pytest.mark.parametrize("name", NAMES)
def test_images_that_do_not_differ(name, pictures):
    model = made(name)
    with pytest.raises(ValueError, match="differ"):
        model.fit(np.repeat(pictures[:1], 30, axis=0))
    assert not model.is_fitted


def test_training_by_gradients_is_refused(pictures):
    model = made("ITQ")
    with pytest.raises(ValueError, match="leave `epochs` out"):
        model.fit(pictures, epochs=3)
    with pytest.raises(ValueError, match="without an optimizer: call `fit"):
        model.compile("adam")
    with pytest.raises(ValueError, match=r"floats of shape \[n, 16\]"):
        model.fit(np.zeros((40, 3), "float32"))
    with pytest.raises(ValueError, match="not finite"):
        model.fit(np.full((40, 16), np.nan, "float32"))


def test_a_calibrated_model_keeps_its_table(pictures, tmp_path):
    model = made("ITQ")
    model.fit(pictures)
    with pytest.raises(ValueError, match="not calibrated"):
        model.radius(precision=0.5)
    with pytest.raises(ValueError, match="needs an index of a calibrated model"):
        kdh.Index(model).search(np.zeros((1, 1), np.uint8), radius="auto")
    labels = pictures.mean(axis=(1, 2)).argmax(axis=1)
    table = kdh.calibrate(model, pictures, labels, dataset="colours")
    model.save_to_preset(tmp_path / "preset")
    loaded = kdh.from_preset(tmp_path / "preset")
    assert loaded.radius_table == table
    assert loaded.radius(precision=0.4) == table.radius(precision=0.4)
    index = kdh.Index(loaded)
    index.add(pictures)
    index.save(tmp_path / "index")
    index = kdh.Index.load(tmp_path / "index", loaded)
    found = index.search(pictures[:5], radius="auto")
    expected = index.search(pictures[:5], radius=table.auto_radius())
    for one, other in zip(found[1], expected[1], strict=True):
        np.testing.assert_array_equal(one, other)
    loaded.fit(pictures)
    assert loaded.radius_table is None


@pytest.mark.parametrize("name", ["ITQ", "RQ"])
def test_similarities_have_the_order_of_distances(name, pictures):
    model = made(name)
    model.fit(pictures)
    index = kdh.Index(model)
    index.add(pictures)
    queries = model.continuous_codes(pictures[:4])
    _, ids = index.search(queries, k=6)
    items = model.decode(model.encode(pictures)) if name == "RQ" else None
    found = index.similarities(pictures[:4], ids)
    assert (np.diff(found, axis=1) <= 1e-6).all()
    for query, alike, row in zip(queries, found, ids, strict=True):
        if name == "RQ":  # Queries have length 1.
            expected = 1 - np.square(query - items[row]).sum(axis=1) / 2
        else:
            signs = np.where(model.continuous_codes(pictures) >= 0, 1, -1)
            expected = signs[row] @ np.where(query >= 0, 1, -1) / 8
        np.testing.assert_allclose(alike, expected, atol=1e-5)
