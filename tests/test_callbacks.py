"""Retrieval metrics and seeds during training."""

import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import h5py
import keras
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash import evaluate_retrieval
from keras_deephash.callbacks import (
    EpochSeeds,
    RetrievalEvaluation,
    TrainingBackup,
)
from keras_deephash.callbacks.training_backup import claim_backup
from keras_deephash.datasets import ImageSet


@pytest.mark.usefixtures("eagerly")
def test_metrics_are_logged_like_any_other(make_model, images, labels, capsys):
    query, database = ImageSet(images[:6], labels[:6]), ImageSet(images, labels)
    model = make_model()
    model.compile("adam")
    seen = []
    watcher = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(dict(logs))
    )
    callback = RetrievalEvaluation(query, database, every=2, top_k=10, radius=1)
    history = model.fit(
        images,
        labels,
        epochs=4,
        batch_size=12,
        callbacks=[callback, watcher],
        verbose=2,
    )
    assert ["val_map" in logs for logs in seen] == [False, True, False, True]
    expected = evaluate_retrieval(
        model.encode(query.images),
        query.labels,
        model.encode(database.images),
        database.labels,
        top_k=10,
        radius=1,
    )
    assert seen[-1]["val_map"] == pytest.approx(expected.map)
    assert history.history["val_map_at_radius"][-1] == expected.map_at_radius
    assert len(history.history["val_map"]) == 2
    assert capsys.readouterr().out.count("val_map: ") == 2


@pytest.mark.usefixtures("eagerly")
def test_metrics_of_shorter_codes(make_model, images, labels):
    held_out = ImageSet(images, labels)
    model = make_model(lengths=[8, 16])
    callback = RetrievalEvaluation(held_out, held_out, metrics=["map", "map_8"])
    logs = model.fit(images, labels, verbose=0, callbacks=[callback]).history
    codes = model.encode(images, bits=8)
    expected = evaluate_retrieval(codes, labels, codes, labels).map
    assert logs["val_map_8"] == [expected] and "val_map" in logs
    with pytest.raises(ValueError, match="`metrics` must be .*'map_x8'"):
        RetrievalEvaluation(held_out, held_out, metrics=["map_x8"])


@pytest.mark.usefixtures("eagerly")
def test_early_stopping_and_checkpoints_can_watch_it(
    make_model, images, labels, tmp_path
):
    held_out = ImageSet(images, labels)
    model = make_model()
    model.compile("adam")
    path = tmp_path / "best.weights.h5"
    model.fit(
        images,
        labels,
        epochs=20,
        verbose=0,
        callbacks=[
            RetrievalEvaluation(held_out, held_out),
            keras.callbacks.EarlyStopping(
                "val_map", mode="max", patience=1, min_delta=1.0
            ),
            keras.callbacks.ModelCheckpoint(
                path, "val_map", mode="max", save_best_only=True, save_weights_only=True
            ),
        ],
    )
    assert len(model.history.epoch) == 2
    assert path.exists()


def test_bad_arguments():
    with pytest.raises(ValueError, match="`every` must be an integer >= 1"):
        RetrievalEvaluation(None, None, every=0)
    with pytest.raises(ValueError, match="`metrics` must be some of .*'mapp'"):
        RetrievalEvaluation(None, None, metrics=("map", "mapp"))
    with pytest.raises(ValueError, match="`metrics` must be a list.*'map'"):
        RetrievalEvaluation(None, None, metrics="map")
    with pytest.raises(ValueError, match="no argument `topk`.*one of .*crops.* top_k"):
        RetrievalEvaluation(None, None, topk=3)


def test_what_cannot_be_evaluated_shows_before_the_training(make_model, images, labels):
    query, database = ImageSet(images, labels), ImageSet(images, labels[:, :3])
    with pytest.raises(ValueError, match="same labels. Received: 4 and 3 columns"):
        RetrievalEvaluation(query, database)
    model = kdh.DTQ(make_model().backbone, subcodebooks=2)
    callback = RetrievalEvaluation(query, query, radius=2, crops=10)
    with pytest.raises(ValueError, match="radius=2, a DTQ"):
        model.fit(images, labels, callbacks=[callback], verbose=0)
    assert model.optimizer.iterations == 0


def test_a_backup_needs_a_compiled_model(make_model, tmp_path):
    with pytest.raises(ValueError, match="call `model.compile.*before `restore`"):
        TrainingBackup(tmp_path).restore(make_model())


def test_epochs_reseed_the_dropout_layers(images, labels):
    def states(seed, global_seed, **arguments):
        keras.utils.set_random_seed(global_seed)
        x = inputs = keras.Input((32, 32, 3))
        for name in ("drop1", "drop2"):
            x = keras.layers.Dropout(0.5, name=name)(x)
        outputs = keras.layers.GlobalAveragePooling2D()(x)
        model = kdh.DCH(keras.Model(inputs, outputs), bits=16)
        model.compile("sgd")
        found = {}
        seeds = EpochSeeds(seed)
        watcher = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: found.update(
                {(seeds.epoch, i): tuple(state) for i, state in enumerate(read(model))}
            )
        )
        callbacks = [seeds, watcher]
        model.fit(images, labels, 8, callbacks=callbacks, verbose=0, **arguments)
        assert seeds.epoch is None
        assert all(count == 3 for _, count in read(model)), "three batches per epoch"
        return found

    def read(model):
        layers = [layer for layer in model.backbone.layers if "drop" in layer.name]
        assert len(layers) == 2
        return [np.asarray(layer.seed_generator.state) for layer in layers]

    whole = states(1, global_seed=0, epochs=3)
    assert len(whole) == 6 == len(set(whole.values()))
    assert all(count == 0 for _, count in whole.values())
    rest = states(1, global_seed=5, epochs=3, initial_epoch=2)
    assert rest == {place: whole[place] for place in [(2, 0), (2, 1)]}
    assert not set(states(2, global_seed=0, epochs=3).values()) & set(whole.values())


@pytest.mark.parametrize("seed", [-1, 0.5, None])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match="`seed` must be an integer >= 0"):
        EpochSeeds(seed)


def test_a_backup_of_nothing_is_anyones(tmp_path):
    claim_backup(tmp_path, {"batch_size": 512})
    claim_backup(tmp_path, {"batch_size": 128})
    (tmp_path / "unfinished.weights.h5").write_bytes(
        b""
    )  # Of a kill in the first epoch.
    claim_backup(tmp_path, {"batch_size": 64})
    (tmp_path / "latest.weights.h5").write_bytes(b"")
    claim_backup(tmp_path, {"batch_size": 64})
    with pytest.raises(ValueError, match=r"with other options \(batch_size\)"):
        claim_backup(tmp_path, {"batch_size": 32})


def train(model, images, labels, folder, epochs=1):
    model.compile("sgd")
    backup = TrainingBackup(folder)
    first = backup.restore(model)
    arguments = {"batch_size": 12, "verbose": 0, "callbacks": [backup]}
    model.fit(images, labels, initial_epoch=first, epochs=epochs, **arguments)
    return first


@pytest.mark.usefixtures("eagerly")
def test_a_backup_is_of_one_model(make_model, images, labels, tmp_path):
    assert train(make_model(gamma=5.0), images, labels, tmp_path) == 0
    assert train(make_model(gamma=5.0), images, labels, tmp_path, epochs=2) == 1
    before = (tmp_path / "latest.weights.h5").read_bytes()
    dhn = kdh.DHN(make_model().backbone, bits=16)
    with pytest.raises(ValueError, match="backup of a DCH, not of a DHN. Build that"):
        train(dhn, images, labels, tmp_path)
    with pytest.raises(ValueError, match=r"with other arguments \(gamma\)"):
        train(make_model(gamma=6.0), images, labels, tmp_path)
    with pytest.raises(ValueError, match=r"with other arguments \(bits\)"):
        train(make_model(gamma=5.0, bits=32), images, labels, tmp_path)
    assert (tmp_path / "latest.weights.h5").read_bytes() == before
    with h5py.File(tmp_path / "latest.weights.h5", "a") as file:
        del file.attrs["settings"]  # As it was written before.
    assert train(make_model(gamma=5.0), images, labels, tmp_path, epochs=2) == 2


@pytest.mark.skipif(os.name == "nt", reason="directories without locks")
@pytest.mark.usefixtures("eagerly")
def test_a_backup_is_of_one_training_at_a_time(make_model, images, labels, tmp_path):
    model = make_model()
    model.compile("sgd")
    script = (
        "import os, sys\n"
        "from keras_deephash.files import try_lock\n"
        "lock = try_lock(sys.argv[1])\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "locked\n"
        for attempt in (
            lambda: TrainingBackup(tmp_path).restore(model),
            lambda: claim_backup(tmp_path, {}),
            lambda: model.fit(
                images, labels, callbacks=[TrainingBackup(tmp_path)], verbose=0
            ),
        ):
            with pytest.raises(
                ValueError, match="training that is still running. Wait"
            ):
                attempt()
    train(model, images, labels, tmp_path)

    # In another thread of this process.
    claim_backup(tmp_path, {})
    with ThreadPoolExecutor() as pool:
        other = pool.submit(claim_backup, tmp_path, {})
    with pytest.raises(ValueError, match="training that is still running"):
        other.result()
    claim_backup(tmp_path, {})  # One after the other is no conflict.


@pytest.mark.skipif(os.name == "nt", reason="no such limits")
@pytest.mark.usefixtures("eagerly")
def test_a_full_disk_leaves_the_backup_before(make_model, images, labels, tmp_path):
    model = make_model()
    train(model, images, labels, tmp_path)
    before = (tmp_path / "latest.weights.h5").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        with pytest.raises(OSError, match="File too large: '.*/latest.weights.h5'$"):
            train(model, images, labels, tmp_path, epochs=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "latest.weights.h5").read_bytes() == before
    assert train(model, images, labels, tmp_path, epochs=2) == 1
