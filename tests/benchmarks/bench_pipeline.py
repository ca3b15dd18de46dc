"""Does training wait for images? The pipeline's rate against the training's.

Run with `python tests/benchmarks/bench_pipeline.py [DIR]`, DIR in the list layout of
CIFAR-10; without it, images are generated. Trains the small AlexNet on batches from
the pipeline, with all augmentations, and on one batch that is in memory already.
Nothing is asserted.
"""

import sys
import time

import numpy as np
import tensorflow as tf

import keras_deephash as kdh
from keras_deephash.datasets import ImageSet, image_dataset, read_image_list
from keras_deephash.datasets.augment import chain, color_jitter, cutout

BATCH, STEPS, IMAGES = 128, 12, 5_000


def load_images() -> ImageSet:
    if len(sys.argv) > 1:
        return read_image_list(f"{sys.argv[1]}/train.txt", verify_images=False)
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)
    return ImageSet(images, np.eye(10, dtype=np.uint8)[np.arange(IMAGES) % 10])


def rate(images: int, function) -> float:
    start = time.perf_counter()
    function()
    return images / (time.perf_counter() - start)


def main() -> None:
    images = load_images()
    preprocessor = kdh.Preprocessor(32, 32, padding=4)
    dataset = image_dataset(
        images,
        preprocessor,
        BATCH,
        training=True,
        augment=chain(color_jitter(), cutout()),
    )

    def iterate():
        for _ in dataset:
            pass

    whole = int(dataset.cardinality()) * BATCH
    first = rate(whole, iterate)
    print(f"pipeline, first epoch (decodes every image): {first:10.0f} images/s")
    print(f"pipeline, from the cache:                    {rate(whole, iterate):10.0f}")

    backbone = kdh.AlexNetBackbone.small(32)
    model = kdh.DCH(backbone, bits=48, preprocessor=preprocessor)
    model.compile()
    batch = next(iter(dataset))
    in_memory = tf.data.Dataset.from_tensors(batch).repeat(STEPS)
    from_pipeline = dataset.take(STEPS)
    model.fit(from_pipeline, verbose=0)  # Traces, and fills the cache.
    for _ in range(3):
        for name, data in (("in memory", in_memory), ("pipeline", from_pipeline)):
            found = rate(
                STEPS * BATCH, lambda data=data: model.fit(data, epochs=1, verbose=0)
            )
            print(f"training, batches {name + ':':27}{found:10.1f}")


if __name__ == "__main__":
    main()
