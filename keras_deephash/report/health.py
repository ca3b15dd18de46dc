"""The section of the report about the codes: balance, correlation, use."""

import numpy as np

from keras_deephash import plots
from keras_deephash.models.deep_hashing import SATURATION
from keras_deephash.report import page
from keras_deephash.retrieval.code_health import (
    bit_statistics,
    center_counts,
    distinct_codes,
    entropy,
)

# Codes that the picture of the plane takes at most.
_PROJECTED = 1000


def code_health(model, ranking: dict, database_codes, query, database) -> list[str]:
    """The section about the codes of the database, HTML.

    Args:
        model: a method.
        ranking: dict, as the model's `ranking` returns.
        database_codes: float32 array [n, units], continuous codes.
        query: `ImageSet`.
        database: `ImageSet`.
    """
    if not model.is_quantizer:
        codes = ranking["database_codes"]
        parts = [page.table(_bit_rows(codes, database_codes))]
        figures = [
            (
                plots.hamming_histogram(
                    ranking["query_codes"], query.labels, codes, database.labels
                ),
                "Histogram of Hamming distances of similar and dissimilar pairs",
            ),
            (plots.bit_balance(codes), "Share of ones of every bit"),
            (plots.bit_correlation(codes), "Correlation of every pair of bits"),
        ]
    else:
        codes = model.codebook.encode(database_codes)
        distortion = model.codebook.distortion(database_codes, codes)
        counts = center_counts(codes, model.subcenters)
        parts = [
            page.table([*_code_rows(codes), ("Distortion of the features", distortion)])
        ]
        parts.append(_center_table(counts))
        # Reconstructions: equal codes are equal points.
        codes, figures = ranking["database_features"], []
    if len(codes) >= 3:
        figure = plots.projection(
            codes, database.labels, label_names=database.label_names, most=_PROJECTED
        )
        figures.append((figure, "The codes of the database laid out in a plane"))
    return [*parts, page.pictures(figures)]


def _code_rows(codes: np.ndarray) -> list[tuple]:
    return [
        ("Codes of the database", len(codes)),
        ("Distinct codes", distinct_codes(codes)),
    ]


def _bit_rows(codes: np.ndarray, continuous: np.ndarray) -> list[tuple]:
    statistics = bit_statistics(codes)
    means, bits = statistics.means, len(statistics.means)
    pairs = np.abs(statistics.correlations[np.triu_indices(bits, 1)])
    pairs = pairs[~np.isnan(pairs)]
    rows = [
        ("Bits", bits),
        ("Entropies of the bits, sum", float(statistics.entropies.sum())),
        ("Constant bits", int(np.count_nonzero((means == 0) | (means == 1)))),
        ("Share of ones, lowest of all bits", float(means.min())),
        ("Share of ones, highest of all bits", float(means.max())),
    ]
    if len(pairs):
        rows.append(("Correlation between bits, mean of |r|", float(pairs.mean())))
        rows.append(("Correlation between bits, largest |r|", float(pairs.max())))
    saturated = float(np.mean(np.abs(continuous) > SATURATION))
    rows.append((f"Continuous codes beyond {SATURATION}, share", saturated))
    return [*_code_rows(codes), *rows]


def _center_table(counts: np.ndarray) -> str:
    rows = [
        (f"sub-codebook {m}", int(np.count_nonzero(row)), float(entropy(row)))
        for m, row in enumerate(counts)
    ]
    subcenters = counts.shape[1]
    return page.table(
        rows,
        (
            "",
            f"used centres of {subcenters}",
            f"entropy, bits of {np.log2(subcenters):.2f}",
        ),
    )
