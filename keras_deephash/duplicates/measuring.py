"""Measuring how alike copies are, and how alike different pictures are."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from keras_deephash.checks import check_integer
from keras_deephash.duplicates.calibration import Calibration
from keras_deephash.duplicates.candidates import HASH_RADIUS
from keras_deephash.duplicates.copies import COPIES
from keras_deephash.duplicates.network import DEFAULT_MODEL, FeatureNetwork
from keras_deephash.duplicates.records import make_records, record_type
from keras_deephash.duplicates.semantic_codes import semantic_codes
from keras_deephash.images import error_for, image_paths, read_image
from keras_deephash.progress import Progress

_FEWEST = 100
_LONG_WORK = 1000
# Number of pairs of different pictures that the weights are learned from.
_LEARNED = 200_000
# The fewest random pairs from which a score is measured.
_FEWEST_PAIRS = 20
_BLOCK = 256  # Copies per step.
# Share of the copies whose hashes are near enough to be taken for copies.
_NEAR = 0.99
# Share of the copies that may be missed as candidates.
_MISSED = 1e-3


def calibrate(
    images: str | Sequence,
    model=DEFAULT_MODEL,
    batch_size: int = 32,
    verbose="auto",
    seed: int = 0,
    source: str = "",
) -> Calibration:
    """Measures the scores of a model on pictures and changed copies of them.

    Each picture gets a copy of each kind of `copies.COPIES`: resized, compressed,
    cropped, turned, brightened, watermarked. The weights are learned by logistic
    regression of copies against pairs of different pictures.

    Args:
        images: a folder, or a list of paths, PIL images or arrays: at least 100, all
            different, and better a thousand.
        model: the name of a preset, a method or a backbone. Defaults to the one of
            `find_duplicates`.
        batch_size: int. Defaults to `32`.
        verbose: `"auto"`, 0 or 1. Defaults to `"auto"`.
        seed: int. Seed of the strength of the changes. Defaults to `0`.
        source: str. Description of the images, for the record. Defaults to `""`.

    Returns:
        `Calibration`.

    Raises:
        ValueError: if there are fewer images, if one cannot be read, or if copies
            cannot be told from other pictures.

    Example:

    >>> calibration = calibrate("photos", "keras:MobileNetV2")
    >>> find_duplicates("photos", "keras:MobileNetV2", calibration=calibration)
    """
    images = image_paths(images)
    if len(images) < _FEWEST:
        raise ValueError(
            f"`images` must be at least {_FEWEST} different pictures. "
            f"Received: {len(images)}."
        )
    network = FeatureNetwork(model)
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    records = records_of(network, images, batch_size, verbose)
    copies = records_of(network, Copies(images, seed), batch_size, verbose)
    return measure(records, copies, network.digest, seed, source)


def records_of(
    network: FeatureNetwork, images: Sequence, batch_size: int = 32, verbose="auto"
) -> np.ndarray:
    """Computes the records [n] of images, which are read in slices, batch by batch."""
    records = np.zeros(len(images), record_type(network.units))
    shown = verbose == 1 or (verbose == "auto" and len(images) >= _LONG_WORK)
    progress = Progress(len(images), "image", bool(shown))
    problems = {}
    for number, record in make_records(network, images, batch_size):
        if isinstance(record, Exception):
            problems[number] = record
        else:
            records[number] = record
        progress.add(1)
    if problems:
        raise error_for(problems, len(images))
    return records


def measure(
    records: np.ndarray,
    copies: np.ndarray,
    network_digest: str,
    seed: int = 0,
    source: str = "",
) -> Calibration:
    """Computes a calibration from records [n] and those of copies [n * k], in order."""
    generator = np.random.default_rng(seed)
    origins = np.repeat(np.arange(len(records)), len(copies) // len(records))
    alike = _distances(copies, records[origins])
    others = generator.integers(0, len(copies), _LEARNED)
    shift = generator.integers(1, len(records), _LEARNED)
    partners = (origins[others] + shift) % len(records)
    different = np.concatenate(
        [
            _distances(copies[rows], records[columns])
            for rows, columns in zip(
                np.array_split(others, 64), np.array_split(partners, 64), strict=True
            )
        ]
    )
    weights, bias = _fit(alike, different)
    logits, scores = _tail(records, copies, origins, weights, bias)
    if len(logits) < 2 or min(np.diff(logits)) <= 0:
        raise ValueError(
            "This model and the hashes cannot tell copies of these pictures from other "
            "pictures: use pictures that differ more, or another model."
        )
    return Calibration(
        network=network_digest,
        weights=weights.tolist(),
        bias=bias,
        logits=logits,
        scores=scores,
        hash_limit=int(np.quantile(64 * alike[:, 1:].sum(axis=1), _NEAR)),
        semantic_radius=_semantic_radius(records[origins], copies),
        source=source,
    )


class Copies(Sequence):
    """The copies of images, each made when it is accessed."""

    def __init__(self, images: Sequence, seed: int):
        self._images, self._seed = images, seed

    def __len__(self) -> int:
        return len(self._images) * len(COPIES)

    def __getitem__(self, chosen):
        if isinstance(chosen, slice):
            return [self[number] for number in range(*chosen.indices(len(self)))]
        number, kind = divmod(chosen, len(COPIES))
        generator = np.random.default_rng([number, kind, self._seed])
        picture = Image.fromarray(read_image(self._images[number]))
        return np.asarray(list(COPIES.values())[kind](picture, generator))


def _distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns the three distances of pairs of records, float [n, 3]."""
    cosines = np.einsum(
        "nd,nd->n",
        one["features"].astype(np.float32),
        other["features"].astype(np.float32),
    )
    hashes = [np.bitwise_count(one[h] ^ other[h]) / 64 for h in ("phash", "dhash")]
    return np.stack([1 - cosines, *hashes], axis=1)


def _fit(alike: np.ndarray, different: np.ndarray) -> tuple[np.ndarray, float]:
    from sklearn.linear_model import LogisticRegression

    # Copies count as much as different pairs, of which there are more.
    model = LogisticRegression(class_weight="balanced", max_iter=1000)
    is_copy = np.repeat([1, 0], [len(alike), len(different)])
    model.fit(np.concatenate([alike, different]), is_copy)
    # More distance never makes a pair more alike.
    return np.minimum(model.coef_[0], 0.0), float(model.intercept_[0])


def _semantic_radius(records: np.ndarray, copies: np.ndarray) -> int:
    """Returns the bits within which nearly all copies lie whose hashes are not near."""
    one, other = semantic_codes(records["features"]), semantic_codes(copies["features"])
    apart = np.bitwise_count(one ^ other).sum(axis=1, dtype=np.int64)
    far = np.ones(len(copies), bool)
    for name in ("phash", "dhash"):
        far &= np.bitwise_count(records[name] ^ copies[name]) > HASH_RADIUS
    farthest = np.sort(apart[far])[::-1]
    allowed = int(_MISSED * len(copies))
    return int(farthest[allowed]) if len(farthest) > allowed else 0


def _tail(records, copies, origins, weights, bias) -> tuple[list, list]:
    """Returns logits, and minus the log10 of the share of random pairs above each."""
    originals = records["features"].astype(np.float32)
    count = len(copies) * (len(records) - 1)
    kept = np.empty(0, np.float32)
    most = count // 10 + 1
    for start in range(0, len(copies), _BLOCK):
        part = copies[start : start + _BLOCK]
        logits = np.float32(bias) + np.float32(weights[0]) * (
            1 - part["features"].astype(np.float32) @ originals.T
        )
        for weight, name in zip(weights[1:], ("phash", "dhash"), strict=True):
            apart = np.bitwise_count(part[name][:, None] ^ records[name][None])
            logits += np.float32(weight / 64) * apart
        logits[np.arange(len(part)), origins[start : start + _BLOCK]] = -np.inf
        kept = np.concatenate([kept, logits[logits > -np.inf]])
        if len(kept) > 4 * most:
            kept = np.partition(kept, len(kept) - most)[-most:]
    kept = np.sort(kept)[::-1]
    found_logits, found_scores = [], []
    for score in range(1, 10):
        position = int(count * 10.0**-score)
        if position < _FEWEST_PAIRS:
            break
        found_logits.append(float(kept[position]))
        found_scores.append(float(score))
    return found_logits, found_scores
