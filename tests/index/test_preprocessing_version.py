"""Codes of different versions of the preprocessing do not mix."""

import dataclasses
import json

import pytest

from keras_deephash import CodeSpec, Index
from keras_deephash.index.manifest import manifest_sha256
from keras_deephash.preprocessing import PREPROCESSING_VERSION


@pytest.fixture
def model(make_model):
    return make_model()


@pytest.fixture
def saved(model, images, tmp_path):
    index = Index(model)
    index.add(images, names=[str(number) for number in range(24)])
    index.save(tmp_path / "index")
    return tmp_path / "index"


def rewrite(saved, **fields):
    manifest = json.loads((saved / "index.json").read_text())
    for name, value in fields.items():
        manifest["codes"][name] = value
        if value is None:
            del manifest["codes"][name]
    manifest["sha256"] = manifest_sha256(manifest)
    (saved / "index.json").write_text(json.dumps(manifest))


def test_an_index_knows_the_version(saved, model, images):
    index = Index.load(saved, model)
    assert index.stats()["preprocessing_version"] == PREPROCESSING_VERSION
    assert (index.search(images[:3], k=1)[0] == 0).all()


@pytest.mark.parametrize("version", [None, 1, PREPROCESSING_VERSION + 1])
def test_an_index_of_another_version_takes_codes_alone(saved, model, images, version):
    rewrite(saved, preprocessing_version=version)  # None: of before.
    with pytest.raises(ValueError, match=f"version {version or 1}. Build .* again"):
        Index.load(saved, model)
    codes = model.encode(images)
    index = Index.load(saved)
    assert (index.search(codes, k=1)[0] == 0).all()
    index.add(codes[:2])
    index.save(saved)  # As what it was made.
    assert Index.load(saved).stats()["preprocessing_version"] == (version or 1)


def test_codes_from_elsewhere_have_no_version(tmp_path, model, images):
    index = Index(CodeSpec(16))
    index.add(model.encode(images))
    index.save(tmp_path / "index")
    rewrite(tmp_path / "index", preprocessing_version=None)
    index = Index.load(tmp_path / "index", model)
    assert index.stats()["preprocessing_version"] is None
    assert (index.search(images[:3], k=1)[0] == 0).all()


def test_other_differences_come_first(model, make_model):
    spec = CodeSpec.of(model)
    old = dataclasses.replace(spec, preprocessing_version=1)
    with pytest.raises(ValueError, match="another version of the preprocessing"):
        old.check_same(spec, "The model")
    with pytest.raises(ValueError, match="The model makes other codes"):
        old.check_same(CodeSpec.of(make_model(bits=24)), "The model")
    again = CodeSpec.from_json(json.loads(json.dumps(old.to_json())))
    assert dataclasses.astuple(again) == dataclasses.astuple(old)


def test_a_collection_in_milvus_has_the_version(model):
    pytest.importorskip("pymilvus")
    from keras_deephash.index.milvus import schema

    spec = CodeSpec.of(model)
    described = {**schema.identity(spec), "kind": "flat", "lists": None}
    assert schema._check(json.dumps(described), "photos", spec, "flat") == described
    del described["preprocessing_version"]
    with pytest.raises(ValueError, match="version 1. Build the index again"):
        schema._check(json.dumps(described), "photos", spec, "flat")
