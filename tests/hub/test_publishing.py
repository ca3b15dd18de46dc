"""Publishing: what is sent loads again, cards of users stay, one commit or none."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import yaml
from loopback_hub import LoopbackHub, Repository

import keras_deephash as kdh
from keras_deephash.cli import main
from keras_deephash.presets.hub.card import is_unedited
from keras_deephash.presets.hub.handles import parse_hub_handle
from keras_deephash.presets.publishing import _send
from keras_deephash.presets.upload_files import prepare_upload

URI = "hf://me/mine"
FILES = {
    "README.md",
    "config.json",
    "metadata.json",
    "model.weights.h5",
    "preprocessor.json",
}


@pytest.fixture
def folder(saved, tmp_path):
    shutil.copytree(saved, tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture
def publish(hub, folder):
    def publish(uri=URI, preset=folder, **arguments):
        options = {"endpoint": hub.endpoint, "token": "hf_writer"}
        return kdh.upload_preset(uri, preset, **{**options, **arguments})

    return publish


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.client
def test_round_trip(hub, publish, load, folder, images, codes):
    before = contents(folder)
    times = {path: path.stat().st_mtime_ns for path in (folder, *folder.iterdir())}
    commit = publish(license="apache-2.0", commit_message="First")
    assert contents(folder) == before
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    repository = hub.repositories["me/mine"]
    assert repository.refs["main"] == commit and not repository.private
    assert repository.messages == ["initial", "First"]
    assert set(repository.commits[commit]) == FILES | {".gitattributes"}
    shutil.rmtree(folder)
    for arguments in ({}, {"revision": commit}):
        model = load(URI, **arguments)
        np.testing.assert_array_equal(model.encode(images, verbose=0), codes)
    again = load(f"{URI}@{commit}", local_files_only=True)
    np.testing.assert_array_equal(again.encode(images, verbose=0), codes)


def test_the_card_states_what_the_metadata_hold(hub, publish):
    commit = publish(license="apache-2.0")
    card = hub.repositories["me/mine"].commits[commit]["README.md"].decode()
    _, front, text = card.split("---\n", 2)
    data = yaml.safe_load(front)
    assert data["library_name"] == "keras_deephash" and data["license"] == "apache-2.0"
    assert data["datasets"] == ["uoft-cs/cifar10"]
    assert {"keras", "image-retrieval", "dch"} <= set(data["tags"])
    (index,) = data["model-index"]
    assert index["name"] == "mine"
    (result,) = index["results"]
    assert result["dataset"] == {"type": "uoft-cs/cifar10", "name": "CIFAR-10"}
    measured = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert measured == {"map": 0.25, "map_at_radius": 0.5}
    for part in ("## Limits", "keras-deephash train --bits 16", "cat, dog", "| MAP |"):
        assert part in text
    assert is_unedited(card) and not is_unedited(card.replace("cat", "cow"))


@pytest.mark.client
def test_the_snippet_of_the_card_works_also_offline(hub, publish, tmp_path):
    """In a process of its own, as a user would, with the variables of the Hub."""
    commit = publish()
    card = hub.repositories["me/mine"].commits[commit]["README.md"].decode()
    snippet = card.split("```python\n")[1].split("```")[0]
    assert f'from_preset("{URI}")' in snippet
    check = (
        "assert codes.shape == (2, 2) and codes.dtype == np.uint8\n"
        "import os, huggingface_hub\n"
        "huggingface_hub.constants.HF_HUB_OFFLINE = True\n"
        "from keras_deephash import from_preset\n"
        f"again = from_preset('{URI}').encode(images)\n"
        f"pinned = from_preset('{URI}@{commit}').encode(images)\n"
        "assert (again == codes).all() and (pinned == codes).all()\n"
        "try:\n"
        "    from_preset('hf://me/other')\n"
        "except keras_deephash.HubError as error:\n"
        "    assert 'HF_HUB_OFFLINE forbids' in str(error), error\n"
        "else:\n"
        "    raise AssertionError\n"
    )
    environment = {**os.environ, "HF_ENDPOINT": hub.endpoint}
    environment["HF_HOME"] = str(tmp_path / "home")
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    del environment["HF_HUB_DISABLE_PROGRESS_BARS"]
    environment["TQDM_POSITION"] = "-1"  # Progress bars without a terminal.
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:keras_deephash", "-c"]
        + [snippet + check],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Fetching 4 files: 100%" in done.stderr


def test_a_backbone_is_published_too(make_alexnet, hub, publish, load, tmp_path):
    make_alexnet().save_to_preset(tmp_path / "backbone")
    commit = publish("hf://me/backbone", tmp_path / "backbone")
    card = hub.repositories["me/backbone"].commits[commit]["README.md"].decode()
    text = "scaled to 36 x 36 pixels, of which the middle 32 x 32 are seen.\n"
    assert text in card
    assert "of any size" not in card
    snippet = card.split("```python\n")[1].split("```")[0]
    snippet = snippet.replace(
        'from_preset("', f'from_preset(endpoint="{hub.endpoint}",'
    )
    snippet = snippet.replace(
        f'endpoint="{hub.endpoint}",hf://me/backbone")',
        f'"hf://me/backbone", endpoint="{hub.endpoint}", '
        f'cache_dir="{tmp_path / "cache"}")',
    )
    exec(snippet, {})
    assert load("hf://me/backbone").count_params()


def test_only_the_files_of_the_preset_are_sent(hub, publish, folder):
    (folder / "secret.txt").write_text("not for all")
    commit = publish()
    assert "secret.txt" not in hub.repositories["me/mine"].commits[commit]


def test_links_and_pickles_of_the_directory_stay_at_home(
    hub, publish, folder, tmp_path
):
    (tmp_path / "secret").write_text("not for all")
    (folder / "weights.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    (folder / "other").symlink_to(tmp_path / "secret")
    commit = publish()
    tree = hub.repositories["me/mine"].commits[commit]
    assert set(tree) == FILES | {".gitattributes"}
    hub.requests.clear()
    for name in ("README.md", "preprocessor.json"):
        (folder / name).rename(tmp_path / name)
        (folder / name).symlink_to(tmp_path / name)
        with pytest.raises(kdh.PresetError, match="a link that leads out"):
            publish()
        (folder / name).unlink()
        (tmp_path / name).rename(folder / name)
    assert hub.requests == []


def test_what_does_not_load_is_not_published(hub, publish, folder, tmp_path):
    path = folder / "model.weights.h5"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(kdh.PresetError, match="is truncated"):
        publish()
    with pytest.raises(kdh.PresetError, match="no such preset directory"):
        publish(preset=tmp_path / "none")
    with pytest.raises(kdh.PresetError, match="must be a directory or a name"):
        publish(preset="hf://a/b")
    with pytest.raises(kdh.PresetError, match="on a branch, not on a commit"):
        publish(revision="0" * 40)
    with pytest.raises(kdh.PresetError, match="is named hf://org/name"):
        publish("me/mine")
    with pytest.raises(ValueError, match="`commit_message` must not be empty"):
        publish(commit_message="")
    assert hub.requests == [] and hub.repositories == {}


@pytest.mark.client
def test_private_branch_and_pull_request(hub, publish, load):
    first = publish(private=True)
    repository = hub.repositories["me/mine"]
    assert repository.private
    with pytest.raises(kdh.HubError, match="or it is private"):
        load(URI)
    second = publish(revision="v2", commit_message="Second")
    assert repository.refs == {"main": first, "v2": second}
    third = publish(create_pr=True, commit_message="Third")
    assert repository.refs["refs/pr/1"] == third and repository.refs["main"] == first
    assert load(f"{URI}@v2", token="hf_writer").bits == 16
    assert load(f"{URI}@refs/pr/1", token="hf_writer").bits == 16


@pytest.mark.client
def test_an_edited_card_is_never_overwritten(hub, publish, folder):
    commit = publish()
    repository = hub.repositories["me/mine"]
    written = repository.commits[commit]["README.md"]
    # The one on the Hub was not edited, so it follows the metadata.
    repository.commit("main", {"README.md": written.replace(b"\n", b"\r\n")})
    commit = publish(license="mit")
    card = repository.commits[commit]["README.md"]
    assert b"license: mit" in card
    # The one on the Hub was edited.
    edited = card.replace(b"## Limits", b"## Limits that I know")
    repository.commit("main", {"README.md": edited})
    with pytest.warns(UserWarning, match="was edited and is kept"):
        commit = publish()
    assert repository.commits[commit]["README.md"] == edited
    # The one in the directory was edited.
    (folder / "README.md").write_text("# My own words\n")
    commit = publish("hf://me/second")
    second = hub.repositories["me/second"]
    assert second.commits[commit]["README.md"] == b"# My own words\n"
    with pytest.raises(kdh.PresetError, match="write the license in it"):
        publish("hf://me/second", license="mit")
    assert (folder / "README.md").read_text() == "# My own words\n"
    (folder / "README.md").unlink()
    commit = publish("hf://me/third")
    assert is_unedited(
        hub.repositories["me/third"].commits[commit]["README.md"].decode()
    )
    assert not (folder / "README.md").exists()


@pytest.mark.client
def test_cards_that_are_no_text(hub, publish, folder):
    (folder / "README.md").write_bytes(b"\xff\xfe caf\xe9")
    with pytest.raises(kdh.PresetError, match="not text in UTF-8"):
        publish()
    (folder / "README.md").write_text("---\nlicense: [\n---\n# Mine\n")
    with pytest.raises(kdh.HubError, match="refuses the front matter of the README.md"):
        publish()
    (folder / "README.md").unlink()
    repository = hub.repositories["me/mine"]
    repository.commit("main", {"README.md": b"\xff\xfe of a stranger"})
    with pytest.warns(UserWarning, match="was edited and is kept"):
        commit = publish()
    assert repository.commits[commit]["README.md"] == b"\xff\xfe of a stranger"


@pytest.mark.client
def test_nothing_is_published_offline(hub, publish, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(kdh.HubError, match="HF_HUB_OFFLINE forbids to publish. Unset"):
        publish()
    assert hub.requests == []


@pytest.mark.client
def test_a_branch_that_does_not_exist(hub, publish):
    publish()
    with pytest.raises(kdh.HubError, match="has no revision 'refs/pr/9'"):
        publish(revision="refs/pr/9")
    commit = publish(revision="new")
    repository = hub.repositories["me/mine"]
    assert repository.refs["new"] == commit != repository.refs["main"]


@pytest.mark.client
@pytest.mark.parametrize("path", ["preupload", "/lfs/", "/commit/"])
def test_the_hub_hangs(hub, publish, monkeypatch, path):
    hub.faults.add("stall", path)
    with monkeypatch.context() as patch:
        patch.setattr("keras_deephash.presets.publishing.SILENCE", 0.5)
        with pytest.raises(kdh.HubError, match="The Hub does not answer about"):
            publish()
    assert hub.repositories["me/mine"].messages == ["initial"]
    hub.faults.clear()
    assert publish()


@pytest.mark.client
def test_what_the_hub_refuses(hub, publish):
    with pytest.raises(kdh.HubError, match="refuses the token|or it is private"):
        publish(token="hf_stranger")
    hub.repositories["me/mine"] = Repository()
    with pytest.raises(kdh.HubError, match="forbids this .* the right to do it"):
        publish(token="hf_stranger")
    hub.faults.add("500", "commit")
    with pytest.raises(kdh.HubError, match="does not work at the moment"):
        publish()
    assert hub.repositories["me/mine"].messages == ["initial"]
    hub.close()
    with pytest.raises(kdh.HubError, match="cannot be reached|broke off"):
        publish()


@pytest.mark.client
def test_what_others_commit_in_the_meantime_is_kept(hub, publish, monkeypatch):
    publish()
    repository = hub.repositories["me/mine"]
    find = Repository.find

    def commit_between(self, revision):
        # Somebody edits the card after it was read and before the commit.
        if any("preupload" in path for _, path in hub.requests[-2:]):
            monkeypatch.setattr(Repository, "find", find)
            repository.commit("main", {"README.md": b"edited"})
        return find(self, revision)

    monkeypatch.setattr(Repository, "find", commit_between)
    with pytest.raises(kdh.HubError, match="has changed in the meantime"):
        publish()
    assert repository.commits[repository.refs["main"]]["README.md"] == b"edited"


# === What it tells ===
HOME = "/home/alice/clients/acme"
COMMAND = f"keras-deephash train --data {HOME}/lists --output out --backbone ~/b"


@pytest.fixture
def telling(folder, images):
    """A preset that knows where its files lay."""
    model = kdh.from_preset(folder)
    index = kdh.Index(model)
    index.add(images, names=[f"{HOME}/photos/{i % 2}/{i}.png" for i in range(24)])
    training = {"command": COMMAND, "start": f"{HOME}/backbone", "seed": 1}
    model.save_to_preset(
        folder, training=training, index=index, metrics={"map": 0.5}, dataset="mine"
    )
    return folder


def sent_files(hub, commit, name="me/mine"):
    return hub.repositories[name].commits[commit]


def test_absolute_paths_stay_at_home(hub, publish, telling, load, capsys):
    before = contents(telling)
    message = "`index.h5` has 24 names, such as '0/0.png'.$"
    with pytest.warns(UserWarning, match=message):
        commit = publish()
    assert contents(telling) == before
    sent = sent_files(hub, commit)
    assert not any(b"alice" in content for content in sent.values())
    training = kdh.presets.read_preset_metadata(telling)["training"]
    found = json.loads(sent["metadata.json"])["training"]
    expected = "keras-deephash train --data lists --output out --backbone b"
    assert found == {**training, "command": expected, "start": "backbone"}
    assert expected in sent["README.md"].decode()
    model = load(URI, load_index=True)
    assert model.index.names(model.index.ids)[:2] == ["0/0.png", "1/1.png"]
    own = kdh.from_preset(telling, load_index=True).index
    np.testing.assert_array_equal(model.index.codes(own.ids), own.codes(own.ids))
    # The card follows the metadata that were sent, so it is not an edited one.
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*was edited and is kept")
        warnings.filterwarnings("ignore", "What is published")
        publish()


def test_a_dry_run_tells_what_would_be_told(telling, capsys):
    arguments = ["publish", str(telling), URI, "--dry-run"]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert "has 24 names, such as '0/0.png'" in err
    assert "alice" not in out and "index.h5: " in out and "paths shortened" in out
    assert main([*arguments, "--keep-paths"]) == 0
    out, err = capsys.readouterr()
    assert re.search(f"such as '{HOME}.*has '{HOME}/lists', ", err)
    assert HOME in out


def test_paths_may_be_kept(hub, publish, telling):
    with pytest.warns(UserWarning, match="names files of this computer"):
        commit = publish(keep_paths=True)
    sent, here = sent_files(hub, commit), contents(telling)
    for name in ("metadata.json", "index.h5", "config.json"):
        assert sent[name] == here[name]


def test_an_edited_card_tells_what_it_tells(publish, folder):
    (folder / "README.md").write_text(f"# Mine\n\nSee {HOME}/notes.txt.\n")
    with pytest.warns(UserWarning, match=f"`README.md` has '{HOME}/notes.txt'.$"):
        publish()


def test_nothing_is_said_where_there_is_nothing_to_say(publish):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        publish()


@pytest.mark.client
def test_an_upload_is_silent_about_the_clients_own_affairs(publish, recwarn):
    publish()
    assert not [w for w in recwarn if "content=" in str(w.message)]


@pytest.mark.client
def test_an_index_that_was_taken_out_goes(hub, publish, telling):
    with pytest.warns(UserWarning, match="has 24 names"):
        commit = publish()
    assert "index.h5" in sent_files(hub, commit)
    kdh.from_preset(telling).save_to_preset(telling)
    commit = publish()
    repository = hub.repositories["me/mine"]
    assert "index.h5" not in sent_files(hub, commit)
    assert len(repository.messages) == 3  # In one commit.


# === Faults ===
POINTS = ("create", "branch", "preupload", "batch", "/lfs/", "/commit/", "revision")
KINDS = ("500", "429", "401", "403", "404", "drop", "cut", "slow", "wrong_length")


def trial(seed, files, card):
    """A fault while publishing, then none: all of the commit is there, or nothing."""
    generator = random.Random(seed)
    hub = LoopbackHub()
    existing = generator.random() < 0.5
    if existing:
        hub.repositories["me/mine"] = Repository()
    kind, point = generator.choice(KINDS), generator.choice(POINTS)
    hub.faults.add(kind, point, skip=generator.choice((0, 0, 1)), times=1)
    handle = parse_hub_handle(URI, generator.choice((None, "v1")))
    arguments = (handle, files, card, False, "x", False, "hf_writer", hub.endpoint)
    expected = {"README.md": card.encode()}
    for name, path in files.items():
        with open(path, "rb") as file:
            expected[name] = file.read()
    try:
        try:
            _send(*arguments)
            outcome = "published"
        except Exception as error:  # `upload_preset` puts it into words.
            outcome = type(error).__name__
        repository = hub.repositories.get("me/mine", Repository())
        for tree in repository.commits.values():
            assert len(tree) == 1 or expected.items() <= tree.items(), seed
        hub.faults.clear()
        commit = _send(*arguments)
        assert expected.items() <= hub.repositories["me/mine"].commits[commit].items()
    finally:
        hub.close()
    return outcome


@pytest.mark.client
def test_faults_of_publishing(saved):
    files, card = prepare_upload(parse_hub_handle(URI), saved)
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda seed: trial(seed, files, card), range(50)))
    assert 5 < outcomes.count("published") < 48
