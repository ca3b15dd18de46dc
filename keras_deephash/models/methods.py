"""The registry of methods. A new method is a file next to this one and a line here.

Methods of other packages are found by the entry points `keras_deephash.methods`, and
those of the user's own modules when they are imported: see docs/own_method.md.
"""

from keras_deephash.class_registry import ClassRegistry
from keras_deephash.extensions import METHODS as GROUP

# The only list of the methods of this package: class and module.
MODULES = {
    "BiHalf": "bi_half",
    "CSQ": "csq",
    "DCH": "dch",
    "DHN": "dhn",
    "DPN": "dpn",
    "DPSH": "dpsh",
    "DQN": "dqn",
    "DTQ": "dtq",
    "DTSH": "dtsh",
    "DVSQ": "dvsq",
    "GreedyHash": "greedy_hash",
    "HashNet": "hash_net",
    "HyP2": "hyp2",
    "ITQ": "itq",
    "LSH": "lsh",
    "OrthoHash": "ortho_hash",
    "PCAHash": "pca_hash",
    "RQ": "rq",
    "SDC": "sdc",
}


def _is_method(cls: type) -> bool:
    from keras_deephash.models.base.retrieval_model import RetrievalModel

    return issubclass(cls, RetrievalModel)


METHODS = ClassRegistry(
    "method",
    GROUP,
    {name: f"keras_deephash.models.{module}" for name, module in MODULES.items()},
    _is_method,
)
