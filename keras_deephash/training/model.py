"""Building the model of a training from its options."""

import keras

from keras_deephash.backbones import AlexNetBackbone
from keras_deephash.backbones.loading import load_backbone
from keras_deephash.datasets import word_vectors
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.presets.format.constructor import constructor_parameters
from keras_deephash.training.method_checks import code_length, find_method
from keras_deephash.training.options import NEW_BACKBONES, TrainingOptions


def build_model(options: TrainingOptions, label_names: list[str] | None) -> keras.Model:
    """Builds the model of a training.

    Args:
        options: `TrainingOptions`, checked.
        label_names: list of str or None, the names of the labels.
    """
    cls = find_method(options)
    arguments = dict(options.arguments)
    if "bits" in constructor_parameters(cls):
        arguments.setdefault("bits", code_length(options))
    if "seed" in constructor_parameters(cls):  # For drawing centres or triplets.
        arguments.setdefault("seed", options.seed)
    if options.word_vectors is not None:
        arguments["word_vectors"] = _word_vectors(options, label_names)
    backbone, preprocessor = _backbone(options)
    return cls(backbone, preprocessor=preprocessor, **arguments)


def _backbone(options: TrainingOptions) -> tuple[keras.Model, Preprocessor]:
    """Returns the backbone, and the preprocessing of its images."""
    size, resize_size = options.image_size, options.resize_size
    if options.backbone not in NEW_BACKBONES:
        backbone = options.backbone
        if not isinstance(backbone, keras.Model):
            backbone = load_backbone(backbone, size)
        preprocessor = getattr(backbone, "preprocessor", None)
        if preprocessor is None:
            preprocessor = Preprocessor(backbone.input_shape[1])
        if resize_size is not None or options.padding is not None:
            preprocessor = preprocessor.resized(
                preprocessor.image_size, resize_size, options.padding
            )
        return backbone, preprocessor
    dropout = 0.5 if options.dropout is None else options.dropout
    if options.backbone == "small":
        size = 32 if size is None else size
        backbone = AlexNetBackbone.small(size, dropout=dropout)
    else:
        size = 227 if size is None else size
        backbone = AlexNetBackbone((size, size, 3), dropout=dropout)
    return backbone, Preprocessor(size, resize_size, options.padding or 0)


def _word_vectors(options: TrainingOptions, label_names: list[str] | None):
    if label_names is None:
        raise ValueError(
            "Word vectors need the names of the labels: write them, one per line, "
            "into labels.txt beside the lists."
        )
    pairs = [pair.partition("=") for pair in options.substitutes]
    substitutes = {label: word for label, _, word in pairs}
    return word_vectors.load(label_names, options.word_vectors, substitutes)
