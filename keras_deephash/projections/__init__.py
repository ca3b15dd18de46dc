"""Projections learned from features alone: principal components, rotations."""

from keras_deephash.projections.moments import FeatureMoments
from keras_deephash.projections.principal_components import principal_components
from keras_deephash.projections.rotation import random_rotation, sign_rotation

__all__ = [
    "FeatureMoments",
    "principal_components",
    "random_rotation",
    "sign_rotation",
]
