"""Classes of the user in presets: what is saved can be loaded, or is refused early."""

import random

import keras
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash import extensions, losses

register = keras.saving.register_keras_serializable(package="own_classes")


class Base(kdh.DeepHashing):
    """A method with a loss; what `get_config` gives is that of `DeepHashing`."""

    def loss_terms(self, outputs, labels):
        loss = losses.SquaredQuantizationLoss()
        return {"corner_loss": (1.0, loss(outputs))}


@register
class PassesAllOn(kdh.DHN):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


@register
class PassesSomeOn(kdh.DHN):
    def __init__(self, backbone, bits, temperature=1.0, **kwargs):
        super().__init__(backbone, bits, **kwargs)
        self.temperature = temperature

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}


@register
class WithoutPreprocessor(Base):
    def __init__(self, backbone, bits, name=None, trainable=True):
        super().__init__(backbone, bits, name=name, trainable=trainable)


@register
class WithKeywords(Base):
    def __init__(self, backbone, bits, **kwargs):
        super().__init__(backbone, bits, **kwargs)


@register
class Deeper(PassesSomeOn):
    def __init__(self, backbone, **kwargs):
        super().__init__(backbone, **kwargs)


@register
class WithoutKeywords(Base):
    def __init__(self, backbone, bits):
        super().__init__(backbone, bits)


@register
class Forgets(Base):
    def __init__(self, backbone, bits, temperature=1.0, **kwargs):
        super().__init__(backbone, bits, **kwargs)
        self.temperature = temperature


@register
class Changes(PassesSomeOn):
    def __init__(self, backbone, bits, temperature=1.0, **kwargs):
        super().__init__(backbone, bits, temperature + 1, **kwargs)


@register
class HoldsObjects(PassesSomeOn):
    def get_config(self):
        return {**super().get_config(), "temperature": {"of": "water"}}


@register
class Fails(Base):
    def __init__(self, backbone, bits, **kwargs):
        if "name" in kwargs:
            raise RuntimeError("not twice")
        super().__init__(backbone, bits, **kwargs)


@register
class Grows(Base):
    def __init__(self, backbone, bits, **kwargs):
        super().__init__(backbone, bits, **kwargs)

    def add_more(self):
        self.more = keras.layers.Dense(3)
        self.more.build((None, 4))


class LateLoss(losses.PointwiseLoss):
    def build(self, *shapes):
        self.scale = self.add_weight(shape=(), name="scale")

    def image_losses(self, codes, labels):
        return self.scale * codes[:, 0]


@register
class BuildsLater(Base):
    def __init__(self, backbone, bits, **kwargs):
        super().__init__(backbone, bits, **kwargs)
        self.late_loss = LateLoss()


@pytest.fixture
def backbone(make_model):
    return make_model().backbone


@pytest.mark.parametrize(
    "cls, arguments",
    [
        (PassesAllOn, {"alpha": 3.0, "pair_weighting": None}),
        (PassesSomeOn, {"temperature": 2.0, "clip": 15.0}),
        (WithoutPreprocessor, {}),
        (WithKeywords, {"preprocessor": kdh.Preprocessor(32, 36)}),
        (Deeper, {"temperature": 3.0, "alpha": 2.0}),
    ],
)
def test_what_is_saved_can_be_loaded(backbone, images, tmp_path, cls, arguments):
    model = cls(backbone, bits=16, **arguments)
    if "preprocessor" not in arguments:
        model.preprocessor = kdh.Preprocessor(32, 40, 2)
    model.check_savable()
    model.save_to_preset(tmp_path / "mine")
    for load in (kdh.from_preset, cls.from_preset):
        again = load(tmp_path / "mine")
        assert type(again) is cls and again.get_config() == model.get_config()
        np.testing.assert_array_equal(again.encode(images), model.encode(images))
    with pytest.raises(kdh.PresetError, match="no argument 'colour'"):
        kdh.from_preset(tmp_path / "mine", colour=3)


@pytest.mark.parametrize(
    "cls, message",
    [
        (WithoutKeywords, "give it `\\*\\*kwargs`, .* It does not take `name`"),
        (Forgets, "`Forgets.get_config` must give all.* Missing: `temperature`"),
        (Changes, "must build the same again, and `temperature` is 2.0 before and 3.0"),
        (HoldsObjects, "`temperature` in the config.* objects are not built"),
        (BuildsLater, "its layer 'late_loss.*' is not built yet"),
        (Fails, "could not be built again .*not twice"),
    ],
)
def test_what_could_not_be_loaded_is_refused(backbone, tmp_path, cls, message):
    model = cls(backbone, bits=16)
    for refuse in (model.check_savable, lambda: model.save_to_preset(tmp_path / "a")):
        with pytest.raises(kdh.PresetError, match=message):
            refuse()
    assert list(tmp_path.iterdir()) == []


def test_layers_that_come_later_are_refused(backbone, tmp_path):
    model = Grows(backbone, bits=16)
    model.check_savable()
    model.add_more()
    with pytest.raises(kdh.PresetError, match="has .* parameters, and its config"):
        model.save_to_preset(tmp_path / "mine")


def test_a_method_without_a_rate_needs_an_optimizer(backbone, images, labels):
    model = WithKeywords(backbone, bits=16)
    with pytest.raises(ValueError, match="`WithKeywords` has no default learning rate"):
        model.compile()
    with pytest.raises(ValueError, match="`WithKeywords` has no default learning rate"):
        options = {"method": WithKeywords, "bits": 16, "recipe": "published"}
        kdh.train(kdh.TrainingOptions("no data", **options))
    model.compile("adam")
    history = model.fit(images, labels, verbose=0).history
    assert set(history) == {"loss", "corner_loss", "saturated_bits"}


def test_the_check_leaves_no_trace(backbone):
    model = PassesSomeOn(backbone, bits=16)
    name = keras.layers.Dense(1).name
    state = random.getstate()
    weights = model.get_weights()
    model.check_savable()
    assert random.getstate() == state
    for one, two in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    number = int(name.rpartition("_")[2]) if "_" in name else 0
    assert keras.layers.Dense(1).name == f"dense_{number + 1}"


def test_the_old_arguments_of_the_base_say_where_they_are(backbone):
    with pytest.raises(ValueError, match="`pair_loss` is an argument of `PairwiseHash"):
        kdh.DeepHashing(backbone, 16, pair_loss=losses.PairwiseCauchyLoss())

    @register
    class Old(kdh.PairwiseHashing):
        def __init__(self, backbone, bits, **kwargs):
            super().__init__(
                backbone,
                bits,
                pair_loss=losses.PairwiseCauchyLoss(),
                quantization_loss=losses.SquaredQuantizationLoss(),
                **kwargs,
            )

    model = Old(backbone, bits=16, quantization_weight=0.5)
    model.check_savable()
    assert model.quantization_weight == 0.5


def test_trusted_modules(monkeypatch):
    monkeypatch.setattr(extensions, "_trusted", {"keras_deephash"})
    assert extensions.is_trusted(kdh.DCH)
    assert not extensions.is_trusted(Base)
    assert extensions.is_trusted(PassesAllOn, wanted=Base)  # Of the same package.
    assert not extensions.is_trusted(keras.Model, wanted=Base)
    kdh.presets.trust_module(Base.__module__)
    assert extensions.is_trusted(Base)
