"""The arguments of a class's constructor, those that it passes on included."""

import inspect


def constructor_parameters(cls: type) -> dict[str, inspect.Parameter]:
    """The parameters of a constructor by name, without `self`, `*args` and `**kwargs`.

    Where a constructor takes `**kwargs`, those of the next class count too, up to the
    first class of this package, whose `**kwargs` are `name` and `trainable` alone, and
    the `shared_arguments` of its bases.

    Args:
        cls: type. A method or a backbone.
    """
    found = {}
    for owner in cls.__mro__:
        if "__init__" not in vars(owner):
            continue
        if owner.__module__.partition(".")[0] in ("keras", "builtins"):
            break
        parameters = inspect.signature(owner.__init__).parameters.values()
        kinds = {parameter.kind for parameter in parameters}
        for parameter in list(parameters)[1:]:
            if parameter.kind in (
                parameter.POSITIONAL_OR_KEYWORD,
                parameter.KEYWORD_ONLY,
            ):
                found.setdefault(parameter.name, parameter)
        passes_on = inspect.Parameter.VAR_KEYWORD in kinds
        if passes_on:
            found = {**_shared(cls), **found}
        if not passes_on or owner.__module__.startswith("keras_deephash."):
            break
    return found


def _shared(cls: type) -> dict[str, inspect.Parameter]:
    """The arguments of base classes that all their subclasses take."""
    found = {}
    for owner in cls.__mro__:
        names = vars(owner).get("shared_arguments", ())
        parameters = inspect.signature(owner.__init__).parameters if names else {}
        found |= {name: parameters[name] for name in names}
    return found
