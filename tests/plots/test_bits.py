"""Balance and correlation of bits, bar by bar and cell by cell."""

import numpy as np
import pytest

from keras_deephash import plots


@pytest.fixture
def codes():
    """40 codes of 16 bits; bit 3 is always 0 and bit 12 always 1."""
    bits = np.random.default_rng(0).integers(0, 2, (40, 16))
    bits[:, 3], bits[:, 12] = 0, 1
    return np.packbits(bits, axis=1)


def test_bars_are_the_shares_of_ones(codes):
    axes = plots.bit_balance(codes).axes[0]
    bars = axes.patches[:16]
    # A bar begins at one half.
    heights = [bar.get_y() + bar.get_height() for bar in bars]
    expected = [
        np.mean([(code[bit // 8] >> (7 - bit % 8)) & 1 for code in codes])
        for bit in range(16)
    ]
    np.testing.assert_allclose(heights, expected, atol=1e-12)
    assert [bar.get_x() + bar.get_width() / 2 for bar in bars] == list(range(16))
    colors = [bar.get_facecolor() for bar in bars]
    assert colors[3] == colors[12] != colors[0]
    assert axes.get_legend().get_texts()[0].get_text() == "2 constant"
    assert axes.get_xlabel() == "bit" and axes.get_ylabel() == "share of ones"


def test_cells_are_the_correlations(codes):
    figure = plots.bit_correlation(codes)
    drawn = figure.axes[0].images[0].get_array()
    bits = np.unpackbits(codes, axis=1).astype(float)
    for i in range(16):
        for j in range(16):
            if {i, j} & {3, 12}:
                assert drawn.mask[i, j]
                continue
            a, b = (bits[:, k] - bits[:, k].mean() for k in (i, j))
            expected = (a @ b) / np.sqrt((a @ a) * (b @ b))
            assert drawn[i, j] == pytest.approx(expected)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "grey: 2 constant bits" in texts


def test_one_code_has_constant_bits_only(codes):
    figure = plots.bit_correlation(codes[:1])
    assert figure.axes[0].images[0].get_array().mask.all()
    figure.savefig("/dev/null", format="png")
    axes = plots.bit_balance(codes[:1]).axes[0]
    assert axes.get_legend().get_texts()[0].get_text() == "16 constant"


@pytest.mark.parametrize("plot", [plots.bit_balance, plots.bit_correlation])
def test_what_is_no_code(plot, codes):
    for bad in (codes[:0], codes[0], codes.astype(float)):
        with pytest.raises(ValueError, match="`codes` must be uint8"):
            plot(bad)
