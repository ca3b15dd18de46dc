"""The classes that Keras knows by name, before the modules that hold them are there.

`keras.models.load_model` looks the classes of a file up in a dictionary of Keras and
imports nothing by itself. `import keras_deephash` is to be enough to load such a file,
and yet light. So, from the moment on that both Keras and keras_deephash are imported,
in either order, that dictionary holds an entry for each class, which imports the class
when it is built. The import of its module then puts the class in the entry's place.
"""

import sys
from contextlib import contextmanager
from importlib import import_module

from keras_deephash.lazy_imports import around_import

PACKAGE = "keras_deephash"
# Every registered class and its module; the methods join them: see `models.methods`.
MODULES = {
    "AdaptiveMarginLoss": "losses.adaptive_margin",
    "AlexNetBackbone": "backbones.alexnet",
    "ApplicationBackbone": "backbones.application",
    "CauchyQuantizationLoss": "losses.quantization_cauchy",
    "CentralSimilarityLoss": "losses.central_similarity",
    "ClassCrossEntropyLoss": "losses.class_cross_entropy",
    "ClassVectors": "models.layers.class_vectors",
    "Codebook": "codebooks.codebook",
    "CosineCenterLoss": "losses.cosine_center",
    "CosineQuantizationLoss": "losses.quantization_cosine",
    "CubicQuantizationLoss": "losses.quantization_cubic",
    "EfficientNetLiteBackbone": "backbones.efficientnet_lite",
    "EuclideanCodebookLoss": "losses.codebook_euclidean",
    "FunctionalBackbone": "backbones.functional",
    "GroupedConv2D": "backbones.layers",
    "HalvedDense": "models.layers.halved_dense",
    "HybridProxyLoss": "losses.hybrid_proxy",
    "InnerProductCodebookLoss": "losses.codebook_inner_product",
    "KerasHubBackbone": "backbones.keras_hub",
    "LocalResponseNormalization": "backbones.layers",
    "LogCoshQuantizationLoss": "losses.quantization_log_cosh",
    "LogisticTripletLoss": "losses.triplet_logistic",
    "NormalizedDense": "models.layers.normalized_dense",
    "OrthogonalityPenalty": "losses.orthogonality",
    "PairwiseCauchyLoss": "losses.pairwise_cauchy",
    "PairwiseCosineLoss": "losses.pairwise_cosine",
    "PairwiseLogisticLoss": "losses.pairwise_logistic",
    "PolarizationLoss": "losses.polarization",
    "Preprocessor": "preprocessing",
    "SimilarityDistributionLoss": "losses.similarity_distribution",
    "SimilarityPreservingLoss": "losses.similarity_preserving",
    "SquaredQuantizationLoss": "losses.quantization_squared",
    "TripletLoss": "losses.triplet",
}
# Classes of modules that do without Keras, until it is imported.
_waiting: list[type] = []


class UnloadedClass:
    """An entry for a class whose module is not imported yet."""

    def __init__(self, name: str, module: str):
        self.name, self.module = name, module

    def load(self) -> type:
        """The class itself."""
        return getattr(import_module(f"{PACKAGE}.{self.module}"), self.name)

    def from_config(self, config: dict, **kwargs):
        """All that Keras asks of what it finds."""
        return self.load().from_config(config, **kwargs)


def registered_class(name: str):
    """The class that Keras knows by a registered name, and not its entry; or None."""
    import keras

    found = keras.saving.get_registered_object(name)
    return found.load() if isinstance(found, UnloadedClass) else found


def load_classes() -> None:
    """Imports the modules of all classes."""
    for module in set(MODULES.values()):
        import_module(f"{PACKAGE}.{module}")


def register(cls: type) -> type:
    """A decorator: registers a class with Keras, now or when Keras is imported."""
    if "keras" in sys.modules:
        _register_now(cls)
    else:
        _waiting.append(cls)
    return cls


def register_unloaded(methods: dict[str, str]) -> None:
    """Registers an entry for every class, now or when Keras is imported.

    Args:
        methods: dict, names of classes and their modules, beside those above.
    """
    MODULES.update(methods)
    if "keras" in sys.modules:
        _add_entries()
    else:
        around_import("keras", _entries_after)


def _register_now(cls: type) -> None:
    import keras

    keras.saving.register_keras_serializable(PACKAGE)(cls)


def _add_entries() -> None:
    import keras

    known = keras.saving.get_custom_objects()
    for name, module in MODULES.items():
        known.setdefault(f"{PACKAGE}>{name}", UnloadedClass(name, module))
    for cls in _waiting:
        _register_now(cls)
    _waiting.clear()


@contextmanager
def _entries_after():
    yield
    _add_entries()
