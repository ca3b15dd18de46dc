"""The pages of the API reference: every public name stands on one."""

import importlib

import keras_deephash as kdh
from keras_deephash.models.methods import MODULES as METHODS

BASES = [
    "DeepHashing",
    "DeepQuantization",
    "PairwiseHashing",
    "ClassHashing",
    "ClosedFormHashing",
]
# Names of `keras_deephash` itself, by page.
PAGES = {
    "Methods": sorted(METHODS),
    "What methods have in common": BASES,
    "Presets and training": [
        "from_preset",
        "list_presets",
        "upload_preset",
        "train",
        "TrainingOptions",
        "Encoder",
        "PresetError",
        "HubError",
    ],
    "Search and evaluation": [
        "Index",
        "CodeSpec",
        "IndexFileError",
        "MilvusError",
        "evaluate_retrieval",
        "retrieval.RetrievalMetrics",
        "calibrate",
        "RadiusTable",
        "find_duplicates",
        "find_leaks",
        "images.find_images",
    ],
    "Backbones": [
        "AlexNetBackbone",
        "ApplicationBackbone",
        "Backbone",
        "EfficientNetLiteBackbone",
        "FunctionalBackbone",
        "KerasHubBackbone",
        "Preprocessor",
    ],
}
# Modules whose public names have a page each.
MODULES = [
    "losses",
    "codebooks",
    "datasets",
    "callbacks",
    "plots",
    "presets",
    "duplicates",
]
# Modules that stand among the public names of another.
INNER = {"keras_deephash.datasets.word_vectors": ["load"]}
# Those show what they inherit, up to Keras's own classes.
WITH_INHERITED = {"DeepHashing", "DeepQuantization"}


def names_of_pages() -> dict[str, list[str]]:
    """The full names on each page, by its title."""
    pages = {
        title: [f"keras_deephash.{name}" for name in names]
        for title, names in PAGES.items()
    }
    for module in (f"keras_deephash.{name}" for name in MODULES):
        names = []
        for name in importlib.import_module(module).__all__:
            full = f"{module}.{name}"
            if full in INNER:
                names += [f"{full}.{inner}" for inner in INNER[full]]
            # What is a name of `keras_deephash` too stands on the page of that.
            elif find(full) is not getattr(kdh, name, None):
                names.append(full)
        pages[module] = names
    return pages


def find(name: str) -> object:
    """What a full name stands for."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


def api_pages() -> dict[str, str]:
    """The pages in reStructuredText, by file name."""
    pages = {}
    for title, names in names_of_pages().items():
        parts = [title, "=" * len(title), ""]
        if title.startswith("keras_deephash."):
            parts += [f".. automodule:: {title}", "   :no-members:", ""]
        for name in names:
            parts += entry(name)
        file = title.removeprefix("keras_deephash.").lower().replace(" ", "_")
        pages[f"{file}.rst"] = "\n".join(parts)
    return pages


def entry(name: str) -> list[str]:
    """The directive of one name."""
    last = name.rpartition(".")[2]
    lines = [last, "-" * len(last), ""]
    if not isinstance(find(name), type):
        return [*lines, f".. autofunction:: {name}", ""]
    lines += [f".. autoclass:: {name}", "   :show-inheritance:", "   :members:"]
    if last in WITH_INHERITED:
        lines.append("   :inherited-members: Model, Trainer, Layer, object")
    return [*lines, ""]
