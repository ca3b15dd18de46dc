"""The scripts that fine-tune and distill backbones, on a few images."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash.backbones.loading import load_backbone
from keras_deephash.callbacks import EpochSeeds
from keras_deephash.datasets import image_dataset, read_lists


def write_lists(folder, labels):
    """Images whose brightness tells their first label."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    with open(folder / "train.txt", "w") as file:
        for number, row in enumerate(labels):
            pixels = generator.integers(0, 64, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels + np.uint8(160 * row[0])).save(
                folder / f"{number}.png"
            )
            print(f"{number}.png", *row, file=file)
    return str(folder)


def test_finetuned_backbone_is_a_start_that_tells_classes_apart(
    load_script, start, tmp_path
):
    labels = np.eye(2, dtype=int)[np.arange(64) % 2]
    data = write_lists(tmp_path / "data", labels)
    output = tmp_path / "output"
    options = ["--epochs", "8", "--batch-size", "16", "--learning-rate", "0.01"]
    load_script("finetune_backbone").main(
        [data, start, str(output), "--hold-out", "0.25", "--mixup", "0.2", *options]
    )
    training = kdh.presets.read_preset_metadata(str(output))["training"]
    assert training["start"] == "start" and training["epochs"] == 8
    assert training["split"] == "48 images of train.txt, 2 labels"
    assert training["val_accuracy"] == 1.0
    assert not (tmp_path / "output.backup").exists()
    backbone, before = kdh.from_preset(str(output)), kdh.from_preset(start).backbone
    assert type(backbone) is TinyBackbone
    assert not np.allclose(backbone.get_weights()[0], before.get_weights()[0])
    kdh.DCH(backbone, 16)


def test_mixup_fades_images_and_labels_by_the_same_shares(load_script):
    mixed = load_script("mixup").mixed
    values = np.arange(10, dtype=np.float32) / 10
    images = np.broadcast_to(values[:, None, None, None] * 200, (10, 4, 4, 3))
    batches = tf.data.Dataset.from_tensor_slices(
        (images.astype(np.uint8), values[:, None])
    )
    seeds = EpochSeeds(1)
    seeds.epoch = 3
    dataset = mixed(batches.batch(4), 0.4, 4, seeds)
    assert int(dataset.cardinality()) == 3
    found, again = (list(dataset.as_numpy_iterator()) for _ in range(2))
    moved = 0
    for (pixels, labels), (same, _), start in zip(found, again, (0, 4, 8), strict=True):
        own = values[start : start + 4]
        share = (labels[:, 0] - own[::-1]) / (own - own[::-1])
        assert ((share >= -1e-5) & (share <= 1 + 1e-5)).all()
        np.testing.assert_allclose(pixels[:, 0, 0, 0], 200 * labels[:, 0], atol=0.51)
        np.testing.assert_array_equal(pixels, same)
        moved += (np.abs(labels[:, 0] - own) > 1e-3).sum()
    assert moved > 5
    seeds.epoch = 4
    assert not np.array_equal(next(iter(dataset))[1], found[0][1])


def test_probe_trains_the_classifier_alone(load_script, start, tmp_path):
    labels = np.eye(2, dtype=int)[np.arange(64) % 2]
    (images,) = read_lists(write_lists(tmp_path / "data", labels), ["train"])
    script, backbone = load_script("finetune_backbone"), load_backbone(start)
    model = script.new_classifier(backbone, backbone.preprocessor, 2)
    loss, metric = script.loss_and_metric(one_class=True)
    model.compile(loss=loss, metrics=[metric])
    dataset = image_dataset(images, backbone.preprocessor, 16)
    before = backbone.get_weights()
    loss_before = model.evaluate(dataset, verbose=0)[0]
    script.probe(model, dataset, loss, 200)
    assert model.evaluate(dataset, verbose=0)[0] < 0.9 * loss_before
    for old, new in zip(before, backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.usefixtures("eagerly")
def test_finetuning_of_several_labels_goes_on_after_a_stop(
    load_script, start, tmp_path, monkeypatch
):
    labels = np.random.default_rng(1).integers(0, 2, (32, 3))
    data = write_lists(tmp_path / "data", labels)
    script = load_script("finetune_backbone")
    options = ["--epochs", "2", "--batch-size", "16", "--augment", "color"]
    weights = []
    for name, stop in (("whole", None), ("stopped", 1)):
        arguments = [data, start, str(tmp_path / name), *options]
        if stop is not None:
            with monkeypatch.context() as patch:
                patch.setattr(EpochSeeds, "on_epoch_begin", stop_at(stop))
                with pytest.raises(KeyboardInterrupt):
                    script.main(arguments)
        script.main(arguments)
        weights.append(kdh.from_preset(str(tmp_path / name)).get_weights())
    for whole, stopped in zip(*weights, strict=True):
        np.testing.assert_array_equal(whole, stopped)


@pytest.mark.parametrize("name", ["finetune_backbone", "distill_backbone"])
@pytest.mark.usefixtures("eagerly")
def test_trainings_go_on_with_their_own_backup_alone(
    load_script, start, tiny_images, tmp_path, monkeypatch, name
):
    output = tmp_path / "output"
    if name == "finetune_backbone":
        data = write_lists(tmp_path / "data", np.eye(2, dtype=int)[np.arange(8) % 2])
        arguments = [data, start, str(output), "--probe-epochs", "0"]
    else:
        arguments = [start, start, str(output), "--data", tiny_images, "--limit", "8"]
    arguments += ["--epochs", "2", "--batch-size", "4"]
    script = load_script(name)
    with monkeypatch.context() as patch:
        patch.setattr(EpochSeeds, "on_epoch_begin", stop_at(1))
        with pytest.raises(KeyboardInterrupt):
            script.main(arguments)
    with pytest.raises(ValueError, match=r"with other options \(learning_rate\)"):
        script.main([*arguments, "--learning-rate", "0.1"])
    script.main(arguments)
    training = kdh.presets.read_preset_metadata(str(output))["training"]
    assert training["epochs"] == 2 and "minutes" not in training
    assert not (tmp_path / "output.backup").exists()


def stop_at(last):
    """`EpochSeeds.on_epoch_begin`, stopped by the user in an epoch."""
    begin = EpochSeeds.on_epoch_begin

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == last:
            raise KeyboardInterrupt
        begin(self, epoch, logs)

    return on_epoch_begin


def test_distilled_backbone_sees_what_its_teacher_sees(
    load_script, start, tiny_images, tmp_path
):
    teacher, output = tmp_path / "teacher", tmp_path / "output"
    TinyBackbone(hidden_dim=24).save_to_preset(teacher)
    script = load_script("distill_backbone")
    options = ["--epochs", "12", "--batch-size", "8", "--learning-rate", "0.01"]
    # Running statistics would lag behind weights that change so fast: they, and not
    # what was learned, would decide on the held-out image.
    options += ["--shrink", "16", "--freeze-until", "pool1", "--freeze-statistics"]
    options += ["--dtype", "mixed_bfloat16", "--data", tiny_images]
    script.main([start, str(teacher), str(output), *options])
    training = kdh.presets.read_preset_metadata(str(output))["training"]
    assert training["teacher"] == "teacher" and training["start"] == "start"
    assert training["split"] == "63 images without labels"
    assert training["val_loss"] < 0.2 and not (tmp_path / "output.backup").exists()
    before, after = kdh.from_preset(start).backbone, kdh.from_preset(str(output))
    assert after.dtype_name == "float32"
    for name, learns in (("conv1", False), ("fc6", True)):
        old, new = (b.get_layer(name).get_weights()[0] for b in (before, after))
        assert np.allclose(old, new, atol=1e-3) != learns


@pytest.mark.usefixtures("eagerly")
def test_a_wrong_student_shows_before_the_teachers_work(
    load_script, start, tiny_images, tmp_path, monkeypatch
):
    script, output = load_script("distill_backbone"), str(tmp_path / "output")
    arguments = [start, start, output, "--data", tiny_images, "--epochs", "1"]
    arguments += ["--batch-size", "8"]
    with monkeypatch.context() as patch:
        patch.setattr(script, "backbone_features", None)
        with pytest.raises(ValueError, match="at most `resize_size`"):
            script.main([*arguments, "--resize-size", "20"])
    script.main(arguments)  # Nothing is done that other options would not fit.


@pytest.mark.usefixtures("eagerly")
def test_images_of_several_sizes_are_distilled(
    load_script, start, tiny_images, tmp_path
):
    data = write_lists(tmp_path / "data", np.eye(2, dtype=int)[np.arange(8) % 2])
    output = tmp_path / "output"
    options = ["--epochs", "1", "--batch-size", "8", "--data", data, tiny_images]
    load_script("distill_backbone").main([start, start, str(output), *options])
    training = kdh.presets.read_preset_metadata(str(output))["training"]
    assert training["split"] == "71 images without labels"


def test_distance_of_features_is_one_minus_the_cosine_from_the_mean(load_script):
    generator = np.random.default_rng(0)
    features, outputs = generator.normal(size=(2, 5, 7)).astype(np.float32)
    mean = features.mean(axis=0)
    found = load_script("distill_backbone").new_loss(mean)(features, outputs)
    for value, a, b in zip(found, features - mean, outputs - mean, strict=True):
        cosine = sum(a * b) / (sum(a * a) * sum(b * b)) ** 0.5
        assert float(value) == pytest.approx(1 - cosine, abs=1e-5)


def test_images_of_archives_and_lists_are_read_and_shrunk(
    load_script, tiny_images, tmp_path
):
    script = load_script("distill_backbone")
    data = write_lists(tmp_path / "data", np.eye(2, dtype=int))
    images = script.read_images([data, tiny_images])
    assert [image.shape[0] for image in images] == [32] * 2 + [64] * 64
    small = script.shrunk(images, 16)
    assert {image.shape for image in small} == {(16, 16, 3)}
    assert small[0].mean() == pytest.approx(images[0].mean(), abs=1)
    assert script.shrunk(images, None) is images
