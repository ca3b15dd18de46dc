"""What `import keras_deephash` loads, and what is there all the same."""

import ast
import importlib
import json
import os
import pkgutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash import keras_classes

HEAVY = {
    *("tensorflow", "keras", "sklearn", "scipy", "matplotlib", "faiss"),
    *("huggingface_hub", "gensim", "imagehash", "pymilvus", "pyarrow", "ray"),
    *("onnx", "onnxruntime"),
}
# What a search needs that is given codes, and what reads and checks images and files.
LIGHT_MODULES = [
    *("checks", "files", "images", "preprocessing", "progress"),
    *("codebooks", "codebooks.scores", "datasets", "index", "index.building"),
    *("index.milvus.store", "retrieval", "retrieval.evaluate_model", "plots"),
    *("presets", "presets.hub.cache", "ray_encoding", "cli", "cli.train"),
    *("duplicates", "cli.duplicates", "export.description", "runtime", "cli.export"),
]
LIGHT_NAMES = ["CodeSpec", "Index", "IndexFileError", "MilvusError", "Preprocessor"]
LIGHT_NAMES += ["HubError", "PresetError", "evaluate_retrieval", "list_presets"]
LIGHT_NAMES += ["Encoder", "find_duplicates", "find_leaks"]


def run_python(program: str, *arguments: str, **environment: str) -> dict:
    """What a program prints as JSON in its last line, run in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_light_modules_load_nothing_heavy():
    program = """
import importlib, json, sys
heavy, modules, names = map(json.loads, sys.argv[1:])
loaded = {}
def note(name):
    loaded[name] = [one for one in heavy if one in sys.modules]
import keras_deephash
note("keras_deephash")
loaded["numpy"] = "numpy" in sys.modules
for module in modules:
    importlib.import_module(f"keras_deephash.{module}")
    note(module)
for name in names:
    getattr(keras_deephash, name)
    note(name)
import numpy as np
index = keras_deephash.Index(keras_deephash.CodeSpec(bits=16))
index.add(np.arange(8, dtype="uint8").reshape(4, 2))
loaded["found"] = index.search(np.array([[2, 3]], "uint8"), k=1)[1].tolist()
note("search")
print(json.dumps(loaded))
"""
    lists = sorted(HEAVY), LIGHT_MODULES, LIGHT_NAMES
    loaded = run_python(program, *map(json.dumps, lists))
    assert loaded.pop("numpy") is False
    assert loaded.pop("found") == [[1]]
    assert loaded.pop("search") == ["faiss"]
    assert loaded.keys() == {"keras_deephash", *LIGHT_MODULES, *LIGHT_NAMES}
    assert not any(loaded.values()), loaded


@pytest.mark.parametrize(
    "imports",
    ["import keras_deephash, keras", "import keras, keras_deephash"],
    ids=["before_keras", "after_keras"],
)
def test_a_keras_file_loads_though_no_name_was_asked_for(
    imports, make_alexnet, tmp_path
):
    model = kdh.DCH(make_alexnet(), bits=16)
    path = str(tmp_path / "model.keras")
    model.save(path)
    program = f"""
{imports}
import json, sys
import numpy as np
modules = [name for name in sys.modules if name.startswith("keras_deephash.models.")]
modules.remove("keras_deephash.models.methods")  # Their list, without Keras.
model = keras.models.load_model(sys.argv[1])
images = np.full((2, 32, 32, 3), 100, "uint8")
images[1, :16] = 200
layer = keras.saving.deserialize_keras_object(
    {{
        "module": "keras_deephash.losses.triplet",
        "class_name": "TripletLoss",
        "config": {{"name": "loss", "margin": 3.0}},
        "registered_name": "keras_deephash>TripletLoss",
    }}
)
codes = model.continuous_codes(images, verbose=0)
print(json.dumps([modules, type(model).__name__, codes.tolist(), layer.margin]))
"""
    modules, name, codes, margin = run_python(program, path)
    assert modules == [] and name == "DCH" and margin == 3.0
    images = np.full((2, 32, 32, 3), 100, "uint8")
    images[1, :16] = 200
    expected = model.continuous_codes(images, verbose=0)
    np.testing.assert_allclose(codes, expected, atol=1e-5)


def test_every_registered_class_has_its_entry():
    for module in pkgutil.walk_packages(kdh.__path__, "keras_deephash."):
        importlib.import_module(module.name)
    registered = {
        name: entry
        for name, entry in keras.saving.get_custom_objects().items()
        if getattr(entry, "__module__", "").startswith("keras_deephash.")
    }
    assert registered == {
        f"keras_deephash>{name}": getattr(
            importlib.import_module(f"keras_deephash.{module}"), name
        )
        for name, module in keras_classes.MODULES.items()
    }
    for name, cls in registered.items():
        assert keras.saving.get_registered_name(cls) == name
        assert cls.__module__ == f"keras_deephash.{keras_classes.MODULES[cls.__name__]}"


def test_a_preset_finds_a_class_by_its_entry(monkeypatch):
    from keras_deephash.presets.errors import PresetError
    from keras_deephash.presets.format.config import find_class

    registry = keras.saving.get_custom_objects()
    entry = keras_classes.UnloadedClass("DHN", "models.dhn")
    monkeypatch.setitem(registry, "keras_deephash>DHN", entry)
    assert find_class("keras_deephash>DHN") is kdh.DHN
    entry = keras_classes.UnloadedClass("TripletLoss", "losses.triplet")
    monkeypatch.setitem(registry, "keras_deephash>TripletLoss", entry)
    with pytest.raises(PresetError, match="not known here"):
        find_class("keras_deephash>TripletLoss")  # It is not a model.


def test_all_names_arrive():
    names = {}
    exec("from keras_deephash import *", names)
    assert names.keys() - {"__builtins__"} == set(kdh.__all__)
    assert set(kdh.__all__) <= set(dir(kdh))
    assert len(set(kdh.__all__)) == len(kdh.__all__)
    for name in kdh.__all__:
        assert names[name] is getattr(kdh, name)
    for module in pkgutil.iter_modules(kdh.__path__):
        path = f"keras_deephash.{module.name}"
        assert getattr(kdh, module.name) is importlib.import_module(path)
    for package in (kdh.datasets, kdh.codebooks, kdh.presets):
        names = {}
        exec(f"from {package.__name__} import *", names)
        assert names.keys() - {"__builtins__"} == set(package.__all__)
        assert set(package.__all__) <= set(dir(package))


@pytest.mark.parametrize("name", ["DCHH", "_hidden", "__wrapped__"])
@pytest.mark.parametrize("module", ["", "datasets", "presets"])
def test_other_names_are_attribute_errors(module, name):
    package = importlib.import_module(f"keras_deephash.{module}".rstrip("."))
    assert not hasattr(package, name)
    with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
        getattr(package, name)
    with pytest.raises(ImportError, match=name):
        exec(f"from {package.__name__} import {name}")


@pytest.mark.parametrize(
    "package", ["", "codebooks", "datasets", "presets", "retrieval"]
)
def test_type_checkers_see_every_name(package):
    package = importlib.import_module(f"keras_deephash.{package}".rstrip("."))
    tree = ast.parse(Path(package.__file__).read_text())
    block = next(
        node.body
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    for line in block:
        assert isinstance(line, ast.ImportFrom)
        for alias in line.names:
            expected = importlib.import_module(line.module)
            assert getattr(package, alias.name) is getattr(expected, alias.name)
    seen = {
        alias.asname or alias.name
        for line in (*tree.body, *block)
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
    assert set(package.__all__) <= seen
    assert files("keras_deephash").joinpath("py.typed").is_file()


NEED_KERAS = [
    "keras_deephash.DCH",
    "keras_deephash.AlexNetBackbone",
    "keras_deephash.from_preset",
    "keras_deephash.losses",
    "keras_deephash.callbacks",
    "keras_deephash.codebooks.Codebook",
    "keras_deephash.datasets.image_dataset",
]
ASK_FOR_NAMES = """
import json, sys, keras_deephash, keras_deephash.codebooks, keras_deephash.datasets
messages = {}
for name in json.loads(sys.argv[1]):
    try:
        eval(name)
        messages[name] = "nothing was raised"
    except ImportError as error:
        messages[name] = str(error)
try:
    import keras_deephash.losses.triplet
except ImportError as error:
    messages["import"] = str(error)
keras_deephash.Index, keras_deephash.Preprocessor
print(json.dumps(messages))
"""


@pytest.mark.parametrize("setting", ["environment", "file"])
def test_another_backend_is_refused_where_keras_is_needed(setting, tmp_path):
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    environment = {"KERAS_HOME": str(tmp_path), "KERAS_BACKEND": ""}
    if setting == "environment":
        environment = {"KERAS_BACKEND": "jax"}
    messages = run_python(ASK_FOR_NAMES, json.dumps(NEED_KERAS), **environment)
    assert messages.keys() == {*NEED_KERAS, "import"}
    for message in messages.values():
        assert "needs Keras to run on TensorFlow" in message and "'jax'" in message
        assert "KERAS_BACKEND=tensorflow" in message and "\n" not in message


def test_another_backend_that_runs_already_is_refused_at_once():
    pytest.importorskip("jax")
    program = """
import json, keras
try:
    import keras_deephash
except ImportError as error:
    print(json.dumps(str(error)))
"""
    message = run_python(program, KERAS_BACKEND="jax")
    assert "needs Keras to run on TensorFlow" in message and "'jax'" in message
