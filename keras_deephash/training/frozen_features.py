"""Frozen features of image sets, computed once and kept in files."""

import hashlib
import json
import os

import numpy as np

from keras_deephash.callbacks import EpochSeeds
from keras_deephash.datasets import ImageSet, image_dataset
from keras_deephash.files import write_atomically
from keras_deephash.models.base.retrieval_model import RetrievalModel


class FrozenFeatures:
    """The outputs of a model's frozen part for image sets, from memory or from files.

    Trainings of several methods with the same backbone share the files, whose names
    are derived from everything that the features depend on.

    Args:
        folder: str, directory of the files; with `None` there are no files.
    """

    def __init__(self, folder: str | None):
        self.folder = folder

    def of_images(self, model: RetrievalModel, images: ImageSet) -> ImageSet:
        """Returns the features of the centre crops, in the order of the images."""
        features, _ = self._load(
            self._key(model, images, "centre"),
            lambda: (model.frozen_features(images, verbose=1).images, images.labels),
        )
        return ImageSet(features, images.labels, images.label_names)

    def of_views(
        self,
        model: RetrievalModel,
        images: ImageSet,
        views: int,
        seed: int,
        augment,
        augment_names: list[str],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns features [views, n, ...] of training images, labels [views, n, L].

        Every view is an epoch of `image_dataset`: its crops, mirrors and augmentation.
        """

        def compute():
            seeds = EpochSeeds(seed)
            dataset = image_dataset(
                images,
                model.preprocessor,
                batch_size=100,
                training=True,
                seed=seeds,
                augment=augment,
                full_batches=False,
            )
            made = []
            for seeds.epoch in range(views):
                print(f"Frozen features, view {seeds.epoch + 1} of {views}")
                made.append(model.run_frozen(dataset, len(images), verbose=1))
            features, labels = zip(*made, strict=True)
            return np.stack(features), np.stack(labels)

        purpose = _of_views(views, seed, augment_names)
        return self._load(self._key(model, images, purpose), compute)

    def has_views(
        self,
        model: RetrievalModel,
        images: ImageSet,
        views: int,
        seed: int,
        augment_names: list[str],
    ) -> bool:
        """Returns whether the files for `of_views` exist."""
        if self.folder is None:
            return False
        key = self._key(model, images, _of_views(views, seed, augment_names))
        return all(map(os.path.isfile, self._paths(key)))

    def _paths(self, key: str) -> list[str]:
        kinds = "features", "labels"
        return [os.path.join(self.folder, f"{key}.{kind}.npy") for kind in kinds]

    def _load(self, key: str, compute) -> tuple[np.ndarray, np.ndarray]:
        if self.folder is None:
            return compute()
        paths = self._paths(key)
        if not all(map(os.path.isfile, paths)):
            for path, array in zip(paths, compute(), strict=True):
                with write_atomically(path) as file:
                    np.save(file, array, allow_pickle=False)
        # Memory-mapped, because files may be larger than memory.
        return tuple(np.load(path, mmap_mode="r") for path in paths)

    def _key(self, model: RetrievalModel, images: ImageSet, purpose) -> str:
        """Returns a name for these frozen layers, preprocessing and image set."""
        digest = hashlib.sha256()
        for variable in model.frozen_weights:
            digest.update(np.ascontiguousarray(variable).tobytes())
        config = model.preprocessor.get_config()
        parts = [config, purpose, model.frozen_layers, _description(images.images)]
        digest.update(json.dumps(parts, sort_keys=True).encode())
        if isinstance(images.images, np.ndarray):
            digest.update(np.ascontiguousarray(images.images).tobytes())
        digest.update(np.ascontiguousarray(images.labels).tobytes())
        return digest.hexdigest()[:32]


def _of_views(views: int, seed: int, augment_names: list[str]) -> list:
    """Returns a key that differs for different views of image sets."""
    return ["all in views", views, seed, list(augment_names)]


def _description(images) -> list:
    """Returns a key that differs for different image sets, except for pixel values."""
    if isinstance(images, np.ndarray):
        return [str(images.dtype), images.shape]
    return [_description_of_one(image) for image in images]


def _description_of_one(image: str | os.PathLike | bytes) -> list:
    if isinstance(image, bytes):
        return [hashlib.sha256(image).hexdigest()]
    stat = os.stat(image)
    return [os.path.abspath(image), stat.st_size, stat.st_mtime_ns]
