"""A group of pictures that are copies of each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_deephash.duplicates.calibration import Calibration
from keras_deephash.duplicates.groups import members


@dataclass(frozen=True)
class DuplicateGroup:
    """Pictures that are copies of each other; nothing is deleted.

    Attributes:
        paths: list of str. The first is the one to keep: it has the most pixels, and
            the largest file among equals.
        scores: list of floats, how alike each is to the first: `s` if one of `10 ** s`
            pairs of different pictures looks as alike. In a group that is linked by a
            chain of copies, the ends may have low scores.
        sizes: list of tuples: width and height in pixels, and bytes of the file.
        sources: list of str, the origin of each: `"train"`, `"query"` or `"database"`;
            `"images"` or `"index"`.
    """

    paths: list[str]
    scores: list[float]
    sizes: list[tuple[int, int, int]]
    sources: list[str]

    def __len__(self) -> int:
        return len(self.paths)

    def to_json(self) -> dict:
        """Returns the group as in the JSON file."""
        return {
            "keep": self.paths[0],
            "images": [
                {
                    "path": path,
                    "score": round(score, 2),
                    "width": width,
                    "height": height,
                    "bytes": size,
                    "source": source,
                }
                for path, score, (width, height, size), source in zip(
                    self.paths, self.scores, self.sizes, self.sources, strict=True
                )
            ],
        }


def make_groups(
    records: np.ndarray,
    labels: np.ndarray,
    calibration: Calibration,
    paths: Sequence[str],
    sources: Sequence[str],
) -> list[DuplicateGroup]:
    """Returns groups of at least two pictures, in the order of their first pictures."""
    return [
        _make_group(records, rows, calibration, paths, sources)
        for rows in members(labels)
    ]


def _make_group(records, rows, calibration, paths, sources) -> DuplicateGroup:
    pixels = records["width"][rows].astype(np.int64) * records["height"][rows]
    # Among equals, the first in the order of the paths.
    best = rows[np.lexsort([rows, -records["bytes"][rows], -pixels])[0]]
    scores = calibration.pair_scores(records, np.full(len(rows), best), rows)
    order = np.lexsort([rows, -scores, rows != best])
    rows, scores = rows[order], scores[order]
    columns = (records[name][rows].tolist() for name in ("width", "height", "bytes"))
    return DuplicateGroup(
        paths=[paths[row] for row in rows],
        scores=scores.tolist(),
        sizes=list(zip(*columns, strict=True)),
        sources=[sources[row] for row in rows],
    )
