"""Ports AlexNet's released ImageNet weights to a preset of `AlexNetBackbone`.

    python zoo/port_alexnet.py reference_pretrain.npy alexnet_imagenet

The file is read as data, nothing in it is run. Channel order and mean are those of
the Caffe model that the weights come from; they are saved with the preset.
"""

import argparse
import os
import sys


class OneLineParser(argparse.ArgumentParser):
    """Reports a wrong argument in one line, without the usage."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The arguments of the command line."""
    parser = OneLineParser(
        description="Port AlexNet's released ImageNet weights to a Keras preset.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("weights", help="the released file, reference_pretrain.npy")
    add("preset_dir", help="directory of the preset to write")
    add(
        "--channel-order",
        choices=("rgb", "bgr"),
        default="bgr",
        help="order of the colours that the weights were trained with",
    )
    add(
        "--mean",
        type=float,
        nargs=3,
        default=[103.939, 116.779, 123.68],
        metavar="M",
        help="mean pixel, 0 to 255, in the channel order",
    )
    add("--image-size", type=int, default=227, help="input of the network, pixels")
    add("--resize-size", type=int, default=256, help="size before the crop, pixels")
    add("--float16", action="store_true", help="store half-precision weights")
    return parser.parse_args(argv)


def port(
    weights: str, preset_dir: str, backbone, preprocessor, weights_dtype: str
) -> dict[str, float]:
    """Writes the preset, loads it again and compares the two.

    Args:
        weights: str. The released `.npy` file.
        preset_dir: str. The directory to write.
        backbone: `AlexNetBackbone` that takes the weights.
        preprocessor: `Preprocessor` to save with it.
        weights_dtype: `"float32"` or `"float16"`.

    Returns:
        Dict of the largest absolute differences between the backbone and the loaded
        preset: `"preprocessing"` of a generated image, and `"features"` and their
        `"largest feature"`, given the same input.
    """
    import numpy as np

    import keras_deephash
    from keras_deephash.backbones.porting import load_reference_weights
    from keras_deephash.files import describe_file

    load_reference_weights(backbone, weights)
    backbone.preprocessor = preprocessor
    backbone.save_to_preset(
        preset_dir,
        weights_dtype=weights_dtype,
        training={
            "source_file": os.path.basename(weights),
            "source_sha256": describe_file(weights)["sha256"],
        },
    )
    loaded = keras_deephash.from_preset(preset_dir)

    image = np.random.default_rng(0).integers(0, 256, (375, 500, 3), "uint8")
    inputs, loaded_inputs = (
        np.asarray(p.normalize(p.center_crop(image)[None]))
        for p in (preprocessor, loaded.preprocessor)
    )
    features, loaded_features = (
        np.asarray(model(inputs, training=False)) for model in (backbone, loaded)
    )
    return {
        "preprocessing": float(np.abs(inputs - loaded_inputs).max()),
        "features": float(np.abs(features - loaded_features).max()),
        "largest feature": float(np.abs(features).max()),
    }


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; 0, or 2 if the user must change something."""
    arguments = parse_arguments(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Here, so that `--help` and wrong arguments answer at once.
    from keras_deephash import AlexNetBackbone, Preprocessor

    size = arguments.image_size
    try:
        preprocessor = Preprocessor(
            size,
            resize_size=arguments.resize_size,
            channel_order=arguments.channel_order,
            mean=arguments.mean,
            scale=1.0,
        )
        differences = port(
            arguments.weights,
            arguments.preset_dir,
            AlexNetBackbone(image_shape=(size, size, 3)),
            preprocessor,
            "float16" if arguments.float16 else "float32",
        )
    except (OSError, ValueError) as error:
        message = " ".join(str(error).split())  # Keras writes several lines.
        print(f"port_alexnet.py: error: {message}", file=sys.stderr)
        return 2
    print(f"Wrote {arguments.preset_dir}. Against the preset loaded again:")
    print(f"  largest difference of the input: {differences['preprocessing']:g}")
    print(
        f"  largest difference of the features: {differences['features']:g} "
        f"(largest feature: {differences['largest feature']:g})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
