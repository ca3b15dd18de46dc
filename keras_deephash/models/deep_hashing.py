"""The base class of the methods that learn binary codes."""

from numbers import Integral

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_deephash.losses.replicas import count_rows
from keras_deephash.models.encoding import continuous_codes, pack_bits
from keras_deephash.models.learning_rates import (
    check_multipliers,
    scale_gradients,
)
from keras_deephash.models.strategies import (
    check_compilation,
    check_optimizer,
    check_scope,
    uneven_batches_explained,
)
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.presets.mixin import PresetMixin

# A continuous code at least this far from zero counts as saturated.
SATURATION = 0.9


class DeepHashing(PresetMixin, keras.Model):
    """Base class: a backbone, a tanh hash layer and a loss over the global batch.

    A method is a subclass that builds its two loss layers, sets `pair_loss` and
    `quantization_loss`, and names its published learning rate in
    `default_learning_rate`. The loss is `pair_loss(codes, labels) +
    quantization_weight * quantization_loss(codes)`.

    The model takes RGB pixels from 0 to 255 at the network's input size and
    normalizes them itself; `encode` takes images of any size.

    Args:
        backbone: `keras.Model`, images to features [n, d], such as
            `AlexNetBackbone`.
        bits: int. Length of a code, a multiple of 8.
        pair_loss: layer, called with codes [n, bits] and labels [n, L].
        quantization_loss: layer, called with codes [n, bits].
        quantization_weight: float, >= 0. Defaults to `0.0`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own, else to the
            default one for the backbone's input size.
        **kwargs: `name` and `trainable` of `keras.Model`.
    """

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        pair_loss: keras.layers.Layer,
        quantization_loss: keras.layers.Layer,
        quantization_weight: float = 0.0,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(bits, Integral) or bits <= 0 or bits % 8:
            raise ValueError(f"`bits` must be a multiple of 8. Received: bits={bits}.")
        if not quantization_weight >= 0:
            raise ValueError(
                "`quantization_weight` must be >= 0. "
                f"Received: quantization_weight={quantization_weight}."
            )
        if len(getattr(backbone, "input_shape", None) or ()) != 4:
            raise ValueError(
                "`backbone` must be a Keras model with one fixed input shape "
                "(batch, height, width, channels), such as `AlexNetBackbone`. "
                f"Received: {backbone!r}."
            )
        if preprocessor is None:
            preprocessor = getattr(backbone, "preprocessor", None)
        if preprocessor is None:
            preprocessor = Preprocessor(backbone.input_shape[1])
        size = preprocessor.image_size
        if tuple(backbone.input_shape[1:3]) != (size, size):
            raise ValueError(
                "The preprocessor and the backbone must agree on the image size. "
                f"Received: image_size={size}, a backbone for "
                f"{backbone.input_shape[1]} x {backbone.input_shape[2]} pixels."
            )

        # The names `backbone` and `hash_layer` are part of the weights file format.
        self.backbone = backbone
        self.hash_layer = keras.layers.Dense(
            bits,
            activation="tanh",
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
            dtype="float32",
            name="hash_layer",
        )
        self.pair_loss = pair_loss
        self.quantization_loss = quantization_loss
        self.bits = int(bits)
        self.quantization_weight = float(quantization_weight)
        self.preprocessor = preprocessor

        self.pair_loss_tracker = keras.metrics.Mean(name="pair_loss")
        self.quantization_loss_tracker = keras.metrics.Mean(name="quantization_loss")
        self.saturation_tracker = keras.metrics.Mean(name="saturated_bits")
        self.learning_rate_multipliers = None
        self._inference = None
        self.hash_layer.build(backbone.output_shape)
        self.built = True

    # === Inference ===

    def call(self, images, training=False):
        """Continuous codes [n, bits] of images at the network's input size."""
        x = self.preprocessor.normalize(images)
        return self.hash_layer(self.backbone(x, training=training))

    def encode(self, images, batch_size: int = 32, verbose="auto", crops: int = 1):
        """Encodes images into packed binary codes.

        Bit k of a code is 1 where the continuous code is >= 0; the first bit is the
        highest of the first byte, as in `numpy.packbits`. The codes of a float32
        model do not depend on `batch_size`.

        Args:
            images: array [n, h, w, 3] of RGB pixels from 0 to 255 (uint8 or float,
                any size), a list of paths, PIL images or arrays [h, w, 3], or a
                `tf.data.Dataset` of images or of (images, labels), batched or not.
                Images that have the network's input size are taken as they are,
                others are resized and cropped.
            batch_size: int. Images a step. Defaults to `32`.
            verbose: `"auto"`, 0 or 1. Whether to show a progress bar; `"auto"`
                shows one for long work. Defaults to `"auto"`.
            crops: 1, the centre crop, or 10, the mean code of ten crops (the
                published protocol). Defaults to `1`.

        Returns:
            uint8 array [n, bits / 8].

        Raises:
            ValueError: for input that is no image, naming it.

        Example:

        >>> model = DCH.from_preset("dch_cifar10_48")
        >>> model.encode(["cat.jpg", "dog.jpg"]).shape
        (2, 6)
        """
        codes = self.continuous_codes(images, batch_size, verbose, crops)
        return pack_bits(codes)

    def continuous_codes(
        self, images, batch_size: int = 32, verbose="auto", crops: int = 1
    ):
        """The continuous codes of images of any size; arguments as for `encode`.

        Returns:
            float32 array [n, bits], between -1 and 1.
        """
        if self._inference is None:
            size = self.preprocessor.image_size
            self._inference = tf.function(
                lambda x: self(x, training=False),
                input_signature=[tf.TensorSpec((None, size, size, 3), tf.uint8)],
            )
        return continuous_codes(
            self._inference,
            self.preprocessor,
            self.bits,
            images,
            batch_size=batch_size,
            verbose=verbose,
            crops=crops,
        )

    # === Training ===

    @classmethod
    def default_learning_rate(cls):
        """The published learning rate or schedule."""
        raise NotImplementedError(f"{cls.__name__} must define its learning rate.")

    def compile(
        self,
        optimizer="auto",
        learning_rate_multipliers="auto",
        jit_compile: bool = False,
        steps_per_execution: int = 1,
        **kwargs,
    ):
        """Configures the training; without arguments, the published recipe.

        Args:
            optimizer: Keras optimizer or its name. Defaults to `"auto"`: SGD with
                momentum 0.9 and the method's published learning rate.
            learning_rate_multipliers: 4 floats that multiply the learning rate of
                the backbone's kernels and biases and of the hash layer's kernel
                and bias, or `None`. They need an SGD optimizer. Defaults to
                `"auto"`: (1, 2, 10, 20) with `optimizer="auto"`, else `None`.
            jit_compile: bool. XLA compilation; not with several replicas.
                Defaults to `False`.
            steps_per_execution: int. Batches a call of the training function; 1
                with several replicas. Defaults to `1`.
            **kwargs: `metrics`, `run_eagerly` and the like of
                `keras.Model.compile`. The loss is the model's own.

        Example:

        >>> model.compile()
        >>> model.compile(keras.optimizers.AdamW(1e-3))
        """
        if kwargs.pop("loss", None) is not None:
            raise ValueError(
                f"`loss` is part of the model: give {type(self).__name__} its "
                "arguments and call `compile()` without `loss`."
            )
        if learning_rate_multipliers == "auto":
            learning_rate_multipliers = (1, 2, 10, 20) if optimizer == "auto" else None
        check_scope(self)
        if optimizer == "auto":
            optimizer = keras.optimizers.SGD(self.default_learning_rate(), momentum=0.9)
        optimizer = keras.optimizers.get(optimizer)
        check_optimizer(self, optimizer)
        check_multipliers(learning_rate_multipliers, optimizer)
        check_compilation(self, jit_compile, steps_per_execution)
        self.learning_rate_multipliers = learning_rate_multipliers
        super().compile(
            optimizer=optimizer,
            jit_compile=jit_compile,
            steps_per_execution=steps_per_execution,
            **kwargs,
        )

    def fit(self, x=None, y=None, *args, **kwargs):
        """Trains the model, as `keras.Model.fit`.

        Args:
            x: `tf.data.Dataset` of (images, labels), such as
                `datasets.image_dataset` makes, or an array [n, h, w, 3] of pixels
                at the network's input size. A batch is the global batch: with
                several replicas its pairs span all of them.
            y: multi-hot labels [n, L] where `x` is an array.
            *args: `batch_size`, `epochs` and so on, as for `keras.Model.fit`.
            **kwargs: `epochs`, `callbacks` and the like of `keras.Model.fit`.
        """
        check_scope(self)
        if isinstance(y, np.ndarray) and not np.isin(y, (0, 1)).all():
            raise ValueError(
                "`y` must be multi-hot, of 0 and 1 alone; for class indices use "
                f"`keras.utils.to_categorical`. Received: values up to {y.max()}."
            )
        if not self.compiled:
            self.compile()
        if isinstance(x, tf.data.Dataset):
            kwargs.setdefault("shuffle", False)  # Else Keras warns of its default.
        with uneven_batches_explained(self):
            return super().fit(x, y, *args, **kwargs)

    def evaluate(self, *args, **kwargs):
        """Losses on labelled images, as `keras.Model.evaluate`.

        For retrieval metrics, encode and call `keras_deephash.evaluate_retrieval`.
        """
        with uneven_batches_explained(self):
            return super().evaluate(*args, **kwargs)

    def train_step(self, data):
        images, labels, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        _check_no_sample_weight(sample_weight)
        with tf.GradientTape() as tape:
            codes = self(images, training=True)
            loss = self._global_loss_share(codes, labels)
            scaled_loss = self.optimizer.scale_loss(loss)
        variables = self.trainable_variables
        gradients = tape.gradient(scaled_loss, variables)
        gradients = scale_gradients(
            gradients, variables, self.hash_layer, self.learning_rate_multipliers
        )
        # Shares of the replicas add up to the global loss, and so do the gradients
        # when the optimizer sums them over the replicas.
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self.compute_metrics(images, labels, codes)

    def test_step(self, data):
        images, labels, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        _check_no_sample_weight(sample_weight)
        codes = self(images, training=False)
        self._global_loss_share(codes, labels)
        return self.compute_metrics(images, labels, codes)

    def _global_loss_share(self, codes, labels):
        """This replica's share of the loss of the global batch."""
        if labels is None:
            raise ValueError(
                "Training needs labels: give `fit` a dataset of (images, labels) or "
                "`y`. Received: images only."
            )
        pair_loss = self.pair_loss(codes, labels)
        quantization_loss = self.quantization_loss(codes)
        loss = pair_loss + self.quantization_weight * quantization_loss
        replicas = self.distribute_strategy.num_replicas_in_sync
        if self.losses:  # Regularizers, once for all replicas together.
            loss += ops.sum(ops.stack(self.losses)) / replicas

        # Shares add up over the replicas, while the trackers average over them.
        weight = count_rows(codes) / replicas
        for tracker, share in (
            (self._loss_tracker, loss),
            (self.pair_loss_tracker, pair_loss),
            (self.quantization_loss_tracker, quantization_loss),
        ):
            tracker.update_state(share * replicas, sample_weight=weight)
        saturated = ops.cast(ops.abs(codes) > SATURATION, "float32")
        self.saturation_tracker.update_state(saturated)
        return loss

    def get_compile_config(self):
        config = super().get_compile_config()
        if config:
            config["learning_rate_multipliers"] = self.learning_rate_multipliers
        return config

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    # === Config ===

    def get_config(self) -> dict:
        return {
            "name": self.name,
            "trainable": self.trainable,
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "preprocessor": keras.saving.serialize_keras_object(self.preprocessor),
            "bits": self.bits,
            "quantization_weight": self.quantization_weight,
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects=None):
        config = dict(config)
        for key in ("backbone", "preprocessor"):
            if isinstance(config.get(key), dict):
                config[key] = keras.saving.deserialize_keras_object(
                    config[key], custom_objects=custom_objects
                )
        return cls(**config)


def _check_no_sample_weight(sample_weight) -> None:
    if sample_weight is not None:
        raise ValueError(
            "The loss is over pairs of images, so `sample_weight` and "
            "`class_weight` have no meaning here: leave them out."
        )
