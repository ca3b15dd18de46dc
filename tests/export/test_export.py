"""Exported files give the codes of the model, and say what model it is."""

import base64
import json
import math
import os
import shutil
import tracemalloc
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from model_kinds import KINDS
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash.export.description import FILE, KEY, Description
from keras_deephash.export.errors import ExportFileError
from keras_deephash.export.sealed_text import MAX_VALUES, seal
from keras_deephash.files import exchange
from keras_deephash.runtime.onnx_file import read_property

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")


def assert_same(model, images, codes, continuous):
    """The codes of a model, but for bits within 1e-5 of their threshold."""
    expected = model.continuous_codes(images)
    np.testing.assert_allclose(continuous, expected, atol=1e-5)
    assert codes.dtype == np.uint8 and codes.shape == (len(images), model.bits // 8)
    if model.is_quantizer:
        np.testing.assert_array_equal(codes, model.encode(images))
        return
    bits, wanted = (np.unpackbits(x, axis=1) for x in (codes, model.encode(images)))
    certain = np.abs(expected) > 1e-5
    assert certain.mean() > 0.99
    np.testing.assert_array_equal(bits[certain], wanted[certain])


def run_onnx(path, images):
    session = onnxruntime.InferenceSession(path)
    return session.run(["codes", "continuous"], {"images": images})


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_gives_the_codes(kind, model_of, onnx_of, images):
    assert_same(model_of(kind), images, *run_onnx(onnx_of(kind), images))
    assert_same(model_of(kind), images[:1], *run_onnx(onnx_of(kind), images[:1]))


@pytest.mark.parametrize("kind", ["bgr", "ITQ", "DVSQ", "modes"])
def test_litert_and_saved_models_give_the_codes(kind, model_of, images, tmp_path):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    model = model_of(kind)
    path = str(tmp_path / "model.tflite")
    model.export(path, format="litert")
    run = interpreter.Interpreter(path).get_signature_runner("encode")
    for some in (images, images[:1]):
        found = run(images=some)
        assert_same(model, some, found["codes"], found["continuous"])
    with zipfile.ZipFile(path) as archive:
        assert Description.from_json(archive.read(FILE)).method == type(model).__name__

    path = tmp_path / "served"
    for _ in range(2):  # The second takes the place of the first.
        model.export(path, format="saved_model", verbose=False)
    served = tf.saved_model.load(str(path))
    assert_same(
        model, images, served.encode(images).numpy(), served.serve(images).numpy()
    )
    assert Description.from_json((path / FILE).read_bytes()).units == 12 or kind in (
        "bgr",
        "ITQ",
    )
    assert served.encode(images[:0]).shape == (0, model.bits // 8)
    assert [entry.name for entry in tmp_path.iterdir()].count("served") == 1
    assert not list(tmp_path.glob(".served*"))


@pytest.mark.parametrize("kind", ["lengths", "DVSQ", "modes"])
def test_the_description_is_that_of_the_model(kind, model_of, onnx_of):
    model = model_of(kind)
    with open(onnx_of(kind), "rb") as file:
        found = Description.from_json(*map(bytes, read_property(file.read(), KEY)))
    spec, expected = found.spec, kdh.CodeSpec.of(model)
    assert spec.to_json() == expected.to_json() and spec.weights_sha256
    assert found.method == type(model).__name__
    assert found.units == model.output_layer.units
    assert found.lengths == getattr(model, "lengths", None)
    assert found.preprocessor.get_config() == model.preprocessor.get_config()
    if model.is_quantizer:
        np.testing.assert_array_equal(spec.centers, expected.centers)
        assert found.beam == model.codebook.beam
        if model.codebook.projection is not None:
            np.testing.assert_array_equal(found.projection, model.codebook.projection)


def test_int8_is_another_model_of_nearly_the_same_codes(model_of, images, tmp_path):
    model = model_of("tanh")
    path = str(tmp_path / "int8.onnx")
    model.export(path, format="onnx", quantize="int8")
    # Activations are quantized by the largest of a batch: one image at a time has the
    # same codes in every batch.
    found = [run_onnx(path, image[None]) for image in images]
    codes, continuous = (np.concatenate(each) for each in zip(*found, strict=True))
    difference = np.abs(continuous - model.continuous_codes(images)).max()
    assert 0 < difference < 0.05
    encoder = kdh.Encoder(path)
    np.testing.assert_array_equal(encoder.encode(images), codes)
    np.testing.assert_array_equal(encoder.encode(images, batch_size=7), codes)
    index = kdh.Index(model)
    with pytest.raises(ValueError, match="makes other codes.*-int8[.]"):
        index.spec.check_same(kdh.CodeSpec.of(encoder), "The encoder")


def test_what_cannot_be_exported_is_an_error_before_a_file(tmp_path, images, model_of):
    path = tmp_path / "model.onnx"
    with pytest.raises(ValueError, match="not fitted"):
        kdh.RQ(TinyBackbone(), subcodebooks=2, dim=8).export(path, format="onnx")
    half = kdh.DCH(TinyBackbone(dtype="mixed_bfloat16"), bits=8)
    with pytest.raises(ValueError, match="of 'mixed_bfloat16'. Load the preset"):
        half.export(path, format="onnx")
    model = model_of("tanh")
    with pytest.raises(ValueError, match='`quantize` is for format="onnx"'):
        model.export(tmp_path / "served", quantize="int8")
    with pytest.raises(ValueError, match="\"int8\". Received: quantize='int4'"):
        model.export(path, format="onnx", quantize="int4")
    with pytest.raises(ValueError, match="must be a list of one `keras.InputSpec`"):
        model.export(path, format="onnx", input_signature=[None, None])
    with pytest.raises(ValueError, match="has no attribute 'speed'"):
        model.export(path, format="litert", speed=2)
    with pytest.raises(ValueError, match="Unrecognized format=onxx"):
        model.export(path, format="onxx")
    with pytest.raises(ValueError, match="`speed` is not an argument.*`opset_version`"):
        model.export(path, speed=2)
    with pytest.raises(ValueError, match="`speed` is not an argument.*no others"):
        model.export(tmp_path / "served", speed=2)
    for version in (0, 12, 99, "18"):
        with pytest.raises(ValueError, match="`opset_version` must be an integer from"):
            model.export(path, opset_version=version)
    for names in ("cat", 5, b"cat"):
        with pytest.raises(ValueError, match="must be a list of str"):
            model.export(path, label_names=names)
    with pytest.raises(ValueError, match="for the 4 classes .* Received: 2 names"):
        model_of("normalized").export(path, label_names=["cat", "dog"])
    for wrong in ("", 5, None, b"model.onnx", "a\0.onnx"):
        with pytest.raises(ValueError, match="`filepath` must be the path of"):
            model.export(wrong, format="onnx")
    with pytest.raises(IsADirectoryError, match="Name a file in it"):
        model.export(tmp_path, format="onnx")
    (tmp_path / "file").write_text("keep")
    with pytest.raises(NotADirectoryError, match="file' is a file"):
        model.export(tmp_path / "file" / "model.onnx")
    assert not path.exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="not a SavedModel"):
        model.export(tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"


def test_a_saved_model_takes_no_images(tmp_path):
    # Without a bias, oneDNN gives a convolution of no images a wrong shape.
    inputs = keras.Input((32, 32, 3))
    outputs = keras.layers.Conv2D(8, 3, strides=2, use_bias=False)(inputs)
    outputs = keras.layers.BatchNormalization()(outputs)
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    model = kdh.DCH(keras.Model(inputs, outputs), bits=16)
    model.export(tmp_path / "served", verbose=False)
    served, none = (
        tf.saved_model.load(str(tmp_path / "served")),
        np.zeros((0, 32, 32, 3)),
    )
    assert served.encode(none.astype("uint8")).shape == (0, 2)
    assert served.serve(none.astype("uint8")).shape == (0, 16)


@pytest.fixture(scope="module")
def saved_model(model_of, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "served"
    model_of("tanh").export(path, verbose=False)
    return path


@pytest.fixture
def served(saved_model, tmp_path):
    """A SavedModel that a test may change."""
    return shutil.copytree(saved_model, tmp_path / "served")


@pytest.mark.parametrize("name", ["notes.txt", "photos", "variables/notes.txt"])
def test_a_saved_model_replaces_no_other_file(name, served, model_of):
    (served / name).mkdir()
    with pytest.raises(FileExistsError, match=f"{name}' would be lost"):
        model_of("tanh").export(served)
    assert (served / name).exists()


def test_the_working_directory_is_not_replaced(model_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileExistsError, match="is the working directory"):
        model_of("tanh").export(".")
    assert os.path.samefile(tmp_path, ".") and not os.listdir(".")


def test_what_a_link_points_to_is_replaced(served, model_of):
    link = served.parent / "link"
    link.symlink_to("served")
    before = (served / FILE).stat().st_ino
    model_of("tanh").export(link, verbose=False)
    assert link.is_symlink() and (served / FILE).stat().st_ino != before


def test_the_old_model_keeps_its_name_until_the_new_one_has_it(
    served, model_of, monkeypatch
):
    if not exchange(str(served), str(served)):
        pytest.skip("this system exchanges no names")
    before = (served / FILE).stat().st_ino
    monkeypatch.setattr(os, "rename", lambda old, new: pytest.fail(f"moved {old}"))
    model_of("tanh").export(served, verbose=False)
    assert (served / FILE).stat().st_ino != before


def test_an_interrupted_export_leaves_the_old_model(served, model_of, monkeypatch):
    # As on Windows, where names do not change places in one step.
    monkeypatch.setattr("keras_deephash.files.exchange", lambda *paths: False)
    before, rename, moved = (served / FILE).stat().st_ino, os.rename, []

    def interrupted(old, new):
        moved.append(new)
        if len(moved) == 2:  # The old model is away, the new one has no name yet.
            raise KeyboardInterrupt
        rename(old, new)

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model_of("tanh").export(served, verbose=False)
    assert (served / FILE).stat().st_ino == before
    assert os.listdir(served.parent) == ["served"]


def test_the_end_of_a_path_says_the_format(model_of, images, tmp_path):
    path = str(tmp_path / "model.ONNX")
    model_of("tanh").export(path, opset_version=13)
    assert_same(model_of("tanh"), images, *run_onnx(path, images))


def test_another_input_signature(model_of, images, tmp_path):
    path = str(tmp_path / "float.onnx")
    spec = keras.InputSpec(shape=(2, 32, 32, 3), dtype="float32")
    model_of("tanh").export(path, format="onnx", input_signature=[spec])
    codes, _ = run_onnx(path, images[:2].astype("float32"))
    np.testing.assert_array_equal(codes, model_of("tanh").encode(images[:2]))
    with pytest.raises(ExportFileError, match="without `input_signature`"):
        kdh.Encoder(path).encode(images)


def described(model) -> dict:
    fields = json.loads(Description.of(model).to_json())
    del fields["description_sha256"]
    return fields


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda d: d.update(format_version=3), "Upgrade keras_deephash"),
        (lambda d: d.update(format_version="1"), "has format 1"),
        (lambda d: d.pop("codes"), "damaged"),
        (lambda d: d["codes"].update(bits=7), "`bits` must be a multiple of 8"),
        (lambda d: d["codes"].update(command="rm"), "damaged"),
        (lambda d: d.update(units=10**9), "`units` must be an integer"),
        (lambda d: d.update(units=13), "`units` must be 12"),
        (lambda d: d.update(lengths=[16, 8]), "`lengths` must be"),
        (lambda d: d.update(label_names=["a", "A"]), "differ in more than their case"),
        (lambda d: d.update(label_names="ab"), "`label_names` must be a list"),
        (lambda d: d.update(radius_table={}), "radius table"),
        (lambda d: d.update(quantized="int4"), "wrong type"),
        (lambda d: d.update(method="\x1b[31mDTQ"), "not the name of a class"),
        (lambda d: d["preprocessor"].update(resize_size=10**6), "`canvas_size`"),
        (lambda d: d["preprocessor"].update(version=99), "Upgrade"),
        (lambda d: d["codebook"].update(beam=10**9), "`beam` must be"),
        (lambda d: d["codebook"]["centers"].update(shape=[3, 8]), "`shape` must be"),
        (lambda d: d["codebook"]["centers"].update(shape=[3, 8, 13]), "damaged"),
        (lambda d: d["codebook"]["centers"].update(float32="?"), "damaged"),
    ],
)
def test_a_damaged_description_is_an_error(change, message, model_of):
    fields = described(model_of("DTQ"))
    assert Description.from_json(seal(json.dumps(fields))).beam == 8
    change(fields)
    with pytest.raises(ExportFileError, match=message):
        Description.from_json(seal(json.dumps(fields)))


def test_every_byte_of_a_description_counts(model_of):
    text = Description.of(model_of("lengths")).to_json().encode()
    for position in range(len(text)):
        damaged = bytearray(text)
        damaged[position] ^= 1
        with pytest.raises(ExportFileError):
            Description.from_json(bytes(damaged))
    with pytest.raises(ExportFileError, match="of its description differs"):
        Description.from_json(text + b" ")


def test_a_description_of_before_it_had_a_sha256_opens(model_of):
    fields = described(model_of("DVSQ"))
    fields["format_version"] = 1
    assert Description.from_json(json.dumps(fields)).units == 12


@pytest.mark.parametrize("value", ["[]", "{}", '""'])
def test_a_description_of_too_many_values_is_an_error(value, model_of):
    text = json.dumps(described(model_of("tanh")))
    text = seal(f'{text[:-1]}, "more": [{",".join([value] * MAX_VALUES)}]}}')
    tracemalloc.start()
    with pytest.raises(ExportFileError, match="too many values"):
        Description.from_json(text)
    assert tracemalloc.get_traced_memory()[1] < 2 * len(text)
    tracemalloc.stop()


def test_a_projection_makes_no_large_matrix(model_of):
    fields, dim = described(model_of("DVSQ")), 1 << 14

    def zeros(*shape):
        values = bytes(4 * math.prod(shape))
        return {"shape": shape, "float32": base64.b64encode(values).decode()}

    fields["codes"].update(bits=8)
    fields.update(units=dim)
    fields["codebook"].update(centers=zeros(1, 2, dim), projection=zeros(1, dim))
    with pytest.raises(ExportFileError, match="must not have 16,384 columns"):
        Description.from_json(seal(json.dumps(fields)))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[" * 100_000, '{"a": 1}'])
def test_text_that_is_no_description_is_an_error(text):
    with pytest.raises(ExportFileError, match="the description is not one"):
        Description.from_json(text)
