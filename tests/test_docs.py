"""Every block of README.md and docs/ runs, in the page's order, a folder for each page.

A block runs as it stands, but for what the tables here say: numbers that would take
minutes, and what needs a network or another program. Only the first training of a
reader is that of the default backbone; others have a tiny one.
"""

import re
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from loopback_hub import LoopbackHub, Repository
from PIL import Image
from shared_models import share_models
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash.cli import main

ROOT = Path(__file__).parents[1]
# Pages whose blocks another test runs.
ELSEWHERE = {"own_method.md"}  # tests/test_own_method.py
PAGES = ["README.md"] + sorted(
    f"docs/{path.name}"
    for path in (ROOT / "docs").glob("*.md")
    if path.name not in ELSEWHERE
)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# Commands of other programs, and why they are not run.
NOT_RUN = {
    "pip install": "needs a network; .ci/run installs the package",
    "pytest -n 2": "is this test",
    "milvus-server": "tests/index/milvus/test_milvus.py starts it",
    "python zoo/benchmark": "takes hours; tests/zoo/test_benchmark.py runs a little",
    "keras-deephash serve": "serves until it is stopped; tests/web/test_commands.py",
    "keras-deephash page": "npm fetches a part; tests/web/test_site.py builds it",
    "curl": "needs a server; tests/web/test_api.py sends the same",
    "python -m http.server": "serves until it is stopped",
    "keras-deephash encode --preset dch_cifar10_48 --images photos --output codes "
    "--actors": "tests/test_ray_encoding.py runs it",
}
QUICK = "--epochs 1 --views 1 --image-size 32"
TINY = f"{QUICK} --backbone tiny --freeze-until pool1 --optimizer adamw"
# What stands on the page, and what runs in its place.
SUBSTITUTIONS = {
    "README.md": [
        ("keras-deephash demo\n", "keras-deephash demo --epochs 1\n"),
        ("--output my_model\n", f"--output my_model {QUICK}\n"),
        (
            'method="DCH", bits=48)',
            'method="DCH", bits=48, epochs=1, views=1, image_size=32, backbone="tiny", '
            'freeze_until="pool1", optimizer="adamw")',
        ),
        (
            "DHN ITQ --bits 16 48 --output comparison\n",
            f"ITQ --bits 8 --output comparison {TINY}\n",
        ),
    ],
    # README.md runs it.
    "docs/install.md": [("keras-deephash demo\n", "\n")],
    "docs/step_by_step.md": [
        ("--epochs 60 ", f"{TINY} "),
        ("kdh.datasets.cifar10()", 'kdh.datasets.cifar10("my_data")'),
        ("    epochs=60,", "    epochs=1,"),
        ("small(image_size=32)", "small(32, filters=(8,) * 5, hidden_dim=16)"),
        ("features.labels, epochs=10)", "features.labels, epochs=1)"),
    ],
    "docs/backbones.md": [
        # Its weights would be downloaded.
        (
            'kdh.DCH("keras:MobileNetV2", bits=48)',
            'kdh.DCH(kdh.ApplicationBackbone("MobileNetV2", weights=None), bits=48)',
        ),
        ("bits=48, image_size=128)", "bits=48, image_size=64)"),
    ],
    "docs/gpus.md": [
        ("kdh.datasets.cifar10()", 'kdh.datasets.cifar10("my_data")'),
        ("small(image_size=32)", "small(32, filters=(8,) * 5, hidden_dim=16)"),
        # tests/models/test_strategies.py has two replicas; a second strategy in one
        # process would get in the way of another.
        ("tf.distribute.MirroredStrategy()", "tf.distribute.get_strategy()"),
        ("model.fit(dataset, epochs=60)", "model.fit(dataset, epochs=1)"),
    ],
    # Six photos are too few for 128 bits, and 200 birds too many for a test.
    "docs/general_codes.md": [
        ('model.fit("photos")', 'model.fit(np.eye(200, 1280, dtype="float32"))'),
        ("data.images, data.labels", "data.images[::9], data.labels[::9]"),
    ],
    "docs/data.md": [
        ("small(), bits=48", "small(32, filters=(8,) * 5), bits=48"),
        (
            "--output birds_48\n",
            "--output birds_48 --epochs 1 --recipe published --backbone tiny\n",
        ),
        ("--dry-run\n", "--dry-run --recipe published --backbone tiny\n"),
    ],
    "docs/training.md": [
        ("--output my_model\n", f"--output my_model {TINY}\n"),
        (
            "--recipe published\n",
            "--recipe published --epochs 1 --backbone tiny\n",
        ),
        (
            "DHN ITQ --bits 16 48 --output comparison\n",
            f"ITQ --bits 8 --output comparison {TINY}\n",
        ),
    ],
    "docs/hub.md": [
        ("8d1f0c5e2b7a4936f1c0d2e3b4a5968778695a4b", "{commit}"),
        ("@COMMIT", "@{commit}"),
    ],
    # The same verbs with faiss.
    "docs/milvus.md": [
        ('    backend="milvus",\n', ""),
        ('    uri="http://localhost:19530",\n', ""),
        ('    collection="photos",\n', ""),
        ('    token="user:password",  # where the server asks for one\n', ""),
        ('model, uri="http://localhost:19530", token="user:password"', "model"),
    ],
}
# What a page speaks of as the reader's own.
GIVEN = {
    "docs/general_codes.md": {"np": np},
}


def noise(generator, label: int) -> Image.Image:
    """An image of 40 x 48 pixels in the colour of one of four labels."""
    pixels = generator.integers(0, 90, (40, 48, 3), dtype=np.uint8)
    pixels[..., : label % 3 + 1] += np.uint8(40 * (1 + label))
    return Image.fromarray(pixels)


@pytest.fixture(scope="session")
def same_folder(tmp_path_factory):
    """A reader's own photos, lists and word vectors; do not change them."""
    folder = tmp_path_factory.mktemp("reader")
    generator = np.random.default_rng(0)
    for place in ("photos", "my_photos", "my_data/images", "data"):
        (folder / place).mkdir(parents=True)
    for number in range(6):
        for place in ("photos", "my_photos"):
            noise(generator, number % 4).save(folder / place / f"{number}.jpg")
    noise(generator, 0).save(folder / "query.jpg")
    for name, count in (("train", 160), ("test", 8), ("database", 24)):
        lines = []
        for number in range(count):
            path = f"images/{name}{number}.jpg"
            noise(generator, number % 4).save(folder / "my_data" / path)
            lines.append(f"{path} {number % 4}\n")
        (folder / f"my_data/{name}.txt").write_text("".join(lines))
    (folder / "my_data/labels.txt").write_text("red\nyellow\nwhite\ngrey\n")
    (folder / "data/cifar10").symlink_to("../my_data")
    for number in range(200):
        place = folder / "birds" / ("robin", "wren", "finch", "crow")[number % 4]
        place.mkdir(parents=True, exist_ok=True)
        noise(generator, number % 4).save(place / f"{number}.jpg")
    words = "cat 1 0 2 0\ntraffic 0 1 0 1\nlight 3 1 0 0\n"
    (folder / "vectors.txt").write_text(words)
    TinyBackbone().save_to_preset(folder / "tiny")
    return folder


@pytest.fixture
def folder(same_folder, tmp_path, monkeypatch, eagerly):
    """A working directory with what a reader has, who sees few images here."""
    shutil.copytree(same_folder, tmp_path, symlinks=True, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    share_models(monkeypatch)
    # Those of the repository load by name also where the package is installed.
    monkeypatch.setenv("KERAS_DEEPHASH_PRESETS", str(ROOT / "zoo" / "presets"))
    return tmp_path


@pytest.fixture
def commit(monkeypatch, folder):
    """A Hub on this machine with the preset org/name, v1 being its first commit."""
    from huggingface_hub import constants

    hub = LoopbackHub()
    # What the client made of HF_ENDPOINT when it was imported.
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE
    template = template.replace(constants.ENDPOINT, hub.endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "cache"))
    monkeypatch.setenv("HF_TOKEN", "hf_writer")
    backbone = kdh.AlexNetBackbone.small(filters=(4, 8, 8, 8, 8), hidden_dim=16)
    kdh.DCH(backbone, bits=16).save_to_preset("my_dch")
    repository = hub.repositories["org/name"] = Repository()
    files = {path.name: path.read_bytes() for path in Path("my_dch").iterdir()}
    commit = repository.commit("main", files, message="first")
    repository.refs["v1"] = commit
    repository.commit("main", {"notes.txt": b"later"}, message="second")
    yield commit
    hub.close()


def parts_of(page: str) -> list[tuple[str, int, str]]:
    """Language, number of the first line and text of all blocks of a page."""
    text = (ROOT / page).read_text()
    parts = []
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start()) + 2
        parts.append((block[1], line, block[2]))
    assert text.count("```") == 2 * len(parts)
    return parts


def run_commands(text: str) -> None:
    """Runs what calls keras-deephash; all else stands among what is not run."""
    for line in re.split(r"\n|&&", text.replace("\\\n", " ")):
        command = " ".join(line.split())
        if not command or any(command.startswith(start) for start in NOT_RUN):
            continue
        program, *arguments = shlex.split(command)
        assert program == "keras-deephash", command
        assert main(arguments) == 0, command


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run(page, request, folder):
    substitutions = SUBSTITUTIONS.get(page, [])
    values = {}
    if page == "docs/hub.md":
        values["commit"] = request.getfixturevalue("commit")
    if page == "docs/plots.md":
        pytest.importorskip("matplotlib")
    names, unused = dict(GIVEN.get(page, {})), list(substitutions)
    for language, line, text in parts_of(page):
        for old, new in substitutions:
            if old in text:
                text = text.replace(old, new.format(**values))
                unused = [pair for pair in unused if pair[0] != old]
        if language == "python":
            if "pyarrow" in text:
                pytest.importorskip("pyarrow")
                write_codes(Path("codes/codes"))
            if "import datasets" in text and not find_spec("datasets"):
                continue  # tests/datasets/test_from_huggingface.py says how to get it.
            # An error names the page and the line.
            exec(compile("\n" * (line - 1) + text, page, "exec"), names)
        elif language == "sh":
            run_commands(text)
        else:
            assert language == "", f"{page}, line {line}: not run"
    assert not unused


def write_codes(folder: Path) -> None:
    """What `encode --actors` writes, of three codes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    codes = [bytes([number] * 6) for number in range(3)]
    columns = {"id": [0, 1, 2], "path": ["a.jpg", "b.jpg", "c.jpg"], "code": codes}
    pq.write_table(pa.table(columns), folder / "part.parquet")


def test_what_is_not_run_stands_on_a_page():
    texts = [text for page in PAGES for _, _, text in parts_of(page)]
    lines = [line for text in texts for line in re.split("\n|&&", text)]
    for start in NOT_RUN:
        assert any(" ".join(line.split()).startswith(start) for line in lines), start
