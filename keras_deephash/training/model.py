"""The model that the options of `keras-deephash train` describe."""

import inspect
from argparse import Namespace

import keras

from keras_deephash.backbones import AlexNetBackbone
from keras_deephash.backbones.loading import load_backbone
from keras_deephash.datasets import word_vectors
from keras_deephash.models import DCH, DHN, DQN, DTQ, DVSQ
from keras_deephash.preprocessing import Preprocessor

# Backbones with random weights; all else is a name that `load_backbone` takes.
NEW_BACKBONES = ("small", "caffe")
METHODS = {cls.__name__: cls for cls in (DCH, DHN, DQN, DTQ, DVSQ)}
# Options that are arguments of some methods.
METHOD_OPTIONS = (
    "bits",
    "gamma",
    "distance",
    "alpha",
    "similarity",
    "clip",
    "pair_weighting",
    "quantization",
    "subcodebooks",
    "subcenters",
    "dim",
    "margin",
    "mining",
    "orthogonality_weight",
    "quantization_weight",
    "quantization_start",
)


def build_model(options: Namespace, label_names: list[str] | None) -> keras.Model:
    """The model that the options of `keras-deephash train` describe."""
    cls = METHODS[options.method]
    arguments = _method_arguments(cls, options)
    if options.word_vectors is not None:
        if label_names is None:
            raise ValueError(
                "Word vectors need the names of the labels: write them, one a line, "
                "into labels.txt beside the lists."
            )
        arguments["word_vectors"] = word_vectors.load(
            label_names, options.word_vectors, _substitutes(options.substitutes)
        )
    size, resize_size = options.image_size, options.resize_size
    if options.backbone not in NEW_BACKBONES:
        backbone = load_backbone(options.backbone, size)
        preprocessor = backbone.preprocessor
        if resize_size is not None or options.padding is not None:
            preprocessor = preprocessor.resized(
                preprocessor.image_size, resize_size, options.padding
            )
        return cls(backbone, preprocessor=preprocessor, **arguments)
    dropout = 0.5 if options.dropout is None else options.dropout
    if options.backbone == "small":
        size = 32 if size is None else size
        backbone = AlexNetBackbone.small(size, dropout=dropout)
    else:
        size = 227 if size is None else size
        backbone = AlexNetBackbone((size, size, 3), dropout=dropout)
    preprocessor = Preprocessor(size, resize_size, options.padding or 0)
    return cls(backbone, preprocessor=preprocessor, **arguments)


def _method_arguments(cls: type, options: Namespace) -> dict:
    """The options that are given, as arguments of the method."""
    given = {name: getattr(options, name) for name in METHOD_OPTIONS}
    given = {name: value for name, value in given.items() if value is not None}
    # "none" is how a command line says None.
    given = {k: None if v == "none" else v for k, v in given.items()}
    parameters = inspect.signature(cls.__init__).parameters
    if "bits" in parameters:
        given.setdefault("bits", 48)
    unknown = sorted(set(given) - parameters.keys())
    if options.word_vectors is not None and "word_vectors" not in parameters:
        unknown.append("word_vectors")
    if unknown:
        raise ValueError(
            f"`{cls.__name__}` has no argument `{unknown[0]}`: leave out "
            f"--{unknown[0].replace('_', '-')}."
        )
    if options.substitutes and options.word_vectors is None:
        raise ValueError("`--substitutes` needs --word-vectors, whose words they are.")
    if "word_vectors" in parameters and options.word_vectors is None:
        raise ValueError(
            f"`{cls.__name__}` needs --word-vectors: a file of word2vec or GloVe, or "
            "the name of a model of gensim."
        )
    return given


def _substitutes(pairs: list[str]) -> dict[str, str]:
    """`LABEL=WORD` strings as a dict."""
    for pair in pairs:
        if not all(pair.partition("=")):
            raise ValueError(
                "`--substitutes` must be LABEL=WORD, such as automobile=car. "
                f"Received: {pair!r}."
            )
    return {pair.partition("=")[0]: pair.partition("=")[2] for pair in pairs}
