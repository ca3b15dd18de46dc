"""Draws the pictures of plots.md: a 48-bit DCH on handwritten digits.

python docs/make_pictures.py

Trains for half a minute, without network or data set: the digits come with
scikit-learn. Few epochs leave misses to see.
"""

from pathlib import Path

import keras
import numpy as np

import keras_deephash as kdh
from keras_deephash import plots
from keras_deephash.cli.demo_steps import build_digits_model, load_digits
from keras_deephash.files import write_atomically
from keras_deephash.retrieval.neighbors import search

FOLDER = Path(__file__).parent / "pictures"


def main() -> None:
    keras.utils.set_random_seed(0)
    train, query, database = load_digits()
    model = build_digits_model()
    dataset = kdh.datasets.image_dataset(
        train, model.preprocessor, batch_size=50, training=True, flip=False
    )
    model.compile(keras.optimizers.Adam(1e-3))
    model.fit(dataset, epochs=6, verbose=2)
    features = [model.continuous_codes(x.images) for x in (query, database)]
    codes = [model.encode(x.images) for x in (query, database)]
    draw(query, database, *codes, *features)


def draw(query, database, query_codes, codes, query_features, features) -> None:
    labelled = (query_codes, query.labels, codes, database.labels)
    ranked = {
        "distance": "inner_product",
        "query_features": query_features,
        "database_features": features,
    }
    for name in ("precision_recall", "precision_at"):
        plot = getattr(plots, name)
        figure = plot(*labelled, label="48 bits, Hamming")
        plot(
            *labelled, label="continuous codes, inner product", figure=figure, **ranked
        )
        save(figure, name)
    save(plots.hamming_histogram(*labelled), "hamming_histogram")
    save(plots.bit_balance(codes), "bit_balance")
    save(plots.bit_correlation(codes), "bit_correlation")
    for method in ("tsne", "pca"):
        figure = plots.projection(
            codes, database.labels, label_names=database.label_names, method=method
        )
        save(figure, f"projection_{method}")

    # The first query of every other digit.
    chosen = [int(np.argmax(query.labels[:, digit])) for digit in range(0, 10, 2)]
    distances, nearest = search(query_codes[chosen], codes, k=8)
    hits = (query.labels[chosen][:, None] * database.labels[nearest]).any(axis=-1)
    figure = plots.neighbors(
        list(query.images[chosen]),
        [list(database.images[row]) for row in nearest],
        hits.tolist(),
        [[f"{distance} bits" for distance in row] for row in distances],
    )
    save(figure, "neighbors")


def save(figure, name: str) -> None:
    with write_atomically(FOLDER / f"{name}.png") as file:
        # Without the version of matplotlib, which would change the file.
        figure.savefig(file, format="png", metadata={"Software": None})
    print(f"{name}.png: {(FOLDER / f'{name}.png').stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
