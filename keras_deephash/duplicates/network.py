"""The network whose features compare pictures, and its view of a picture."""

import hashlib
import json
import os

import numpy as np

from keras_deephash.images import read_image
from keras_deephash.preprocessing import Preprocessor

# The features that the calibration of this package was measured with.
DEFAULT_MODEL = "efficientnet_lite0_imagenet"


class FeatureNetwork:
    """Features of whole pictures, by the backbone of a model.

    A picture is squeezed into the network's square input, because a crop would lose its
    edges.

    Args:
        model: the name of a preset, a method or a backbone.

    Attributes:
        units: int. Length of a feature vector.
        digest: str. The sha256 of everything that the features depend on.
    """

    def __init__(self, model):
        import tensorflow as tf

        from keras_deephash.backbones.loading import load_backbone

        if isinstance(model, (str, os.PathLike)):
            model = load_backbone(os.fspath(model))
        backbone = getattr(model, "backbone", model)
        shape, units = _shape_of(backbone)
        if shape is None:
            raise ValueError(
                "`model` must be the name of a preset, a method or a backbone, and map "
                f"square images to feature vectors. Received: model={model!r}."
            )
        size = shape[0]
        preprocessor = getattr(model, "preprocessor", None) or Preprocessor(size)
        self._preprocessor = preprocessor.resized(size, resize_size=size, padding=0)
        self._run = tf.function(
            lambda x: backbone(self._preprocessor.normalize(x), training=False),
            input_signature=[tf.TensorSpec((None, size, size, 3), tf.uint8)],
        )
        self.units = units
        self.digest = _digest(backbone, self._preprocessor)

    def view(self, image) -> tuple[np.ndarray, tuple[int, int]]:
        """Returns the picture as the network's input, and its size in pixels."""
        pixels = read_image(image)
        height, width = pixels.shape[:2]
        return self._preprocessor.center_crop(pixels), (width, height)

    def features(self, views: np.ndarray) -> np.ndarray:
        """Computes features of length 1, float16 [n, units], of views [n, h, w, 3]."""
        features = np.asarray(self._run(views), np.float32)
        if not np.isfinite(features).all():
            raise ValueError(
                "The model's features are not finite: its weights hold NaN or "
                "infinity. Check its training, or load it again."
            )
        norms = np.linalg.norm(features, axis=1, keepdims=True)
        return (features / np.maximum(norms, 1e-12)).astype(np.float16)


def _shape_of(backbone) -> tuple[tuple | None, int | None]:
    """Returns height and width of a network's images, and the length of its features.

    Both are None if the network does not map square images to vectors.
    """
    shapes = [getattr(backbone, f"{end}_shape", None) for end in ("input", "output")]
    if not all(isinstance(shape, tuple) for shape in shapes):
        return None, None
    images, features = (shape[1:] for shape in shapes)
    fits = len(images) == 3 and len(features) == 1 and images[0] == images[1]
    if not fits or None in (*images, *features):
        return None, None
    return images[:2], features[0]


def _digest(backbone, preprocessor: Preprocessor) -> str:
    digest = hashlib.sha256(json.dumps(preprocessor.get_config()).encode())
    for weight in backbone.get_weights():
        digest.update(f"{weight.dtype}{weight.shape}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()
