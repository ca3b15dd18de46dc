"""The actor that encodes: it loads the model once and never fails for an image."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from keras_deephash.preprocessing import PREPROCESSING_VERSION


class Encoder:
    """Encodes batches of paths; Ray creates one in each worker.

    Args:
        preset: str. Name or directory.
        sha256: str. The expected `preset_sha256`: a preset on the Hub may have changed
            in the meantime.
        threads: int. Threads of TensorFlow and of faiss in this worker.
        imports: names of modules to import first. Defaults to none.
    """

    def __init__(
        self, preset: str, sha256: str, threads: int, imports: Sequence[str] = ()
    ):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        from keras_deephash.extensions import import_module_of_user
        from keras_deephash.presets.loading import load_preset
        from keras_deephash.presets.location import locate_preset

        for module in imports:
            import_module_of_user(module)
        location = locate_preset(preset)
        if preset_sha256(location.read_metadata()) != sha256:
            raise ValueError(
                "The preset has changed since the encoding began. "
                f"Received: {preset!r}."
            )
        self.model = load_preset(location, load_weights=True, overrides={})

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        # Cropped at once: a batch of large photos would fill the memory.
        crop = self.model.preprocessor.center_crop
        images, readable = [], np.ones(len(batch["path"]), bool)
        errors = np.full(len(readable), "", object)
        for row, path in enumerate(batch["path"]):
            try:
                images.append(crop(str(path)))
            except (ValueError, OSError) as error:
                readable[row], errors[row] = False, str(error)
        codes = np.zeros((len(readable), self.model.bits // 8), np.uint8)
        if images:
            codes[readable] = self.model.encode(images, len(images), verbose=0)
        return {**batch, "code": codes, "error": errors.astype(str)}


def preset_sha256(metadata: dict) -> str:
    """Returns the sha256 of everything that the codes depend on.

    These are weights, configuration, preprocessing and its version.
    """
    from keras_deephash.presets.format.metadata import HASHED_FILES

    hashes = {name: metadata["files"][name]["sha256"] for name in HASHED_FILES}
    if metadata.get("backbone") is not None:
        hashes["backbone"] = metadata["backbone"]["sha256"]
    hashes["preprocessing_version"] = PREPROCESSING_VERSION
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()
