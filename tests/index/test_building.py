"""An index filled from image files."""

import numpy as np
import pytest
from PIL import Image

from keras_deephash import Index
from keras_deephash.index.building import index_files


@pytest.fixture
def model(make_model):
    return make_model()


@pytest.fixture
def paths(images, tmp_path):
    paths = [str(tmp_path / f"{number}.png") for number in range(4)]
    for path, pixels in zip(paths, images, strict=False):
        Image.fromarray(pixels).save(path)
    return paths


def test_a_path_is_added_once(model, paths):
    index = Index(model)
    listed = [paths[2], paths[0], paths[2], paths[1]]
    assert index_files(index, listed, labels=[5, 6, 7, 8], verbose=0) == {}
    assert index.names(index.ids) == [paths[2], paths[0], paths[1]]
    np.testing.assert_array_equal(index.labels(index.ids), [5, 6, 8])
    index_files(index, paths, labels=[0, 0, 0, 9], verbose=0)
    assert index.names(index.ids) == [paths[2], paths[0], paths[1], paths[3]]
    np.testing.assert_array_equal(index.labels(index.ids), [5, 6, 8, 9])
