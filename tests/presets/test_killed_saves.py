"""Saves that are killed at any moment leave a whole preset, and later no litter."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest

import keras_deephash as kdh
from keras_deephash.files import exchange, try_lock
from keras_deephash.presets.replacing import clear_away

# For each line that it reads, a child saves over a preset for as long as it lives.
SAVER = """
import os, sys
import keras_deephash as kdh
from keras_deephash.presets import replacing

target = sys.argv[1]
model = kdh.from_preset(target)
for line in sys.stdin:
    child = os.fork()
    if not child:
        if line == "portable\\n":
            replacing.exchange = lambda first, second: False
        print(os.getpid(), flush=True)
        while True:
            model.save_to_preset(target)
    os.waitpid(child, 0)
    print("dead", flush=True)
"""

forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")


@pytest.fixture
def saved(same_presets, tmp_path):
    """A preset in a folder of its own, where litter shows."""
    return shutil.copytree(same_presets / "DCH", tmp_path / "presets" / "mine")


@pytest.fixture
def saver(saved):
    """The process that starts savers."""
    process = subprocess.Popen(
        [sys.executable, "-c", SAVER, str(saved)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    )
    yield process
    process.communicate()


def kill_at_random(saver, saved, kills, how):
    """Kills saves; returns how many left something beside a preset that is whole.

    `how` is `"exchange"`, or `"portable"`, as on Windows.
    """
    generator = random.Random(kills)
    littered = 0
    model = kdh.from_preset(saved)
    seconds = 0.3  # Of a save, on this machine and as busy as it is.
    for _ in range(kills):
        saver.stdin.write(f"{how}\n")
        saver.stdin.flush()
        child = int(saver.stdout.readline())
        time.sleep(generator.uniform(0, 2 * seconds))
        os.kill(child, signal.SIGKILL)
        assert saver.stdout.readline() == "dead\n"
        kdh.from_preset(saved)  # Whole, under its name, or found again.
        left = set(os.listdir(saved.parent))
        assert how == "portable" or "mine" in left
        littered += left != {"mine"}
        started = time.monotonic()
        model.save_to_preset(saved)
        seconds = time.monotonic() - started
        assert os.listdir(saved.parent) == ["mine"]
    return littered


@forking
@pytest.mark.filterwarnings("ignore:A save of")
def test_kills(saver, saved):
    kill_at_random(saver, saved, 3, "exchange")
    kill_at_random(saver, saved, 3, "portable")


@forking
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:A save of")
@pytest.mark.parametrize("how", ["exchange", "portable"])
def test_many_kills(saver, saved, how):
    littered = kill_at_random(saver, saved, 60, how)
    print(f"{how}: {littered} of 60 kills left litter, until the next save")
    assert littered > 10  # Else the kills came between the saves.


def test_a_kill_between_the_two_names(saved):
    """As where names cannot be exchanged: the old preset is found again."""
    waiting = saved.parent / ".mine-old-0123abcd"
    waiting.mkdir()
    saved.rename(waiting / "preset")
    unfinished = saved.parent / ".mine-89ab4567"
    unfinished.mkdir()
    (unfinished / "config.json").write_text("{}")
    with pytest.warns(UserWarning, match="was killed: the older preset is loaded"):
        model = kdh.from_preset(saved)
    assert model.bits == 16
    clear_away(str(saved))
    assert os.listdir(saved.parent) == [".mine-old-0123abcd"]
    model.save_to_preset(saved)
    assert os.listdir(saved.parent) == ["mine"]


def test_what_another_process_is_writing_stays(saved):
    folder = saved.parent / ".mine-0123abcd"
    folder.mkdir()
    (folder / "model.weights.h5").write_bytes(b"weights")
    lock = try_lock(folder)
    model = kdh.from_preset(saved)
    model.save_to_preset(saved)
    assert folder.exists()
    os.close(lock)  # As when that process ends.
    model.save_to_preset(saved)
    assert os.listdir(saved.parent) == ["mine"]


def test_where_directories_have_no_locks_only_what_is_old_goes(saved, monkeypatch):
    monkeypatch.setattr("keras_deephash.files.fcntl", None)
    folders = [saved.parent / f".mine-0123abc{digit}" for digit in "de"]
    for folder, age in zip(folders, (23, 25), strict=True):
        folder.mkdir()
        (folder / "model.weights.h5").write_bytes(b"weights")
        at = time.time() - age * 3600
        for path in (folder / "model.weights.h5", folder):
            os.utime(path, (at, at))
    kdh.from_preset(saved).save_to_preset(saved)
    assert sorted(os.listdir(saved.parent)) == [".mine-0123abcd", "mine"]


@pytest.mark.parametrize(
    "name", [".mine-0123abc", ".mine-0123abcd.txt", ".yours-0123abcd", "mine-0123abcd"]
)
def test_directories_of_others_stay(saved, name):
    (saved.parent / name).mkdir()
    (saved.parent / ".mine-01234567").mkdir()
    (saved.parent / ".mine-01234567" / "thesis.txt").write_text("years of work")
    kdh.from_preset(saved).save_to_preset(saved)
    names = {"mine", name, ".mine-01234567"}
    assert set(os.listdir(saved.parent)) == names


def test_names_change_places_in_one_step(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "x").write_text("")
    exchanged = exchange(str(tmp_path / "a"), str(tmp_path / "b"))
    assert exchanged or sys.platform not in ("linux", "darwin")
    place = "b" if exchanged else "a"
    assert (tmp_path / place / "x").exists()
    assert not exchange(str(tmp_path / "a"), str(tmp_path / "none"))


def test_a_full_disk_leaves_the_old_preset(saved, make_alexnet):
    """A limit to the length of a file fails like a disk without room."""
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    larger = kdh.DCH(make_alexnet(), bits=64)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (100, 5_000, 40_000):
        assert limit < os.path.getsize(saved / "model.weights.h5")
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(OSError, match="File too large: '.*/mine'$") as caught:
                larger.save_to_preset(saved)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "\n" not in str(caught.value)
        assert {p.name: p.read_bytes() for p in saved.iterdir()} == before
        assert os.listdir(saved.parent) == ["mine"]
    larger.save_to_preset(saved)
    assert json.loads((saved / "metadata.json").read_text())["bits"] == 64
