"""The options of the pretraining of the small AlexNet."""

import argparse

from small_alexnet import build_backbone
from tiny_imagenet import LEAST_AREA

SMALL_SIZE = 48


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Pretrains the small AlexNet as a classifier of Tiny ImageNet."
    )
    parser.add_argument("data", help="directory of train.npz and val.npz")
    parser.add_argument("output", help="preset directory to write")
    parser.add_argument(
        "--small-epochs", type=int, default=4, help="first, at 48 pixels"
    )
    parser.add_argument("--final-epochs", type=int, default=3, help="at --image-size")
    parser.add_argument(
        "--image-size",
        type=int,
        default=56,
        help="pixels; small epochs need one with as many pixels after pool5",
    )
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--peak", type=float, default=0.1, help="learning rate")
    parser.add_argument("--weight-decay", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--start",
        metavar="PRESET",
        help="begin one more cycle from a backbone of an earlier one",
    )
    parser.add_argument(
        "--teacher", metavar="FILE", help="soft labels, as soft_labels.py writes them"
    )
    parser.add_argument(
        "--teacher-weight", type=float, default=0.7, help="share of the soft labels"
    )
    parser.add_argument("--mixup", type=float, default=0.0, help="its alpha")
    parser.add_argument(
        "--least-area", type=float, default=LEAST_AREA, help="of a view, of its image"
    )
    parser.add_argument(
        "--color", type=float, default=0.0, help="how far colors change, 0 to 1"
    )
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument(
        "--floor", type=float, default=0.0, help="last learning rate, of the peak"
    )
    parser.add_argument(
        "--average",
        type=float,
        metavar="MOMENTUM",
        help="of the moving average of the weights that is kept, such as 0.9995; every "
        "epoch goes on from the average of the one before",
    )
    parser.add_argument(
        "--dtype",
        default="float32",
        choices=("float32", "mixed_bfloat16"),
        help="mixed_bfloat16 is faster on processors that multiply bfloat16",
    )
    parser.add_argument("--limit", type=int, help="use the first N images only")
    options = parser.parse_args(arguments)
    _check_ranges(parser, options)
    small_shape = build_backbone(SMALL_SIZE).get_layer("pool5").output.shape
    final_shape = build_backbone(options.image_size).get_layer("pool5").output.shape
    if options.small_epochs and small_shape != final_shape:
        parser.error(
            f"--image-size {options.image_size} leaves {final_shape[1]} pixels after "
            f"pool5, {SMALL_SIZE} pixels leave {small_shape[1]}: fc6 cannot take both. "
            "Use --small-epochs 0, or 45 to 60 pixels."
        )
    return options


def check_full_batch(count: int, batch_size: int) -> None:
    """Raises ValueError where the images are too few for a step."""
    if count < batch_size:
        raise ValueError(
            f"Training needs at least one full batch. Received: {count} images, "
            f"--batch-size {batch_size}."
        )


def _check_ranges(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    for name, low, high in (
        ("batch_size", 1, None),
        ("small_epochs", 0, None),
        ("final_epochs", 1, None),
        ("limit", 1, None),
        ("weight_decay", 0, None),
        ("teacher_weight", 0, 1),
        ("mixup", 0, None),
        ("least_area", 0.01, 1),
        ("color", 0, 1),
        ("dropout", 0, 0.99),
        ("floor", 0, 1),
        ("average", 0, 1),
    ):
        value = getattr(options, name)
        if value is None or (low <= value and (high is None or value <= high)):
            continue
        flag = "--" + name.replace("_", "-")
        bounds = f"at least {low}" if high is None else f"between {low} and {high}"
        parser.error(f"{flag} must be {bounds}. Received: {value}")
    if not options.peak > 0:
        parser.error(f"--peak must be more than 0. Received: {options.peak}")
