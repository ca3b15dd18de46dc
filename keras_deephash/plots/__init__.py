"""Pictures of retrieval and of codes, as figures of matplotlib.

Every function takes arrays and returns a `matplotlib.figure.Figure`, which a notebook
shows and `figure.savefig("name.png")` writes. pyplot, its windows and its state are
not touched. matplotlib comes with `pip install "keras-deephash[plots]"`.
"""

from keras_deephash.plots.bit_balance import bit_balance
from keras_deephash.plots.bit_correlation import bit_correlation
from keras_deephash.plots.hamming_histogram import hamming_histogram
from keras_deephash.plots.neighbors import neighbors
from keras_deephash.plots.precision_at import precision_at
from keras_deephash.plots.precision_recall import precision_recall
from keras_deephash.plots.projection import projection
from keras_deephash.plots.radii import radii

__all__ = [
    "bit_balance",
    "bit_correlation",
    "hamming_histogram",
    "neighbors",
    "precision_at",
    "precision_recall",
    "projection",
    "radii",
]
