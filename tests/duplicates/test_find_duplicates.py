"""Copies of drawn pictures are found, and files read again only when they change."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import keras_deephash as kdh
from keras_deephash.datasets import ImageSet
from keras_deephash.duplicates import calibrate, collection
from keras_deephash.duplicates.cache import load_records, save_records
from keras_deephash.duplicates.calibration import Calibration, lowest_score
from keras_deephash.duplicates.network import FeatureNetwork
from keras_deephash.duplicates.records import record_type

from .conftest import draw_picture

EXPECTED = [
    ["1 again.jpg", "1 small.png", "1.png"],
    ["3 large.png", "3.png"],
    ["5 bright.png", "5.png"],
]


def names(groups):
    return sorted(sorted(map(os.path.basename, group.paths)) for group in groups)


def test_copies_are_found_and_the_largest_is_kept(find, photos):
    groups = find(photos)
    assert names(groups) == EXPECTED
    kept = {os.path.basename(group.paths[0]) for group in groups}
    assert {"3 large.png"} <= kept and "1 small.png" not in kept
    for group in groups:
        pixels = [width * height for width, height, _ in group.sizes]
        assert pixels[0] == max(pixels)
        assert group.scores[1:] == sorted(group.scores[1:], reverse=True)
        assert min(group.scores) >= 4 and group.scores[0] == max(group.scores)
        sizes = [os.path.getsize(path) for path in group.paths]
        assert [size for *_, size in group.sizes] == sizes
        assert set(group.sources) == {"images"}
    assert len(os.listdir(photos)) == 12  # All are there.


def test_a_list_may_name_an_image_twice_and_in_any_order(find, photos):
    paths = [str(photos / name) for name in os.listdir(photos)]
    assert names(find(paths[::-1] + paths)) == EXPECTED


def test_a_link_is_no_copy(find, photos):
    os.symlink(photos / "2.png", photos / "link to 2.png")
    assert names(find(photos)) == EXPECTED


def test_few_and_equal_images(find, tmp_path):
    draw_picture(0).save(tmp_path / "0.png")
    assert find(tmp_path) == [] == find([])
    for number in range(1, 40):
        shutil.copy(tmp_path / "0.png", tmp_path / f"{number}.png")
    (group,) = find(tmp_path)
    assert len(group) == 40 and len(set(group.scores)) == 1
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="holds no image"):
        find(empty)
    with pytest.raises(FileNotFoundError, match="no such image file"):
        find([str(tmp_path / "gone.png")])


def test_an_unreadable_image_is_named_or_left_out(find, photos):
    (photos / "broken.png").write_bytes(b"\x89PNG and no more")
    with pytest.raises(ValueError, match="broken.png"):
        find(photos)
    bad = {}
    paths = kdh.images.find_images(photos)
    assert names(find(paths, on_error=bad.__setitem__)) == EXPECTED
    assert [os.path.basename(paths[number]) for number in bad] == ["broken.png"]


def read_files(monkeypatch):
    """The names of the files whose records are made from here on."""
    read, make = [], collection.make_records

    def noting(network, images, batch_size):
        read.extend(os.path.basename(os.fspath(image)) for image in images)
        return make(network, images, batch_size)

    monkeypatch.setattr(collection, "make_records", noting)
    return read


def test_the_next_run_reads_what_is_new(find, photos, tmp_path, monkeypatch):
    cache = tmp_path / "photos.cache"
    first = find(photos, cache=cache)
    read = read_files(monkeypatch)
    assert find(photos, cache=cache) == first and read == []
    draw_picture(7).resize((100, 75)).save(photos / "7 small.png")  # New.
    draw_picture(20).save(photos / "5 bright.png")  # Another picture now.
    os.remove(photos / "3 large.png")
    groups = find(photos, cache=cache)
    assert read == ["5 bright.png", "7 small.png"]
    assert names(groups) == [EXPECTED[0], ["7 small.png", "7.png"]]
    assert groups == find(photos)  # As without a cache.


def test_one_cache_serves_several_folders(find, photos, tmp_path, monkeypatch):
    cache = tmp_path / "photos.cache"
    first = find(photos, cache=cache)
    other = tmp_path / "other"
    other.mkdir()
    draw_picture(30).save(other / "30.png")
    find(other, cache=cache)
    read = read_files(monkeypatch)
    assert find(photos, cache=cache) == first and read == []
    os.remove(other / "30.png")
    find(photos, cache=cache)
    assert find(photos, cache=cache) == first
    assert b"30.png" not in cache.read_bytes()  # Gone with its file.


@pytest.mark.parametrize("damage", ["cut", "longer", "flipped", "header", "other"])
def test_a_damaged_cache_is_told_of_and_made_anew(
    damage, find, photos, tmp_path, monkeypatch
):
    cache = tmp_path / "photos.cache"
    first = find(photos, cache=cache)
    whole = content = cache.read_bytes()
    if damage == "cut":
        content = whole[:-1]
    elif damage == "longer":
        content = whole + b"\0"
    elif damage == "flipped":
        middle = len(whole) // 2
        content = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    elif damage == "header":
        content = whole.replace(b'"count": 12', b'"count": 10000000000000')
    else:
        content = b"something else"
    assert content != whole
    cache.write_bytes(content)
    read = read_files(monkeypatch)
    with pytest.warns(UserWarning, match="cannot be used.*read again"):
        assert find(photos, cache=cache) == first
    assert len(read) == 12
    assert cache.read_bytes() == whole


def test_a_cache_keeps_any_path_and_no_record_of_another_network(tmp_path):
    records = np.zeros(2, record_type(3))
    records["features"][1] = [1, 2, 3]
    paths = ["/a b/\u00fc.png", os.fsdecode(b"/not \xff utf-8\n.png")]
    save_records(tmp_path / "cache", "this", paths, records)
    numbers, loaded = load_records(tmp_path / "cache", "this", 3)
    assert numbers == {paths[0]: 0, paths[1]: 1}
    np.testing.assert_array_equal(loaded, records)
    assert load_records(tmp_path / "cache", "another", 3)[0] == {}
    save_records(tmp_path / "cache", "this", [], records[:0])
    assert load_records(tmp_path / "cache", "this", 3)[0] == {}


def test_copies_in_an_index(find, photos, tmp_path, make_model):
    model = make_model()
    index = kdh.Index(model)
    index.add(kdh.images.find_images(photos))
    new = tmp_path / "new"
    new.mkdir()
    draw_picture(6).save(new / "6 again.jpg", quality=50)
    draw_picture(30).save(new / "30.png")
    (group,) = find(new, against=index)
    assert sorted(map(os.path.basename, group.paths)) == ["6 again.jpg", "6.png"]
    assert sorted(group.sources) == ["images", "index"]
    os.remove(photos / "6.png")
    with pytest.warns(UserWarning, match="cannot be read.*6.png"):
        assert find(new, against=index) == []
    with pytest.raises(ValueError, match="`against` must be an `Index`"):
        find(new, against="photos.index")
    nameless = kdh.Index(model)
    nameless.add(np.zeros((2, model.bits // 8), np.uint8))
    with pytest.raises(ValueError, match="paths of its images as names"):
        find(new, against=nameless)


def test_leaks_are_groups_of_two_sets(network, calibration, photos):
    def images(*chosen):
        paths = [str(photos / name) for name in chosen]
        return ImageSet(paths, np.zeros((len(paths), 2), np.uint8))

    train = images("1.png", "1 again.jpg", "2.png", "5.png")
    query = images("3.png", "5 bright.png")
    pixels = np.stack([np.asarray(draw_picture(seed)) for seed in (3, 9)])
    database = ImageSet(pixels, np.zeros((2, 2), np.uint8))
    arguments = {"model": network, "calibration": calibration}
    groups = kdh.find_leaks(train, query, database, **arguments)
    assert sorted(sorted(group.sources) for group in groups) == [
        ["database", "query"],
        ["query", "train"],
    ]
    assert any("image 0" in group.paths for group in groups)
    both = kdh.find_leaks(train, images("1.png"), **arguments)
    assert sorted(both[0].sources) == ["query", "train", "train"]
    with pytest.raises(ValueError, match="at least two"):
        kdh.find_leaks(train)


def test_a_model_without_calibration_is_refused(photos, network):
    with pytest.raises(ValueError, match=r"calibrate\(images, model\)"):
        kdh.find_duplicates(photos, network)
    other = kdh.AlexNetBackbone.small(32, filters=(4,) * 5, hidden_dim=8)
    assert FeatureNetwork(other).digest != FeatureNetwork(network).digest
    with pytest.raises(ValueError, match="`model` must be"):
        kdh.find_duplicates(photos, 7)


def test_a_method_has_the_features_of_its_backbone(network):
    model = kdh.DCH(network, bits=16)
    assert FeatureNetwork(model).digest == FeatureNetwork(network).digest


def test_scores_are_shares_of_random_pairs(calibration):
    assert calibration.scores == [1.0, 2.0, 3.0]  # Of 85,680 pairs.
    np.testing.assert_allclose(calibration.score(calibration.logits), [1, 2, 3])
    beyond = calibration.score(np.array([calibration.logits[-1] + 1]))
    assert beyond > 3 and max(calibration.weights) <= 0
    assert Calibration.from_json(calibration.to_json()) == calibration


def test_a_pair_scores_as_the_formula_says(calibration, network):
    pictures = [draw_picture(0), draw_picture(0).resize((80, 60)), draw_picture(1)]
    records, _ = collection.collect_records(FeatureNetwork(network), pictures)
    left, right = np.array([0, 0, 1]), np.array([1, 2, 2])
    calibration = replace(calibration, hash_limit=128)
    scores = calibration.pair_scores(records, left, right)
    for score, one, other in zip(scores, records[left], records[right], strict=True):
        cosine = one["features"].astype(float) @ other["features"].astype(float)
        values = [1 - cosine]
        for name in ("phash", "dhash"):
            values.append(bin(int(one[name]) ^ int(other[name])).count("1") / 64)
        logit = calibration.bias + np.dot(calibration.weights, values)
        np.testing.assert_allclose(score, calibration.score(logit), rtol=1e-3)
    # Hashes that are far apart, and those that cannot reach a score.
    none = replace(calibration, hash_limit=-1).pair_scores(records, left, right)
    assert not none.any()
    high = calibration.pair_scores(records, left, right, lowest=scores[0] - 1e-6)
    assert high[0] == scores[0] and high[1] < scores[0] and high[2] < scores[0]


def test_the_lowest_score_follows_from_the_rate():
    assert lowest_score(10, 1e-5) == pytest.approx(5)
    assert lowest_score(2, None) == lowest_score(0, None) == pytest.approx(4)
    # A million images have half a million million pairs, and may have 1,000 false ones.
    assert lowest_score(1_000_000, None) == pytest.approx(-np.log10(2e-9), abs=1e-5)
    for rate in (0, 1, -1, float("nan"), "1"):
        with pytest.raises(ValueError, match="`false_positive_rate` must be"):
            lowest_score(10, rate)


def test_pictures_without_content(find, tmp_path):
    for number, value in enumerate((0, 0, 255)):
        Image.new("RGB", (40, 40), (value,) * 3).save(tmp_path / f"{number}.png")
    groups = find(tmp_path)
    assert any(
        {"0.png", "1.png"} <= set(map(os.path.basename, group.paths))
        for group in groups
    )


def test_what_cannot_be_calibrated_is_refused(network):
    with pytest.raises(ValueError, match="at least 100 different pictures"):
        calibrate([draw_picture(0)] * 99, network)
    with pytest.raises(ValueError, match="cannot tell copies of these pictures"):
        calibrate([draw_picture(0, (32, 32))] * 100, network, verbose=0)
