"""Loss layers: pure functions of codes, or features, and labels.

Derive your own loss from `PairwiseLoss` (pairs of images), `PointwiseLoss` (each image
and its labels), `ClassLoss` (each image and the vectors of the classes) or
`QuantizationLoss` (each code), or end a layer with `mean_over_replicas`: see
docs/own_method.md. Losses of codes, or features, and labels can also be used as
`compile(loss=...)` of any Keras network whose outputs are the codes.
"""

import keras_deephash.keras_backend  # noqa: F401 - checked first
from keras_deephash.losses.adaptive_margin import AdaptiveMarginLoss
from keras_deephash.losses.binarization import halves, signs, straight_through
from keras_deephash.losses.central_similarity import CentralSimilarityLoss
from keras_deephash.losses.class_cross_entropy import ClassCrossEntropyLoss
from keras_deephash.losses.class_loss import ClassLoss
from keras_deephash.losses.codebook_euclidean import EuclideanCodebookLoss
from keras_deephash.losses.codebook_inner_product import InnerProductCodebookLoss
from keras_deephash.losses.cosine_center import CosineCenterLoss
from keras_deephash.losses.distances import normalize, pairwise_distances
from keras_deephash.losses.hybrid_proxy import HybridProxyLoss
from keras_deephash.losses.orthogonality import OrthogonalityPenalty
from keras_deephash.losses.pairwise import PairwiseLoss
from keras_deephash.losses.pairwise_cauchy import PairwiseCauchyLoss
from keras_deephash.losses.pairwise_cosine import PairwiseCosineLoss
from keras_deephash.losses.pairwise_logistic import PairwiseLogisticLoss
from keras_deephash.losses.pointwise import PointwiseLoss
from keras_deephash.losses.polarization import PolarizationLoss
from keras_deephash.losses.quantization import QuantizationLoss
from keras_deephash.losses.quantization_cauchy import CauchyQuantizationLoss
from keras_deephash.losses.quantization_cosine import CosineQuantizationLoss
from keras_deephash.losses.quantization_cubic import CubicQuantizationLoss
from keras_deephash.losses.quantization_log_cosh import LogCoshQuantizationLoss
from keras_deephash.losses.quantization_squared import SquaredQuantizationLoss
from keras_deephash.losses.replicas import (
    count_rows,
    gather_rows,
    mean_over_replicas,
    sum_over_replicas,
)
from keras_deephash.losses.similarity_distribution import SimilarityDistributionLoss
from keras_deephash.losses.similarity_preserving import SimilarityPreservingLoss
from keras_deephash.losses.triplet import TripletLoss
from keras_deephash.losses.triplet_logistic import LogisticTripletLoss

__all__ = [
    "AdaptiveMarginLoss",
    "CauchyQuantizationLoss",
    "CentralSimilarityLoss",
    "ClassCrossEntropyLoss",
    "ClassLoss",
    "CosineCenterLoss",
    "CosineQuantizationLoss",
    "CubicQuantizationLoss",
    "EuclideanCodebookLoss",
    "HybridProxyLoss",
    "InnerProductCodebookLoss",
    "LogCoshQuantizationLoss",
    "LogisticTripletLoss",
    "OrthogonalityPenalty",
    "PairwiseCauchyLoss",
    "PairwiseCosineLoss",
    "PairwiseLogisticLoss",
    "PairwiseLoss",
    "PointwiseLoss",
    "PolarizationLoss",
    "QuantizationLoss",
    "SimilarityDistributionLoss",
    "SimilarityPreservingLoss",
    "SquaredQuantizationLoss",
    "TripletLoss",
    "count_rows",
    "gather_rows",
    "halves",
    "mean_over_replicas",
    "normalize",
    "pairwise_distances",
    "signs",
    "straight_through",
    "sum_over_replicas",
]
