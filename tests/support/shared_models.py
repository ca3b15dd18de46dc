"""Networks that several commands of a test load once.

A command that is run in this process loads and traces its network anew, which takes
seconds for those that come with the package. None of the commands changes it.
"""

import functools
import os

from keras_deephash.cli import arguments
from keras_deephash.duplicates import finding

_load_model = arguments.load_model
_load_once = functools.cache(_load_model)


class _SharedNetwork(finding.FeatureNetwork):
    _made = {}

    def __init__(self, model):
        is_name = isinstance(model, str) and not os.path.exists(model)
        if is_name and model in self._made:
            vars(self).update(self._made[model])
            return
        super().__init__(model)
        if is_name:
            self._made[model] = vars(self)


def share_models(monkeypatch) -> None:
    """Has the commands of a test share what they load by name, but no directories."""

    def load_model(preset):
        load = _load_model if os.path.exists(preset) else _load_once
        return load(preset)

    monkeypatch.setattr(arguments, "load_model", load_model)
    monkeypatch.setattr(finding, "FeatureNetwork", _SharedNetwork)
