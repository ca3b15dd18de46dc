"""The features that a backbone makes of images."""

import keras
import numpy as np
import tensorflow as tf

from keras_deephash.models.base.encoding import encoded_batches


def backbone_features(
    backbone: keras.Model, preprocessor, images, batch_size: int = 64
) -> np.ndarray:
    """Features of the centre crops, float32 [n, units], with a progress bar.

    Args:
        backbone: `keras.Model` of normalized pixels.
        preprocessor: `Preprocessor`.
        images: images in any form that `encode` takes.
        batch_size: int. Defaults to `64`.
    """
    size = preprocessor.image_size
    inference = tf.function(
        lambda x: backbone(preprocessor.normalize(x), training=False),
        input_signature=[tf.TensorSpec((None, size, size, 3), tf.uint8)],
    )
    dim = backbone.output_shape[-1]
    batches = encoded_batches(
        inference,
        preprocessor,
        dim,
        images,
        batch_size=batch_size,
        verbose=1,
        crops=1,
        near_zero=0.0,
    )
    return np.concatenate([np.empty((0, dim), np.float32), *batches])
