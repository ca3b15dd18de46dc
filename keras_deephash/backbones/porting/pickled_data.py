"""Reading pickled NumPy arrays as data: nothing that a file names is imported or run.

`pickle` would call whatever a file asks for. Here its instructions are followed on
a stack of plain values, and the few names that NumPy writes are replaced by functions
of `pickled_values`. Any other name or instruction is an error.
"""

import pickletools
from typing import BinaryIO

from keras_deephash.backbones.porting import pickled_values as pv

# A file of weights takes some 600 instructions. The limit bounds the nesting, too.
MAX_INSTRUCTIONS = 5000

_GLOBALS = {
    "numpy._core.multiarray._reconstruct": pv.reconstruct,
    "numpy._core.multiarray.scalar": pv.scalar,
    "numpy.ndarray": pv.NdarrayType,
    "numpy.dtype": pv.PickledDtype,
    "_codecs.encode": pv.encode,
}
_CALLABLE = (pv.reconstruct, pv.scalar, pv.PickledDtype, pv.encode)

_NOTHING = {"PROTO", "FRAME", "STOP"}
_NUMBERS = {"INT", "LONG", "LONG1", "BININT", "BININT1", "BININT2", "FLOAT", "BINFLOAT"}
_STRINGS = {"STRING", "BINSTRING", "SHORT_BINSTRING"}
_TEXTS = {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE"}
_BYTES = {"BINBYTES", "SHORT_BINBYTES", "BINBYTES8"}
_PUSH = _NUMBERS | _STRINGS | _TEXTS | _BYTES
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MARKED = {"TUPLE", "LIST", "DICT", "APPENDS", "SETITEMS"}
_PUT = {"PUT", "BINPUT", "LONG_BINPUT"}
_GET = {"GET", "BINGET", "LONG_BINGET"}


def read_pickled_data(file: BinaryIO):
    """Reads a pickle of dicts, lists, tuples, text, numbers and arrays.

    Args:
        file: binary file, at the start of a pickle of protocol 0 to 4 that ends
            with the file.

    Returns:
        The value; arrays as `PickledArray`.

    Raises:
        ValueError: if the file asks for anything else. Damaged bytes may also raise the
            error of a failing operation, such as `IndexError`.
    """
    reader = _Reader()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if count == MAX_INSTRUCTIONS:
            raise ValueError(f"it has more than {MAX_INSTRUCTIONS} instructions")
        reader.follow(opcode.name, argument)
    if file.read(1):
        raise ValueError("more bytes follow where the file should end")
    return reader.result()


class _Reader:
    def __init__(self):
        self.stack = []
        self.outer_stacks = []
        self.memo = {}

    def result(self):
        if len(self.stack) != 1 or self.outer_stacks:
            raise ValueError("it does not describe one value")
        return self.stack[0]

    def follow(self, name, argument):
        stack = self.stack
        if name in _PUSH:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            stack.append(tuple(self._pop(_TUPLES[name])))
        elif name == "MARK":
            self.outer_stacks.append(stack)
            self.stack = []
        elif name in _MARKED:
            self.stack = self.outer_stacks.pop()
            self._collect(name, stack)
        elif name == "APPEND":
            self._extend(self._pop(1))
        elif name == "SETITEM":
            self._update(self._pop(2))
        elif name in _PUT:
            self.memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif name in _GET:
            stack.append(self.memo[argument])
        elif name == "GLOBAL":
            stack.append(_find_global(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            stack.append(_find_global(*self._pop(2)))
        elif name == "REDUCE":
            self._call(*self._pop(2))
        elif name == "BUILD":
            self._build(*self._pop(1))
        elif name not in _NOTHING:
            raise ValueError(
                f"it has the instruction `{name}` {str(argument)[:80]!a}, which no "
                "array needs"
            )

    def _pop(self, count):
        values = self.stack[-count:]
        if len(values) != count:
            raise ValueError("an instruction lacks its operands")
        del self.stack[-count:]
        return values

    def _collect(self, name, values):
        if name == "TUPLE":
            self.stack.append(tuple(values))
            return
        if name in ("LIST", "DICT"):
            self.stack.append([] if name == "LIST" else {})
        if name in ("LIST", "APPENDS"):
            self._extend(values)
        else:
            self._update(values)

    def _extend(self, values):
        if type(self.stack[-1]) is not list:
            raise ValueError("only a list can be appended to")
        self.stack[-1].extend(values)

    def _update(self, values):
        keys = values[::2]
        # Hashing nested tuples could take forever, so keys must be text or numbers.
        if type(self.stack[-1]) is not dict or not all(
            isinstance(key, (str, bytes, int)) for key in keys
        ):
            raise ValueError("only a dict with keys of text or numbers can be filled")
        self.stack[-1].update(zip(keys, values[1::2], strict=True))

    def _call(self, function, arguments):
        if not any(function is known for known in _CALLABLE):
            raise ValueError("it calls a function that is not one of NumPy's arrays")
        if type(arguments) is not tuple:
            raise ValueError("the arguments of a call must be a tuple")
        self.stack.append(function(*arguments))

    def _build(self, state):
        if not isinstance(self.stack[-1], (pv.PickledArray, pv.PickledDtype)):
            raise ValueError("only arrays and dtypes can have a state")
        if type(state) is not tuple:
            raise ValueError("the state of an array must be a tuple")
        self.stack[-1].build(state)


def _find_global(module, name):
    if not (isinstance(module, str) and isinstance(name, str)):
        raise ValueError("a name in it is not text")
    # The old and the new home of the same functions of NumPy.
    full_name = f"{module}.{name}".replace("numpy.core.", "numpy._core.")
    if full_name not in _GLOBALS:
        raise ValueError(
            f"it names `{module[:40]}.{name[:40]}`, but only NumPy arrays, dicts, "
            "lists, text and numbers are read; nothing of it was run"
        )
    return _GLOBALS[full_name]
