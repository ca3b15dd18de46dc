"""The training behind `keras-deephash train`."""

import datetime
import json
import os
import shutil
import time
from argparse import Namespace

import keras
import tensorflow as tf

from keras_deephash.backbones import AlexNetBackbone
from keras_deephash.callbacks import RetrievalEvaluation
from keras_deephash.datasets import ImageSet, image_dataset, read_lists
from keras_deephash.datasets.augment import chain, color_jitter, cutout
from keras_deephash.files import write_atomically
from keras_deephash.models import DCH
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.presets import from_preset
from keras_deephash.presets.saving import check_replaceable
from keras_deephash.retrieval.evaluate_model import evaluate_model

METHODS = {"DCH": DCH}
# Options that do not change what is learned.
_NO_SETTINGS = {
    "arguments",
    "command",
    "data",
    "output",
    "parser",
    "recipe",
    "run",
    "no_evaluation",
    "weights_dtype",
    "dataset_name",
}
AUGMENTATIONS = {"color": color_jitter, "cutout": cutout}


def train(options: Namespace, command: str) -> None:
    """Trains, saves, evaluates, and keeps the figures in the preset's metadata.

    Args:
        options: the options of `keras-deephash train`.
        command: str, for the metadata.
    """
    check_replaceable(options.output)  # Before the hours of training.
    keras.utils.set_random_seed(options.seed)
    # All lists now: what is wrong with one must not show after the training.
    names = ["train"] if options.no_evaluation else ["train", "test", "database"]
    images, *evaluation = read_lists(options.data, names)
    held_out = None
    if options.hold_out:
        images, held_out = images.hold_out(options.hold_out, options.seed)
    with _strategy().scope():
        model = build_model(options)
    dataset = image_dataset(
        images,
        model.preprocessor,
        options.batch_size,
        training=True,
        seed=options.seed,
        augment=_augmentation(options.augment),
    )
    steps = options.epochs * int(dataset.cardinality())
    with model.distribute_strategy.scope():
        _compile(model, options, steps)
    backup = f"{options.output.rstrip(os.sep)}.backup"
    _claim_backup(backup, options)
    callbacks = []
    if held_out is not None:
        query, database = held_out.hold_out(0.8, options.seed)
        callbacks.append(RetrievalEvaluation(query, database, options.evaluate_every))
    callbacks.append(keras.callbacks.BackupAndRestore(backup, delete_checkpoint=False))
    started = time.time()
    history = model.fit(dataset, epochs=options.epochs, callbacks=callbacks)
    description = {
        "dataset": options.dataset_name,
        "label_names": images.label_names,
        "weights_dtype": options.weights_dtype,
        "training": {
            "split": f"{len(images)} images of train.txt",
            "seed": options.seed,
            "epochs": options.epochs,
            "minutes": round((time.time() - started) / 60, 1),
            "command": command,
            "date": datetime.date.today().isoformat(),
        },
    }
    if held_out is not None:
        last = {k: v[-1] for k, v in history.history.items() if k.startswith("val_")}
        description["training"]["held_out"] = len(held_out)
        description["training"].update(last)
    model.save_to_preset(options.output, **description)
    if not options.no_evaluation:
        # What is published is what gets measured: the weights as stored.
        stored = from_preset(options.output)
        metrics = _evaluate(stored, *evaluation)
        stored.save_to_preset(options.output, metrics=metrics, **description)
    shutil.rmtree(backup, ignore_errors=True)
    print(f"Saved: {options.output}. Load it: from_preset({options.output!r})")


def build_model(options: Namespace) -> keras.Model:
    """The model that the options of `keras-deephash train` describe."""
    cls = METHODS[options.method]
    arguments = {
        "bits": options.bits,
        "gamma": options.gamma,
        "quantization_weight": options.quantization_weight,
    }
    if options.backbone not in ("small", "caffe"):
        return cls.from_preset(options.backbone, **arguments)
    if options.backbone == "small":
        size = options.image_size
        backbone = AlexNetBackbone.small(size, dropout=options.dropout)
    else:
        size = 227
        backbone = AlexNetBackbone(dropout=options.dropout)
    preprocessor = Preprocessor(
        size, resize_size=options.resize_size, padding=options.padding
    )
    return cls(backbone, preprocessor=preprocessor, **arguments)


def _claim_backup(backup: str, options: Namespace) -> None:
    """Marks the backup with its options, or checks that it was made with them."""
    names = vars(options).keys() - _NO_SETTINGS
    settings = {name: getattr(options, name) for name in sorted(names)}
    path = os.path.join(backup, "options.json")
    if os.path.isfile(path):
        with open(path, encoding="utf-8") as file:
            theirs = json.load(file)
        if theirs != settings:
            changed = sorted(k for k in settings if theirs.get(k) != settings[k])
            raise ValueError(
                f"{backup!r} is the backup of a training with other options "
                f"({', '.join(changed)}). Repeat those to go on with it, or remove the "
                "directory to begin anew."
            )
        return
    with write_atomically(path) as file:
        file.write(json.dumps(settings, indent=2).encode())


def _strategy() -> tf.distribute.Strategy:
    """All GPUs where there are several, else the one device there is."""
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def _compile(model: keras.Model, options: Namespace, steps: int) -> None:
    if options.optimizer == "recipe":
        model.compile()
        return
    warmup = steps // 10
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=options.learning_rate / 100,
        warmup_target=options.learning_rate,
        warmup_steps=warmup,
        decay_steps=max(steps - warmup, 1),
    )
    if options.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(
            schedule,
            momentum=0.9,
            nesterov=True,
            weight_decay=options.weight_decay or None,
        )
    else:
        optimizer = keras.optimizers.AdamW(schedule, options.weight_decay)
    model.compile(optimizer)


def _augmentation(names: list[str]):
    if not names:
        return None
    return chain(*(AUGMENTATIONS[name]() for name in names))


def _evaluate(model: keras.Model, query: ImageSet, database: ImageSet) -> dict:
    print("Encoding the queries and the database")
    metrics = evaluate_model(model, query, database, verbose=1)
    print(f"MAP@{metrics['top_k']}: {metrics['map']:.4f}")
    print(f"MAP within radius {metrics['radius']}: {metrics['map_at_radius']:.4f}")
    return metrics
