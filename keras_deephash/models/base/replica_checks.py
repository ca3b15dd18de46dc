"""Checks of models, optimizers and batches under a distribution strategy."""

import os
from contextlib import contextmanager

import tensorflow as tf
from keras import ops

from keras_deephash.checks import check_integer
from keras_deephash.models.base.batch_checks import EXPLANATIONS

_RECIPE = (
    "Create the model and compile it in the same scope: "
    "`with strategy.scope(): model = ...; model.compile(...)`."
)

_EMPTY = "A replica has no image of the batch."


def check_scope(model) -> None:
    """Raises ValueError inside the scope of a strategy that is not the model's."""
    current = tf.distribute.get_strategy() if tf.distribute.has_strategy() else None
    if current is not None and current is not model._distribute_strategy:
        raise ValueError(
            f"`{type(model).__name__}` was created outside the scope of the "
            f"{type(current).__name__} that is active now. {_RECIPE}"
        )


def check_optimizer(model, optimizer) -> None:
    """Raises ValueError for an optimizer that several replicas cannot use.

    It must be created under the model's strategy, and it must not clip gradients,
    which would give another result than on one replica.
    """
    strategy = model.distribute_strategy
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    theirs = getattr(inner, "_distribution_strategy", strategy)
    if strategy.num_replicas_in_sync > 1 and theirs is not strategy:
        raise ValueError(
            f"The optimizer `{type(inner).__name__}` was created outside the scope "
            f"of the model's {type(strategy).__name__}. Create it inside the scope, "
            "or pass its name: `model.compile('sgd')`."
        )
    for name in ("clipnorm", "global_clipnorm", "clipvalue"):
        value = getattr(inner, name, None)
        if strategy.num_replicas_in_sync > 1 and value is not None:
            raise ValueError(
                f"`{name}` must be None with {strategy.num_replicas_in_sync} replicas: "
                "Keras clips each replica's share before they are summed. "
                f"Received: {name}={value}."
            )


def check_compilation(model, jit_compile: bool, steps_per_execution: int) -> None:
    """Raises ValueError for options that Keras or TensorFlow cannot run."""
    # "auto", with which Keras finds a number by trying, would fail in `fit`.
    check_integer("steps_per_execution", steps_per_execution, minimum=1)
    strategy = model.distribute_strategy
    if strategy.extended._in_multi_worker_mode():
        raise ValueError(
            "All replicas must be on one machine: codebooks, backups and evaluations "
            f"are not shared between machines. Received: a {type(strategy).__name__}. "
            "Use `tf.distribute.MirroredStrategy`."
        )
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return
    if jit_compile:
        raise ValueError(
            f"`jit_compile` must be False with {replicas} replicas: XLA cannot gather "
            "the batch. Received: jit_compile=True."
        )
    if steps_per_execution != 1:
        raise ValueError(
            f"`steps_per_execution` must be 1 with {replicas} replicas: Keras cannot "
            "loop over distributed batches. "
            f"Received: steps_per_execution={steps_per_execution}."
        )


def check_rows(model, images):
    """Returns images; on CPU, with a check in the graph that each replica has some.

    On CPU, oneDNN's convolutions give an empty batch a wrong shape, and its pooling
    crashes the process. GPUs accept an empty batch.
    """
    strategy = model.distribute_strategy
    if (
        strategy.num_replicas_in_sync == 1
        or not any("CPU" in device for device in strategy.extended.worker_devices)
        or os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0"
    ):
        return images
    check = tf.debugging.assert_positive(ops.shape(images)[0], _EMPTY)
    with tf.control_dependencies([check]):
        return tf.identity(images)


@contextmanager
def batches_explained(model):
    """Turns TensorFlow's errors in a step into clear ValueErrors.

    They are raised for batches that do not divide evenly, labels that are not
    multi-hot, and images that are not pixels.
    """
    replicas = model.distribute_strategy.num_replicas_in_sync
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if _EMPTY in str(error):
            raise ValueError(
                f"A batch has fewer images than the {replicas} replicas, and on CPU "
                "each replica needs at least one: drop the last batch, or set "
                "TF_ENABLE_ONEDNN_OPTS=0 before TensorFlow starts."
            ) from None
        for problem, explanation in EXPLANATIONS.items():
            if problem in str(error):
                raise ValueError(f"{problem}: {explanation}.") from None
        # Keras averages the first batch over the replicas to learn its shape.
        if replicas == 1 or "AddN must have the same size" not in str(error):
            raise
        raise ValueError(
            f"The first batch must divide evenly over the {replicas} replicas: "
            f"choose a batch size that is a multiple of {replicas}."
        ) from None
