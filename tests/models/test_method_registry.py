"""The methods by name: built in, imported and installed."""

import importlib
import re
import sys

import keras
import pytest

import keras_deephash as kdh
from keras_deephash import extensions
from keras_deephash.backbones.loading import load_backbone
from keras_deephash.backbones.registry import BACKBONES
from keras_deephash.cli import main
from keras_deephash.models.methods import METHODS
from keras_deephash.training.model import build_model

METHOD = """
import keras
import keras_deephash as kdh

@keras.saving.register_keras_serializable(package="{package}")
class {name}(kdh.DCH):
    pass
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that installs a package with entry points, as pip would."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(extensions, "_trusted", {"keras_deephash"})
    made, known = [], set(keras.saving.get_custom_objects())

    def install(package, points, source, group="keras_deephash.methods"):
        info = site / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\n")
        lines = [f"{name} = {value}\n" for name, value in points.items()]
        (info / "entry_points.txt").write_text(f"[{group}]\n{''.join(lines)}")
        if source is not None:
            (site / f"{package}.py").write_text(source)
        made.append(package)
        importlib.invalidate_caches()

    yield install
    for package in made:
        sys.modules.pop(package, None)
    # The others stay as they are by now: an entry may have become its class.
    objects = keras.saving.get_custom_objects()
    for name in objects.keys() - known:
        del objects[name]


def test_every_method_of_the_package_is_found():
    assert set(METHODS.modules) <= set(METHODS.names())
    for name in METHODS.modules:
        assert METHODS.find(name, "`method`") is getattr(kdh, name)
        assert METHODS.find(f"keras_deephash>{name}", "`method`") is getattr(kdh, name)
    public = {
        name
        for name in kdh.__all__
        if isinstance(getattr(kdh, name), type)
        and METHODS.is_member(getattr(kdh, name))
        and keras.saving.get_registered_name(getattr(kdh, name)) != name
    }
    assert public == set(METHODS.modules)
    for name in BACKBONES.modules:
        assert BACKBONES.find(name, "`backbone`") is getattr(kdh, name)


@pytest.mark.parametrize("name", ["Dhn", "keras_deephash>XYZ", "a>DCH", "", None, 3])
def test_a_name_that_there_is_not(name):
    with pytest.raises(ValueError, match="`method` must be one of .*DCH, DHN"):
        METHODS.find(name, "`method`")


def test_an_installed_method(install, make_model, tmp_path):
    install(
        "first_package",
        {"First": "first_package:First"},
        METHOD.format(package="first", name="First"),
    )
    assert "First" in METHODS.names() and "first_package" not in sys.modules
    assert METHODS.find("DCH", "`method`") is kdh.DCH
    assert "first_package" not in sys.modules
    cls = METHODS.find("First", "`method`")
    assert cls is sys.modules["first_package"].First
    assert METHODS.find("first>First", "`method`") is cls
    assert extensions.is_trusted(cls)

    # A preset finds it in a process that has not asked for it.
    cls(make_model().backbone, bits=8).save_to_preset(tmp_path / "mine")
    del sys.modules["first_package"], keras.saving.get_custom_objects()["first>First"]
    model = kdh.from_preset(tmp_path / "mine")
    assert type(model).__name__ == "First" and type(model) is not cls


def test_an_installed_method_with_the_name_of_another(install):
    install(
        "impostor",
        {"DCH": "impostor:DCH"},
        METHOD.format(package="impostor", name="DCH"),
    )
    with pytest.raises(ValueError, match="Several methods are called 'DCH'.*impostor"):
        METHODS.find("DCH", "`method`")
    assert "impostor" not in sys.modules
    assert METHODS.find("keras_deephash>DCH", "`method`") is kdh.DCH
    assert METHODS.find("impostor>DCH", "`method`") is sys.modules["impostor"].DCH


def test_two_packages_with_one_name(install):
    for package in ("one_package", "two_package"):
        install(
            package,
            {"Twin": f"{package}:Twin"},
            METHOD.format(package=package, name="Twin"),
        )
    with pytest.raises(
        extensions.ExtensionError,
        match="offer 'Twin' in .*: one_package, two_package. Uninstall",
    ):
        METHODS.find("Twin", "`method`")


@pytest.mark.parametrize(
    "source, message",
    [
        (None, "cannot be loaded: ModuleNotFoundError"),
        ("1 / 0", "cannot be loaded: ZeroDivisionError: division by zero"),
        ("Broken = 3", "must be a class of that name.*Received: 3"),
        ("class Other: pass\nBroken = Other", "must be a class of that name"),
        ("class Broken: pass", "must be a method that is registered with Keras"),
        (
            METHOD.format(package="b", name="Broken").replace("@keras", "# "),
            "must be a method that is registered with Keras",
        ),
    ],
)
def test_a_broken_package_is_named(install, capsys, source, message):
    install("broken_package", {"Broken": "broken_package:Broken"}, source)
    with pytest.raises(extensions.ExtensionError, match=f"'broken_package'.*{message}"):
        METHODS.find("Broken", "`method`")
    # It is in nobody's way.
    assert METHODS.find("DTQ", "`method`") is kdh.DTQ
    with pytest.raises(SystemExit) as ended:
        main(["train", "--help"])
    assert ended.value.code == 0
    assert "Broken cannot be used: 'Broken' of the" in capsys.readouterr().out


def test_imported_methods_of_one_name(install):
    for package in ("left", "right"):
        exec(METHOD.format(package=package, name="Both"), {"__name__": package})
    with pytest.raises(ValueError, match="'Both'.*module 'left' and .*module 'right'"):
        METHODS.find("Both", "`method`")
    assert METHODS.find("left>Both", "`method`").__module__ == "left"


BACKBONE = """
import keras
import keras_deephash as kdh

@keras.saving.register_keras_serializable(package="net")
class PackagedNet(kdh.Backbone):
    def __init__(self, image_size=32, dtype=None, **kwargs):
        inputs = keras.Input((image_size, image_size, 3))
        x = keras.layers.Conv2D(4, 3, dtype=dtype)(inputs)
        x = keras.layers.GlobalAveragePooling2D(dtype=dtype)(x)
        arguments = {"image_size": image_size}
        super().__init__(inputs, x, arguments, dtype=dtype, **kwargs)
"""


def test_an_installed_backbone(install, tmp_path, images):
    install(
        "net_package",
        {"PackagedNet": "net_package:PackagedNet"},
        BACKBONE,
        BACKBONES.group,
    )
    assert "PackagedNet" in BACKBONES.names() and "PackagedNet" not in METHODS.names()
    assert "net_package" not in sys.modules
    backbone = load_backbone("PackagedNet", image_size=36)
    assert type(backbone) is sys.modules["net_package"].PackagedNet
    assert backbone.input_shape == (None, 36, 36, 3)
    with pytest.raises(ValueError, match="`ApplicationBackbone` does not: .*applica"):
        load_backbone("ApplicationBackbone")

    # A preset of a method on it is loaded where nobody has asked for it yet.
    options = kdh.TrainingOptions("data", backbone="PackagedNet", image_size=32, bits=8)
    model = build_model(options, None)
    model.save_to_preset(tmp_path / "mine")
    del sys.modules["net_package"], keras.saving.get_custom_objects()["net>PackagedNet"]
    again = kdh.from_preset(tmp_path / "mine")
    assert type(again.backbone).__name__ == "PackagedNet"
    assert (again.encode(images) == model.encode(images)).all()


@pytest.mark.parametrize("command", ["train", "evaluate", "encode", "index", "search"])
def test_a_module_that_cannot_be_imported(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong_module.py").write_text("import nothing_of_the_kind\n")
    required = {
        "train": ["--data", "d", "--output", "o"],
        "evaluate": ["--preset", "p", "--data", "d"],
        "encode": ["--preset", "p", "--images", "i"],
        "index": ["--preset", "p", "--images", "i", "--output", "o"],
        "search": ["--index", "i", "--images", "i"],
    }
    for module, message in (
        ("wrong_module", "cannot be imported: ModuleNotFoundError: No module named"),
        ("not_there", "'not_there' cannot be imported: ModuleNotFoundError"),
        ("wrong_module.py", "named as in Python's `import`.*directory: wrong_module."),
    ):
        assert main([command, *required[command], "--import", module]) == 1
        error = capsys.readouterr().err
        assert len(error.splitlines()) == 1
        assert re.search(message, error), error
