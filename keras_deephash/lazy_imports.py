"""Imports that wait: names that arrive when asked for, and acts around an import."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.util import find_spec


def lazy_names(
    package: str, homes: dict[str, str], need_keras: bool = False
) -> tuple[Callable, Callable]:
    """The `__getattr__` and `__dir__` of a package whose names arrive when asked for.

    Its modules are attributes too, without a line for each.

    Args:
        package: str, its `__name__`.
        homes: dict of names to the modules below the package that hold them. No module
            directly in the package may have the name of what is in it: Python would
            put the module in its place.
        need_keras: bool. Whether Keras's backend is checked first, for modules whose
            own first line is the import of Keras. Defaults to `False`.
    """

    def __getattr__(name: str):
        if name in homes:
            if need_keras:
                import_module("keras_deephash.keras_backend")
            value = getattr(import_module(f"{package}.{homes[name]}"), name)
            setattr(sys.modules[package], name, value)  # Asked for once.
            return value
        if not name.startswith("_") and find_spec(f"{package}.{name}"):
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return __getattr__, __dir__


def around_import(name: str, surround: Callable[[], AbstractContextManager]) -> None:
    """Has the first import of a module run inside of a context manager.

    Nothing happens where the module is imported already.

    Args:
        name: str, of a top-level module.
        surround: function without arguments that returns the context manager.
    """
    if name not in sys.modules:
        sys.meta_path.insert(0, _Surrounding(name, surround))


class _Surrounding:
    """A finder of one module: what the others find, run in a context manager."""

    def __init__(self, name: str, surround: Callable[[], AbstractContextManager]):
        self.name, self.surround = name, surround

    def find_spec(self, name: str, path=None, target=None):
        if name != self.name:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next(filter(None, found), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_surrounded(module):
                with self.surround():
                    execute(module)
                if (
                    self in sys.meta_path
                ):  # After a failure it stays: it may come again.
                    sys.meta_path.remove(self)

            spec.loader.exec_module = execute_surrounded
        return spec
