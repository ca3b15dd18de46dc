"""Draws pictures/search.jpg and pictures/presets/*.jpg: pieces of photos, searched.

  pip install scikit-image matplotlib
  python docs/make_search_picture.py

The photos come with scikit-image and scikit-learn, and may be shown: see
pictures/README.md. Each is cut into pieces; a piece is searched among all others, and a
hit is a piece of the same photo. Presets of the zoo are drawn where they load by name.
"""

from pathlib import Path

import numpy as np
from skimage import data
from sklearn.datasets import load_sample_images

import keras_deephash as kdh
from keras_deephash import plots
from keras_deephash.files import write_atomically

FOLDER = Path(__file__).parent / "pictures"
PHOTOS = ("astronaut", "brick", "camera", "chelsea", "coffee", "grass", "gravel")
PHOTOS += ("hubble_deep_field", "immunohistochemistry", "retina", "rocket")
QUERIES = ("coffee", "chelsea", "china", "flower")
GENERAL = [f"rq_imagenet_{bits}" for bits in (64, 128)]
GENERAL += [f"itq_imagenet_{bits}" for bits in (64, 128, 256)]


def main() -> None:
    pieces, owners = [], []
    for name, photo in read_photos().items():
        cut = cut_into_pieces(photo)
        pieces += cut
        owners += [name] * len(cut)
    owners = np.array(owners)
    # The piece in the middle of each photo.
    chosen = [int(np.flatnonzero(owners == name)[5]) for name in QUERIES]
    for preset in GENERAL:
        model = kdh.from_preset(preset)
        figure = draw(model, pieces, owners, chosen[::3])
        save(figure, f"presets/{preset}.jpg")
        if preset == GENERAL[0]:
            save(draw(model, pieces, owners, chosen), "search.jpg")


def read_photos() -> dict[str, np.ndarray]:
    photos = {name: getattr(data, name)() for name in PHOTOS}
    china, flower = load_sample_images().images
    photos |= {"china": china, "flower": flower}
    return {
        name: np.repeat(photo[..., None], 3, axis=-1) if photo.ndim == 2 else photo
        for name, photo in photos.items()
    }


def cut_into_pieces(photo: np.ndarray, rows: int = 3, columns: int = 4) -> list:
    """Squares that overlap a little, from the upper left to the lower right."""
    side = min(photo.shape[0] // 2, photo.shape[1] // 2)
    tops = np.linspace(0, photo.shape[0] - side, rows).astype(int)
    lefts = np.linspace(0, photo.shape[1] - side, columns).astype(int)
    return [photo[y : y + side, x : x + side] for y in tops for x in lefts]


def draw(model, pieces: list, owners: np.ndarray, chosen: list[int]):
    """The nearest pieces of each chosen one, itself left out."""
    index = kdh.Index(model)
    index.add(pieces)
    _, found = index.search([pieces[row] for row in chosen], k=8)
    nearest = [
        [int(i) for i in ids if i != row][:7]
        for row, ids in zip(chosen, found, strict=True)
    ]
    similarities = index.similarities([pieces[row] for row in chosen], nearest)
    return plots.neighbors(
        [pieces[row] for row in chosen],
        [[pieces[i] for i in ids] for ids in nearest],
        [
            [bool(owners[i] == owners[row]) for i in ids]
            for row, ids in zip(chosen, nearest, strict=True)
        ],
        [[f"{100 * value:.0f} %" for value in row] for row in similarities],
        tile=88,
    )


def save(figure, name: str) -> None:
    with write_atomically(FOLDER / name) as file:
        figure.savefig(file, format="jpg", pil_kwargs={"quality": 82})


if __name__ == "__main__":
    main()
