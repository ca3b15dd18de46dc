"""Encoding by a local Ray of two actors."""

import hashlib
import json
import os

import numpy as np
import pytest
from PIL import Image

import keras_deephash as kdh
from keras_deephash.presets import read_preset_metadata
from keras_deephash.presets.format.metadata import HASHED_FILES
from keras_deephash.ray_encoding import encode_files, parts

ray = pytest.importorskip("ray", reason="Ray is an extra: pip install '.[test-ray]'")
pq = pytest.importorskip("pyarrow.parquet")
pa = pytest.importorskip("pyarrow")


@pytest.fixture(scope="module", autouse=True)
def local_ray():
    # Ray's node takes longer than the 30 seconds it is given where others compute too.
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")
    # The workers import what this process imports, wherever pytest was started.
    root = os.path.dirname(os.path.dirname(kdh.__file__))
    environment = {"env_vars": {"PYTHONPATH": root, "TF_CPP_MIN_LOG_LEVEL": "3"}}
    ray.init(
        num_cpus=3,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        runtime_env=environment,
    )
    yield
    ray.shutdown()


@pytest.fixture
def preset(make_alexnet, tmp_path):
    kdh.DCH(make_alexnet(), bits=16).save_to_preset(tmp_path / "preset")
    return str(tmp_path / "preset")


@pytest.fixture
def folder(tmp_path):
    generator = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(50):
        pixels = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number:02}.png")
    (tmp_path / "photos" / "17.png").write_bytes(b"no image")
    return str(tmp_path / "photos")


def read_codes(output):
    names = sorted(os.listdir(os.path.join(output, "codes")))
    tables = [pq.read_table(os.path.join(output, "codes", name)) for name in names]
    table = pa.concat_tables(tables)
    codes = np.array([np.frombuffer(c, np.uint8) for c in table["code"].to_pylist()])
    return table["id"].to_pylist(), table["path"].to_pylist(), codes


def test_a_directory_gives_the_codes_of_one_process_and_goes_on(
    preset, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(parts, "IMAGES_PER_PART", 20)
    output = str(tmp_path / "codes")
    done = encode_files(preset, folder, output, actors=2, batch_size=8, verbose=0)
    assert done == {"images": 49, "unreadable": 1, "parts": 3}
    ids, paths, codes = read_codes(output)
    assert ids == [number for number in range(50) if number != 17]
    assert paths == [os.path.join(folder, f"{number:02}.png") for number in ids]
    np.testing.assert_array_equal(codes, kdh.from_preset(preset).encode(paths))
    with open(os.path.join(output, "unreadable", "part-00000.txt")) as file:
        assert file.read().startswith(os.path.join(folder, "17.png") + "\t")

    # A part that was not finished, and an image that has come since.
    os.remove(os.path.join(output, "codes", "part-00001.parquet"))
    Image.new("RGB", (40, 30)).save(os.path.join(folder, "00-new.png"))
    done = encode_files(preset, folder, output, actors=1, verbose=0)
    assert done == {"images": 21, "unreadable": 0, "parts": 2}
    new_ids, new_paths, new_codes = read_codes(output)
    assert new_ids == [*ids, 50] and new_paths[:-1] == paths
    np.testing.assert_array_equal(new_codes[:-1], codes)


def test_strict_and_odd_names(preset, folder, tmp_path):
    odd = os.path.join(folder, "a\nb.png")
    os.rename(os.path.join(folder, "17.png"), odd)
    output = str(tmp_path / "codes")
    with pytest.raises(ValueError, match="cannot be read"):
        encode_files(preset, folder, output, verbose=0, strict=True)
    assert not os.path.exists(os.path.join(output, "codes"))
    done = encode_files(preset, folder, output, verbose=0)
    assert done == {"images": 49, "unreadable": 1, "parts": 1}
    with open(os.path.join(output, "unreadable", "part-00000.txt")) as file:
        (line,) = file.read().splitlines()
    assert json.loads(line.split("\t")[0]) == odd


def test_codes_of_another_preprocessing_are_not_gone_on_with(preset, folder, tmp_path):
    os.remove(os.path.join(folder, "17.png"))
    output = tmp_path / "codes"
    output.mkdir()
    metadata = read_preset_metadata(preset)
    hashes = {name: metadata["files"][name]["sha256"] for name in HASHED_FILES}
    before = hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()
    (output / "preset.sha256").write_text(before)
    with pytest.raises(ValueError, match="another version of the preprocessing"):
        encode_files(preset, folder, str(output), verbose=0)


def test_parquet_files_bring_their_ids(preset, folder, make_model, tmp_path):
    (tmp_path / "lists").mkdir()
    paths = [os.path.join(folder, f"{number:02}.png") for number in range(10)]
    for name, rows, numbers in (
        ("b", paths[:6], [60, 50, 40, 30, 20, 10]),
        ("a", paths[6:], [1, 2, 3, 4]),
        ("empty", [], []),
    ):
        table = pa.table(
            {"path": pa.array(rows, "string"), "id": pa.array(numbers, pa.int64())}
        )
        pq.write_table(table, tmp_path / "lists" / f"{name}.parquet")
    output = str(tmp_path / "codes")
    done = encode_files(preset, str(tmp_path / "lists"), output, actors=2, verbose=0)
    assert done == {"images": 10, "unreadable": 0, "parts": 3}
    ids, found, codes = read_codes(output)
    assert ids == [1, 2, 3, 4, 60, 50, 40, 30, 20, 10]
    np.testing.assert_array_equal(codes, kdh.from_preset(preset).encode(found))
    # All is there: nothing is done, by no actor.
    assert encode_files(preset, str(tmp_path / "lists"), output)["parts"] == 0
    make_model(bits=24).save_to_preset(tmp_path / "other")
    darker = kdh.from_preset(preset)
    darker.preprocessor.mean = (0.0, 0.0, 0.0)  # The same weights, other codes.
    darker.save_to_preset(tmp_path / "darker")
    for name in ("other", "darker"):
        with pytest.raises(ValueError, match="codes of another model"):
            encode_files(str(tmp_path / name), str(tmp_path / "lists"), output)


def test_wrong_input_is_named(preset, folder, tmp_path):
    output = str(tmp_path / "codes")
    with pytest.raises(ValueError, match="must be an integer >= 1"):
        encode_files(preset, folder, output, actors=0)
    with pytest.raises(FileNotFoundError, match="no file or directory"):
        encode_files(preset, str(tmp_path / "nothing"), output)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.parquet").write_bytes(b"no parquet")
    with pytest.raises(ValueError, match="is not a Parquet file"):
        encode_files(preset, str(tmp_path / "bad"), output)
    pq.write_table(pa.table({"file": ["a"]}), tmp_path / "bad" / "x.parquet")
    with pytest.raises(ValueError, match="must have a column `path`"):
        encode_files(preset, str(tmp_path / "bad"), output)
    assert not os.path.exists(output)  # Any preset may still use it.
    with pytest.raises(ValueError, match="has no codes"):
        encode_files("efficientnet_lite0_imagenet", folder, str(tmp_path / "new"))


@pytest.mark.slow
def test_a_hundred_thousand_images_have_the_codes_of_one_process(preset, tmp_path):
    generator = np.random.default_rng(0)
    folder = tmp_path / "many"
    for number in range(100_000):
        if number % 1_000 == 0:
            (folder / f"{number // 1_000:02}").mkdir(parents=True)
        pixels = generator.integers(0, 256, (12, 12, 3), dtype=np.uint8)
        name = f"{number // 1_000:02}/{number % 1_000:03}.png"
        Image.fromarray(pixels).save(folder / name)
    output = str(tmp_path / "codes")
    done = encode_files(preset, str(folder), output, actors=2, verbose=0)
    assert done == {"images": 100_000, "unreadable": 0, "parts": 10}
    ids, paths, codes = read_codes(output)
    assert ids == list(range(100_000)) and len(set(paths)) == 100_000
    alone = kdh.from_preset(preset).encode(paths, batch_size=128, verbose=0)
    np.testing.assert_array_equal(codes, alone)
