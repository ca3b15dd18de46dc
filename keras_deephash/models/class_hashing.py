"""The base class of the hashing methods with a vector for each class."""

from collections.abc import Sequence
from numbers import Integral

import keras
import numpy as np
from keras import ops

from keras_deephash.checks import check_integer
from keras_deephash.datasets.label_names import MOST_CLASSES
from keras_deephash.models.base.encoding import check_length
from keras_deephash.models.centers import hash_centers, nested_vectors
from keras_deephash.models.deep_hashing import DeepHashing
from keras_deephash.models.layers.class_vectors import ClassVectors
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.retrieval.hamming import pack_bits


class ClassHashing(DeepHashing):
    """Base class: `DeepHashing` with a vector for each class among the codes.

    The vectors are centres, which are fixed, or proxies, which are trained
    (`learns_vectors = True`). The first `fit` draws them, when the number of classes is
    known, and presets keep them. A method is a subclass whose `loss_terms` gets the
    vectors from `vectors_for`. It may override `new_vectors` to draw other ones.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        classes: int. Number of classes. Defaults to `None`: the first `fit` counts
            them.
        seed: int. Seed of the vectors. Defaults to `0`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.

    Example:

    >>> model = OrthoHash(backbone, bits=64)
    >>> model.fit(dataset)
    >>> index.search(model.class_codes(["cat"]), k=10)
    """

    # Whether the vectors are trained, as proxies are.
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
        """Draws the vectors of new classes; by default `hash_centers`.

        Args:
            classes: int. Number of new classes.
            bits: int. Length of a vector.
            generator: `np.random.Generator`, seeded.
            others: float array [m, bits], the vectors of the existing classes.
                Defaults to `None`.

        Returns:
            float array [classes, bits].
        """
        return hash_centers(classes, bits, generator, others)

    # === Vectors ===

    def vectors_for(self, outputs):
        """Returns the vectors, float32 [classes, bits], for continuous codes [n, bits].

        A model with several `lengths` has vectors for each.
        """
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
                f"Received: labels of {classes}. Add the new ones with `add_classes`, "
                "or start with a new model."
            )
        if all(layer.are_known for layer in self.class_vectors):
            return
        count = self.classes or classes
        drawn = self._draw(count)  # Before the model changes, because it may raise.
        if self.classes is None:
            self._make_vectors(count)
        for layer, vectors in zip(self.class_vectors, drawn, strict=True):
            layer.assign(vectors)

    def take_label_names(self, names: list[str] | None) -> None:
        if names is not None and self.classes is not None:
            self.check_label_names(names)
            self.label_names = names

    def check_label_names(self, names: list[str] | None) -> None:
        known = (None, len(names or ()))
        if names is not None and self.classes not in known:
            raise ValueError(
                f"`label_names` must hold names for the {self.classes} classes that "
                f"the model has vectors of. Received: {len(names)} names."
            )

    def class_codes(
        self, classes: Sequence | None = None, bits: int | None = None
    ) -> np.ndarray:
        """Returns the codes of classes, to search for images of a class.

        Args:
            classes: list of class names or class numbers. Defaults to `None`, all
                classes.
            bits: int, one of the `lengths` of a model that has several. Defaults to
                `None`, the whole code.

        Returns:
            uint8 array [n, bits / 8], in the order of `classes`.

        Raises:
            ValueError: if the model has no class of that name or number, or is not
                trained.

        Example:

        >>> index.search(model.class_codes(["cat"]), k=10)
        """
        bits = check_length(self, bits)
        self._check_vectors()
        layer = next(each for each in self.class_vectors if each.units == bits)
        codes = pack_bits(ops.convert_to_numpy(layer.vectors))
        if classes is None:
            return codes
        if isinstance(classes, (str, Integral)):
            classes = [classes]
        return codes[[self._class_number(each) for each in classes]]

    def add_classes(self, names_or_count: Sequence[str] | int) -> None:
        """Adds classes to a trained model, with vectors far from the existing ones.

        The codes of images do not change until the model is trained on images of the
        new classes. If the vectors are trained, the optimizer and its schedule start
        again.

        Args:
            names_or_count: list of str, the names of the new classes; or int, their
                number, for a model without `label_names`.

        Example:

        >>> model.add_classes(["zebra"])
        >>> model.class_codes(["zebra"])
        """
        if isinstance(names_or_count, str):
            names_or_count = [names_or_count]
        counted = isinstance(names_or_count, Integral)
        if counted != (self.label_names is None):
            raise ValueError(
                "`names_or_count` must be names for a model that has `label_names`, "
                f"and a number for any other. Received: {names_or_count!r}."
            )
        if not counted and not isinstance(names_or_count, (list, tuple, np.ndarray)):
            raise ValueError(
                "`names_or_count` must be a list of names. "
                f"Received: {names_or_count!r}."
            )
        self._check_vectors()
        count = check_integer(
            "names_or_count",
            names_or_count if counted else len(names_or_count),
            minimum=1,
            maximum=MOST_CLASSES - self.classes,
        )
        known = [ops.convert_to_numpy(layer.vectors) for layer in self.class_vectors]
        drawn = self._draw(count, known)
        if not counted:
            self.label_names = [*self.label_names, *names_or_count]
        self._make_vectors(self.classes + count)
        for layer, old, new in zip(self.class_vectors, known, drawn, strict=True):
            layer.assign(np.concatenate([old, new]))
        self.forget_functions()

    def _check_vectors(self) -> None:
        """Raises ValueError if there are no vectors of classes."""
        name = type(self).__name__
        if not self.needs_labels:
            raise ValueError(
                f"This `{name}` learns without labels, and has no vectors of classes."
            )
        if not all(layer.are_known for layer in self.class_vectors):
            raise ValueError(
                f"This `{name}` has no vectors of classes yet: call `fit` first."
            )

    def _draw(self, count: int, known: list | None = None) -> list[np.ndarray]:
        """Draws vectors of new classes, for each length; see `nested_vectors`."""
        return nested_vectors(
            self.new_vectors,
            [layer.units for layer in self.class_vectors],
            count,
            self.seed,
            known,
            nested=not self.learns_vectors,
        )

    def _class_number(self, name_or_number) -> int:
        if isinstance(name_or_number, str):
            names = (self.label_names or [])[: self.classes]
            if name_or_number in names:
                return names.index(name_or_number)
            known = ", ".join(names or ["none"])
            raise ValueError(
                f"`classes` must be among the label names: {known[:400]}. "
                f"Received: {name_or_number!r}."
            )
        return check_integer("classes", name_or_number, 0, self.classes - 1)

    def _make_vectors(self, classes: int) -> None:
        self.classes = classes
        with self.distribute_strategy.scope():
            for layer in self.class_vectors:
                layer.make(classes)
            if self.learns_vectors and self.compiled and self.optimizer.built:
                # The old optimizer does not know the new weights.
                config = self.optimizer.get_config()
                self.optimizer = type(self.optimizer).from_config(config)

    def get_config(self) -> dict:
        return {**super().get_config(), "classes": self.classes, "seed": self.seed}
