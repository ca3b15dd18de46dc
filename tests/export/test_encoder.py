"""`Encoder` gives the codes of the model that was exported, without Keras."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from model_kinds import KINDS
from PIL import Image
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash.export.description import FILE, KEY
from keras_deephash.export.errors import ExportFileError
from keras_deephash.export.sealed_text import seal
from keras_deephash.runtime import preset_files
from keras_deephash.runtime.exported_file import read_exported
from keras_deephash.runtime.networks.onnx_network import OnnxNetwork
from keras_deephash.runtime.onnx_file import read_property

pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")


@pytest.fixture
def folder(tmp_path):
    """Eight images of other sizes than the network's, and a file that is damaged."""
    generator = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(8):
        pixels = generator.integers(0, 256, (40 + number, 52, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    (tmp_path / "photos" / "bad.png").write_bytes(b"no image")
    return str(tmp_path / "photos")


@pytest.mark.parametrize("kind", KINDS)
def test_the_codes_are_those_of_the_model(kind, model_of, onnx_of, images):
    model, encoder = model_of(kind), kdh.Encoder(onnx_of(kind))
    np.testing.assert_allclose(
        encoder.continuous_codes(images), model.continuous_codes(images), atol=1e-5
    )
    codes = model.encode(images)
    np.testing.assert_array_equal(encoder.encode(images), codes)
    np.testing.assert_array_equal(encoder.encode(images, batch_size=5), codes)
    assert encoder.encode([]).shape == (0, model.bits // 8)
    if encoder.preprocessor.canvas_size > 32:
        np.testing.assert_array_equal(
            encoder.encode(images[:3], crops=10), model.encode(images[:3], crops=10)
        )
    queries = model.continuous_codes(images[:2])
    np.testing.assert_allclose(
        encoder.distances(queries, codes), model.distances(queries, codes), atol=1e-5
    )
    for name in ("bits", "lengths", "is_quantizer", "code_distance", "label_names"):
        assert getattr(encoder, name) == getattr(model, name, None)
    assert encoder.method == type(model).__name__


@pytest.mark.parametrize("kind", ["tanh", "DTQ"])
def test_arrays_that_do_not_fit_are_errors(kind, onnx_of):
    encoder = kdh.Encoder(onnx_of(kind))
    good, codes = np.zeros((2, encoder.units)), np.zeros((3, 3), "uint8")
    assert encoder.distances(good, codes).shape == (2, 3)
    assert encoder.to_codes(good.tolist()).shape == (2, 3)
    for wrong in (good[:, 1:], good[0], good[None]):
        with pytest.raises(ValueError, match="must be floats of shape|must have shape"):
            encoder.distances(wrong, codes)
        with pytest.raises(ValueError, match="`continuous_codes` must be floats of"):
            encoder.to_codes(wrong)
    with pytest.raises(ValueError, match="`continuous_codes` must be finite"):
        encoder.to_codes(good + np.nan)
    for wrong in (codes[:, 1:], codes[0], codes.astype("float32")):
        with pytest.raises(ValueError, match="codes"):
            encoder.distances(good, wrong)


def test_shorter_codes(model_of, onnx_of, images):
    model, encoder = model_of("lengths"), kdh.Encoder(onnx_of("lengths"))
    np.testing.assert_array_equal(
        encoder.encode(images, bits=8), model.encode(images, bits=8)
    )
    with pytest.raises(ValueError, match="of this `Encoder`: 8, 16, 24"):
        encoder.encode(images, bits=12)
    index = kdh.Index(encoder, bits=16)
    index.add(images)
    assert index.codes(index.ids).shape == (24, 2)


def test_scores_are_of_quantizers(model_of, onnx_of, images):
    model, encoder = model_of("DVSQ"), kdh.Encoder(onnx_of("DVSQ"))
    queries, codes = model.continuous_codes(images[:3]), model.encode(images)
    for name, values in (("asymmetric_scores", queries), ("symmetric_scores", codes)):
        np.testing.assert_allclose(
            getattr(encoder, name)(values, codes, metric="euclidean"),
            getattr(model, name)(values, codes, metric="euclidean"),
            atol=1e-5,
        )
    np.testing.assert_array_equal(encoder.codebook.decode(codes), model.decode(codes))
    with pytest.raises(ValueError, match="Scores are a quantizer's"):
        kdh.Encoder(onnx_of("tanh")).asymmetric_scores(queries, codes)


def test_images_of_every_form_and_errors(model_of, onnx_of, folder):
    model, encoder = model_of("bgr"), kdh.Encoder(onnx_of("bgr"))
    paths = [os.path.join(folder, f"{number}.png") for number in range(8)]
    codes = model.encode(paths)
    np.testing.assert_array_equal(encoder.encode(paths), codes)
    opened = [Image.open(path) for path in paths]
    np.testing.assert_array_equal(encoder.encode(opened), codes)
    np.testing.assert_array_equal(
        encoder.encode([np.asarray(image) for image in opened]), codes
    )
    found = {}
    np.testing.assert_array_equal(
        encoder.encode(folder, on_error=found.__setitem__), codes
    )
    assert list(found) == [8] and "bad.png" in str(found[8])
    for encode in (model.encode, encoder.encode):
        with pytest.raises(ValueError, match="bad.png' .it must be one of"):
            encode(folder)
        with pytest.raises(FileNotFoundError, match="no such image file"):
            encode("missing.png")
        with pytest.raises(ValueError, match="a single image needs a batch axis"):
            encode(np.zeros((32, 32, 3), "uint8"))


@pytest.mark.parametrize("kind", ["lengths", "RQ"])
def test_an_index_knows_that_it_is_the_same_model(
    kind, model_of, onnx_of, images, tmp_path
):
    model, encoder = model_of(kind), kdh.Encoder(onnx_of(kind))
    index = kdh.Index(encoder)
    index.add(images[:20])
    index.add(encoder.continuous_codes(images[20:]))
    index.save(tmp_path / "index")
    opened = kdh.Index.load(tmp_path / "index", model)
    np.testing.assert_array_equal(opened.codes(opened.ids), model.encode(images))
    expected = opened.search(images[:3], k=4)
    for found, wanted in zip(index.search(images[:3], k=4), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    by_encoder = kdh.Index.load(tmp_path / "index", encoder)
    np.testing.assert_array_equal(by_encoder.search(images[:3], k=4)[1], expected[1])
    with pytest.raises(ValueError, match="makes other codes"):
        kdh.Index.load(tmp_path / "index", kdh.Encoder(onnx_of("bgr")))


def test_nothing_heavy_is_imported(onnx_of, model_of, folder, tmp_path):
    program = """
import json, os, sys
import keras_deephash
path, photos, output = sys.argv[1:]
encoder = keras_deephash.Encoder(path)
index = keras_deephash.Index(encoder)
paths = [os.path.join(photos, f"{number}.png") for number in range(8)]
index.add(paths)
index.save(output)
index = keras_deephash.Index.load(output, encoder)
found = index.search(paths[:2], k=1)[1].tolist()
heavy = {"tensorflow", "keras", "sklearn", "scipy", "h5py", "gensim", "imagehash"}
heavy |= {"huggingface_hub", "onnx", "ml_dtypes", "matplotlib"}
codes = index.codes(index.ids).tolist()
print(json.dumps([found, codes, sorted(heavy & {*sys.modules})]))
"""
    arguments = [onnx_of("RQ"), folder, str(tmp_path / "index")]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found, codes, heavy = json.loads(done.stdout.splitlines()[-1])
    paths = [os.path.join(folder, f"{number}.png") for number in range(8)]
    assert codes == model_of("RQ").encode(paths).tolist()
    assert found == [[0], [1]] and heavy == []


def test_a_preset_is_exported_once(tmp_path, images, monkeypatch):
    monkeypatch.setenv("KERAS_DEEPHASH_CACHE", str(tmp_path / "cache"))
    model = kdh.DCH(TinyBackbone(), bits=16)
    preset = str(tmp_path / "my_dch")
    model.save_to_preset(preset, label_names=["cat", "dog"])
    encoder = kdh.Encoder(preset)
    np.testing.assert_array_equal(
        encoder.encode(images), kdh.from_preset(preset).encode(images)
    )
    assert encoder.preset == preset and encoder.label_names == ["cat", "dog"]
    (file,) = (tmp_path / "cache").iterdir()
    assert str(file) == preset_files.preset_file(preset)
    before = file.stat().st_mtime_ns
    kdh.Encoder(preset)
    assert file.stat().st_mtime_ns == before
    for content in (file.read_bytes()[:-9], b""):  # A damaged one is made again.
        file.write_bytes(content)
        assert preset_files.make_preset_file(preset) == str(file)
        assert read_exported(str(file))[1].label_names == ["cat", "dog"]
    # Other weights, another file.
    kdh.DCH(TinyBackbone(), bits=16).save_to_preset(preset)
    assert not os.path.exists(preset_files.preset_file(preset))
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    monkeypatch.setattr(preset_files, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="needs TensorFlow and tf2onnx"):
        kdh.Encoder(preset)
    backbone = str(tmp_path / "backbone")
    TinyBackbone().save_to_preset(backbone)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="needs the preset of a method"):
        kdh.Encoder(backbone)


def test_litert_runs_too(model_of, images, tmp_path):
    pytest.importorskip("ai_edge_litert")
    path = str(tmp_path / "model.tflite")
    model_of("lengths").export(path, format="litert")
    encoder = kdh.Encoder(path)
    np.testing.assert_array_equal(
        encoder.encode(images), model_of("lengths").encode(images)
    )
    with pytest.raises(ValueError, match="runs files of the format 'onnx'"):
        kdh.Encoder(path, runtime="onnxruntime")


def file_of_runtime(runtime, model_of, onnx_of, tmp_path) -> str:
    """The file of a model for a runtime, or a skip where that is not installed."""
    if runtime == "litert":
        pytest.importorskip("ai_edge_litert")
        path = str(tmp_path / "model.tflite")
        model_of("tanh").export(path, format="litert")
        return path
    pytest.importorskip(runtime)
    return onnx_of("tanh")


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino", "litert"])
def test_threads_may_share_an_encoder(runtime, model_of, onnx_of, images, tmp_path):
    path = file_of_runtime(runtime, model_of, onnx_of, tmp_path)
    encoder = kdh.Encoder(path, runtime=runtime)
    expected = model_of("tanh").encode(images)

    def encode(thread: int) -> bool:
        order = np.roll(np.arange(len(images)), 5 * thread)  # Each other images.
        found = [
            encoder.encode(images[rows])
            for _ in range(20)
            for rows in np.split(order, [1, 3, 8])  # Of several numbers at once.
        ]
        return np.array_equal(np.concatenate(found), np.tile(expected[order], (20, 1)))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(encode, range(4)))


@pytest.mark.parametrize("kind", ["bgr", "DTQ"])
def test_openvino_runs_too(kind, model_of, onnx_of, images):
    pytest.importorskip("openvino")
    encoder = kdh.Encoder(onnx_of(kind), runtime="openvino", threads=1)
    np.testing.assert_array_equal(encoder.encode(images), model_of(kind).encode(images))


@pytest.mark.skipif(find_spec("openvino") is not None, reason="OpenVINO is installed")
def test_a_missing_runtime_is_named(onnx_of):
    with pytest.raises(ImportError, match="pip install openvino"):
        kdh.Encoder(onnx_of("tanh"), runtime="openvino")


def test_wrong_arguments_and_files(onnx_of, model_of, tmp_path):
    with pytest.raises(ValueError, match="`runtime` must be one of"):
        kdh.Encoder(onnx_of("tanh"), runtime="torch")
    with pytest.raises(ValueError, match="`runtime` must be one of"):
        kdh.Encoder(onnx_of("tanh"), runtime=[])
    with pytest.raises(ValueError, match="`threads` must be an integer >= 1"):
        kdh.Encoder(onnx_of("tanh"), threads=0)
    with pytest.raises(ValueError, match="must be an exported file or a preset"):
        kdh.Encoder(model_of("tanh"))
    with pytest.raises(FileNotFoundError, match="no such exported file"):
        kdh.Encoder(tmp_path / "missing.onnx")
    with pytest.raises(ValueError, match="no preset and no directory"):
        kdh.Encoder("no_preset_of_this_name")
    content = Path(onnx_of("tanh")).read_bytes()
    path = tmp_path / "damaged.onnx"
    for damaged in (
        b"",
        b"\xff" * 100,
        content[: len(content) // 2],
        content.replace(b"keras_deephash", b"another_method"),
        content[:-3],
    ):
        path.write_bytes(damaged)
        with pytest.raises(ExportFileError, match="cannot be opened"):
            kdh.Encoder(path)
    path = tmp_path / "damaged.tflite"
    for damaged in (b"", b"PK\x03\x04" * 9):
        path.write_bytes(damaged)
        with pytest.raises(ExportFileError, match="cannot be opened"):
            kdh.Encoder(path)


def test_a_damaged_byte_is_an_error(onnx_of, tmp_path):
    content = Path(onnx_of("tanh")).read_bytes()
    _, network = read_property(content, KEY)
    generator = np.random.default_rng(0)
    path = tmp_path / "damaged.onnx"
    positions = [
        *generator.integers(0, len(network), 40),
        *generator.integers(len(network), len(content), 40),
        *range(len(network), len(network) + 24),  # Where the description begins.
    ]
    for position in positions:
        damaged = bytearray(content)
        damaged[position] ^= 1 << generator.integers(8)
        path.write_bytes(damaged)
        with pytest.raises(ExportFileError):
            read_exported(str(path))
    path.write_bytes(content + b"\x08\x07")  # A version of ONNX.
    with pytest.raises(ExportFileError, match="or damaged"):
        read_exported(str(path))


def attached(text: str | bytes, **options) -> bytes:
    """A network with a description as in a LiteRT file."""
    content = io.BytesIO(b"TFL3" * 100)
    with zipfile.ZipFile(content, "a", **options) as archive:
        archive.writestr(FILE, text)
    return content.getvalue()


def test_a_damaged_litert_file_is_one_error(onnx_of, tmp_path):
    text, _ = read_property(Path(onnx_of("lengths")).read_bytes(), KEY)
    fields = json.loads(bytes(text))
    fields["network_sha256"] = hashlib.sha256(b"TFL3" * 100).hexdigest()
    del fields["description_sha256"]
    content = attached(seal(json.dumps(fields)), compression=zipfile.ZIP_DEFLATED)
    path, opened = tmp_path / "damaged.tflite", 0
    generator = np.random.default_rng(0)
    for position in generator.integers(400, len(content), 300):
        damaged = bytearray(content)
        damaged[position] ^= 1 << generator.integers(8)
        path.write_bytes(damaged[: generator.integers(len(content), 9 * len(content))])
        try:
            _, found = read_exported(str(path))
        except ExportFileError:
            continue
        opened += 1  # A time or the like, which stands in the zip.
        assert found.lengths == (8, 16, 24)
    assert opened < 100
    for end in range(0, len(content), 7):
        path.write_bytes(content[:end])
        with pytest.raises(ExportFileError, match="cannot be opened"):
            read_exported(str(path))


@pytest.mark.parametrize("kind", ["DEFLATED", "LZMA", "BZIP2"])
def test_a_description_takes_no_more_memory_than_its_file_may(kind, tmp_path):
    path = tmp_path / "model.tflite"
    compression = getattr(zipfile, f"ZIP_{kind}")
    path.write_bytes(attached(b" " * (64 << 20), compression=compression))
    tracemalloc.start()
    with pytest.raises(ExportFileError, match="too long|in another way"):
        read_exported(str(path))
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("place", ["initializer", "attribute", "subgraph"])
def test_a_file_names_no_other_file(place, onnx_of, tmp_path, monkeypatch):
    onnx = pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    content = onnx.load(onnx_of("tanh"))
    tensor = max(content.graph.initializer, key=lambda t: len(t.raw_data))
    Path("secret").write_bytes(tensor.raw_data)
    if place != "initializer":
        values = onnx.TensorProto()
        values.CopyFrom(tensor)
        content.graph.initializer.remove(tensor)
        made = onnx.helper.make_node("Constant", [], [values.name], value=values)
        if place == "subgraph":
            inner = onnx.helper.make_graph([made], "inner", [], [])
            made = onnx.helper.make_node("If", ["c"], ["d"], then_branch=inner)
        content.graph.node.insert(0, made)
        made = content.graph.node[0].attribute[0]
        tensor = made.t if place == "attribute" else made.g.node[0].attribute[0].t
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret")
    Path("model.onnx").write_bytes(content.SerializeToString())
    with pytest.raises(ExportFileError, match="it names other files"):
        kdh.Encoder("model.onnx")


def varint(value: int, extra: int = 0) -> bytes:
    """A number of protocol buffers, by `extra` bytes longer than it need be."""
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    if extra:
        made[-1] |= 0x80
        made += b"\x80" * (extra - 1) + b"\0"
    return bytes(made)


def part(tag: bytes, content: bytes) -> bytes:
    return tag + varint(len(content)) + content


@pytest.mark.parametrize(
    "tag",
    [
        varint(13 << 3 | 2 | 1 << 32),  # 32 bits of it are those of field 13.
        varint(13 << 3 | 2, extra=1),
        varint(0) + varint(13 << 3 | 2),  # Field 0.
        varint(9 << 3 | 3) + varint(13 << 3 | 2),  # Within a group.
    ],
)
def test_a_field_has_one_number(tag, tmp_path):
    tensor = part(tag, b"secret")
    content = part(varint(7 << 3 | 2), part(varint(5 << 3 | 2), tensor))
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ExportFileError, match="it is not an ONNX file, or damaged"):
        kdh.Encoder(path)


def test_a_length_is_not_longer_than_it_need_be(tmp_path):
    content = varint(7 << 3 | 2) + varint(3, extra=1) + b"abc"
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ExportFileError, match="it is not an ONNX file, or damaged"):
        kdh.Encoder(tmp_path / "model.onnx")


def test_onnxruntime_takes_a_file_for_onnx_alone(onnx_of, images):
    content = Path(onnx_of("tanh")).read_bytes()
    _, description = read_exported(onnx_of("tanh"))
    expected = OnnxNetwork(content, description, None)(images)
    # Files of onnxruntime's own format have these four bytes; here they are a name's.
    disguised = content[:4] + b"ORTM" + content[8:]
    assert content[4:8] == b"tf2o"
    found = OnnxNetwork(disguised, description, None)(images)
    np.testing.assert_array_equal(found, expected)
