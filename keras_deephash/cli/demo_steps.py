"""The steps of the demo: train, encode, evaluate, search and draw."""

import time

import keras
import numpy as np
from PIL import Image

from keras_deephash.backbones import AlexNetBackbone
from keras_deephash.cli import arguments
from keras_deephash.datasets import Splits, image_dataset, split_by_class
from keras_deephash.images import ImageErrors
from keras_deephash.index import Index
from keras_deephash.models import DCH
from keras_deephash.models.base.retrieval_model import RetrievalModel
from keras_deephash.plots.neighbor_grid import draw_neighbors
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.retrieval.evaluate_model import evaluate_model
from keras_deephash.retrieval.neighbors import search, spread_over_classes


def load_digits() -> Splits:
    """The 1,797 handwritten digits of scikit-learn, split by class.

    Returns:
        `Splits` of 1,000 training, 200 query and 597 database images, uint8
        [n, 8, 8, 3].
    """
    from sklearn.datasets import load_digits as load

    digits = load()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    images = np.repeat(pixels[..., None], 3, axis=-1)
    names = [str(digit) for digit in range(10)]
    return split_by_class(images, digits.target, names, train=100, query=20)


def build_digits_model() -> DCH:
    """A 48-bit DCH over a narrow AlexNet for images of 8 x 8 pixels."""
    backbone = AlexNetBackbone.small(
        32, filters=(16, 32, 64, 64, 64), hidden_dim=128, dropout=0.2
    )
    preprocessor = Preprocessor(image_size=32, resize_size=32, padding=2)
    return DCH(
        backbone,
        bits=48,
        gamma=10.0,
        quantization_weight=0.1,
        preprocessor=preprocessor,
    )


def search_digits(queries: int, neighbors: int, epochs: int) -> Image.Image:
    """Trains on digits, measures, searches and draws the neighbours."""
    keras.utils.set_random_seed(0)
    train, query, database = load_digits()
    print(
        f"Training a 48-bit DCH on {len(train)} handwritten digits; "
        f"{len(query)} queries, {len(database)} database images\n"
    )
    model = build_digits_model()
    dataset = image_dataset(
        train, model.preprocessor, batch_size=50, training=True, flip=False
    )
    model.compile(keras.optimizers.Adam(1e-3))
    model.fit(dataset, epochs=epochs)

    metrics = evaluate_model(model, query, database, verbose=0)
    print(f"\nMAP over the full ranking: {metrics['map']:.3f}")
    print(f"MAP within Hamming radius 2: {metrics['map_at_radius']:.3f}")

    # Spread over the classes, so that the rows show different digits.
    shown = query.subset(spread_over_classes(query.labels, queries))
    distances, indices = search(
        model.encode(shown.images), model.encode(database.images), neighbors
    )
    hits = (shown.labels[:, None] * database.labels[indices]).any(axis=-1)
    return draw_neighbors(
        list(shown.images),
        [list(database.images[row]) for row in indices],
        hits.tolist(),
        [[_bits(distance) for distance in row] for row in distances],
    )


def encode_photos(model: RetrievalModel) -> None:
    """Encodes tiles of scikit-learn's two photos with the model of a preset."""
    from sklearn.datasets import load_sample_images

    photos = load_sample_images().images
    tiles = [
        photo[y : y + 200, x : x + 200]
        for photo in photos
        for y in (0, 200)
        for x in (0, 200, 400)
    ]
    codes = model.encode(tiles)
    print(f"\nThe preset {model.preset} encoded {len(tiles)} pieces of two photos:")
    for code in codes[:3]:
        print(f"  {''.join(f'{byte:08b}' for byte in code)}  ({code.size} bytes)")


def search_folder(
    folder: str,
    paths: list[str],
    model: RetrievalModel,
    queries: int,
    neighbors: int,
    strict: bool = False,
) -> Image.Image:
    """Encodes the images of a folder and draws the neighbours of some of them."""
    print(f"Encoding {len(paths)} images of {folder} with the preset {model.preset}")
    started = time.time()
    errors = ImageErrors(paths, strict)
    codes = model.encode(paths, verbose=1, on_error=errors.on_error)
    errors.refuse_none()
    arguments.tell_unreadable(errors.unreadable)
    paths = errors.readable
    print(f"{len(codes) / (time.time() - started):.0f} images/s")
    chosen = np.linspace(0, len(paths) - 1, min(queries, len(paths)))
    chosen = chosen.round().astype(int)
    # One more neighbour, because the nearest to an image is the image itself.
    index = Index(model)
    index.add(codes)
    continuous = model.continuous_codes([paths[i] for i in chosen])
    _, indices = index.search(continuous, neighbors + 1)
    similarities = index.similarities(continuous, indices)
    rows = []
    for query, found, alike in zip(chosen, indices, similarities, strict=True):
        others = [(i, s) for i, s in zip(found, alike, strict=True) if i != query]
        rows.append(others[:neighbors])
    return draw_neighbors(
        [paths[i] for i in chosen],
        [[paths[i] for i, _ in row] for row in rows],
        captions=[[arguments.percent(s) for _, s in row] for row in rows],
    )


def _bits(distance: int) -> str:
    return f"{distance} bit{'' if distance == 1 else 's'}"
