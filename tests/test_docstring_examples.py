"""The examples of docstrings run, but for those that `NOT_RUN` names with a reason.

What an example prints is compared where the docstring shows it. Names that an example
does not make itself, such as `images`, are those of `given`.
"""

import ast
import doctest
import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_backbone import TinyBackbone

import keras_deephash as kdh

PACKAGE = Path(kdh.__file__).parent
# What is in an example, and why it is not run here.
NOT_RUN = {
    r"\.fit\(": "trains; tests/models and tests/test_own_method.py do",
    r"\btrain\(": "trains; tests/training does",
    r"TrainingBackup|TrainingOptions": "goes on with a training; tests/training does",
    r"ITQ\(|LSH\(|PCAHash\(|RQ\(": "tests/models fits it",
    r"cifar10\(|cifar10/": "needs CIFAR-10; tests/datasets has lists of its own",
    r"load_dataset|hf://": "needs a network; tests/hub and tests/datasets have theirs",
    r"keras:MobileNetV2|applications\.Mob|ApplicationB": "tests/backbones builds it",
    r"keras_hub\.": "needs KerasHub and a network; tests/backbones builds its networks",
    r"reference_pretrain": "needs the released weights; tests/backbones writes a file",
    r"glove": "needs word vectors; tests/datasets writes a file",
    r"encode_files": "needs Ray; tests/test_ray_encoding.py runs it",
    r"find_duplicates\(|features\(\"photos": "takes seconds; tests/duplicates runs it",
    r"IndexBuilder|make_report|FeatureMoments|Batcher": "is not public: it has a test",
    r"Encoder\(": "needs an exported file; tests/export writes one",
    r"import my_hash": "needs a module; tests/presets/test_own_classes.py has one",
    r"itq_imagenet|dtq_cifar10|efficientnet": "takes seconds; tests/presets loads it",
    r"self\.center_loss": "is a part of a class; tests/test_own_method.py runs one",
    r"quantize\(|model\.export\(": "takes seconds; tests/models does it",
    r"SplitBackbone|save_to_preset\(\"my_dch\"\)|TinyNet": "tests/backbones has one",
    r"write_indices|split_images\(|from_folder|from_table": "tests/datasets does",
    r"group_near_duplicates|add_classes|class_codes|ImageErrors": "has its own test",
    r"_index\.|short\.search|held_out|write_lists\(": "has its own test",
    r"metrics\.as_dict\(": "tests/retrieval makes metrics",
    r"rows\(0, 2\)|plots\.radii|calibrate\(": "has its own test",
}


def docstrings() -> dict[str, str]:
    """The docstrings with examples, by module and qualified name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if ">>>" not in text:
            continue
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                docstring = ast.get_docstring(node) or ""
                if ">>>" in docstring:
                    found[f"{module}:{node.name}"] = docstring
    return found


def example(docstring: str) -> str:
    """The code of a docstring."""
    return "".join(e.source for e in doctest.DocTestParser().get_examples(docstring))


EXAMPLES = docstrings()
RUN = [
    name
    for name, docstring in EXAMPLES.items()
    if not any(re.search(pattern, example(docstring)) for pattern in NOT_RUN)
]


@pytest.fixture(scope="module")
def encoded():
    """A model, images and their codes, which no example changes."""
    model = kdh.DCH(TinyBackbone(), bits=8)
    shape = (12, *model.backbone.input_shape[1:])
    images = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    return model, images, model.encode(images)


@pytest.fixture
def given(encoded, tmp_path, monkeypatch):
    """A reader's own images, codes and files."""
    monkeypatch.chdir(tmp_path)
    model, images, codes = encoded
    generator = np.random.default_rng(0)
    Path("photos").mkdir()
    files = [f"{n}.jpg" for n in ("cat", "dog", "photos/a", "cat2", "a", "query")]
    for image, name in zip(images, files, strict=False):
        Image.fromarray(image).save(name)
    index = kdh.Index(model)
    index.add(codes[:6], names=files)
    return {
        **{name: getattr(kdh, name) for name in kdh.__all__},
        "kdh": kdh,
        "keras_deephash": kdh,
        "np": np,
        "model": model,
        "index": index,
        "images": images,
        "labels": np.arange(12) % 3,
        "names": ["a", "b", "c"],
        "codes": codes,
        "query_codes": codes[:4],
        "query_labels": np.arange(4) % 3,
        "scores": generator.normal(size=(4, 12)),
        "codebook": kdh.codebooks.Codebook(subcodebooks=2, subcenters=4),
        "features": generator.normal(size=(40, 8)).astype("float32"),
    }


@pytest.fixture
def given_to_losses(given):
    """Continuous codes, multi-hot labels and the vectors of the classes."""
    generator = np.random.default_rng(0)
    given["codebook"].fit(given["features"])
    vectors = generator.normal(size=(3, 8)).astype("float32")
    return {
        **given,
        "codes": generator.normal(size=(12, 8)).astype("float32"),
        "labels": np.eye(3)[given["labels"]],
        "features": given["features"][:12],
        **dict.fromkeys(("centers", "proxies", "vectors", "word_vectors"), vectors),
    }


@pytest.mark.parametrize("name", RUN)
def test_the_example_runs(name, given, request, capsys):
    module = name.partition(":")[0]
    if ".plots." in module:
        pytest.importorskip("matplotlib")
    if ".losses." in module:
        given = request.getfixturevalue("given_to_losses")
    names = {**given, **vars(importlib.import_module(module)), "__name__": "example"}
    checker = doctest.OutputChecker()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for part in doctest.DocTestParser().get_examples(EXAMPLES[name]):
        exec(compile(part.source, name, "single"), names)
        printed = capsys.readouterr().out
        assert not part.want or checker.check_output(part.want, printed, flags), printed


def test_each_reason_is_of_an_example():
    codes = [example(docstring) for docstring in EXAMPLES.values()]
    for pattern in NOT_RUN:
        assert any(re.search(pattern, code) for code in codes), pattern
    assert len(RUN) >= 40
