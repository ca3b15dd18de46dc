"""The base class of the hashing methods that have a vector for each class."""

from collections.abc import Sequence
from numbers import Integral

import keras
import numpy as np
from keras import ops

from keras_deephash.checks import check_integer
from keras_deephash.datasets.label_names import MOST_CLASSES
from keras_deephash.models.centers import hash_centers
from keras_deephash.models.deep_hashing import DeepHashing
from keras_deephash.models.layers.class_vectors import ClassVectors
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.retrieval.hamming import pack_bits


class ClassHashing(DeepHashing):
    """Base class: `DeepHashing` with a vector for each class among the codes.

    The vectors are centres, which stay as they are drawn, or proxies, which learn
    (`learns_vectors = True`). They are drawn by the first `fit`, which knows how many
    classes there are, and are kept in presets. A method is a subclass that takes those
    of a length by `vectors_for` in `loss_terms`. It may draw others in `new_vectors`.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        classes: int. Number of classes. Defaults to `None`: the first `fit` counts
            them.
        seed: int. Of the vectors. Defaults to `0`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.

    Example:

    >>> model = OrthoHash(backbone, bits=64)
    >>> model.fit(dataset)
    >>> index.search(model.class_codes(["cat"]), k=10)
    """

    # Whether the vectors learn, as proxies do.
    learns_vectors = False

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        classes: int | None = None,
        seed: int = 0,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(backbone, bits, preprocessor, **kwargs)
        self.seed = check_integer("seed", seed, minimum=0)
        # The name `class_vectors` is part of the weights file format.
        self.class_vectors = [
            ClassVectors(length, self.learns_vectors, dtype="float32")
            for length in self.lengths or (self.bits,)
        ]
        self.classes = None
        if classes is not None:
            self._make_vectors(
                check_integer("classes", classes, minimum=2, maximum=MOST_CLASSES)
            )

    # === What a subclass may define ===

    def new_vectors(
        self, classes: int, bits: int, generator: np.random.Generator, others=None
    ) -> np.ndarray:
        """Draws the vectors of classes: here `hash_centers`.

        Args:
            classes: int. How many.
            bits: int. Their length.
            generator: `np.random.Generator`, seeded.
            others: float array [m, bits], of classes that are there already.
                Defaults to `None`.

        Returns:
            float array [classes, bits].
        """
        return hash_centers(classes, bits, generator, others)

    # === Vectors ===

    def vectors_for(self, outputs):
        """The vectors, float32 [classes, bits], of the length of continuous codes."""
        if self.classes is None:
            raise ValueError(
                f"This `{type(self).__name__}` does not know its classes yet: give "
                "`classes=`, or call `fit`."
            )
        bits = outputs.shape[-1]
        layer = next(each for each in self.class_vectors if each.units == bits)
        return ops.convert_to_tensor(layer.vectors)

    def know_classes(self, classes: int | None) -> None:
        if self.classes is None:
            if classes is None:
                raise ValueError(
                    f"`{type(self).__name__}` needs the number of classes, which the "
                    "dataset does not tell: give it as `classes=`."
                )
        elif classes is not None and classes != self.classes:
            raise ValueError(
                f"This `{type(self).__name__}` has vectors of {self.classes} classes. "
                f"Received: labels of {classes}. Add the new ones by `add_classes`, "
                "or begin with a new model."
            )
        count = self.classes or classes
        # Before the model changes: too few bits are an error.
        drawn = {
            layer: self.new_vectors(
                count, layer.units, np.random.default_rng([self.seed, layer.units])
            )
            for layer in self.class_vectors
            if not layer.are_known
        }
        if self.classes is None:
            self._make_vectors(count)
        for layer, vectors in drawn.items():
            layer.assign(vectors)

    def take_label_names(self, names: list[str] | None) -> None:
        if names is not None and len(names) == self.classes:
            self.label_names = names

    def class_codes(self, classes: Sequence | None = None) -> np.ndarray:
        """The codes of classes: what to search by for images of a class.

        Args:
            classes: list of names of classes, or of their numbers. Defaults to
                `None`, all of them.

        Returns:
            uint8 array [n, bits / 8], in the order of `classes`.

        Raises:
            ValueError: for a name or a number of no class, or an untrained model.

        Example:

        >>> index.search(model.class_codes(["cat"]), k=10)
        """
        layer = self.class_vectors[-1]
        if not layer.are_known:
            raise ValueError(
                f"This `{type(self).__name__}` has no vectors of classes yet: call "
                "`fit` first."
            )
        codes = pack_bits(ops.convert_to_numpy(layer.vectors))
        if classes is None:
            return codes
        if isinstance(classes, (str, int)):
            classes = [classes]
        return codes[[self._class_number(each) for each in classes]]

    def add_classes(self, names_or_count: Sequence[str] | int) -> None:
        """Adds classes to a trained model, with vectors far from those there are.

        The codes of images do not change. Train the model on images of the new classes
        for codes that are near to their vectors.

        Args:
            names_or_count: list of str, the names of the new classes; or int, their
                number, of a model without names of labels.

        Example:

        >>> model.add_classes(["zebra"])
        >>> model.class_codes(["zebra"])
        """
        if isinstance(names_or_count, str):
            names_or_count = [names_or_count]
        counted = isinstance(names_or_count, Integral)
        if counted != (self.label_names is None):
            raise ValueError(
                "`names_or_count` must be names of a model that has `label_names`, "
                f"and a number of any other. Received: {names_or_count!r}."
            )
        count = check_integer(
            "names_or_count",
            names_or_count if counted else len(names_or_count),
            minimum=1,
        )
        if not all(layer.are_known for layer in self.class_vectors):
            raise ValueError("Call `fit` first: there are no vectors of classes yet.")
        vectors = [self._with_more(layer, count) for layer in self.class_vectors]
        if not counted:
            self.label_names = [*self.label_names, *names_or_count]
        self._make_vectors(self.classes + count)
        for layer, values in zip(self.class_vectors, vectors, strict=True):
            layer.assign(values)
        self.forget_functions()
        if self.learns_vectors and self.compiled:
            # It knows the old weight.
            config = self.optimizer.get_config()
            with self.distribute_strategy.scope():
                self.optimizer = type(self.optimizer).from_config(config)

    def _with_more(self, layer: ClassVectors, count: int) -> np.ndarray:
        """The vectors of a layer, and those of new classes."""
        known = ops.convert_to_numpy(layer.vectors)
        generator = np.random.default_rng([self.seed, layer.units, len(known)])
        drawn = self.new_vectors(count, layer.units, generator, others=known)
        return np.concatenate([known, drawn])

    def _class_number(self, name_or_number) -> int:
        if isinstance(name_or_number, str):
            names = (self.label_names or [])[: self.classes]
            if name_or_number in names:
                return names.index(name_or_number)
            known = ", ".join(names or ["none"])
            raise ValueError(
                f"`classes` must be among the names of the labels: {known[:400]}. "
                f"Received: {name_or_number!r}."
            )
        return check_integer("classes", name_or_number, 0, self.classes - 1)

    def _make_vectors(self, classes: int) -> None:
        self.classes = classes
        with self.distribute_strategy.scope():
            for layer in self.class_vectors:
                layer.make(classes)

    def get_config(self) -> dict:
        return {**super().get_config(), "classes": self.classes, "seed": self.seed}
