"""Faults at random points of loading: whole and right, or an error; never a bad cache.

What is compared are the bytes of the files, which decide the model. Each trial has a
Hub and a cache of its own, so that the trials can wait side by side.
"""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from loopback_hub import KINDS, LoopbackHub, Repository

import keras_deephash as kdh
from keras_deephash.presets.hub.download import FILES, HubOptions, fetch_preset
from keras_deephash.presets.hub.handles import parse_hub_handle

POINTS = ("revision", "tree", "resolve.*config", "resolve.*metadata", "resolve.*h5")
# What is waited for has tests in `test_hub_failures.py` and `test_hostile_endpoint.py`.
WAITED_FOR = {"stall", "hang", "rate_limit", "drip", "drip_headers"}
TRIED = sorted({*KINDS} - WAITED_FOR)


def files_of(folder):
    contents = {}
    for name in FILES:
        with open(f"{folder}/{name}", "rb") as file:
            contents[name] = file.read()
    return contents


def trial(seed, files, root):
    """One or two faults, then none; returns what happened under the faults."""
    generator = random.Random(seed)
    hub = LoopbackHub()
    repository = hub.repositories["org/tiny"] = Repository()
    repository.commit("main", files)
    for _ in range(generator.choice((1, 1, 2))):
        hub.faults.add(
            generator.choice(TRIED),
            generator.choice(POINTS),
            generator.choice(("GET", "")),
            skip=generator.choice((0, 0, 1)),
            times=generator.choice((1, 1, 2)),
        )
    options = HubOptions(cache_dir=root / str(seed), endpoint=hub.endpoint)
    revision = generator.choice((None, repository.refs["main"]))
    handle = parse_hub_handle("hf://org/tiny", revision)
    expected = {name: files[name] for name in FILES}
    try:
        try:
            outcome = "loaded"
            assert files_of(fetch_preset(handle, options)) == expected, seed
        except kdh.PresetError as error:
            outcome = str(error)
        hub.faults.clear()
        folder = fetch_preset(handle, options)
        assert files_of(folder) == expected, (seed, outcome)
        left = [path.name for path in (root / str(seed)).rglob("*.incomplete")]
        assert not left, (seed, outcome, left)
    finally:
        hub.close()
    return outcome


@pytest.mark.filterwarnings("ignore:The Hub gives no answer")
def test_faults_of_loading(saved, tmp_path):
    files = {path.name: path.read_bytes() for path in saved.iterdir()}
    with ThreadPoolExecutor(16) as pool:
        trials = pool.map(lambda seed: trial(seed, files, tmp_path), range(50))
        outcomes = list(trials)
    # Both ends are met: what passes is tried again, what stays is an error.
    assert 5 < outcomes.count("loaded") < 48
    assert len(set(outcomes)) >= 5


def test_the_former_name_of_an_attribute_says_the_new_one():
    error = kdh.HubError("The Hub is away.", temporary=True)
    with pytest.raises(
        AttributeError, match="`HubError.passing` is called `temporary`"
    ):
        error.passing  # noqa: B018
    assert error.temporary
