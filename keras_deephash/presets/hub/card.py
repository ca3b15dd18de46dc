"""The model card of a preset on the Hub, made from its metadata alone."""

import hashlib
import re

from keras_deephash.preprocessing import Preprocessor
from keras_deephash.presets.format.readme import (
    describe_model,
    describe_results,
    metric_title,
    plain_text,
)
from keras_deephash.presets.hub.handles import HubHandle

# Data sets that have a page on the Hub.
_DATASETS = {"CIFAR-10": "uoft-cs/cifar10", "ImageNet": "ILSVRC/imagenet-1k"}
_MARK = "<!-- Written by keras_deephash; an edited card is kept. sha256: {} -->\n"
_MARKED = re.compile(r"(.*)(<!-- Written by keras_deephash; [^\n]* -->\n)", re.DOTALL)


def render_hub_card(
    handle: HubHandle,
    metadata: dict,
    preprocessor: Preprocessor,
    license: str | None,
) -> str:
    """The README of a repository: front matter and Markdown.

    Args:
        handle: `HubHandle` that the preset is published at.
        metadata: dict, as `read_metadata` returns it.
        preprocessor: `Preprocessor` of the preset.
        license: str or None, identifier of the licence of the weights.
    """
    lines = [
        "---",
        _front_matter(handle, metadata, license),
        "---",
        "",
        f"# {handle.name}",
        "",
        describe_model(metadata),
        "",
        *_snippet(handle, metadata, preprocessor.image_size),
        *_limits(metadata, preprocessor),
        *describe_results(metadata),
        "",
    ]
    text = "\n".join(lines) + "\n"
    return text + _MARK.format(hashlib.sha256(text.encode()).hexdigest())


def is_unedited(card: str) -> bool:
    """Whether a card is one of `render_hub_card` and has not been edited since."""
    found = _MARKED.fullmatch(card.replace("\r\n", "\n"))
    if found is None:
        return False
    return found[2] == _MARK.format(hashlib.sha256(found[1].encode()).hexdigest())


def _front_matter(handle: HubHandle, metadata: dict, license: str | None) -> str:
    from huggingface_hub import ModelCardData

    dataset = metadata["dataset"]
    tags = ["keras", "image-retrieval", "hashing", metadata["method"].lower()]
    data = ModelCardData(
        library_name="keras_deephash",
        license=license,
        pipeline_tag="image-feature-extraction",
        tags=tags,
        datasets=[_DATASETS[dataset]] if dataset in _DATASETS else None,
        model_name=handle.name,
        eval_results=_eval_results(metadata) or None,
    )
    return data.to_yaml()


def _eval_results(metadata: dict) -> list:
    from huggingface_hub import EvalResult

    dataset = metadata["dataset"]
    if dataset is None:  # A figure is shown only with its data set.
        return []
    return [
        EvalResult(
            task_type="image-feature-extraction",
            task_name="Image retrieval",
            dataset_type=_DATASETS.get(dataset, _identifier(dataset)),
            dataset_name=dataset,
            metric_type=key,
            metric_name=metric_title(key),
            metric_value=value,
        )
        for key, value in metadata["metrics"].items()
        if isinstance(value, float)  # The others are settings, such as `top_k`.
    ]


def _snippet(handle: HubHandle, metadata: dict, image_size: int) -> list[str]:
    lines = [
        "```python",
        "import keras_deephash",
        "import numpy as np",
        "",
        f'model = keras_deephash.from_preset("{handle}")',
        f'images = np.zeros((2, {image_size}, {image_size}, 3), "uint8")',
    ]
    if metadata["bits"]:
        width = metadata["bits"] // 8
        lines.insert(-1, "# RGB images of any size: an array, paths or PIL images.")
        lines.append(f"codes = model.encode(images)  # uint8 [2, {width}]")
    else:
        lines.insert(-1, "# RGB pixels, as model.preprocessor.center_crop gives them.")
        lines.append("features = model.predict(model.preprocessor.normalize(images))")
        lines.append("hashing = keras_deephash.DCH(model, bits=48)  # To be trained.")
    return [*lines, "```", ""]


def _limits(metadata: dict, preprocessor: Preprocessor) -> list[str]:
    dataset = metadata["dataset"]
    seen, size = preprocessor.image_size, preprocessor.resize_size
    lines = [f"- Images are scaled to {size} x {size} pixels."]
    if size > seen:
        lines = [f"{lines[0][:-1]}, of which the middle {seen} x {seen} are seen."]
    if metadata["bits"]:
        lines.append(
            "- Codes compare with codes of this preset alone: pin the commit for as "
            "long as a database of codes lives."
        )
    if dataset:
        name = plain_text(dataset)
        lines.append(f"- It was trained on {name}; other images were not measured.")
    if metadata["label_names"]:
        lines.append(
            f"- Similar means: one of {len(metadata['label_names'])} labels in common."
        )
    return ["## Limits", "", *lines, ""]


def _identifier(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed"
