"""Pictures in three classes, an index of them, and servers of it."""

import keras
import pytest
from live_server import LiveServer, need_serve
from shapes import COUNT, LABELS, draw
from tiny_backbone import TinyBackbone

import keras_deephash as kdh


@pytest.fixture(scope="session")
def model():
    keras.utils.set_random_seed(0)
    return kdh.DCH(TinyBackbone(), 16)


@pytest.fixture(scope="session")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paths = [str(folder / f"shape {number:02}.png") for number in range(COUNT)]
    for number, path in enumerate(paths):
        draw(number).save(path)
    return paths


@pytest.fixture(scope="session")
def make_index(model, paths):
    def make(folder, labels=LABELS):
        index = kdh.Index(model)
        index.add(paths, labels=labels)
        index.save(folder)
        return str(folder)

    return make


@pytest.fixture
def open_server(model, make_index, tmp_path):
    """A function that serves a new index, which the test may change."""
    need_serve()
    from keras_deephash.web.server.collection import Collection

    servers = []

    def serve(labels=LABELS, label_names=None, **options):
        path = make_index(tmp_path / f"{len(servers)}.index", labels)
        collection = Collection(path, model, label_names=label_names)
        servers.append(LiveServer(collection, **options))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def same_server(model, make_index, tmp_path_factory):
    """A server that no test changes."""
    need_serve()
    from keras_deephash.web.server.collection import Collection

    path = make_index(tmp_path_factory.mktemp("same") / "shapes.index")
    names = ["circle", "square", "cross"]
    server = LiveServer(Collection(path, model, label_names=names))
    yield server
    server.close()


@pytest.fixture(scope="session")
def web_runtime():
    """The directory of onnxruntime-web, as the command fetches it."""
    from keras_deephash.web.site.runtime import fetch_runtime

    try:
        return fetch_runtime()
    except OSError as error:
        pytest.skip(f"onnxruntime-web is not there: {error}")


@pytest.fixture(scope="session")
def same_browser():
    """One Chromium for all tests of pages."""
    from chromium import start_chromium

    browser = start_chromium()
    yield browser
    browser.quit()


@pytest.fixture
def browser(same_browser):
    """The Chromium, with a screen of 1200 x 900; errors of the page are errors."""
    from chromium import resize

    resize(same_browser, 1200, 900)
    same_browser.get_log("browser")  # What another test left.
    yield same_browser
    same_browser.get("about:blank")
