"""The scripts of the zoo that train backbones, on a few images."""

import numpy as np
import pytest
from PIL import Image

import keras_deephash as kdh
from keras_deephash.backbones.loading import load_backbone
from keras_deephash.datasets import image_dataset, read_lists


@pytest.fixture
def start(make_model, tmp_path):
    make_model().save_to_preset(tmp_path / "start")
    return str(tmp_path / "start")


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
        [data, start, str(output), "--hold-out", "0.25", *options]
    )
    training = kdh.presets.read_preset_metadata(str(output))["training"]
    assert training["start"] == "start" and training["epochs"] == 8
    assert training["split"] == "48 images of train.txt, 2 labels"
    assert training["val_accuracy"] == 1.0
    assert not (tmp_path / "output.backup").exists()
    backbone, before = kdh.from_preset(str(output)), kdh.from_preset(start).backbone
    assert type(backbone) is kdh.AlexNetBackbone
    assert not np.allclose(backbone.get_weights()[0], before.get_weights()[0])
    kdh.DCH(backbone, 16)


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
    script.probe(model, dataset, loss, 40)
    assert model.evaluate(dataset, verbose=0)[0] < 0.9 * loss_before
    for old, new in zip(before, backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_finetuning_of_several_labels_goes_on_after_a_stop(
    load_script, start, tmp_path, monkeypatch
):
    labels = np.random.default_rng(1).integers(0, 2, (32, 3))
    data = write_lists(tmp_path / "data", labels)
    script = load_script("finetune_backbone")
    options = ["--epochs", "3", "--batch-size", "16", "--augment", "color"]
    weights = []
    for name, stop in (("whole", None), ("stopped", 1)):
        arguments = [data, start, str(tmp_path / name), *options]
        if stop is not None:
            with monkeypatch.context() as patch:
                patch.setattr(script.EpochSeeds, "on_epoch_begin", stop_at(stop))
                with pytest.raises(KeyboardInterrupt):
                    script.main(arguments)
        script.main(arguments)
        weights.append(kdh.from_preset(str(tmp_path / name)).get_weights())
    for whole, stopped in zip(*weights, strict=True):
        np.testing.assert_array_equal(whole, stopped)


def stop_at(last):
    """`EpochSeeds.on_epoch_begin`, stopped by the user in an epoch."""
    begin = kdh.callbacks.EpochSeeds.on_epoch_begin

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == last:
            raise KeyboardInterrupt
        begin(self, epoch, logs)

    return on_epoch_begin
