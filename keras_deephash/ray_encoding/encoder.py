"""The actor that encodes: it loads the model once and never fails for an image."""

import numpy as np


class Encoder:
    """Encodes batches of paths; Ray makes one in every worker.

    Args:
        preset: str. Name or directory.
        threads: int. Threads of TensorFlow and of faiss in this worker.
    """

    def __init__(self, preset: str, threads: int):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        from keras_deephash.presets import from_preset

        self.model = from_preset(preset)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        from keras_deephash.images import read_image

        images, readable = [], np.ones(len(batch["path"]), bool)
        errors = np.full(len(readable), "", object)
        for row, path in enumerate(batch["path"]):
            try:
                images.append(read_image(str(path)))
            except (ValueError, OSError) as error:
                readable[row], errors[row] = False, str(error)
        codes = np.zeros((len(readable), self.model.bits // 8), np.uint8)
        if images:
            codes[readable] = self.model.encode(images, len(images), verbose=0)
        return {**batch, "code": codes, "error": errors.astype(str)}
