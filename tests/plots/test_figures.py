"""The picture of neighbours, figures in notebooks, and a missing matplotlib."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from keras_deephash import plots
from keras_deephash.plots.neighbor_grid import draw_neighbors


def pixels_of(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_neighbors_are_drawn_pixel_by_pixel():
    generator = np.random.default_rng(0)
    images = list(generator.integers(0, 256, (5, 8, 8, 3), dtype=np.uint8))
    arguments = (
        images[:2],
        [images[2:4], images[4:]],
        [[True, False], [True]],
        [["1 bit", "2 bits"], ["3 bits"]],
    )
    figure = plots.neighbors(*arguments, tile=20)
    expected = np.asarray(draw_neighbors(*arguments, tile=20))
    drawn = pixels_of(figure._repr_png_())
    np.testing.assert_array_equal(drawn, expected)


def test_neighbors_of_arrays_are_those_of_lists():
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    rows, hits = images[2:].reshape(2, 2, 8, 8, 3), np.eye(2, dtype=bool)
    captions = np.arange(4).reshape(2, 2)
    expected = draw_neighbors(
        list(images[:2]),
        [list(row) for row in rows],
        hits.tolist(),
        [["0", "1"], ["2", "3"]],
    )
    assert draw_neighbors(images[:2], rows, hits, captions) == expected


@pytest.mark.parametrize("name", ["hits", "captions"])
def test_rows_of_other_lengths(name):
    image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match=rf"`{name}` must .* \[1\] and \[2\]"):
        plots.neighbors([image], [[image, image]], **{name: [[True]]})
    with pytest.raises(ValueError, match="0 queries"):
        plots.neighbors([], [])


def test_a_query_without_neighbours():
    image = np.zeros((8, 8, 3), np.uint8)
    plots.neighbors([image], [[]], [[]], [[]]).savefig("/dev/null", format="png")


def test_titles_are_never_cut_off():
    images = np.full((2, 8, 8, 3), 255, np.uint8)
    for tile in (8, 64):
        picture = draw_neighbors(images[:1], [images[1:]], tile=tile)
        wide = draw_neighbors(images[:1], [[images[1]] * 60], tile=tile)
        # What the titles of a wide picture take of its header, to their last pixel.
        header = np.asarray(wide)[:20].min(axis=(0, 2)) < 255
        end = np.flatnonzero(header)[-1] + 1
        assert picture.width >= end
        np.testing.assert_array_equal(
            np.asarray(picture)[:20, :end], np.asarray(wide)[:20, :end]
        )


def test_a_gallery_has_no_titles():
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    arguments = images[:1], [images[1:]]
    wide = draw_neighbors(*arguments, titles=("", ""))
    bare = draw_neighbors(*arguments, titles=None)
    np.testing.assert_array_equal(np.asarray(bare), np.asarray(wide)[16:])
    figure = plots.neighbors(*arguments, titles=None)
    np.testing.assert_array_equal(pixels_of(figure._repr_png_()), np.asarray(bare))
    for titles in ("qn", ("query",), 5, ("query", 5)):
        with pytest.raises(ValueError, match="`titles` must be two str"):
            plots.neighbors(*arguments, titles=titles)


def test_a_notebook_shows_a_figure_without_pyplot(retrieval):
    from matplotlib.figure import Figure

    figure = plots.bit_balance(retrieval[2])
    assert isinstance(figure, Figure)
    assert pixels_of(figure._repr_png_()).shape[2] == 3


def test_pyplot_does_not_know_the_figures(retrieval):
    from matplotlib import pyplot, rcParams

    before, settings = pyplot.get_fignums(), dict(rcParams)
    plots.precision_recall(*retrieval)._repr_png_()
    assert pyplot.get_fignums() == before and dict(rcParams) == settings


def test_the_package_works_without_matplotlib(tmp_path):
    for shade, name in enumerate(("test", "database")):
        Image.new("RGB", (32, 32), (shade, 0, 0)).save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.txt").write_text(f"{name}.png 0\n")
    program = (
        "import sys\n"
        "sys.modules['matplotlib'] = None\n"
        "import keras_deephash as kdh, numpy as np\n"
        "try:\n"
        "    kdh.plots.bit_balance(np.zeros((2, 2), np.uint8))\n"
        "except ImportError as error:\n"
        "    print(error)\n"
        "from keras_deephash.cli import main\n"
        "main(['report', '--preset', 'no_such', '--data', sys.argv[1]])\n"
        "print(main(['report', '--preset', 'dch_cifar10_48', '--data', sys.argv[1]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    command = 'pip install "keras-deephash[plots]"'
    assert command in done.stdout and done.stdout.endswith("\n1\n")
    errors = [line for line in done.stderr.splitlines() if "keras-deephash: e" in line]
    assert "no_such" in errors[0]  # What is given comes before what is installed.
    assert errors[1].startswith("keras-deephash: error: Plots need matplotlib")
