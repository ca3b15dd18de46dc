"""Retrieval metrics during training."""

import keras
import pytest

from keras_deephash import evaluate_retrieval
from keras_deephash.callbacks import RetrievalEvaluation
from keras_deephash.datasets import ImageSet


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
    with pytest.raises(ValueError, match="`every` must be >= 1"):
        RetrievalEvaluation(None, None, every=0)
    with pytest.raises(ValueError, match="`metrics` must be some of .*'mapp'"):
        RetrievalEvaluation(None, None, metrics=("map", "mapp"))
