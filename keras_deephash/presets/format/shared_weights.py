"""Weights files that share a backbone's weights with another file.

The weights of a method's backbone lie in the group `backbone`, and are those that a
file of the backbone alone has at its root. A file that shares them holds the others,
which count where both have one.
"""

from collections.abc import Iterable

import h5py
import numpy as np

from keras_deephash.presets.errors import PresetError

_BACKBONE = "backbone"
# Of the backbone's values; biases of zero are the same in any two networks.
_LEAST_SHARED = 0.25


def join_weights(rest: str, backbone: str, whole: str) -> None:
    """Writes a whole weights file; the same two always give the same bytes.

    Args:
        rest: str, path of the weights of a method, as `split_weights` writes it.
        backbone: str, path of the weights of its backbone.
        whole: str, path to write.
    """
    with (
        h5py.File(rest, "r") as own,
        h5py.File(backbone, "r") as shared,
        h5py.File(whole, "w") as target,
    ):
        shared.copy(shared["/"], target, name=_BACKBONE)
        _lay_over(own, target)


def split_weights(whole: str, backbone: str, rest: str) -> None:
    """Writes the weights of a method that its backbone's file does not hold.

    Raises:
        PresetError: if that is nearly all, or the backbone is another network.
    """
    with h5py.File(whole, "r") as source, h5py.File(backbone, "r") as shared:
        own, known = _datasets(source), _datasets(shared)
        known = {f"{_BACKBONE}/{name}": item for name, item in known.items()}
        foreign = sorted(known.keys() - own.keys())
        common = [n for n in known if n in own and _is_same(own[n], known[n])]
        least = _LEAST_SHARED * _count(known.values())
        if foreign or _count(known[name] for name in common) < least:
            what = f"lacks {foreign[0]!r}" if foreign else "has hardly any of them"
            raise PresetError(
                f"The backbone's weights in {backbone!r} are not shared by {whole!r}, "
                f"which {what}. Name the backbone that it was made of, and save it in "
                "a `weights_dtype` that rounds no more than the backbone's."
            )
        with h5py.File(rest, "w") as target:
            for name in sorted(own.keys() - set(common)):
                _copy_into(source, target, name)


def _lay_over(own: h5py.Group, target: h5py.Group) -> None:
    """Copies weights into a file, in place of those of the same names."""
    for name, item in own.items():
        if isinstance(item, h5py.Group):
            group = target.require_group(name)
            group.attrs.update(item.attrs)
            _lay_over(item, group)
            continue
        if name in target:
            del target[name]
        own.copy(item, target, name=name)


def _datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    found = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item

    file.visititems(note)
    return found


def _count(items: Iterable[h5py.Dataset]) -> int:
    return sum(item.size for item in items)


def _is_same(one: h5py.Dataset, two: h5py.Dataset) -> bool:
    """Whether two weights have the same values, in whatever type."""
    return one.shape == two.shape and np.array_equal(one[()], two[()])


def _copy_into(source: h5py.File, target: h5py.File, name: str) -> None:
    """Copies a weight with its groups and their attributes."""
    group, found = target, source
    *parents, last = name.split("/")
    for parent in parents:
        group, found = group.require_group(parent), found[parent]
        group.attrs.update(found.attrs)
    found.copy(found[last], group, name=last)
