"""Encoding: any form of images, the same codes for any batch size."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_deephash as kdh


@pytest.fixture
def files(tmp_path, images):
    paths = []
    for i, image in enumerate(images):
        path = tmp_path / f"{i:02}.png"
        Image.fromarray(image).save(path)
        paths.append(str(path))
    return paths


def test_bits_are_packed_signs(make_model, images):
    model = make_model(bits=16)
    codes = model.encode(images)
    continuous = model.continuous_codes(images)
    assert codes.shape == (24, 2) and codes.dtype == np.uint8
    for code, row in zip(codes, continuous, strict=True):
        text = "".join(f"{byte:08b}" for byte in code)
        assert text == "".join("1" if value >= 0 else "0" for value in row)
    assert 0 < np.unpackbits(codes).mean() < 1


def test_distances_are_of_continuous_codes_to_codes(make_model, images):
    model = make_model(bits=16)
    queries, codes = model.continuous_codes(images[:3]), model.encode(images)
    bits = np.unpackbits(codes, axis=1)
    expected = (bits[:3, None] != bits[None]).sum(axis=2)
    np.testing.assert_array_equal(model.distances(queries, codes), expected)
    # The first byte, as of a model of several lengths.
    expected = (bits[:3, None, :8] != bits[None, :, :8]).sum(axis=2)
    np.testing.assert_array_equal(
        model.distances(queries[:, :8], codes[:, :1]), expected
    )
    for wrong in (codes, queries[:, :8], queries[0], queries + np.nan):
        with pytest.raises(ValueError, match="`queries` must be"):
            model.distances(wrong, codes)
    for wrong in (codes[0], codes.astype("float32"), codes[:, :0]):
        with pytest.raises(ValueError, match="codes"):
            model.distances(queries, wrong)


def test_continuous_codes_become_codes(make_model, images):
    model = make_model(bits=16)
    values = model.continuous_codes(images)
    np.testing.assert_array_equal(model.to_codes(values), model.encode(images))
    np.testing.assert_array_equal(
        model.to_codes(values[:, :8]), np.packbits(values[:, :8] >= 0, axis=1)
    )
    assert model.to_codes(values[:0]).shape == (0, 2)
    for wrong in (values[0], values[:, :12], np.tile(values, 2), values * np.nan):
        with pytest.raises(ValueError, match="`continuous_codes` must be"):
            model.to_codes(wrong)
    # 8 bytes, which are as wide as continuous codes of 8 bits.
    with pytest.raises(ValueError, match=r"\[n, 64\]. Received: uint8"):
        make_model(bits=64).to_codes(np.zeros((3, 8), np.uint8))


def test_zero_counts_as_one(make_model, images):
    model = make_model()
    model.hash_layer.kernel.assign(np.zeros_like(model.hash_layer.kernel))
    assert (model.encode(images) == 255).all()


def test_codes_do_not_depend_on_the_batch_size(make_model, images):
    model = make_model()
    # Codes of about 1e-7: rounding alone would decide their signs.
    model.hash_layer.kernel.assign(model.hash_layer.kernel * 1e-6)
    codes = [model.encode(images, batch_size=n) for n in (1, 5, 7, 24, 100)]
    codes.append(np.concatenate([model.encode(images[i : i + 1]) for i in range(24)]))
    codes.append(model.encode(images[::-1])[::-1])
    for other in codes[1:]:
        np.testing.assert_array_equal(codes[0], other)


def test_all_forms_of_images_give_the_same_codes(make_model, images, files):
    model = make_model()
    codes = model.encode(images)
    forms = {
        "float": images.astype("float32"),
        "int64": images.astype("int64"),
        "tensor": tf.constant(images),
        "list of arrays": list(images),
        "paths": files,
        "array of paths": np.array(files),
        "path objects": [pathlib.Path(path) for path in files],
        "PIL images": [Image.fromarray(image) for image in images],
        "dataset": tf.data.Dataset.from_tensor_slices(images),
        "batched dataset": tf.data.Dataset.from_tensor_slices(images).batch(5),
        "labelled dataset": tf.data.Dataset.from_tensor_slices(
            (images, np.zeros((24, 2)))
        ).batch(7),
    }
    for name, form in forms.items():
        np.testing.assert_array_equal(codes, model.encode(form), err_msg=name)


def test_encode_is_predict_at_the_input_size(make_model, images):
    model = make_model()
    continuous = model.predict(images, verbose=0)
    np.testing.assert_allclose(model.continuous_codes(images), continuous, atol=1e-5)
    codes = np.packbits(continuous >= 0, axis=1)
    np.testing.assert_array_equal(model.encode(images), codes)


def test_images_of_any_size(make_model):
    model = make_model()
    generator = np.random.default_rng(0)
    sizes = [(1, 1), (500, 3), (40, 60), (32, 32), (36, 36)]
    images = [generator.integers(0, 256, (*size, 3), np.uint8) for size in sizes]
    codes = model.encode(images)
    assert codes.shape == (5, 2)
    for image, code in zip(images, codes, strict=True):
        np.testing.assert_array_equal(model.encode(image[None])[0], code)


def test_ten_crops_are_averaged(make_model, images):
    model = make_model()
    expected = []
    for image in images[:3]:
        crops = model.preprocessor.ten_crops(image)
        expected.append(model.predict(crops, verbose=0).mean(axis=0))
    found = model.continuous_codes(images[:3], crops=10, batch_size=2)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(found - model.continuous_codes(images[:3])).max() > 1e-4


@pytest.mark.parametrize("empty", [[], np.zeros((0, 32, 32, 3), np.uint8)])
def test_no_image_gives_no_code(make_model, empty):
    assert make_model(bits=24).encode(empty).shape == (0, 3)


def test_bad_images_are_named(make_model, images, tmp_path):
    model = make_model()
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 no image")
    for bad, error, message in [
        (images[0], ValueError, r"needs a batch axis"),
        (images[..., :1], ValueError, r"must have shape \[n, height, width, 3\]"),
        ("cat.jpg", FileNotFoundError, r"no such image file: 'cat.jpg'"),
        (Image.fromarray(images[0]), ValueError, r"into a list"),
        (["no/such.jpg"], FileNotFoundError, r"no such image file: 'no/such.jpg'"),
        ([str(broken)], ValueError, r"cannot be read: .*broken.jpg"),
        ([images[0][..., 0]], ValueError, r"RGB array \[h, w, 3\]"),
        (images / 255.0, ValueError, r"scaled to 0 to 1"),
        (images - 128.0, ValueError, r"between 0 and 255"),
        (np.full((1, 32, 32, 3), np.nan), ValueError, r"between 0 and 255"),
        (
            tf.data.Dataset.from_tensors("a.png"),
            ValueError,
            r"must hold pixels; pass paths",
        ),
    ]:
        with pytest.raises(error, match=message):
            model.encode(bad)


def test_images_that_cannot_be_read_are_all_named_or_left_out(
    make_model, images, tmp_path
):
    model = make_model()
    paths = [tmp_path / f"{number}.png" for number in range(9)]
    for path, pixels in zip(paths, images, strict=False):
        Image.fromarray(pixels).save(path)
    for number in (0, 4, 5):  # A batch of two without any image is among them.
        paths[number].write_bytes(b"no image")
    paths[8].unlink()
    with pytest.raises(ValueError, match="^4 of 9 images cannot be read:") as error:
        model.encode(paths, batch_size=2)
    for number in (0, 4, 5, 8):
        assert f"Image {number}: " in str(error.value)
        assert f"{number}.png" in str(error.value)
    expected = model.encode(images[:9])[[1, 2, 3, 6, 7]]
    for batch_size in (1, 2, 32):
        problems = {}
        codes = model.encode(paths, batch_size, on_error=problems.__setitem__)
        np.testing.assert_array_equal(codes, expected)
        assert list(problems) == [0, 4, 5, 8]
        assert isinstance(problems[8], FileNotFoundError)
        assert all(each.__traceback__ is None for each in problems.values())
    none = model.encode(paths[4:6], on_error=problems.__setitem__)
    assert none.shape == (0, 2)


def test_a_path_stands_for_an_image_or_a_folder(make_model, images, tmp_path):
    model = make_model()
    for number in range(3):
        Image.fromarray(images[number]).save(tmp_path / f"{number}.png")
    expected = model.encode(images[:3])
    for folder in (tmp_path, str(tmp_path)):
        np.testing.assert_array_equal(model.encode(folder), expected)
    np.testing.assert_array_equal(model.encode(tmp_path / "1.png"), expected[1:2])


def test_a_bad_image_is_named_by_its_number(make_model, images, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 no image")
    for bad, message in [
        ([*images[:5], str(broken)], "^Image 5: .*broken.jpg"),
        ([*images[:3], images[0][..., 0], *images[:2]], "^Image 3: .*RGB array"),
    ]:
        with pytest.raises(ValueError, match=message):
            make_model().encode(bad, batch_size=2)


def test_codes_of_a_broken_model_are_refused(make_model, images):
    model = make_model()
    model.hash_layer.bias.assign(np.full(16, np.nan))
    with pytest.raises(ValueError, match="codes are not finite"):
        model.encode(images)


def test_bad_arguments(make_model, images):
    model = make_model(preprocessor=kdh.Preprocessor(32, 32))
    with pytest.raises(ValueError, match="`batch_size` must be an integer >= 1"):
        model.encode(images, batch_size=0)
    with pytest.raises(ValueError, match="`crops` must be 1"):
        model.encode(images, crops=5)
    with pytest.raises(ValueError, match="Ten crops need a canvas larger"):
        model.encode(images, crops=10)
