"""The static page, in a real Chromium: its codes are those of Python."""

import io
import json
import os
import re
import shutil
import tarfile

import numpy as np
import pytest
from PIL import Image
from shapes import COUNT, draw, png
from static_server import StaticServer

import keras_deephash as kdh
from keras_deephash.web.site import runtime
from keras_deephash.web.site.building import build_site
from keras_deephash.web.site.output import move_into_place

pytest.importorskip("selenium", reason="the extra `test-browser` is not installed")
pytest.importorskip("tf2onnx", reason="the extra `export` is not installed")
from chromium import hand_over, resize
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

ENCODE = """
const [data, type, done] = arguments;
const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
const { encode } = await import("./site.js");
encode(new File([bytes], "picture", { type })).then(
  ({ codes, continuous }) => done([[...codes], [...continuous]]),
  (error) => done(String(error)),
);
"""


def make_site(model, paths, folder, web_runtime):
    file = str(folder / "model.onnx")
    model.export(file, format="onnx")
    output = folder / "site"
    unreadable = build_site(file, paths, output, "Shapes", web_runtime, verbose=0)
    assert unreadable == {}
    return output


@pytest.fixture(scope="module")
def site(model, paths, web_runtime, tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    server = StaticServer(make_site(model, paths, folder, web_runtime))
    yield server
    server.close()


@pytest.fixture
def open_page(browser):
    def open_(site, ready=rf"{COUNT} pictures"):
        browser.get(site.url)
        wait_for(browser, ready)
        return browser

    yield open_
    # Another host, or a script that the policy forbids, would be an error here.
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def wait_for(browser, pattern):
    status = browser.find_element(By.ID, "status")
    WebDriverWait(browser, 60, 0.05).until(
        lambda _: re.fullmatch(pattern, status.text), f"{pattern}: {status.text}"
    )


def encode(browser, data, kind="image/png"):
    """Codes and continuous codes of the bytes of a picture, by the page."""
    import base64

    found = browser.execute_async_script(ENCODE, base64.b64encode(data).decode(), kind)
    assert isinstance(found, list), found
    return np.array(found[0], np.uint8), np.array(found[1], np.float32)


def shown(browser):
    script = "return [...document.querySelectorAll('.tiles img')].map((i) => i.src)"
    return [int(re.search(r"(\d+)\.jpg", s)[1]) for s in browser.execute_script(script)]


def test_codes_in_the_browser_are_those_of_encode(open_page, site, model):
    browser = open_page(site)
    sizes = [(32, 32), (96, 72), (33, 500), (7, 5), (640, 480), (72, 96), (300, 31)]
    for number, size in enumerate(sizes):
        generator = np.random.default_rng(number)
        pixels = generator.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
        for image in (Image.fromarray(pixels), draw(number, size)):
            file = io.BytesIO()
            image.save(file, "PNG")
            codes, continuous = encode(browser, file.getvalue())
            np.testing.assert_array_equal(codes, model.encode([image])[0], str(size))
            expected = model.continuous_codes([image])[0]
            np.testing.assert_allclose(continuous, expected, atol=1e-5)


def test_the_flipped_bits_of_jpegs_are_few(open_page, site, model, record_property):
    browser, flipped, bits = open_page(site), 0, 0
    for number in range(20):
        file = io.BytesIO()
        draw(number, (400, 300)).save(file, "JPEG", quality=85)
        codes, _ = encode(browser, file.getvalue(), "image/jpeg")
        expected = model.encode([Image.open(file)])[0]
        flipped += int(np.bitwise_count(codes ^ expected).sum())
        bits += 8 * len(codes)
    record_property("flipped_bits", f"{flipped} of {bits}")
    assert flipped <= 0.02 * bits


def test_a_dropped_picture_finds_what_the_index_finds(open_page, site, model, paths):
    browser = open_page(site)
    index = kdh.Index(model)
    index.add(paths)
    hand_over(browser, "drop", png(4), "shape.png", "image/png")
    wait_for(browser, rf"{COUNT} compared in \d+ ms")
    codes = model.encode(paths)
    distances = np.bitwise_count(codes ^ codes[4]).sum(axis=1)
    assert shown(browser) == np.argsort(distances, kind="stable").tolist()
    assert shown(browser)[: (distances == 0).sum()] == sorted(
        index.search([paths[4]], radius=0)[1][0].tolist()
    )
    captions = [each.text for each in browser.find_elements(By.TAG_NAME, "b")]
    alike = np.sort(1 - distances / 8)[::-1]
    assert captions == [f"{int(100 * max(0, value) + 0.5)} %" for value in alike]
    code = browser.find_element(By.ID, "query-code").text
    assert bytes.fromhex(code) == codes[4].tobytes()
    browser.find_elements(By.CSS_SELECTOR, ".picture")[7].click()
    clicked = np.argsort(distances, kind="stable")[7]
    expected = np.bitwise_count(codes ^ codes[clicked]).sum(axis=1)
    expected = np.argsort(expected, kind="stable").tolist()
    WebDriverWait(browser, 20).until(lambda _: shown(browser) == expected)


def test_a_folder_of_the_users_is_searched(open_page, site, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for number in (3, 8, 40):
        draw(number).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture either")
    browser = open_page(site)
    browser.find_element(By.ID, "folder").send_keys(str(folder))
    wait_for(browser, "3 pictures, 1 could not be read")
    hand_over(browser, "paste", png(40), "40.png", "image/png")
    wait_for(browser, r"3 compared in \d+ ms")
    name = browser.find_element(By.CSS_SELECTOR, "figcaption div").text
    assert name == "40.png"
    assert browser.find_element(By.TAG_NAME, "b").text == "100 %"
    hand_over(browser, "drop", b"no picture", "a.txt", "text/plain")
    wait_for(browser, r"The browser cannot read a\.txt as an image\.")


def test_a_quantizer_ranks_as_its_index(open_page, model, paths, web_runtime, tmp_path):
    quantizer = kdh.DTQ(model.backbone, subcodebooks=2, subcenters=8, dim=12)
    quantizer.fit_codebook(paths)
    server = StaticServer(make_site(quantizer, paths, tmp_path, web_runtime))
    try:
        browser = open_page(server)
        hand_over(browser, "drop", png(100), "new.png", "image/png")
        wait_for(browser, rf"{COUNT} compared in \d+ ms")
        scores = quantizer.asymmetric_scores(
            quantizer.continuous_codes([draw(100)]), quantizer.encode(paths)
        )[0]
        found = scores[shown(browser)]
        assert sorted(shown(browser)) == list(range(COUNT))
        assert (np.diff(found) <= 1e-4).all()  # Equal codes may come in any order.
    finally:
        server.close()


def test_the_page_fits_a_phone(open_page, site):
    browser = open_page(site)
    resize(browser, 360, 740, dark=True)
    script = "return document.documentElement.scrollWidth"
    assert browser.execute_script(script) <= 360


def test_a_page_takes_the_place_of_an_earlier_one_alone(
    model, paths, web_runtime, tmp_path
):
    output = make_site(model, paths, tmp_path, web_runtime)
    file = tmp_path / "model.onnx"
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    images = [paths[1], str(broken)]
    unreadable = build_site(file, images, output, "New", web_runtime, 0)
    assert list(unreadable) == [str(broken)]
    site = json.loads((output / "site.json").read_text())
    assert site["title"] == "New" and site["names"] == ["shape 01.png"]
    assert os.listdir(output / "thumbnails") == ["0.jpg"]
    assert (output / "codes.bin").read_bytes() == model.encode(paths[1]).tobytes()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="is not a page"):
        build_site(file, [], tmp_path / "other", runtime=web_runtime)
    with pytest.raises(FileNotFoundError, match="--runtime"):
        build_site(file, [], tmp_path / "new", runtime=str(tmp_path))
    left = {"model.onnx", "site", "broken.png", "other"}
    assert set(os.listdir(tmp_path)) == left


@pytest.mark.parametrize(
    "name", ["README.md", ".git", "thumbnails/0.png", "runtime/mine.js", "fonts/a.woff"]
)
def test_files_of_others_are_not_replaced(model, paths, web_runtime, tmp_path, name):
    output = make_site(model, paths[:1], tmp_path, web_runtime)
    build_site(tmp_path / "model.onnx", paths[:1], output, "B", web_runtime, verbose=0)
    mine = output / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine")
    with pytest.raises(FileExistsError, match="which would be lost"):
        build_site(tmp_path / "model.onnx", [], output, "C", web_runtime, verbose=0)
    assert mine.read_text() == "mine"
    assert json.loads((output / "site.json").read_text())["title"] == "B"


def test_files_that_come_during_the_building_are_not_replaced(
    model, paths, web_runtime, tmp_path
):
    output = make_site(model, paths[:1], tmp_path, web_runtime)
    (tmp_path / "new").mkdir()
    (output / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"lost: 'notes\.txt'"):
        move_into_place(str(tmp_path / "new"), str(output))
    assert (output / "notes.txt").read_text() == "mine"


def test_an_interruption_between_the_moves_leaves_the_old_page(
    model, paths, web_runtime, tmp_path, monkeypatch
):
    output = make_site(model, paths[:1], tmp_path, web_runtime)
    left = set(os.listdir(tmp_path))
    monkeypatch.setattr("keras_deephash.files.exchange", lambda *paths: False)
    rename, sources = os.rename, []

    def interrupted(old, new):
        rename(old, new)
        sources.append(old)
        if len(sources) == 1:  # The old page is away, the new one has no name yet.
            assert old == str(output)
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupted)
    arguments = (tmp_path / "model.onnx", paths[:1], output)
    with pytest.raises(KeyboardInterrupt):
        build_site(*arguments, "B", web_runtime, verbose=0)
    assert json.loads((output / "site.json").read_text())["title"] == "Shapes"
    assert set(os.listdir(tmp_path)) == left
    build_site(*arguments, "B", web_runtime, verbose=0)
    assert json.loads((output / "site.json").read_text())["title"] == "B"
    assert set(os.listdir(tmp_path)) == left


def test_another_site_json_is_no_page(model, tmp_path):
    file = tmp_path / "model.onnx"
    model.export(file, format="onnx")
    for content in ('{"title": "a blog"}', "[]", "3", "{", ""):
        (tmp_path / "blog").mkdir(exist_ok=True)
        (tmp_path / "blog" / "site.json").write_text(content)
        with pytest.raises(FileExistsError, match="is not a page"):
            build_site(file, [], tmp_path / "blog")
        assert (tmp_path / "blog" / "site.json").read_text() == content


def test_a_link_to_a_page_stays(model, paths, web_runtime, tmp_path):
    output = make_site(model, paths[:1], tmp_path, web_runtime)
    (tmp_path / "link").symlink_to("site")
    build_site(
        tmp_path / "model.onnx", paths, tmp_path / "link", "New", web_runtime, verbose=0
    )
    assert os.readlink(tmp_path / "link") == "site"
    assert json.loads((output / "site.json").read_text())["title"] == "New"
    assert set(os.listdir(tmp_path)) == {"model.onnx", "site", "link"}


def test_a_gallery_without_one_readable_picture_replaces_nothing(
    model, paths, web_runtime, tmp_path
):
    output = make_site(model, paths, tmp_path, web_runtime)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(ValueError, match="None of 1 image can be read"):
        build_site(
            tmp_path / "model.onnx", [str(broken)], output, "B", web_runtime, verbose=0
        )
    assert len(os.listdir(output / "thumbnails")) == COUNT
    assert set(os.listdir(tmp_path)) == {"model.onnx", "site", "broken.png"}


def test_a_page_takes_onnx_alone(tmp_path):
    with pytest.raises(ValueError, match="export --format onnx"):
        build_site("m.tflite", [], tmp_path / "site")
    assert os.listdir(tmp_path) == []


def test_another_file_of_the_runtime_is_not_used(model, paths, web_runtime, tmp_path):
    shutil.copytree(web_runtime, tmp_path / "runtime")
    (tmp_path / "runtime" / "ort.wasm.bundle.min.mjs").write_text("alert(1)")
    with pytest.raises(ValueError, match="sha256 differs"):
        make_site(model, paths[:1], tmp_path, str(tmp_path / "runtime"))
    assert set(os.listdir(tmp_path)) == {"model.onnx", "runtime"}


@pytest.mark.parametrize("content", ["alert(1)", "a b c", None])
def test_a_page_says_that_its_network_cannot_run(
    browser, model, paths, web_runtime, tmp_path, content
):
    output = make_site(model, paths[:1], tmp_path, web_runtime)
    script = output / "runtime" / "ort.wasm.bundle.min.js"
    script.unlink() if content is None else script.write_text(content)
    server = StaticServer(output)
    try:
        browser.get(server.url)
        wait_for(browser, r"The network cannot run: .+ Is the page whole\?")
        hand_over(browser, "drop", png(4), "shape.png", "image/png")
        wait_for(browser, r"The network cannot run: .+ Is the page whole\?")
    finally:
        server.close()
    browser.get_log("browser")  # The browser reports the script too.


def test_another_file_of_npm_is_not_used(tmp_path):
    package = tmp_path / "package.tgz"
    with tarfile.open(package, "w:gz") as archive:
        for name in runtime.FILES:
            entry = tarfile.TarInfo(f"package/dist/{name}")
            entry.size = 3
            archive.addfile(entry, io.BytesIO(b"abc"))
    with pytest.raises(ValueError, match="sha256 differs"):
        runtime._extract(str(package), str(tmp_path / "files"))
    assert os.listdir(tmp_path / "files") == []
