"""Classes of one kind by name: built in, imported by the user, or installed."""

import difflib
from collections.abc import Callable
from importlib import import_module

from keras_deephash.extensions import (
    ExtensionError,
    installed_names,
    installed_package,
    load_installed,
)


class ClassRegistry:
    """The methods, or the backbones, by the names of their classes.

    Keras's own registry of classes is that of imported ones: a class that is registered
    with `keras.saving.register_keras_serializable` has a name here.

    Args:
        kind: str, for messages, such as `"method"`.
        group: str. The entry points by which other packages offer such classes.
        modules: dict. Names of the classes of this package to their modules.
        is_member: function of a class, whether it is of the kind.
    """

    def __init__(
        self,
        kind: str,
        group: str,
        modules: dict[str, str],
        is_member: Callable[[type], bool],
    ):
        self.kind, self.group = kind, group
        self.modules, self.is_member = modules, is_member

    def names(self) -> list[str]:
        """All names, sorted; what is installed is not imported for it."""
        imported = {cls.__name__ for cls in self._imported()}
        return sorted({*self.modules, *imported, *installed_names(self.group)})

    def find(self, name: str, argument: str) -> type:
        """The class of a name.

        Args:
            name: str. The name of a class, or its whole registered name, such as
                `"my_package>MyHash"`.
            argument: str. What the user knows the name as, for messages.

        Raises:
            ValueError: if there is no such class, or more than one.
        """
        found = self.get(name)
        if found is not None:
            return found
        raise ValueError(f"{argument} must be {self.choices(name)}")

    def choices(self, name: str) -> str:
        """The names that there are, for the end of a message."""
        names = self.names()
        close = difflib.get_close_matches(str(name), names, n=3)
        # A name that is mistyped seldom begins with another letter.
        close.sort(key=lambda each: each[:1].lower() != str(name)[:1].lower())
        hint = f" Did you mean {close[0]!r}?" if close else ""
        return (
            f"one of {', '.join(names)}. Received: {name!r}.{hint} A {self.kind} of "
            "your own must be imported (on the command line: --import MODULE) and "
            "registered with Keras."
        )

    def get(self, name: str) -> type | None:
        """The class of a name, or None; it is imported if it is installed.

        Raises:
            ValueError: if several classes have the name.
            ExtensionError: if the installed one cannot be loaded.
        """
        if not isinstance(name, str):
            return None
        if ">" in name:
            return self._by_whole_name(name)
        found = {
            f"the module {cls.__module__!r}": cls
            for cls in self._imported()
            if cls.__name__ == name
        }
        package = installed_package(self.group, name)
        if name in self.modules:
            found["keras_deephash"] = self._built_in(name)
        elif package is not None:
            cls = self._check(load_installed(self.group, name), package)
            if cls not in found.values():
                found[f"the installed package {package!r}"] = cls
            package = None
        if package is not None:  # Not imported: the name is taken already.
            found[f"the installed package {package!r}"] = None
        if len(found) > 1:
            raise ValueError(
                f"Several {self.kind}s are called {name!r}: those of "
                f"{' and of '.join(sorted(found))}. Write the whole registered name of "
                "one, PACKAGE>NAME as Keras registers it, such as "
                f"'keras_deephash>{name}'."
            )
        return next(iter(found.values()), None)

    def loaded(self) -> dict[str, type]:
        """The classes that are built in or imported, by name; of equal ones none."""
        classes = [self._built_in(name) for name in self.modules] + self._imported()
        names = [cls.__name__ for cls in classes]
        return {cls.__name__: cls for cls in classes if names.count(cls.__name__) == 1}

    def load_all(self) -> dict[str, str]:
        """Imports all that is installed; returns what cannot be loaded, and why."""
        broken = {}
        for name in installed_names(self.group):
            try:
                if name not in self.modules:
                    self._check(
                        load_installed(self.group, name),
                        installed_package(self.group, name),
                    )
            except ExtensionError as error:
                broken[name] = str(error)
        return broken

    def _by_whole_name(self, name: str) -> type | None:
        package, _, short = name.partition(">")
        if package == "keras_deephash":
            return self._built_in(short) if short in self.modules else None
        if not any(_registered_name(cls) == name for cls in self._imported()):
            load_installed(self.group, short)
        classes = [cls for cls in self._imported() if _registered_name(cls) == name]
        return classes[0] if classes else None

    def _built_in(self, name: str) -> type:
        return getattr(import_module(self.modules[name]), name)

    def _imported(self) -> list[type]:
        """The registered classes of this kind that are not of this package."""
        import keras

        own = {(module, name) for name, module in self.modules.items()}
        return [
            cls
            for cls in keras.saving.get_custom_objects().values()
            if isinstance(cls, type)
            and (cls.__module__, cls.__name__) not in own
            and self.is_member(cls)
        ]

    def _check(self, cls: type, package: str) -> type:
        if not self.is_member(cls) or cls not in self._imported():
            raise ExtensionError(
                f"{cls.__name__!r} of the installed package {package!r} must be a "
                f"{self.kind} that is registered with Keras, by "
                "`@keras.saving.register_keras_serializable(package=...)`. "
                f"Received: {cls!r}."
            )
        return cls


def _registered_name(cls: type) -> str:
    import keras

    return keras.saving.get_registered_name(cls)
