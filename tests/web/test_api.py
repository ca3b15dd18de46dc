"""The API of a served index, by a real client."""

import io
import json
import os
import shutil
import threading
import time

import numpy as np
import pytest
from PIL import Image
from shapes import COUNT, LABELS, png

import keras_deephash as kdh
from keras_deephash.files import one_at_a_time


def hamming(a, b):
    return int(np.bitwise_count(a ^ b).sum())


def test_search_by_picture_finds_what_the_index_finds(same_server, model, paths):
    index = same_server.collection.index
    found = same_server.json("POST", "/api/search", png(4), k=COUNT)["neighbors"]
    codes = model.encode(paths)
    expected = [hamming(codes[4], code) for code in codes]
    assert [each["distance"] for each in found] == sorted(expected)
    distances, ids = index.search([paths[4]], k=COUNT)
    assert [each["id"] for each in found] == ids[0].tolist()
    for each in found:
        assert each["distance"] == expected[each["id"]]
        assert each["similarity"] == pytest.approx(1 - 2 * each["distance"] / 16)
        assert each["name"] == paths[each["id"]]
        assert each["labels"] == [LABELS[each["id"]]]


def test_search_by_id_leaves_the_item_itself_out(same_server, model, paths):
    codes = model.encode(paths)
    path = "/api/items/7/similar"
    found = same_server.json("GET", path, k=5)["neighbors"]
    others = sorted(hamming(codes[7], codes[n]) for n in range(COUNT) if n != 7)
    assert [each["distance"] for each in found] == others[:5]
    assert 7 not in [each["id"] for each in found]


def test_filters_and_a_radius_leave_what_they_should(same_server, model, paths):
    codes = model.encode(paths)
    how = {"label": 1, "name": "SHAPE 1", "radius": 6, "k": COUNT}
    found = same_server.json("POST", "/api/search", png(3), **how)["neighbors"]
    assert {each["id"] for each in found} == {
        number
        for number in range(10, 20)
        if LABELS[number] == 1 and hamming(codes[3], codes[number]) <= 6
    }
    plain = same_server.json("POST", "/api/search", png(3), radius=6, k=COUNT)
    assert {each["id"] for each in plain["neighbors"]} == {
        number for number in range(COUNT) if hamming(codes[3], codes[number]) <= 6
    }
    none = same_server.json("POST", "/api/search", png(3), name="no such name")
    assert none["neighbors"] == []


def test_items_come_in_parts(same_server):
    page = same_server.json("GET", "/api/items", offset=5, limit=10)
    assert page["total"] == COUNT
    assert [item["id"] for item in page["items"]] == list(range(5, 15))
    page = same_server.json("GET", "/api/items", label=2)
    assert page["total"] == LABELS.count(2)
    assert all(item["labels"] == [2] for item in page["items"])
    assert same_server.json("GET", "/api/items", offset=COUNT)["items"] == []


def test_stats_say_what_the_page_needs(same_server):
    stats = same_server.json("GET", "/api/stats")
    assert (stats["title"], stats["count"], stats["bits"]) == (
        "shapes.index",
        COUNT,
        16,
    )
    names = [(label["name"], label["count"]) for label in stats["labels"]]
    assert names == [("circle", 10), ("square", 10), ("cross", 10)]
    assert [row["radius"] for row in stats["radii"]] == list(range(9))


def test_a_calibrated_model_says_what_a_radius_means(open_server, model, paths):
    table = kdh.calibrate(model, paths, np.eye(3)[LABELS])
    try:
        server = open_server()
        found = server.json("POST", "/api/search", png(0), radius=4)["expected"]
        assert found == {"radius": 4, **table.expected(4)}
        stats = server.json("GET", "/api/stats")
        assert stats["auto_radius"] == table.auto_radius()
        for row in stats["radii"]:
            assert row["recall"] == table.expected(row["radius"])["recall"]
    finally:
        model.radius_table = None


def test_thumbnails_are_small_jpegs_of_the_items(same_server):
    status, headers, body = same_server.request("GET", "/api/items/3/thumbnail")
    assert status == 200 and headers["content-type"] == "image/jpeg"
    picture = Image.open(io.BytesIO(body))
    assert picture.size == (96, 72)
    original = np.asarray(Image.open(io.BytesIO(png(3))).convert("RGB"), int)
    assert np.abs(np.asarray(picture, int) - original).mean() < 6


def test_groups_are_those_of_equal_codes(same_server, model, paths):
    codes = [code.tobytes() for code in model.encode(paths)]
    alike = [codes.count(code) for code in set(codes) if codes.count(code) > 1]
    page = same_server.json("GET", "/api/groups")
    assert [group["count"] for group in page["groups"]] == sorted(alike, reverse=True)
    for group in page["groups"]:
        assert len({codes[item["id"]] for item in group["items"]}) == 1
    same_server.json("GET", "/api/groups", status=400, radius=3)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_the_map_has_every_item_once(same_server, method):
    made = same_server.json("GET", "/api/map", method=method)
    assert sorted(made["ids"]) == list(range(COUNT))
    assert made["labels"] == [LABELS[number] for number in made["ids"]]
    for axis in (made["x"], made["y"]):
        assert min(axis) == 0 and max(axis) == 1


def test_a_label_below_zero_is_one_as_others(open_server):
    labels = [number % 3 - 1 for number in range(COUNT)]
    server = open_server(labels=labels, label_names=["circle", "square"])
    found = server.json("GET", "/api/stats")["labels"]
    assert [(label["number"], label["name"]) for label in found] == [
        (-1, "-1"),
        (0, "circle"),
        (1, "square"),
    ]
    page = server.json("GET", "/api/items", label=-1)
    assert [item["id"] for item in page["items"]] == list(range(0, COUNT, 3))
    found = server.json("POST", "/api/search", png(0), label=-1, k=COUNT)["neighbors"]
    assert {each["id"] for each in found} == set(range(0, COUNT, 3))


def test_an_added_picture_is_on_the_disk_and_is_found(open_server, model):
    server = open_server()
    picture = png(100)
    item = server.json(
        "POST", "/api/items", picture, 201, name="../../my shape.png", label=2
    )
    assert item["id"] == COUNT and item["labels"] == [2]
    assert os.path.dirname(item["name"]) == server.collection.uploads
    assert os.path.basename(item["name"]).startswith("my_shape-")
    with open(item["name"], "rb") as file:
        assert file.read() == picture
    found = server.json("POST", "/api/search", picture, k=1)["neighbors"][0]
    assert (found["id"], found["distance"]) == (COUNT, 0)
    saved = kdh.Index.load(server.collection.path, model)
    assert saved.names([COUNT]) == [item["name"]]
    assert server.json("DELETE", f"/api/items/{COUNT}") == {"removed": 1}
    saved = kdh.Index.load(server.collection.path, model)
    assert saved.ids.tolist() == list(range(COUNT))
    assert os.path.exists(item["name"])
    server.json("GET", f"/api/items/{COUNT}", status=404)
    server.json("DELETE", f"/api/items/{COUNT}", status=404)


def test_labels_of_an_addition_have_the_form_of_the_others(open_server):
    server = open_server()
    server.json("POST", "/api/items", png(0), status=400)
    server.json("POST", "/api/items", png(0), status=400, label=[0, 1])
    plain = open_server(labels=None)
    plain.json("POST", "/api/items", png(0), status=400, label=0)
    assert plain.json("POST", "/api/items", png(0), status=201)["labels"] == []
    multi = open_server(labels=np.eye(3, dtype="uint8")[LABELS])
    multi.json("POST", "/api/items", png(0), status=400, label=3)
    added = multi.json("POST", "/api/items", png(0), status=201, label=[0, 2])
    assert added["labels"] == [0, 2]
    assert multi.json("GET", "/api/items", label=2)["total"] == 11
    for each in (server, plain, multi):
        added = len(each.collection.index) - COUNT
        assert added == (each is not server)
        files = os.listdir(each.collection.uploads) if added else []
        assert len(files) == added


def test_an_index_that_another_program_has_saved_is_not_overwritten(
    open_server, model, paths
):
    server = open_server()
    other = kdh.Index.load(server.collection.path, model)
    other.remove([0])
    other.save(server.collection.path)
    answer = server.json("POST", "/api/items", png(0), status=409, label=0)
    assert "another program" in answer["detail"]
    server.json("DELETE", "/api/items/5", status=409)
    # Both changes are taken back, and what was removed is where it was.
    assert server.collection.index.ids.tolist() == list(range(COUNT))
    assert server.json("GET", "/api/items/5")["name"] == paths[5]
    assert os.listdir(server.collection.uploads) == []
    assert len(kdh.Index.load(server.collection.path, model)) == COUNT - 1


def test_what_another_program_saves_while_a_change_waits_is_kept(
    open_server, model, tmp_path
):
    server = open_server()
    path = server.collection.path
    other = kdh.Index.load(path, model)
    other.remove([0])
    shutil.copytree(path, tmp_path / "other")
    other.save(tmp_path / "other")
    answers = []

    def add():
        answers.append(server.request("POST", "/api/items", png(0), label=0)[0])

    thread = threading.Thread(target=add)
    with one_at_a_time(path):  # As another program has it that saves.
        thread.start()
        time.sleep(0.5)
        shutil.copytree(tmp_path / "other", path, dirs_exist_ok=True)
    thread.join()
    assert answers == [409]
    assert kdh.Index.load(path).ids.tolist() == list(range(1, COUNT))
    assert os.listdir(server.collection.uploads) == []


@pytest.mark.parametrize("verb", ["POST", "DELETE"])
def test_a_change_that_is_not_saved_is_not_in_the_next_save(
    open_server, paths, monkeypatch, verb
):
    server = open_server()
    collection, save = server.collection, server.collection.saver.save
    began, answers = threading.Event(), {}

    def fail_once(index):
        if not began.is_set():
            began.set()
            time.sleep(0.5)  # The next change comes meanwhile.
            raise OSError(28, "No space left on device")
        save(index)

    monkeypatch.setattr(collection.saver, "save", fail_once)

    def change(verb, path, data, **query):
        answers[path, verb] = server.request(verb, path, data, **query)[0]

    first = ("/api/items", png(0)) if verb == "POST" else ("/api/items/3", None)
    threads = [
        threading.Thread(target=change, args=(verb, *first), kwargs={"label": 0})
    ]
    threads[0].start()
    assert began.wait(20)
    threads.append(
        threading.Thread(target=change, args=("DELETE", "/api/items/7", None))
    )
    threads[1].start()
    for thread in threads:
        thread.join()
    assert answers == {(first[0], verb): 500, ("/api/items/7", "DELETE"): 200}
    saved = kdh.Index.load(collection.path)
    kept = [number for number in range(COUNT) if number != 7]
    assert saved.ids.tolist() == collection.index.ids.tolist() == kept
    assert saved.names(kept) == [paths[number] for number in kept]
    assert saved.labels(kept).tolist() == [LABELS[number] for number in kept]
    assert verb == "DELETE" or os.listdir(collection.uploads) == []


def test_an_empty_index_is_searched_and_grows(model, tmp_path):
    from live_server import LiveServer

    from keras_deephash.web.server.collection import Collection

    kdh.Index(model).save(tmp_path / "empty")
    server = LiveServer(Collection(str(tmp_path / "empty"), model))
    try:
        for name in ("", "a"):
            found = server.json("POST", "/api/search", png(0), name=name)
            assert found == {"neighbors": [], "expected": None}
        assert server.json("GET", "/api/items") == {"total": 0, "items": []}
        assert server.json("GET", "/api/groups")["total"] == 0
        assert server.json("GET", "/api/map")["ids"] == []
        server.json("POST", "/api/items", png(0), status=201)
        assert server.json("GET", "/api/map")["ids"] == [0]
        assert server.json("GET", "/api/stats")["count"] == 1
    finally:
        server.close()


def test_a_quantizer_is_served_too(model, paths, tmp_path):
    from live_server import LiveServer

    from keras_deephash.web.server.collection import Collection

    quantizer = kdh.DTQ(model.backbone, subcodebooks=2, subcenters=8, dim=12)
    quantizer.fit_codebook(paths)
    index = kdh.Index(quantizer)
    index.add(paths)
    index.save(tmp_path / "index")
    server = LiveServer(Collection(str(tmp_path / "index"), quantizer))
    try:
        found = server.json("POST", "/api/search", png(4), k=5)["neighbors"]
        distances, ids = index.search([paths[4]], k=5)
        assert [each["id"] for each in found] == ids[0].tolist()
        np.testing.assert_allclose(
            [each["distance"] for each in found], distances[0], rtol=1e-4, atol=1e-4
        )
        assert len(server.json("GET", "/api/items/4/similar")["neighbors"]) == 24
        assert server.json("GET", "/api/stats")["radii"] == []
        assert len(server.json("GET", "/api/map")["ids"]) == COUNT
        server.json("POST", "/api/items", png(5), status=201)
        assert index.codes([5]).tolist() == quantizer.encode([paths[5]]).tolist()
    finally:
        server.close()


def test_the_description_names_every_route(same_server):
    description = same_server.json("GET", "/openapi.json")
    assert {
        (path, method)
        for path, methods in description["paths"].items()
        for method in methods
    } == {
        ("/api/stats", "get"),
        ("/api/items", "get"),
        ("/api/items", "post"),
        ("/api/items/{number}", "get"),
        ("/api/items/{number}", "delete"),
        ("/api/items/{number}/thumbnail", "get"),
        ("/api/items/{number}/similar", "get"),
        ("/api/search", "post"),
        ("/api/groups", "get"),
        ("/api/map", "get"),
    }
    search = description["paths"]["/api/search"]["post"]
    assert "image/*" in search["requestBody"]["content"]
    schemas = description["components"]["schemas"]
    assert "Neighbor" in json.dumps(schemas)
    answer = search["responses"]["422"]["content"]["application/json"]["schema"]
    assert answer["$ref"].endswith("/Problem")
    assert schemas["Problem"]["properties"]["detail"]["type"] == "string"
