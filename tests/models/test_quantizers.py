"""The quantizers' codes, scores and presets."""

import keras
import numpy as np
import pytest
from tiny_backbone import TinyBackbone

import keras_deephash as kdh

QUANTIZERS = ["DQN", "DVSQ", "DTQ"]


def fitted(name, images):
    """A quantizer of 3 x 8 centres of 12 dimensions."""
    arguments = {"subcodebooks": 3, "subcenters": 8}
    if name == "DVSQ":
        arguments["word_vectors"] = np.random.default_rng(7).normal(size=(4, 12))
    else:
        arguments["dim"] = 12
    model = getattr(kdh, name)(TinyBackbone(), **arguments)
    # Features as far apart as those of a trained model.
    model.feature_layer.kernel.assign(100 * model.feature_layer.kernel)
    model.fit_codebook(images)
    return model


@pytest.fixture(scope="module", params=QUANTIZERS)
def model(request, same_images):
    """A quantizer that no test changes."""
    keras.utils.set_random_seed(0)
    return fitted(request.param, same_images)


def test_encode_and_decode(model, images):
    codes = model.encode(images)
    assert codes.shape == (24, 3) and codes.dtype == np.uint8
    assert model.bits == 24
    features = model.continuous_codes(images)
    np.testing.assert_array_equal(codes, model.codebook.encode(features))
    centers = np.asarray(model.codebook.centers)
    expected = [sum(centers[m][k] for m, k in enumerate(code)) for code in codes]
    np.testing.assert_allclose(model.decode(codes), expected, rtol=1e-5, atol=1e-6)
    error, spread = features - model.decode(codes), features - features.mean(axis=0)
    if type(model) is kdh.DVSQ:  # Only what the word vectors see counts.
        error, spread = error @ model.word_vectors.T, spread @ model.word_vectors.T
    assert np.sum(error**2) < 0.5 * np.sum(spread**2)


def test_codes_of_batches(model, images):
    np.testing.assert_array_equal(model.encode(images), model.encode(images, 5))


def test_scores_are_those_of_reconstructions(model, images):
    features, codes = model.continuous_codes(images), model.encode(images)
    decoded = model.decode(codes)
    for metric in ("inner_product", "euclidean"):
        for query, scores in (
            (features, model.asymmetric_scores(features, codes, metric)),
            (decoded, model.symmetric_scores(codes, codes, metric)),
        ):
            expected = query @ decoded.T
            if metric == "euclidean":
                differences = query[:, None] - decoded[None]
                expected = -np.sum(differences**2, axis=2)
            np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=1e-3)
    own = {"DQN": "inner_product", "DVSQ": "inner_product", "DTQ": "euclidean"}
    np.testing.assert_array_equal(
        model.asymmetric_scores(features, codes),
        model.asymmetric_scores(features, codes, own[type(model).__name__]),
    )


def test_metrics_are_those_of_the_scores(model, images, labels):
    features, codes = model.continuous_codes(images), model.encode(images)
    metrics = model.retrieval_metrics(features[:8], labels[:8], features, labels)
    for name, scores in (
        ("map", model.asymmetric_scores(features[:8], codes)),
        ("map_symmetric", model.symmetric_scores(codes[:8], codes)),
    ):
        found = kdh.evaluate_retrieval(
            None, labels[:8], None, labels, scores=scores, ties="expected"
        )
        assert metrics[name] == pytest.approx(found.map, abs=1e-3)
    assert metrics["queries"] == 8 and metrics["database"] == 24


def test_the_search_metric_of_dtq_ranks_codes_that_stay(
    make_quantizer, images, labels, tmp_path
):
    model = make_quantizer("DTQ")
    model.feature_layer.kernel.assign(100 * model.feature_layer.kernel)
    model.fit_codebook(images)
    model.save_to_preset(tmp_path / "preset")
    inner = kdh.from_preset(tmp_path / "preset", search_metric="inner_product")
    inner.save_to_preset(tmp_path / "inner")
    inner = kdh.from_preset(tmp_path / "inner")
    features, codes = inner.continuous_codes(images), inner.encode(images)
    np.testing.assert_array_equal(codes, model.encode(images))
    decoded = np.asarray(inner.decode(codes), np.float64)
    products = features.astype(np.float64) @ decoded.T
    nearness = -np.sum((features[:, None] - decoded[None]) ** 2, axis=2)
    for each, metric, scores in (
        (model, "euclidean", nearness),
        (inner, "inner_product", products),
    ):
        np.testing.assert_allclose(
            each.asymmetric_scores(features, codes), scores, rtol=1e-3, atol=1e-3
        )
        assert each.search_metric == metric == kdh.CodeSpec.of(each).metric
        metrics = each.retrieval_metrics(features, labels, features, labels)
        found = kdh.evaluate_retrieval(None, labels, None, labels, scores=scores)
        assert metrics["map"] == pytest.approx(found.map, abs=1e-6)
        index = kdh.Index(each)
        index.add(images)
        distances, _ = index.search(images[:3], k=24)
        np.testing.assert_allclose(
            distances, np.sort(-scores[:3], axis=1), rtol=1e-3, atol=1e-3
        )
    # The two rank differently here.
    assert (np.argmax(products, axis=1) != np.argmax(nearness, axis=1)).any()


def test_a_preset_of_before_is_searched_by_euclid(make_quantizer):
    config = make_quantizer("DTQ").get_config()
    del config["search_metric"]
    assert kdh.DTQ.from_config(config).search_metric == "euclidean"


def test_an_untrained_model_has_no_codes(make_quantizer, images):
    with pytest.raises(ValueError, match="not fitted yet"):
        make_quantizer("DTQ").encode(images)
    with pytest.raises(ValueError, match="not fitted yet"):
        make_quantizer("DTQ").decode(np.zeros((2, 3), np.uint8))


@pytest.mark.parametrize("name", ["DVSQ", "DTQ"])
def test_fit_codebook_for_a_new_database(name, images):
    model = fitted(name, images)
    network = model.backbone.get_weights() + model.feature_layer.get_weights()
    features = model.continuous_codes(images)
    before = model.codebook.distortion(features[:12], model.encode(images[:12]))
    history = model.fit_codebook(images[:12])
    assert history[-1] < before
    again = model.fit_codebook(features[:12])
    assert again[-1] == pytest.approx(history[-1], rel=1e-3, abs=1e-6)
    after = model.backbone.get_weights() + model.feature_layer.get_weights()
    for one, two in zip(network, after, strict=True):
        np.testing.assert_array_equal(one, two)


def test_preset_round_trip(model, images, tmp_path):
    path = tmp_path / "preset"
    model.save_to_preset(path)
    again = kdh.from_preset(path)
    assert type(again) is type(model)
    assert again.bits == 24
    np.testing.assert_array_equal(again.encode(images), model.encode(images))
    if type(model) is kdh.DVSQ:
        np.testing.assert_array_equal(again.word_vectors, model.word_vectors)
    assert type(model).from_preset(path, quantization_weight=0.5).bits == 24
    model.save_to_preset(path, weights_dtype="float16")
    again = kdh.from_preset(path)
    assert np.mean(again.encode(images) == model.encode(images)) > 0.8


def test_weights_paths_are_the_file_format(model):
    names = [weight.path for weight in model.codebook.weights]
    assert [name.split("/")[-1] for name in names] == ["centers", "fitted"]
    assert model.codebook.centers.shape == (3, 8, 12)
    assert model.count_params() == sum(int(np.prod(w.shape)) for w in model.weights)
