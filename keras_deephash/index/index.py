"""The index: codes that are added, searched, saved and loaded."""

import os
from typing import Literal

import numpy as np

from keras_deephash.checks import check_integer, is_finite_number
from keras_deephash.images import image_paths
from keras_deephash.index.backends import new_store
from keras_deephash.index.code_reader import CodeReader
from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.ranking import (
    candidate_distances,
    nearest_in_range,
    similarities_of,
)
from keras_deephash.index.saving import load_store, save_store


class Index:
    """Codes of a collection, to be searched by images or codes.

    Args:
        model: a method, such as `DCH` or `DTQ`, which encodes the images; or a
            `CodeSpec`, for an index of codes alone.
        kind: str. For hash codes `"flat"`, `"ivf"`, `"hnsw"` or `"hash"`; for a
            quantizer's `"flat"`, `"ivf"` or `"fast_scan"`; in Milvus `"flat"` or
            `"ivf"`. `"flat"` and `"hash"` are exact; `"hash"` is the slower one where
            codes are not spread evenly, or k is large. Defaults to `"flat"`.
        bits: int, one of the `lengths` of a model that has several: the index keeps
            the beginnings of the codes. Defaults to `None`, the whole codes.
        backend: `"faiss"`, in this process, or `"milvus"`, a server.
            Defaults to `"faiss"`.
        **options: of the kind, such as `probes=16` of `"ivf"`, and of the backend:
            Milvus takes `uri`, `collection`, `token` and `retry_seconds`.

    Raises:
        ValueError: for an unknown kind, backend or option.

    Example:

    >>> index = keras_deephash.Index(model)
    >>> index.add(["cat.jpg", "dog.jpg"])
    >>> distances, ids = index.search(["query.jpg"], k=2)
    >>> index.names(ids[0])
    >>> index.save("my_index")
    >>> index = keras_deephash.Index.load("my_index", model)

    Short codes for the search, long ones for the order of what it finds:

    >>> short, long = Index(model, bits=16), Index(model)
    >>> _, candidates = short.search(images, k=200)
    >>> distances, ids = long.rerank(images, candidates, k=10)
    """

    def __init__(
        self,
        model,
        kind: str = "flat",
        backend: str = "faiss",
        bits: int | None = None,
        **options,
    ) -> None:
        is_spec = isinstance(model, CodeSpec)
        if is_spec and bits is not None:
            raise ValueError("`bits` is for a model: a `CodeSpec` has its own.")
        self.spec = model if is_spec else CodeSpec.of(model, bits)
        self._reader = CodeReader(self.spec, None if is_spec else model)
        self._store = new_store(self.spec, kind, backend, **options)

    # === Collection ===

    def add(
        self,
        images_or_codes,
        ids=None,
        labels=None,
        names: list[str] | None = None,
        batch_size: int = 32,
        verbose="auto",
    ) -> np.ndarray:
        """Adds images, or codes of the same model.

        Args:
            images_or_codes: images as for `encode` of the model; codes, uint8
                [n, bytes], as it returns; or continuous codes, float [n, units].
            ids: int array [n], each new and >= 0. Defaults to the next ones after the
                largest so far.
            labels: int array, classes [n] or multi-hot [n, L]. Given always or never.
                Defaults to `None`.
            names: list of n str. Defaults to the paths, where images are paths.
            batch_size: int. Images per step. Defaults to `32`.
            verbose: `"auto"`, 0 or 1. Defaults to `"auto"`.

        Returns:
            int64 array [n], the ids.

        Raises:
            ValueError: for codes of another length, ids that are there already, or
                labels that do not fit. Nothing is added then.
            MilvusError: if the server does not answer. Repeat the addition with
                `ids=error.ids`.
        """
        images_or_codes = image_paths(images_or_codes)
        names = self._reader.names(images_or_codes, names)
        codes = self.encode(images_or_codes, batch_size, verbose)
        if names is not None and len(names) != len(codes):
            raise ValueError(
                f"`names` must be a list of {len(codes)} str, one for each code. "
                f"Received: {len(names)}."
            )
        return self._store.add(codes, ids, labels, names, verbose)

    def encode(
        self, images_or_codes, batch_size: int = 32, verbose=0, on_error=None
    ) -> np.ndarray:
        """The codes, uint8 [n, bytes], that `add` would store.

        `on_error` is that of the model's `encode`, for images that cannot be read.
        """
        return self._reader.codes(images_or_codes, batch_size, verbose, on_error)

    def remove(self, ids) -> int:
        """Removes items by their ids or names, and returns how many they were.

        Args:
            ids: int array of ids; or a name or a list of names: all items that have
                one of them go.

        Raises:
            ValueError: for an id or a name that is not in the index. Nothing is removed
                then.

        Example:

        >>> index.remove([3, 5])
        >>> index.remove("a.jpg")
        """
        names = _names(ids)
        return self._store.remove(ids if names is None else self._ids_of(names))

    def _ids_of(self, names: list[str]) -> np.ndarray:
        ids = self._store.find(names)
        missing = set(names) - set(self._store.names_of(ids) or ())
        if missing:
            raise ValueError(
                f"`ids` must be in the index: {len(missing)} of these names are not. "
                f"Received: {min(missing)!r}, for one."
            )
        return ids

    def optimize(self) -> None:
        """Learns the lists of `kind="ivf"` anew, from all codes that are there.

        Additions do so too, each time that the collection has grown about four times;
        with `lists=` they never do.
        """
        self._store.optimize()

    # === Search ===

    def search(
        self,
        images_or_codes,
        k: int | None = None,
        radius: float | Literal["auto"] | None = None,
    ):
        """The nearest items of every query.

        Distances are Hamming distances of hash codes, in bits. Of a quantizer they are
        asymmetric: minus the inner product, or the squared Euclidean distance; so they
        are minus the `asymmetric_scores` of the model. Smaller is nearer.

        Args:
            images_or_codes: queries, images or codes as for `add`. Quantizer codes
                count as their reconstructions.
            k: int. Neighbours per query. Defaults to `10`, or to all with a `radius`.
            radius: float. All items at most this far; or `"auto"`, the radius that the
                model's `radius_table` gives for a false-positive rate of 0.001, or
                for the lowest there is. Defaults to `None`.

        Returns:
            Tuple of distances and ids, nearest first. Without a radius arrays
            [queries, min(k, n)]; with a radius lists, of one array for each query.

        Raises:
            ValueError: for queries of another length, or k < 1.
        """
        if k is not None:
            k = check_integer("k", k, minimum=1)
        queries = self._reader.queries(images_or_codes)
        if radius is None:
            return self._store.search(queries, k or 10)
        if isinstance(radius, str) and radius == "auto":
            radius = self._auto_radius()
        if not is_finite_number(radius):
            raise ValueError(
                '`radius` must be a finite number or "auto". '
                f"Received: radius={radius!r}."
            )
        return nearest_in_range(*self._store.range_search(queries, radius), k)

    def _auto_radius(self) -> float:
        model = self._reader.model
        table = self.spec.radius_table
        if model is not None and model.bits != self.spec.bits:
            raise ValueError(
                '`radius="auto"` needs an index of whole codes: the radii of a model '
                f"are those of its {model.bits} bits, and this index holds the first "
                f"{self.spec.bits} of them. Give a number."
            )
        if model is not None:
            table = model.radius_table or table
        if table is None:
            raise ValueError(
                '`radius="auto"` needs an index of a calibrated model: calibrate it, '
                "`keras_deephash.calibrate(model, images, labels)`, and make the "
                "index again; or give a number."
            )
        return table.auto_radius()

    def rerank(self, images_or_codes, candidates, k: int = 10):
        """The nearest of given candidates: the second stage of a search.

        Hash codes are compared with the queries' continuous codes, finer than bits: the
        distance is minus their inner product with codes of +1 and -1. A quantizer's
        distances are those of `search`.

        Args:
            images_or_codes: queries, images, or continuous codes [queries, units].
                Packed codes of a hash model are compared by Hamming distance.
            candidates: int array [queries, c], ids.
            k: int. Defaults to `10`.

        Returns:
            Tuple of distances and ids [queries, min(k, c)], nearest first.

        Example:

        >>> _, candidates = hash_index.search(images, k=200)
        >>> quantizer_index.rerank(images, candidates, k=10)
        """
        k = check_integer("k", k, minimum=1)
        queries = self._reader.queries(images_or_codes, continuous=True)
        candidates = np.asarray(candidates)
        if candidates.ndim != 2 or len(candidates) != len(queries):
            raise ValueError(
                f"`candidates` must be ids of shape [{len(queries)}, c], one row for "
                f"each query. Received: shape {candidates.shape}."
            )
        return self._store.rerank(queries, candidates, k)

    def similarities(self, images_or_codes, ids) -> np.ndarray:
        """How similar queries are to items: 1 is alike, 0 is unrelated.

        Equal bits give 1. A quantizer's codes are approximate: the same image again has
        0.8 to 0.9 with the 8 bytes of `rq_imagenet_64`.

        Similarities have the order of the distances. Of hash codes they are the cosine
        of vectors of +1 and -1; of a quantizer's Euclidean distance 1 - d / (2 |q|^2),
        the cosine where lengths are equal; of its inner product <q, x> / |q|^2.

        Args:
            images_or_codes: queries, as for `search`.
            ids: int array [queries, c], such as `search` returns.

        Returns:
            float32 array [queries, c], at most 1.

        Example:

        >>> distances, ids = index.search(["query.jpg"], k=5)
        >>> index.similarities(["query.jpg"], ids)
        """
        queries = self._reader.queries(images_or_codes)
        ids = np.asarray(ids)
        if ids.ndim != 2 or len(ids) != len(queries):
            raise ValueError(
                f"`ids` must have shape [{len(queries)}, c], one row for each query. "
                f"Received: shape {ids.shape}."
            )
        distances = candidate_distances(self.spec, queries, self.codes(ids))
        return similarities_of(self.spec, queries, distances)

    # === Items ===

    def __len__(self) -> int:
        return len(self._store)

    @property
    def ids(self) -> np.ndarray:
        """All ids, int64 [n], in the order of their addition; in Milvus rising."""
        return self._store.all_ids()

    def codes(self, ids) -> np.ndarray:
        """The codes of items, uint8 [..., bytes]."""
        return self._store.codes_of(ids)

    def labels(self, ids) -> np.ndarray | None:
        """The labels of items, as they were given; None if there are none."""
        return self._store.labels_of(ids)

    def names(self, ids) -> list[str] | None:
        """The names of items, in a list; None if there are none."""
        return self._store.names_of(np.ravel(ids))

    def find(self, name: str | os.PathLike) -> np.ndarray:
        """The ids of the items with a name, int64 [n]; several may have one name.

        Args:
            name: str, the whole name as it was given. `""` finds items without a name,
                where others have one.

        Returns:
            int64 array: empty where no item has that name.

        Example:

        >>> index.find("photos/a.jpg")
        array([2])
        """
        names = _names(name)
        if names is None or isinstance(name, (list, tuple)):
            raise ValueError(f"`name` must be a str. Received: name={name!r}.")
        return self._store.find(names)

    def __repr__(self) -> str:
        return (
            f"Index(kind={self._store.kind!r}, backend={self._store.backend!r}: "
            f"{self._store.describe()}, codes of {self.spec.describe()})"
        )

    def stats(self) -> dict:
        """The kind and the contents of the index, plain for JSON."""
        return {
            "count": len(self),
            "backend": self._store.backend,
            "kind": self._store.kind,
            **self.spec.to_json(),
            **self._store.stats(),
        }

    @property
    def options(self) -> dict:
        """The options of the kind."""
        return dict(self._store.options)

    def arrays(self) -> dict[str, np.ndarray]:
        """Codes, ids, and labels and names where there are any, as arrays.

        Names are `names`, their UTF-8 bytes end to end, and `name_ends`.

        Raises:
            ValueError: of an index in Milvus, which may be larger than any memory.
        """
        return self._store.arrays()

    # === Files ===

    def save(self, path: str | os.PathLike, replaces: dict | None = None) -> dict:
        """Writes the index into a directory; what was saved there before is replaced.

        Of an index in Milvus it is where its collection is; the server keeps the codes.

        Args:
            path: str. A new directory, or that of a saved index.
            replaces: dict. The manifest of the index that may be replaced: of any other
                one, nothing is written. Defaults to `None`, whatever is there.

        Returns:
            dict, the manifest, for the next time.

        Raises:
            FileExistsError: if it exists and is not a saved index.
            IndexChangedError: if the index there is not the one that `replaces` is of.
        """
        return save_store(self._store, path, replaces)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike,
        model=None,
        mmap: bool = False,
        verify: bool | None = None,
        **options,
    ) -> "Index":
        """Opens a saved index.

        Args:
            path: str. The directory.
            model: the model that made the codes, to add and search images.
                Defaults to `None`: codes only.
            mmap: bool. Whether to map the files, so that codes are read as they are
                needed; the first change reads them all. The files must not be changed
                in place meanwhile: where one is cut short, the system ends the process.
                `save` never does that. Defaults to `False`.
            verify: bool. Whether to compare the sha256 of every file. Defaults to
                `True`, and to `False` with `mmap`, which would read them all.
            **options: of an index in Milvus: `uri`, where its server is, which must be
                given, because a file is not to decide where `token` goes; `token`,
                which is never saved; and what has changed, such as `collection`.

        Returns:
            An `Index`.

        Raises:
            IndexFileError: if there is none, or it is damaged.
            MilvusError: if its server cannot be reached, or its collection is gone.
            ValueError: if another model made its codes, or without the `uri` of an
                index in Milvus.
        """
        store = load_store(
            path, mmap, not mmap if verify is None else verify, **options
        )
        index = cls.__new__(cls)
        index.spec, index._store = store.spec, store
        if model is not None:
            store.spec.check_same(_spec_like(model, store.spec), "The model")
        index._reader = CodeReader(store.spec, model)
        return index


def _spec_like(model, spec: CodeSpec) -> CodeSpec:
    """The codes of a model, of the length that an index has if the model has it."""
    short = spec.bits in (getattr(model, "lengths", None) or ())
    return CodeSpec.of(model, spec.bits if short else None)


def _names(values) -> list[str] | None:
    """Names, where values are a name, a path or a list of them; else None."""
    if isinstance(values, (str, os.PathLike)):
        values = [values]
    if isinstance(values, np.ndarray) and values.dtype.kind in "UO":
        values = values.tolist()
    if not isinstance(values, (list, tuple)) or not values:
        return None
    if not all(isinstance(value, (str, os.PathLike)) for value in values):
        return None
    return [os.fspath(value) for value in values]
