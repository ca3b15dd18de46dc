"""What an index is, for clients and for the page."""

import os
from collections.abc import Sequence

from keras_deephash.web.server.catalog import label_counts
from keras_deephash.web.server.collection import Collection
from keras_deephash.web.server.pictures import MAX_BYTES
from keras_deephash.web.server.records import Expected, Label, Stats

_MOST_LABELS, _MOST_RADII = 1000, 100


def stats_of(collection: Collection, most_group_radius: int, read_only: bool) -> Stats:
    """The index, its labels by number, and its radii."""
    index, table = collection.index, collection.radius_table
    with collection.lock.read():
        count = len(index)
        counts = label_counts(index.labels(index.ids))
    names = collection.label_names or ()
    labels = [
        Label(number, _name_of(number, names), counted)
        for number, counted in list(counts.items())[:_MOST_LABELS]
    ]
    return Stats(
        title=os.path.basename(collection.path),
        count=count,
        kind=index.stats()["kind"],
        bits=index.spec.bits,
        metric=index.spec.metric,
        preset=index.spec.preset,
        labels=labels,
        radii=_radii(collection),
        auto_radius=None if table is None else table.auto_radius(),
        most_group_radius=most_group_radius,
        read_only=read_only,
        most_bytes=MAX_BYTES,
    )


def _name_of(number: int, names: Sequence[str]) -> str:
    """The name of a label, or its number: -1 is often that of items without one."""
    return names[number] if 0 <= number < len(names) else str(number)


def _radii(collection: Collection) -> list[Expected]:
    """The radii to choose from: of the table, or of a hash code without one."""
    table, spec = collection.radius_table, collection.index.spec
    if table is None:
        bits = 0 if spec.is_quantizer else spec.bits // 2 + 1
        return [Expected(float(radius), None, None, None) for radius in range(bits)]
    radii = [radius for radius in table.radii if table.expected(radius)["recall"] != 1]
    step = -(-len(radii) // _MOST_RADII) or 1
    return [Expected(radius, **table.expected(radius)) for radius in radii[::step]]
