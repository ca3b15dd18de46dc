"""The scripts that pretrain the small AlexNet, on a few images."""

import numpy as np
import pytest

import keras_deephash as kdh


def test_soft_labels_are_of_images_that_the_classifier_did_not_see(
    load_script, start, tiny_images, tmp_path, capsys
):
    output = tmp_path / "soft.npy"
    options = ["--image-size", "32", "--epochs", "30", "--batch-size", "4"]
    script = load_script("soft_labels")
    script.main([tiny_images, start, str(output), *options])
    soft = np.load(output)
    assert soft.shape == (64, 200) and soft.dtype == np.float16
    np.testing.assert_allclose(soft.sum(axis=1), 1, atol=1e-2)
    assert (soft.argmax(axis=1) == 199 * (np.arange(64) % 2)).mean() > 0.8
    assert "validation images: 1.000" in capsys.readouterr().out

    # Labels that say nothing can only be learned by heart.
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(256, 400)).astype(np.float32)
    labels = generator.integers(0, 2, 256)
    seen = script.new_classifier(rows, labels, 30, 32).predict(rows, verbose=0)
    assert (seen.argmax(axis=1) == labels).mean() > 0.8
    unseen = script.soft_labels(rows, labels, 30, 32, seed=0, folds=3)
    assert (unseen.argmax(axis=1) == labels).mean() < 0.65


def test_more_folds_let_every_classifier_see_more_images(load_script, monkeypatch):
    script = load_script("soft_labels")
    sizes = []

    def counted(rows, *options):
        sizes.append(len(rows))
        return new_classifier(rows, *options)

    new_classifier = script.new_classifier
    monkeypatch.setattr(script, "new_classifier", counted)
    rows = np.random.default_rng(0).normal(size=(13, 4)).astype(np.float32)
    soft = script.soft_labels(rows, np.arange(13) % 3, 1, 8, seed=0, folds=4)
    assert sizes == [9, 10, 10, 10]
    np.testing.assert_allclose(soft.sum(axis=1), 1, atol=1e-2)


def test_one_fold_is_refused(load_script, capsys):
    with pytest.raises(SystemExit):
        load_script("soft_labels").main(["data", "start", "out.npy", "--folds", "1"])
    assert "--folds must be at least 2. Received: 1." in capsys.readouterr().err


def test_targets_are_smoothed_classes_and_soft_labels(load_script, tmp_path):
    script = load_script("tiny_imagenet")
    labels = np.array([3, 0, 199])
    targets = script.new_targets(labels)
    generator = np.random.default_rng(0)
    soft = generator.dirichlet(np.ones(200), 4).astype(np.float16)
    np.save(tmp_path / "soft.npy", soft)
    mixed = script.new_targets(labels, str(tmp_path / "soft.npy"), 0.7)
    for row, label in enumerate(labels):
        for column in range(200):
            plain = 0.1 / 200 + (0.9 if column == label else 0)
            assert targets[row, column] == pytest.approx(plain, rel=2e-3)
            expected = 0.3 * plain + 0.7 * float(soft[row, column])
            assert mixed[row, column] == pytest.approx(expected, rel=4e-3, abs=1e-6)
    with pytest.raises(ValueError, match=r"soft labels \[5, 200\]"):
        script.new_targets(np.zeros(5, int), str(tmp_path / "soft.npy"), 0.7)


def test_pretraining_learns_soft_labels(pretraining, tiny_images, tmp_path):
    teacher = tmp_path / "soft.npy"
    # A teacher that takes the classes for one another.
    np.save(teacher, np.eye(200, dtype=np.float16)[199 * (np.arange(64) % 2 == 0)])
    options = ["--small-epochs", "0", "--final-epochs", "3", "--batch-size", "8"]
    options += ["--teacher", str(teacher), "--teacher-weight", "1", "--peak", "0.1"]
    output = tmp_path / "output"
    pretraining.main([tiny_images, str(output), *options])
    metadata = kdh.presets.read_preset_metadata(str(output))
    assert metadata["training"]["teacher"] == str(teacher)
    log = metadata["training"]["log"]
    assert [line["epoch"] for line in log] == [1, 2, 3]
    assert log[-1]["train_accuracy"] > 0.9 and log[-1]["val_accuracy"] <= 0.5


@pytest.mark.usefixtures("eagerly")
def test_what_learned_in_bfloat16_is_published_in_float32(
    pretraining, tiny_images, tmp_path
):
    output = tmp_path / "output"
    options = ["--small-epochs", "0", "--final-epochs", "1", "--limit", "4"]
    options += ["--batch-size", "4", "--dtype", "mixed_bfloat16"]
    pretraining.main([tiny_images, str(output), *options])
    backbone = kdh.from_preset(str(output))
    assert backbone.dtype_name == "float32"
    assert np.isfinite(backbone.get_weights()[0]).all()


def test_a_cycle_of_larger_images_stretches_fc6(load_script, capsys):
    script = load_script("small_alexnet")
    start, larger = script.build_backbone(56), script.build_backbone(64)
    script.begin_from(larger, start)
    assert capsys.readouterr().out.count("fc6 is stretched") == 1
    for layer in larger.layers:
        old = start.get_layer(layer.name).get_weights()
        new = layer.get_weights()
        if layer.name == "fc6":
            small = old.pop(0).reshape(2, 2, 256, 1024) * 4 / 9
            large = new.pop(0).reshape(3, 3, 256, 1024)
            for row in range(3):
                for column in range(3):
                    parts = [
                        small[i, j]
                        for i in {row // 2, (row + 1) // 2}
                        for j in {column // 2, (column + 1) // 2}
                    ]
                    expected = sum(parts) / len(parts)
                    np.testing.assert_allclose(large[row, column], expected, atol=1e-7)
        for one, other in zip(new, old, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_stretched_fc6_says_the_same_of_an_even_map(load_script):
    script = load_script("small_alexnet")
    generator = np.random.default_rng(0)
    kernel = generator.normal(size=(3 * 2 * 5, 4)).astype(np.float32)
    stretched = script.stretched_kernel(kernel, (3, 2, 5), (6, 4, 5))
    pixel = generator.normal(size=5)
    before = np.tile(pixel, (3, 2, 1)).reshape(-1) @ kernel
    after = np.tile(pixel, (6, 4, 1)).reshape(-1) @ stretched
    assert stretched.shape == (6 * 4 * 5, 4)
    np.testing.assert_allclose(after, before, rtol=1e-5)


def test_a_cycle_of_smaller_images_is_refused(load_script):
    script = load_script("small_alexnet")
    with pytest.raises(ValueError, match="leaves 3 pixels after pool5, these images 2"):
        script.begin_from(script.build_backbone(56), script.build_backbone(64))


@pytest.mark.usefixtures("eagerly")
def test_pretraining_goes_on_with_its_own_backup_alone(
    pretraining, tiny_images, tmp_path, monkeypatch
):
    script, output = pretraining, tmp_path / "output"
    arguments = [tiny_images, str(output), "--batch-size", "8", "--small-epochs", "0"]
    arguments += ["--final-epochs", "2", "--limit", "16"]

    def killed(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(script.os, "remove", killed)  # After the second epoch.
        with pytest.raises(KeyboardInterrupt):
            script.main(arguments)
    with pytest.raises(ValueError, match=r"with other options \(peak\)"):
        script.main([*arguments, "--peak", "0.01"])
    script.main(arguments)
    assert not (tmp_path / "output.backup").exists()
    training = kdh.presets.read_preset_metadata(str(output))["training"]
    assert training["split"] == "16 images of train.npz, 200 classes"
    assert [line["epoch"] for line in training["log"]] == [1, 2]


@pytest.mark.usefixtures("eagerly")
def test_a_training_that_goes_on_learns_what_it_would_have(
    pretraining, tiny_images, tmp_path, monkeypatch
):
    script = pretraining
    options = ["--batch-size", "8", "--small-epochs", "0", "--final-epochs", "2"]
    options += ["--limit", "16", "--dropout", "0.5"]
    whole, stopped = str(tmp_path / "whole"), str(tmp_path / "stopped")
    script.main([tiny_images, whole, *options])

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(script, "write_atomically", interrupted)  # The first epoch's log.
        with pytest.raises(KeyboardInterrupt):
            script.main([tiny_images, stopped, *options])
    write = script.write_atomically

    with monkeypatch.context() as patch:

        def write_once(path):
            patch.setattr(script, "write_atomically", interrupted)
            return write(path)

        patch.setattr(script, "write_atomically", write_once)
        with pytest.raises(KeyboardInterrupt):
            script.main([tiny_images, stopped, *options])
    script.main([tiny_images, stopped, *options])
    logs = [
        kdh.presets.read_preset_metadata(output)["training"]["log"]
        for output in (whole, stopped)
    ]
    whole, stopped = ([line["loss"] for line in log] for log in logs)
    assert whole == pytest.approx(stopped, abs=2e-4)


@pytest.mark.parametrize(
    "options, message",
    [
        (["--final-epochs", "0"], "--final-epochs must be at least 1"),
        (["--mixup", "-1"], "--mixup must be at least 0"),
        (["--teacher-weight", "3"], "--teacher-weight must be between 0 and 1"),
        (["--peak", "0"], "--peak must be more than 0"),
    ],
)
def test_options_out_of_range_are_named(load_script, capsys, options, message):
    with pytest.raises(SystemExit):
        load_script("pretrain_alexnet").main(["data", "output", *options])
    assert message in capsys.readouterr().err


def test_too_few_images_are_named_before_the_backup(load_script, tiny_images, tmp_path):
    script = load_script("pretrain_alexnet")
    with pytest.raises(ValueError, match="one full batch. Received: 50 images"):
        script.main([tiny_images, str(tmp_path / "output"), "--limit", "50"])
    assert not (tmp_path / "output.backup").exists()


@pytest.mark.usefixtures("eagerly")
def test_a_wrong_start_does_not_bind_what_comes_next(
    pretraining, tiny_images, tmp_path
):
    script, output = pretraining, str(tmp_path / "output")
    options = ["--batch-size", "8", "--limit", "8", "--small-epochs", "0"]
    with pytest.raises(kdh.PresetError, match="no preset"):
        script.main([tiny_images, output, *options, "--start", "nowhere_at_all"])
    script.main([tiny_images, output, *options, "--final-epochs", "1"])


def test_pretraining_refuses_an_occupied_output_first(load_script, tmp_path):
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "cat.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="is not a preset"):
        load_script("pretrain_alexnet").main(["nothing", str(tmp_path / "output")])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["output"]


@pytest.mark.parametrize("size, refused", [(44, True), (45, False), (61, True)])
def test_small_epochs_need_a_size_with_the_same_fc6(
    load_script, size, refused, tmp_path, capsys
):
    arguments = [str(tmp_path), str(tmp_path / "output"), "--image-size", str(size)]
    script = load_script("pretrain_alexnet")
    with pytest.raises(SystemExit if refused else FileNotFoundError):
        script.main(arguments)
    assert ("fc6 cannot take both" in capsys.readouterr().err) == refused


def test_views_are_parts_of_the_images_that_the_seed_decides(load_script):
    script = load_script("tiny_imagenet")
    # Red rises to the right, green downwards; blue tells the images apart.
    ramp = np.arange(64, dtype=np.uint8) * 3
    images = np.empty((12, 64, 64, 3), np.uint8)
    images[..., 0], images[..., 1] = ramp, ramp[:, None]
    images[..., 2] = 20 * np.arange(12)[:, None, None]
    targets = script.new_targets(np.arange(12))
    views, rows = zip(*script.batches(images, targets, 48, 4, (0, 1)), strict=True)
    views, rows = np.concatenate(views).astype(int), np.concatenate(rows)
    assert sorted(views[:, 0, 0, 2]) == [20 * i for i in range(12)]
    mirrored = 0
    for view, row in zip(views, rows, strict=True):
        assert 20 * row.argmax() == view[0, 0, 2]
        width = abs(view[24, -1, 0] - view[24, 0, 0]) / 3 * 48 / 47
        height = (view[-1, 24, 1] - view[0, 24, 1]) / 3 * 48 / 47
        assert 0.44 <= width * height / 64**2 <= 1.01
        assert 0.75 <= width / height <= 1.34
        mirrored += view[24, -1, 0] < view[24, 0, 0]
    assert 0 < mirrored < 12
    again = [v for v, _ in script.batches(images, targets, 48, 4, (0, 1))]
    np.testing.assert_array_equal(np.concatenate(again), views)
    other = [v for v, _ in script.batches(images, targets, 48, 4, (0, 2))]
    assert not np.array_equal(np.concatenate(other), views)


def test_mixup_fades_views_and_targets_by_the_same_share(load_script):
    script = load_script("tiny_imagenet")
    images = np.empty((8, 64, 64, 3), np.uint8)
    images[:] = 30 * np.arange(8)[:, None, None, None]
    targets = np.eye(200, dtype=np.float16)[:8]
    mixed = 0
    for views, rows in script.batches(images, targets, 48, 4, (0, 1), mixup=1.0):
        np.testing.assert_allclose(np.sum(rows, axis=1), 1, atol=1e-3)
        brightness = np.asarray(rows)[:, :8] @ (30 * np.arange(8))
        for view, expected in zip(np.asarray(views), brightness, strict=True):
            np.testing.assert_allclose(view, expected, atol=0.6)
        mixed += (np.max(rows, axis=1) < 0.95).sum()
    assert mixed > 4
