"""The base class of all methods: a backbone, one more layer, and preprocessing."""

import os

import keras
import numpy as np

from keras_deephash.backbones.layer_dtypes import LayerDtypes
from keras_deephash.backbones.loading import as_backbone
from keras_deephash.models.base.backbone_check import check_preprocessor
from keras_deephash.models.base.batch_checks import check_values
from keras_deephash.models.base.encoder import EncoderMixin
from keras_deephash.models.base.global_batch import GlobalBatchTraining
from keras_deephash.models.base.radius import RadiusMixin
from keras_deephash.models.base.serving import ServingMixin
from keras_deephash.models.layers.halved_dense import HalvedDense
from keras_deephash.models.layers.normalized_dense import NormalizedDense
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.presets.mixin import PresetMixin

# The output layers that are more than a dense layer with an activation.
_LAYERS = {"normalized": NormalizedDense, "halved": HalvedDense}


class RetrievalModel(
    PresetMixin, EncoderMixin, RadiusMixin, ServingMixin, GlobalBatchTraining
):
    """Base class of `HashingModel` and `QuantizationModel`.

    The model takes RGB pixels from 0 to 255 at the network's input size and
    normalizes them itself; `encode` takes images of any size.

    Args:
        backbone: `keras.Model`, images to features [n, d], such as
            `AlexNetBackbone`, a network of KerasHub (see `KerasHubBackbone`) or a
            functional model (see `FunctionalBackbone`); or a string: the preset of a
            backbone, or `"keras:NAME"` for a network of Keras Applications with its
            ImageNet weights. The layers compute in the dtype that the backbone has.
        preprocessor: `Preprocessor`. Defaults to the backbone's own, else to the
            default one for the backbone's input size.
        **kwargs: `name` and `trainable` of `keras.Model`.
    """

    # Whether codes are indices into a codebook rather than packed bits.
    is_quantizer = False
    # Whether `fit` is a single pass over the images, without labels or an optimizer.
    is_closed_form = False
    # Form of the outputs: "tanh", "linear", "normalized" over the batch, or "halved" by
    # the batch's median.
    output_form = "tanh"

    def __init__(
        self,
        backbone: keras.Model | str | os.PathLike,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        if kwargs.pop("dtype", None) is not None:
            raise ValueError(
                f"`{type(self).__name__}` has no `dtype` of its own: pass it to the "
                "backbone, as in "
                '`AlexNetBackbone.small(dtype="mixed_bfloat16")`, or to `from_preset`. '
                "The last layer and the loss are float32."
            )
        super().__init__(**kwargs)
        self._layer_dtypes = LayerDtypes([])  # Until the output layer is created.
        # The name `backbone` is part of the weights file format.
        self.backbone = as_backbone(backbone, preprocessor)
        self.preprocessor = preprocessor

    @property
    def preprocessor(self) -> Preprocessor:
        """The preprocessing of images.

        Set another `Preprocessor` to change it, or `None` for the backbone's own.
        """
        return self._preprocessor

    @preprocessor.setter
    def preprocessor(self, preprocessor: Preprocessor | None) -> None:
        self._preprocessor = check_preprocessor(self.backbone, preprocessor)
        # TensorFlow's converters read the shape of the images from here.
        self._build_shapes_dict = {"input_shape": self.input_shape}
        self.forget_functions()

    def forget_functions(self) -> None:
        super().forget_functions()
        self._code_inference = self._feature_inference = self._symbols = None

    def new_output_layer(self, units: int, name: str) -> keras.layers.Layer:
        """Creates and builds the layer after the backbone."""
        if self.output_form in _LAYERS:
            layer = _LAYERS[self.output_form](units, dtype="float32", name=name)
        else:
            layer = keras.layers.Dense(
                units,
                activation=self.output_form,
                kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
                dtype="float32",
                name=name,
            )
        layer.build(self.backbone.output_shape)
        self._layer_dtypes = LayerDtypes([layer])
        return layer

    def call(self, images, training=False, with_features=False):
        """Computes the continuous codes [n, units] of images at the input size.

        If a part of the backbone is frozen, `frozen_features` are accepted in place of
        images. With `with_features`, returns a tuple of the codes and the backbone's
        features [n, d].
        """
        learns = training and self.trains_backbone
        if self.takes_as_features(images):
            features = self._split.head(images, training=learns)
        else:
            check_values(images)
            x = self.preprocessor.normalize(images)
            features = self.backbone(x, training=learns)
        outputs = self.outputs_of(features, training=training)
        return (outputs, features) if with_features else outputs

    def outputs_of(self, features, training=False):
        """Computes continuous codes [n, units] from the backbone's features [n, d]."""
        if self.output_form in _LAYERS:
            return self.output_layer(features, training=training)
        return self.output_layer(features)

    def code_tensor(self, outputs):
        """The codes, a uint8 tensor [n, bits / 8], of continuous codes [n, units].

        As `to_codes`, in the graphs that `export` writes.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `code_tensor`.")

    # === Evaluation and config ===

    @property
    def code_distance(self) -> str:
        """The distance between codes: `"hamming"`, or a quantizer's metric."""
        raise NotImplementedError(f"{type(self).__name__} must define `code_distance`.")

    def distances(self, queries, codes) -> np.ndarray:
        """Computes the distances of queries to codes, as `Index.search` does.

        Args:
            queries: float array [queries, units], as `continuous_codes` returns.
            codes: uint8 array [n, bits / 8], as `encode` returns.

        Returns:
            Array [queries, n]; smaller is nearer.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `distances`.")

    def ranking(self, query_codes, database_codes) -> dict:
        """Returns the codes or features to rank by, for `evaluate_retrieval`.

        Args:
            query_codes: float array [queries, units], as `continuous_codes` returns.
            database_codes: float array [n, units].

        Returns:
            dict of arguments of `evaluate_retrieval`, without labels and options.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `ranking`.")

    def retrieval_metrics(
        self, query_codes, query_labels, database_codes, database_labels, **arguments
    ) -> dict:
        """Computes the retrieval metrics of continuous codes.

        Args:
            query_codes: float array [queries, units], as `continuous_codes` returns.
            query_labels: multi-hot array [queries, L].
            database_codes: float array [n, units].
            database_labels: multi-hot array [n, L].
            **arguments: other arguments of `evaluate_retrieval`.

        Returns:
            Flat dict of values that JSON can hold. `map` is the mean average precision
            of the method's codes under its distance.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define `retrieval_metrics`."
        )

    def get_config(self) -> dict:
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "preprocessor": keras.saving.serialize_keras_object(self.preprocessor),
        }
        if changed := self._layer_dtypes.changed():
            config["layer_dtypes"] = changed
        return config

    @classmethod
    def from_config(cls, config: dict, custom_objects=None) -> "RetrievalModel":
        config = dict(config)
        for key, kind in (("backbone", keras.Model), ("preprocessor", Preprocessor)):
            if isinstance(config.get(key), dict):
                config[key] = keras.saving.deserialize_keras_object(
                    config[key], custom_objects=custom_objects
                )
            # A name is refused: a file must not make the library load another file, or
            # contact the Hub with the user's token.
            if not isinstance(config.get(key), (kind, type(None))):
                raise ValueError(
                    f"`{key}` in a configuration must be a configuration itself; names "
                    f"of backbones are for `{cls.__name__}(...)`. "
                    f"Received: {str(config[key])[:80]!r}."
                )
        changes = config.pop("layer_dtypes", ())
        model = cls(**config)
        model._layer_dtypes.change(changes)
        return model
