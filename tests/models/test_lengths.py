"""Codes of several lengths from one model."""

import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash import losses
from keras_deephash.retrieval.hamming import pack_bits


@pytest.fixture
def model(make_backbone):
    return kdh.DCH(make_backbone(), 32, lengths=[8, 16, 32], quantization_weight=0.2)


def test_the_loss_is_the_mean_of_all_lengths_and_the_distillation(
    model, images, labels
):
    model.compile()
    logs = model.evaluate(images, labels, batch_size=24, return_dict=True, verbose=0)
    codes = model.predict(images, verbose=0)
    pair, quantization = losses.PairwiseCauchyLoss(), losses.CauchyQuantizationLoss()
    total = 0.0
    for length in (8, 16, 32):
        beginning = codes[:, :length]
        total += float(pair(beginning, labels)) + 0.2 * float(quantization(beginning))
    for shorter, longer in ((8, 16), (16, 32)):
        cosines = [_cosines(codes[:, :length]) for length in (shorter, longer)]
        others = ~np.eye(len(codes), dtype=bool)
        distillation = np.square(cosines[0] - cosines[1])[others].mean()
        assert logs[f"distillation_loss_{shorter}"] == pytest.approx(
            distillation, rel=1e-3
        )
        total += 0.1 * distillation
    assert logs["loss"] == pytest.approx(total / 3, rel=1e-4)
    assert logs["pair_loss_16"] == pytest.approx(
        float(pair(codes[:, :16], labels)), rel=1e-4
    )


def _cosines(codes):
    unit = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    return unit @ unit.T


def test_longer_codes_do_not_learn_from_shorter_ones(model):
    import tensorflow as tf

    codes = tf.Variable(np.random.default_rng(0).normal(size=(6, 32)), dtype="float32")
    with tf.GradientTape() as tape:
        loss = model.distillation_loss(codes[:, :8], codes[:, :16])
    gradient = tape.gradient(loss, codes).numpy()
    assert np.abs(gradient[:, :8]).max() > 0
    assert not gradient[:, 8:].any()


def test_a_short_code_is_the_beginning_of_the_whole_one(model, images):
    whole = model.encode(images)
    assert whole.shape == (len(images), 4)
    np.testing.assert_array_equal(model.encode(images, bits=16), whole[:, :2])
    continuous = model.continuous_codes(images)
    np.testing.assert_array_equal(
        model.encode(images, bits=8), pack_bits(continuous[:, :8])
    )


@pytest.mark.parametrize("bits", [24, 64, 0, True, "16"])
def test_other_lengths_are_refused(model, images, bits):
    with pytest.raises(
        ValueError, match="`bits` must be one of the lengths.*8, 16, 32"
    ):
        model.encode(images[:1], bits=bits)


def test_a_model_of_one_length_has_that_alone(make_backbone, images):
    model = kdh.DCH(make_backbone(), 16)
    assert model.encode(images[:1], bits=16).shape == (1, 2)
    with pytest.raises(ValueError, match="lengths of this `DCH`: 16. Received: bits=8"):
        model.encode(images[:1], bits=8)


@pytest.mark.parametrize(
    "lengths", [[], [16, 8, 32], [8, 8, 32], [8, 16], [8, 12, 32], 32, "8,32", [[32]]]
)
def test_lengths_rise_up_to_the_bits(make_backbone, lengths):
    with pytest.raises(ValueError, match="`lengths` must be a list .* up to `bits`"):
        kdh.DCH(make_backbone(), 32, lengths=lengths)


@pytest.mark.usefixtures("eagerly")
def test_a_model_has_32_lengths_at_most(make_backbone, images):
    model = kdh.HashNet(make_backbone(), 256, lengths=list(range(8, 257, 8)))
    model.compile("sgd")
    labels = np.arange(8) % 2
    logs = model.evaluate(images[:8], labels, verbose=0, return_dict=True)
    assert len([name for name in logs if name.startswith("distillation")]) == 31
    with pytest.raises(ValueError, match="at most 32 lengths. Received: 33"):
        kdh.HashNet(make_backbone(), 264, lengths=list(range(8, 265, 8)))


def test_the_lengths_are_kept_in_a_preset(model, images, tmp_path):
    model.save_to_preset(tmp_path / "nested")
    again = kdh.from_preset(tmp_path / "nested")
    assert again.lengths == (8, 16, 32)
    np.testing.assert_array_equal(
        again.encode(images, bits=8), model.encode(images, bits=8)
    )


def test_metrics_have_a_figure_for_each_length(model, images, labels):
    codes = model.continuous_codes(images)
    metrics = model.retrieval_metrics(codes, labels, codes, labels)
    for length in (8, 16):
        packed = pack_bits(codes[:, :length])
        expected = kdh.evaluate_retrieval(packed, labels, packed, labels).map
        assert metrics[f"map_{length}"] == expected
    assert "map_32" not in metrics
    intervals = model.retrieval_metrics(codes, labels, codes, labels, bootstrap=20)
    assert "map_interval" in intervals
    assert {name: intervals[name] for name in metrics} == metrics


def test_an_index_of_short_codes(model, images, tmp_path):
    index = kdh.Index(model, bits=16)
    index.add(images)
    np.testing.assert_array_equal(index.codes(index.ids), model.encode(images)[:, :2])
    distances, ids = index.search(images[:3], k=4)
    packed = model.encode(images)[:, :2]
    bits = np.unpackbits(packed, axis=1)
    naive = (bits[:3, None] != bits).sum(axis=2)
    np.testing.assert_array_equal(distances, np.sort(naive, axis=1)[:, :4])
    index.save(tmp_path / "short")
    again = kdh.Index.load(tmp_path / "short", model)
    np.testing.assert_array_equal(again.search(images[:3], k=4)[0], distances)


def test_a_preset_brings_no_index_of_short_codes(model, tmp_path):
    with pytest.raises(ValueError, match="`index` must hold .*, 32 bits.* of 16 bits"):
        model.save_to_preset(tmp_path / "new" / "mine", index=kdh.Index(model, bits=16))
    assert not (tmp_path / "new").exists()


def test_short_codes_find_and_long_ones_rank(model, images):
    short, long = kdh.Index(model, bits=8), kdh.Index(model)
    short.add(images)
    long.add(images)
    _, candidates = short.search(images[:2], k=10)
    distances, ids = long.rerank(images[:2], candidates, k=3)
    continuous = model.continuous_codes(images)
    scores = continuous[:2] @ np.where(continuous >= 0, 1, -1).T
    for row in range(2):
        best = candidates[row][np.argsort(-scores[row, candidates[row]], kind="stable")]
        np.testing.assert_allclose(-distances[row], scores[row, best[:3]], rtol=1e-5)
        assert set(ids[row]) <= set(candidates[row])


def test_an_index_of_another_length_is_refused(model, make_backbone):
    with pytest.raises(ValueError, match="`bits` must be 32, or one of the `lengths`"):
        kdh.Index(model, bits=24)
    with pytest.raises(ValueError, match="a `CodeSpec` has its own"):
        kdh.Index(kdh.CodeSpec(bits=16), bits=16)


def test_the_radius_of_the_whole_code_is_not_that_of_a_short_one(model, images, labels):
    kdh.calibrate(model, images, labels)
    short = kdh.Index(model, bits=8)
    short.add(images)
    with pytest.raises(ValueError, match="of its 32 bits, .* first 8 of them. Give"):
        short.search(images[:1], radius="auto")
