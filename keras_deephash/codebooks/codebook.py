"""The codebook layer."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_deephash.checks import check_integer, check_option
from keras_deephash.codebooks.arrays import as_codes, as_features
from keras_deephash.codebooks.assignment import assign_by_beam, assign_by_modes
from keras_deephash.codebooks.fitting import fit_centers
from keras_deephash.codebooks.reconstruction import reconstruct

STRUCTURES = ("product", "additive")
BEAM, MAX_BEAM = 8, 1024  # Codes that go on in the search for the best one.


@keras.saving.register_keras_serializable(package="keras_deephash")
class Codebook(keras.layers.Layer):
    """Feature vectors to codes of M bytes and back: z is close to sum_m C_m[b_m].

    The centres are weights [M, K, D], in the weights file of the model that holds the
    codebook. They are learned by least squares, not by gradients: by a model's `fit`,
    or by `fit` here.

    Args:
        subcodebooks: int, M. Bytes of a code.
        subcenters: int, K. Centres per sub-codebook, 2 to 256. Defaults to `256`.
        structure: `"additive"`, centres have all D dimensions, or `"product"`, the
            centres of sub-codebook m are zero outside its block of dimensions. The
            blocks cover all dimensions, also where M does not divide D.
            Defaults to `"additive"`.
        beam: int or `None`. Codes that go on from sub-codebook to sub-codebook in the
            search for the best one; `None` is the published search, iterated
            conditional modes, which older codebooks used. A product is searched
            exactly with any beam. Defaults to `8`.
        projection: array [L, D]. Codes bring `projection @ reconstruction` close to
            `projection @ feature`: the word vectors of DVSQ. Defaults to `None`, the
            Euclidean metric.
        **kwargs: `name` and the like of `keras.layers.Layer`.

    Example:

    >>> codebook = Codebook(subcodebooks=4)
    >>> codebook.fit(features)
    >>> codes = codebook.encode(features)  # uint8 [n, 4]
    >>> np.mean(np.sum((features - codebook.decode(codes)) ** 2, axis=1))

    References:
        - [Jegou et al., Product Quantization, TPAMI 2011](
          https://ieeexplore.ieee.org/document/5432202)
        - [Zhang et al., Composite Quantization, ICML 2014](
          https://proceedings.mlr.press/v32/zhangd14.html)
    """

    def __init__(
        self,
        subcodebooks: int,
        subcenters: int = 256,
        structure: str = "additive",
        projection=None,
        beam: int | None = BEAM,
        **kwargs,
    ):
        subcodebooks = check_integer("subcodebooks", subcodebooks, minimum=1)
        # A sub-code is one byte.
        subcenters = check_integer("subcenters", subcenters, minimum=2, maximum=256)
        check_option("structure", structure, STRUCTURES)
        kwargs.setdefault("dtype", "float32")
        super().__init__(trainable=False, **kwargs)
        self.subcodebooks = subcodebooks
        self.subcenters = subcenters
        self.structure = structure
        self.projection = None
        if projection is not None:
            if structure == "product":
                # Its blocks could not be solved for one by one.
                raise ValueError('A `projection` needs `structure="additive"`.')
            self.projection = np.asarray(projection, dtype="float32")
            if not np.isfinite(self.projection).all():
                raise ValueError("`projection` must be finite.")
        self.beam = beam
        self._encode = self._encode_beam = None

    def build(self, input_shape):
        dim = input_shape[-1]
        if dim < self.subcodebooks:
            raise ValueError(
                "Every sub-codebook needs a dimension of the features. Received: "
                f"features of {dim} dimensions, subcodebooks={self.subcodebooks}."
            )
        if self.projection is not None and self.projection.shape[1:] != (dim,):
            raise ValueError(
                f"`projection` must have shape [L, {dim}], the features' dimension. "
                f"Received: shape {self.projection.shape}."
            )
        # The names `centers` and `fitted` are part of the weights file format.
        self.centers = self.add_weight(
            name="centers",
            shape=(self.subcodebooks, self.subcenters, dim),
            initializer="zeros",
            trainable=False,
        )
        self.fitted = self.add_weight(
            name="fitted", shape=(), initializer="zeros", trainable=False
        )

    # === In a graph ===

    def call(self, features):
        """The reconstructions [n, D] of features [n, D]."""
        return reconstruct(self.assign(features), self.centers)

    def assign(self, features, beam: int | str | None = "own", tables: bool = True):
        """The codes of features [n, D]: int32 tensor [n, M].

        Without `tables` as a graph that is small in a file: see `cost_parts`.
        """
        features = ops.convert_to_tensor(features)
        centers = ops.convert_to_tensor(self.centers)
        projected = centers
        if self.projection is not None:
            metric = self.projection.T @ self.projection
            projected = ops.matmul(centers, metric)
        beam = self.beam if beam == "own" else beam
        if self.structure == "product":
            beam = 1  # Choosing one after the other is exact.
        if beam is None:
            return assign_by_modes(features, centers, projected, tables)
        return assign_by_beam(features, centers, projected, beam, tables)

    # === On arrays ===

    def encode(
        self, features, batch_size: int = 4096, beam: int | None = None
    ) -> np.ndarray:
        """Codes of feature vectors.

        Args:
            features: float array [n, D].
            batch_size: int. Rows per step. Defaults to `4096`.
            beam: int, in place of the codebook's own: more are slower and find closer
                codes. Defaults to `None`, its own.

        Returns:
            uint8 array [n, M].

        Raises:
            ValueError: if the codebook is not fitted, or for features of another
                dimension or with NaN.
        """
        self.check_fitted()
        batch_size = check_integer("batch_size", batch_size, minimum=1)
        if beam is None:
            beam = self.beam
        else:
            beam = check_integer("beam", beam, minimum=1, maximum=MAX_BEAM)
        # A wide beam needs more memory for each row.
        batch_size = max(1, min(batch_size, 4096 * BEAM // (beam or 1)))
        features = self.check_features(features)
        if self._encode is None or self._encode_beam != beam:
            signature = [tf.TensorSpec((None, features.shape[1]), tf.float32)]
            # Without AutoGraph, which has nothing to convert here and takes longer than
            # the tracing.
            self._encode = tf.function(
                lambda rows: tf.cast(self.assign(rows, beam), tf.uint8),
                signature,
                autograph=False,
            )
            self._encode_beam = beam
        codes = [np.empty((0, self.subcodebooks), np.uint8)]
        for start in range(0, len(features), batch_size):
            rows = tf.constant(features[start : start + batch_size])
            codes.append(self._encode(rows).numpy())
        return np.concatenate(codes)

    def decode(self, codes) -> np.ndarray:
        """Reconstructions of codes.

        Args:
            codes: uint8 array [n, M].

        Returns:
            float32 array [n, D].
        """
        self.check_fitted()
        codes = self.check_codes(codes)
        return reconstruct(codes, ops.convert_to_numpy(self.centers))

    def fit(self, features, rounds: int = 10, seed: int = 0) -> list[float]:
        """Learns the centres from feature vectors, all of them in memory.

        K-means gives the first centres: of the residuals that the sub-codebooks before
        leave, or, for a product, in every block of dimensions. Then codes and centres
        are improved in turn.

        Args:
            features: float array [n, D]. Fewer rows than `subcenters` leave centres
                unused.
            rounds: int. Defaults to `10`.
            seed: int. Defaults to `0`.

        Returns:
            The distortion after each round, the mean squared distance of features to
            their reconstructions (of their projections where there are any). The
            centres of the best round are kept.
        """
        features = self.check_features(features, fitting=True)
        rounds = check_integer("rounds", rounds, minimum=1)
        return fit_centers(self, features, rounds, seed)

    def set_centers(self, centers) -> None:
        """Takes an array [M, K, D] as the centres; the codebook is fitted then."""
        self.centers.assign(centers)
        self.fitted.assign(1.0)

    def distortion(self, features, codes) -> float:
        """Mean squared distance of features [n, D] to the reconstructions of codes."""
        features, reconstructions = self.check_features(features), self.decode(codes)
        if len(features) != len(reconstructions):
            raise ValueError(
                "`features` and `codes` must have the same number of rows. "
                f"Received: {len(features)} and {len(reconstructions)}."
            )
        error = features - reconstructions
        if self.projection is not None:
            error = error @ self.projection.T
        return float(np.mean(np.sum(np.square(error, dtype=np.float64), axis=1)))

    # === Checks and config ===

    @property
    def beam(self) -> int | None:
        """Codes that go on in the search for the best one, or `None`."""
        return self._beam

    @beam.setter
    def beam(self, beam: int | None) -> None:
        if beam is not None:
            beam = check_integer("beam", beam, minimum=1, maximum=MAX_BEAM)
        self._beam = beam

    @property
    def is_fitted(self) -> bool:
        """Whether there are learned centres."""
        return self.built and bool(ops.convert_to_numpy(self.fitted))

    def check_fitted(self) -> None:
        """Raises ValueError unless the codebook holds learned centres."""
        if not self.is_fitted:
            raise ValueError(
                "The codebook is not fitted yet: train the model with `fit`, or call "
                "`fit_codebook` (of a model) or `fit` (of a codebook) with features."
            )

    def check_features(self, features, fitting: bool = False) -> np.ndarray:
        """Features as float32 [n, D], or a ValueError."""
        features = np.asarray(features)
        if features.ndim == 2 and features.shape[1] and not self.built:
            self.build(features.shape)
        dim = self.centers.shape[2] if self.built else None
        return as_features(features, dim, fitting)

    def check_codes(self, codes) -> np.ndarray:
        """Codes as an array [n, M] of sub-codes below K, or a ValueError."""
        return as_codes(codes, self.subcodebooks, self.subcenters)

    def get_config(self):
        projection = self.projection
        return {
            **super().get_config(),
            "subcodebooks": self.subcodebooks,
            "subcenters": self.subcenters,
            "structure": self.structure,
            "beam": self.beam,
            "projection": None if projection is None else projection.tolist(),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        config.pop("trainable", None)
        config.setdefault("beam", None)  # A file from before there were beams.
        return cls(**config)
