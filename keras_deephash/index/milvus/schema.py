"""A collection in Milvus: its fields, its search index, and whose codes it holds."""

import hashlib
import json

from keras_deephash.index.code_spec import CodeSpec, check_versions, version_of_json
from keras_deephash.index.milvus.connection import MilvusConnection, MilvusError
from keras_deephash.index.milvus.rows import MAX_NAME_BYTES
from keras_deephash.index.milvus.vectors import new_vectors

FORMAT_VERSION = 1


def open_collection(
    connection: MilvusConnection,
    spec: CodeSpec,
    kind: str,
    options: dict,
    create: bool = True,
) -> None:
    """Makes a collection, or takes one that holds codes of the same model.

    Args:
        connection: `MilvusConnection`.
        spec: `CodeSpec`.
        kind: `"flat"` or `"ivf"`.
        options: dict, as of `check_options`. Takes the lists of an existing
            collection, and the probes that follow.
        create: bool. Whether to make it where there is none. Defaults to `True`.

    Raises:
        ValueError: if it holds other codes, or is another kind.
        MilvusError: if there is none and `create` is False.
    """
    name = options["collection"]
    if connection.call("has_collection", name):
        description = connection.call("describe_collection", name)["description"]
        options["lists"] = _check(description, name, spec, kind)["lists"]
    elif create:
        _create(connection, name, spec, kind, options["lists"])
    else:
        raise MilvusError(
            f"The collection {name!r} is no longer in Milvus at {connection.uri!r}. "
            "Build a new index."
        )
    if lists := options["lists"]:
        options["probes"] = min(lists, options["probes"] or max(4, lists // 32))
    connection.call("load_collection", name)


def identity(spec: CodeSpec) -> dict:
    """A description that differs for the codes of other models, plain for JSON."""
    centers = None
    if spec.is_quantizer:
        centers = hashlib.sha256(spec.centers.astype("<f4").tobytes()).hexdigest()
    return {
        "keras_deephash": FORMAT_VERSION,
        **spec.to_json(),
        "centers_sha256": centers,
    }


def _create(connection, name, spec, kind, lists) -> None:
    from pymilvus import DataType

    vectors = new_vectors(spec)
    description = json.dumps({**identity(spec), "kind": kind, "lists": lists})
    # A label, where there is one, is a dynamic field: a class or a list.
    schema = connection.client.create_schema(
        auto_id=False, enable_dynamic_field=True, description=description
    )
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType[vectors.type], dim=vectors.dim)
    if spec.is_quantizer:
        schema.add_field("code", DataType.VARCHAR, max_length=2 * spec.bytes)
    schema.add_field("name", DataType.VARCHAR, max_length=MAX_NAME_BYTES)
    params = connection.client.prepare_index_params()
    params.add_index(
        "vector",
        index_type=vectors.index_types[kind],
        metric_type=vectors.metric,
        params={"nlist": lists} if lists else {},
    )
    connection.call(
        "create_collection",
        name,
        schema=schema,
        index_params=params,
        consistency_level="Strong",
    )


def _check(description: str, name: str, spec: CodeSpec, kind: str) -> dict:
    """The description of a collection, or a ValueError if it is not ours."""
    try:
        described = json.loads(description)
        version = described["keras_deephash"]
    except (ValueError, TypeError, KeyError):
        raise ValueError(
            f"The collection {name!r} was not made by keras_deephash. Give another "
            "`collection`."
        ) from None
    if version != FORMAT_VERSION:
        raise ValueError(
            f"The collection {name!r} has format {version}, this keras_deephash reads "
            f"format {FORMAT_VERSION}. Upgrade keras_deephash."
        )
    mine = identity(spec)
    for field in ("bits", "metric", "weights_sha256", "centers_sha256"):
        theirs = described[field]
        if mine[field] != theirs and None not in (mine[field], theirs):
            raise ValueError(
                f"The collection {name!r} holds the codes of another model: {field} "
                f"{theirs!r}, preset {described['preset']!r}. Received: {field} "
                f"{mine[field]!r}, preset {spec.preset!r}. Give another `collection`."
            )
    check_versions(version_of_json(described), spec.preprocessing_version)
    if described["kind"] != kind:
        raise ValueError(
            f"The collection {name!r} has kind={described['kind']!r}. "
            f"Received: kind={kind!r}."
        )
    return described
