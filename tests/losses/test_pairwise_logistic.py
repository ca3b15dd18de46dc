"""The pairwise logistic loss against a naive loop over pairs."""

import itertools
import json
import math

import numpy as np
import pytest

from keras_deephash.losses import PairwiseLogisticLoss


def naive_loss(codes, labels, alpha, similarity, pair_weighting, clip=None):
    codes, labels = np.float64(codes), np.asarray(labels)
    pairs = list(itertools.product(range(len(codes)), repeat=2))

    def similar(i, j):
        return any(x and y for x, y in zip(labels[i], labels[j], strict=True))

    similars = sum(similar(i, j) for i, j in pairs)
    weights = {True: 1.0, False: 1.0}
    if pair_weighting is not None:
        weights[True] = len(pairs) / similars
    if pair_weighting == "balanced":
        weights[False] = len(pairs) / (len(pairs) - similars)
    total = 0.0
    for i, j in pairs:
        product = float(codes[i] @ codes[j])
        if similarity == "cosine":
            product /= math.sqrt(float(codes[i] @ codes[i]) * (codes[j] @ codes[j]))
        if clip is not None:
            product = min(max(product, -clip), clip)
        probability = 1 / (1 + math.exp(-alpha * product))
        likelihood = probability if similar(i, j) else 1 - probability
        total -= weights[similar(i, j)] * math.log(likelihood)
    return total / len(pairs)


@pytest.mark.parametrize("alpha, similarity", [(0.5, "inner_product"), (10, "cosine")])
@pytest.mark.parametrize("pair_weighting", ["balanced", "one_sided", None])
def test_equals_the_naive_loop(codes, labels, alpha, similarity, pair_weighting):
    loss = PairwiseLogisticLoss(alpha, similarity, pair_weighting)
    expected = naive_loss(codes, labels, alpha, similarity, pair_weighting)
    np.testing.assert_allclose(float(loss(codes, labels)), expected, rtol=1e-5)


@pytest.mark.parametrize("alpha, similarity", [(0.5, "inner_product"), (10, "cosine")])
def test_gradient(codes, labels, check_gradient, alpha, similarity):
    def naive(codes, labels):
        return naive_loss(codes, labels, alpha, similarity, "one_sided")

    loss = PairwiseLogisticLoss(alpha, similarity, "one_sided")
    check_gradient(loss, naive, codes, labels)


def test_clipped_inner_products(codes, labels, check_gradient):
    def naive(codes, labels):
        return naive_loss(codes, labels, 1.0, "inner_product", "one_sided", 3.0)

    loss = PairwiseLogisticLoss(1.0, "inner_product", "one_sided", clip=3.0)
    unclipped = PairwiseLogisticLoss(1.0, "inner_product", "one_sided")
    assert abs(float(loss(codes, labels)) - float(unclipped(codes, labels))) > 0.01
    np.testing.assert_allclose(
        float(loss(codes, labels)), naive(codes, labels), rtol=1e-5
    )
    check_gradient(loss, naive, codes, labels)


def test_does_not_overflow():
    # exp(alpha * p) is infinite in float32 from 89 on.
    codes, labels = np.ones((4, 256), "float32"), np.eye(2)[[0, 1, 0, 1]]
    assert float(PairwiseLogisticLoss()(codes, labels)) == pytest.approx(256.0)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"alpha": 0}, "`alpha` must be finite and > 0. Received: alpha=0"),
        ({"similarity": "dot"}, "`similarity` must be one of"),
        ({"clip": -1.0}, "`clip` must be finite and > 0. Received: clip=-1.0"),
        ({"clip": 15.0, "similarity": "cosine"}, "`clip` must be None, or > 0 with"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        PairwiseLogisticLoss(**arguments)


def test_clip_of_any_number_type_is_kept_in_the_config():
    for clip in (3, np.float32(3), np.int64(3)):
        config = PairwiseLogisticLoss(
            similarity="inner_product", clip=clip
        ).get_config()
        assert json.loads(json.dumps(config)) == config
        assert PairwiseLogisticLoss.from_config(config).clip == 3.0
