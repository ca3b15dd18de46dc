"""Defaults of a training by the size of its data: the table of docs/training.md."""

import copy

import numpy as np

from keras_deephash.datasets import ImageSet
from keras_deephash.images.reading import read_image
from keras_deephash.training.options import TrainingOptions

BACKBONE = "efficientnet_lite0_imagenet"
# The published recipe; `batch_size` is lower if there are fewer training images.
PUBLISHED = {
    "backbone": "small",
    "augment": (),
    "freeze_statistics": False,
    "epochs": 30,
    "batch_size": 128,
    "optimizer": "recipe",
    "hold_out": 0.0,
    "evaluate_every": 5,  # If images are held out.
    "patience": 0,
    "views": 4,  # If layers are frozen.
}
# For fewer training images than this: epochs, batch size, peak rate, views per image.
ROWS = (
    (1_000, 20, 32, 1e-3, 4),
    (20_000, 12, 32, 1e-3, 4),
    (np.inf, 6, 128, 1e-3, 2),
)
# Below the first number of training images, none are held out; never more than the
# second.
LEAST_TO_HOLD_OUT, MOST_HELD_OUT = 100, 1_000
# Images whose smaller side is at most this long are not enlarged beyond 128 pixels.
SMALL_IMAGES = 160
# Number of images whose size is read.
_SAMPLE = 16


def takes_the_table(options: TrainingOptions) -> bool:
    """Returns whether missing options are chosen by the table, not as published."""
    known = options.backbone is None or options.backbone == BACKBONE
    return options.recipe is None and known


def choose(images: int, side: int, closed_form: bool = False) -> dict[str, tuple]:
    """Chooses options by the table, with reasons.

    Args:
        images: int. Number of training images, including those that are held out.
        side: int. Smaller side of a typical image, in pixels.
        closed_form: bool. Whether the method has neither epochs nor an optimizer.

    Returns:
        dict that maps the name of each option to its value and a reason.
    """
    size, limit = (128, "at most") if side <= SMALL_IMAGES else (224, "more than")
    chosen = {
        "backbone": (BACKBONE, "it knows ImageNet, and comes with the package"),
        "image_size": (size, f"images have {limit} {SMALL_IMAGES} pixels ({side})"),
    }
    if closed_form:
        return chosen
    row = next(row for row in ROWS if images < row[0])
    _, epochs, batch_size, rate, views = row
    share = 0.0
    why = f"fewer than {LEAST_TO_HOLD_OUT} images: all are needed to learn from"
    if images >= LEAST_TO_HOLD_OUT:
        share = min(0.1, MOST_HELD_OUT / images)
        why = "the epoch that finds these best is kept"
    of_size = f"{images} training images"
    return chosen | {
        "freeze_until": ("block6d_out", "its features are computed once"),
        "freeze_statistics": (True, "they are of more images than these"),
        "views": (views, of_size),
        "augment": (("color", "cutout"), "few images look like more"),
        "epochs": (epochs, of_size),
        "batch_size": (batch_size, of_size),
        "optimizer": ("adamw", "it needs no settings for each layer"),
        "learning_rate": (rate, of_size),
        "weight_decay": (0.05, "with adamw"),
        "hold_out": (share, why),
        "evaluate_every": (1, "the frozen part is not computed again"),
        "patience": (4, "the training stops when the held-out MAP stops rising"),
    }


def resolve(
    options: TrainingOptions,
    train: ImageSet,
    images: int,
    closed_form: bool = False,
    validation: bool = False,
) -> tuple[TrainingOptions, dict[str, str]]:
    """Fills in the options that were left out, and explains each choice.

    Args:
        options: `TrainingOptions`, checked.
        train: `ImageSet` to learn from.
        images: int. Number of training images, including those that the options hold
            out.
        closed_form: bool. Whether the method has neither epochs nor an optimizer.
        validation: bool. Whether the data have validation images.

    Returns:
        Tuple of `TrainingOptions` and a dict that maps the name of each option that the
        table chose to a reason. Options that were given do not change.
    """
    if takes_the_table(options):
        chosen = choose(images, typical_side(train), closed_form)
        if validation and not closed_form:
            chosen["hold_out"] = (0.0, "the data have validation images")
        share = chosen.get("hold_out", (0.0, ""))[0]
        if share and not _can_hold_out(train, share):
            chosen["hold_out"] = (0.0, "most images are the only one of a label")
        if options.optimizer == "recipe":  # The recipe has its own rates.
            chosen = _without(chosen, "learning_rate", "weight_decay")
    else:
        chosen = {name: (value, "") for name, value in PUBLISHED.items()}
    frozen = chosen.get("freeze_until", ("none", ""))[0]
    if (options.freeze_until or frozen) == "none":
        chosen = _without(chosen, "views")
    given = options.hold_out
    share = chosen.get("hold_out", (0.0, ""))[0] if given is None else given
    if not share and not validation:  # Nothing to evaluate on.
        chosen = _without(chosen, "evaluate_every", "patience")
    resolved, whys = copy.copy(options), {}
    for name, (value, why) in chosen.items():
        if getattr(options, name) is None:
            setattr(resolved, name, value)
            whys[name] = why
    if resolved.freeze_until == "none":
        resolved.freeze_until = None
    if options.batch_size is None and not closed_form:
        left = images - round(resolved.hold_out * images)
        resolved.batch_size = max(min(resolved.batch_size, left), 1)
    return resolved, whys if takes_the_table(options) else {}


def _can_hold_out(train: ImageSet, share: float) -> bool:
    """Returns whether the share is at least one of the images that may be held out."""
    return round(share * np.count_nonzero(~train.is_alone)) > 0


def typical_side(images: ImageSet) -> int:
    """Returns the smaller side in pixels, as the median of some images."""
    if isinstance(images.images, np.ndarray):
        return int(min(images.images.shape[1:3]))
    step = max(len(images) // _SAMPLE, 1)
    few = [images.images[n] for n in range(0, len(images), step)][:_SAMPLE]
    return int(np.median([min(read_image(image).shape[:2]) for image in few]))


def described(options: TrainingOptions, whys: dict[str, str]) -> str:
    """Describes the choices and their reasons, in a line for each option."""
    lines = ["Chosen (docs/training.md has the table; each is an option):"]
    for name, why in whys.items():
        value = getattr(options, name)
        if isinstance(value, (list, tuple)):
            value = " ".join(value)
        # A flag of the command line stands alone.
        given = (
            options.named(name) if value is True else f"{options.named(name)} {value}"
        )
        lines.append(f"  {given}: {why}")
    return "\n".join(lines)


def _without(chosen: dict, *names: str) -> dict:
    return {name: value for name, value in chosen.items() if name not in names}
