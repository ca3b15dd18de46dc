"""Teaches a backbone to see in images what another one sees in them.

  python zoo/distill_backbone.py STUDENT TEACHER OUTPUT --data data/tiny_imagenet

Labels are not needed. Every DIR holds train.npz with `images`, uint8 [n, h, w, 3], or
an image list train.txt. The student learns the direction of the teacher's features,
from their mean; where the lengths differ, a linear layer stands between and is left
out in the end. With --shrink the student sees the images shrunk, and with
--teacher-shrink the teacher too: a network of large sharp images becomes one of small
ones. The teacher's features and every epoch are kept in OUTPUT.backup, and the same
command goes on from there. The backbone becomes a preset.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import backbone_training
import keras
import numpy as np
from backbone_features import backbone_features
from keras import ops
from PIL import Image

from keras_deephash.backbones.loading import load_backbone
from keras_deephash.datasets import ImageSet, read_lists
from keras_deephash.files import write_atomically
from keras_deephash.images import read_image
from keras_deephash.presets.saving import check_replaceable

HELD_OUT = 0.02


def read_images(directories: list[str]) -> list[np.ndarray]:
    """The training images of all directories, uint8 [h, w, 3] each."""
    images = []
    for directory in directories:
        archive = os.path.join(directory, "train.npz")
        if os.path.isfile(archive):
            with np.load(archive) as file:
                images += list(file["images"])
        else:
            (listed,) = read_lists(directory, ["train"])
            images += [read_image(image) for image in listed.images]
    return images


def shrunk(images: list[np.ndarray], size: int | None) -> list[np.ndarray]:
    """The images at `size` x `size` pixels; `None` leaves them as they are."""
    if size is None:
        return images
    return [np.asarray(Image.fromarray(i).resize((size, size))) for i in images]


def teacher_features(
    options: argparse.Namespace, images: list[np.ndarray], path: str
) -> np.ndarray:
    """Features of the teacher, float16 [n, d], from the file or into it."""
    if not os.path.isfile(path):
        teacher = load_backbone(options.teacher, options.teacher_size)
        images = shrunk(images, options.teacher_shrink)
        features = backbone_features(teacher, teacher.preprocessor, images)
        with write_atomically(path) as file:
            np.save(file, features.astype(np.float16))
    return np.load(path)


def new_student(backbone: keras.Model, length: int) -> keras.Model:
    inputs = keras.Input(backbone.input_shape[1:])
    outputs = backbone(backbone.preprocessor.normalize(inputs))
    if outputs.shape[-1] != length:
        projection = keras.layers.Dense(length, name="projection", dtype="float32")
        outputs = projection(outputs)
    return keras.Model(inputs, outputs)


def new_loss(mean: np.ndarray):
    """One minus the cosine of the angle at `mean` between features and outputs."""

    def cosine_distance(features, outputs):
        features = ops.normalize(features - mean)
        outputs = ops.normalize(ops.cast(outputs, "float32") - mean)
        return 1 - ops.sum(features * outputs, axis=-1)

    return cosine_distance


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("student", help="preset of a backbone or of a method, or keras:NAME")
    add("teacher", help="the same; it may be the student")
    add("output", help="preset directory to write")
    add("--data", nargs="+", required=True, metavar="DIR")
    add("--teacher-size", type=int, help="teacher's input; None is its own")
    add("--shrink", type=int, help="pixels to which the student's images are shrunk")
    add("--teacher-shrink", type=int, help="pixels for the teacher's images")
    add("--limit", type=int, help="use N of the images only")
    backbone_training.add_arguments(parser, epochs=4)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    options = read_options(arguments)
    output = os.path.abspath(options.output)
    check_replaceable(output)  # Before the hours of training.
    keras.utils.set_random_seed(options.seed)
    images = read_images(options.data)
    folder = f"{output}.backup"
    backup = backbone_training.new_backup(folder, options)
    order = np.random.default_rng(options.seed).permutation(len(images))
    images = [images[i] for i in order[: options.limit]]
    # First: what is wrong with the student must not show after the teacher's work.
    backbone = backbone_training.load_start(options.student, options)
    features = teacher_features(options, images, os.path.join(folder, "teacher.npy"))
    small = ImageSet(shrunk(images, options.shrink), features)
    count = max(round(HELD_OUT * len(images)), 1)
    held_out, train = map(small.subset, np.split(np.arange(len(images)), [count]))
    model = new_student(backbone, features.shape[1])
    loss = new_loss(features.mean(axis=0, dtype=np.float32))
    preprocessor = backbone.preprocessor
    figures = backbone_training.train(
        model, train, held_out, preprocessor, options, backup, loss
    )
    training = {
        "split": f"{len(train)} images without labels",
        "teacher": os.path.basename(os.path.normpath(options.teacher)),
        **figures,
    }
    backbone_training.save(backbone, options.student, output, options, folder, training)


if __name__ == "__main__":
    main()
