"""Classes of others: of installed packages, and of modules that the user names.

A package offers methods and backbones by entry points in its `pyproject.toml`:

    [project.entry-points."keras_deephash.methods"]
    MyHash = "my_package.my_hash:MyHash"

They are imported when a class of that name is asked for and not known yet. Nothing else
is ever imported by a name that stands in a file.

A package of presets names the package whose directory holds them, and none of its code
is run:

    [project.entry-points."keras_deephash.presets"]
    my_presets = "my_presets"
"""

import os
import sys
import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

METHODS = "keras_deephash.methods"
BACKBONES = "keras_deephash.backbones"
PRESETS = "keras_deephash.presets"
# The packages, the first words of modules, whose classes a preset of the Hub may name.
_trusted = {"keras_deephash"}


class ExtensionError(ValueError):
    """A method or a backbone of another package cannot be loaded; the text says why."""


def import_module_of_user(module: str) -> None:
    """Imports a module of methods or backbones, also one of the working directory.

    Its classes may be named by presets of the Hub from then on.

    Args:
        module: str, as in an import statement: `my_hash` for `my_hash.py`.

    Raises:
        ValueError: if it cannot be imported, with the reason.
    """
    is_file = module.endswith(".py")
    if is_file or not all(part.isidentifier() for part in module.split(".")):
        hint = f" For a file of the working directory: {module[:-3]}." * is_file
        raise ValueError(
            "A module is named as in Python's `import`, my_hash or my_package.my_hash."
            f"{hint} Received: {module!r}."
        )
    # A command does not look there by itself. Last: nothing there hides a library.
    if "" not in sys.path:
        sys.path.append("")
    try:
        import_module(module)
    except Exception as error:  # Any code may run there.
        raise ValueError(
            f"The module {module!r} cannot be imported: "
            f"{type(error).__name__}: {error}."
        ) from error
    trust_module(module)


def trust_module(module: str) -> None:
    """Lets presets of the Hub be built of the classes of a package.

    Without it they are built of those of keras_deephash, and of installed packages that
    offer methods or backbones. The classes are looked up among those that the program
    has registered: a preset never has anything imported.

    Args:
        module: str. A module, such as `"my_hash"`, or a package; `my_package.my_hash`
            stands for the whole of `my_package`.

    Example:

    >>> import my_hash
    >>> keras_deephash.presets.trust_module("my_hash")
    >>> model = keras_deephash.from_preset("hf://me/my_preset")
    """
    _trusted.add(module.partition(".")[0])


def is_trusted(cls: type, wanted: type | None = None) -> bool:
    """Whether a preset of the Hub may be built of a class.

    Args:
        cls: type.
        wanted: type. A class that the user has named, whose package is trusted too.
    """
    package = cls.__module__.partition(".")[0]
    named = None if wanted is None else wanted.__module__.partition(".")[0]
    return package in _trusted or package == named


def installed_names(group: str) -> list[str]:
    """The names that installed packages offer in a group; nothing is imported."""
    return sorted({entry.name for entry in _entries(group)})


def installed_package(group: str, name: str) -> str | None:
    """The name of the package that offers a class; nothing is imported.

    Raises:
        ExtensionError: if several packages offer the name.
    """
    entry = _entry(group, name)
    return None if entry is None else _package(entry)


def load_installed(group: str, name: str) -> type | None:
    """The class that an installed package offers by a name, or None.

    Raises:
        ExtensionError: if several packages offer the name, or if the class cannot be
            loaded; it names the package.
    """
    entry = _entry(group, name)
    if entry is None:
        return None
    what = f"{entry.name!r} of the installed package {_package(entry)!r}"
    try:
        cls = entry.load()
    except Exception as error:  # Any code may run there.
        raise ExtensionError(
            f"{what} cannot be loaded: {type(error).__name__}: {error}. Repair the "
            "package, or uninstall it."
        ) from error
    if not isinstance(cls, type) or cls.__name__ != name:
        raise ExtensionError(
            f"{what} must be a class of that name: the entry point says "
            f"{entry.value!r}. Received: {cls!r}."
        )
    trust_module(cls.__module__)
    return cls


def load_by_class_name(name: str) -> None:
    """Imports the installed method or backbone of a class name, if there is one."""
    for group in (METHODS, BACKBONES):
        load_installed(group, name)


def installed_folders(group: str) -> list[str]:
    """The directories of the packages that entry points name; nothing is imported."""
    folders = []
    for entry in sorted(_entries(group), key=lambda entry: (entry.name, entry.value)):
        found = [place for place in _package_folders(entry) if os.path.isdir(place)]
        if not found:
            warnings.warn(
                f"The installed package {_package(entry)!r} says that {entry.value!r} "
                "holds presets, which is not there. Install it again, or uninstall it.",
                stacklevel=2,
            )
        folders += [place for place in found if place not in folders]
    return folders


def _package_folders(entry: "EntryPoint") -> list[str]:
    """Where the package of an entry point lies, or would."""
    package, *parts = entry.value.split(".")
    # Where it was installed, whatever of that name comes first in the search path.
    if entry.dist is not None:
        place = os.fspath(entry.dist.locate_file(package))
        if os.path.isdir(place):
            return [os.path.join(place, *parts)]
    # The spec of a package is found without its code, that of a part of it is not.
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return []
    places = (spec and spec.submodule_search_locations) or []
    return [os.path.join(place, *parts) for place in places]


def _entries(group: str) -> "list[EntryPoint]":
    from importlib.metadata import entry_points  # Not light, and seldom wanted.

    return list(entry_points(group=group))


def _entry(group: str, name: str) -> "EntryPoint | None":
    entries = [entry for entry in _entries(group) if entry.name == name]
    packages = sorted({_package(entry) for entry in entries})
    if len(packages) > 1:
        raise ExtensionError(
            f"Several installed packages offer {name!r} in {group!r}: "
            f"{', '.join(packages)}. Uninstall all but one of them."
        )
    return entries[0] if entries else None


def _package(entry: "EntryPoint") -> str:
    return "unknown" if entry.dist is None else entry.dist.name
