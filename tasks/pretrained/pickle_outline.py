"""Outline of a pickle: its mappings and tensors, read from its operations without building an object.

The operations are those that ``torch.load(weights_only=True)`` accepts. Nothing is imported or called, and memory is
bounded by the number of operations.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from tasks.pretrained.pickle_values import BESIDE, MAX_DIMENSIONS, Global, Opaque, is_count, is_state

MAX_OPERATIONS = 2_000_000  # a published checkpoint has some thousands
MAX_COPIED = 256 << 20  # bytes and items that calls copy, such as the bytes of arrays beside the tensors
TENSORS = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2")
PARAMETER, MAPPING = "torch._utils._rebuild_parameter", "collections.OrderedDict"
_OPERANDS = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3, "APPEND": 1, "SETITEM": 2}
_VALUES: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
_SCALARS = (str, int, float, bool, bytes, type(None))


class PickleError(Exception):
    """Pickle with an operation, a function or a size that weights do not need."""


@dataclass(frozen=True)
class Storage:
    """Reference to numbers outside of the pickle: name of their type, key, and number of elements."""

    kind: str
    key: str
    elements: int


@dataclass(frozen=True)
class TensorOutline:
    """Tensor as a view of a storage: offset, size and strides in elements."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class Outline:
    """Outline of a pickle.

    Attributes:
        value: The pickled value; mappings are dictionaries.
        tensors: All tensors, also those within other values.
        storages: All references to storages.
    """

    value: Any
    tensors: list[TensorOutline]
    storages: list[Storage]


def outline(file: BinaryIO) -> Outline:
    """Return the outline of the pickle at the position of a file, which then is at the end of the pickle.

    Args:
        file: File in memory, or another one whose reads are bounded.

    Raises:
        PickleError: The pickle is damaged, too long, or has an operation or function that weights do not need.
    """
    machine = _Machine()
    try:
        for number, (operation, argument, _) in enumerate(pickletools.genops(file)):
            if number >= MAX_OPERATIONS:
                raise PickleError(f"the pickle has more than {MAX_OPERATIONS:,} operations")
            machine.run(operation.name, argument)
        return Outline(machine.stack[-1], machine.tensors, machine.storages)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise PickleError(f"the pickle is damaged ({error or type(error).__name__})") from error


class _Machine:
    """Stack machine of pickle (PEP 3154), with outlines in place of objects."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.tensors: list[TensorOutline] = []
        self.storages: list[Storage] = []
        self._copied = 0
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self, name: str, argument: Any) -> None:
        """Carry out one operation."""
        stack = self.stack
        match name:
            case "PROTO" | "STOP":
                pass
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT" | "BINUNICODE" | "SHORT_BINSTRING":
                stack.append(argument)
            case "NONE" | "NEWTRUE" | "NEWFALSE" | "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE":
                stack.append(_VALUES[name]())
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(self._memo[argument])
            case "MARK":
                self._marks.append(len(stack))
            case "TUPLE" | "APPENDS" | "SETITEMS":
                self._extend(name.removesuffix("S"), self._pop_to_mark())
            case "TUPLE1" | "TUPLE2" | "TUPLE3" | "APPEND" | "SETITEM":
                self._extend(name.rstrip("123"), self._pop(_OPERANDS[name]))
            case "GLOBAL":
                stack.append(Global(argument.replace(" ", ".")))
            case _:
                self._make(name)

    def _extend(self, name: str, values: list[Any]) -> None:
        """Add values to a list or mapping, or as a tuple."""
        if name == "TUPLE":
            self.stack.append(tuple(values))
        elif name == "APPEND" and isinstance(self.stack[-1], list):
            self.stack[-1].extend(values)
        elif name == "SETITEM" and isinstance(self.stack[-1], dict):
            _set_items(self.stack[-1], values)
        else:
            raise PickleError("it adds items to a value that has none")

    def _make(self, name: str) -> None:
        """Carry out an operation that makes or changes an object."""
        if name == "BINPERSID":
            self.storages.append(_storage(*self._pop(1)))
            self.stack.append(self.storages[-1])
        elif name == "REDUCE":
            self.stack.append(self._call(*self._pop(2)))
        elif name == "BUILD" and isinstance(self.stack[-2], dict | Opaque):
            (state,) = self._pop(1)  # attributes, such as the versions of modules in a state dict
            if isinstance(self.stack[-1], Opaque) and not is_state(self.stack[-1].maker, state):
                raise PickleError("a value of NumPy has a state that plain arrays do not have")
            self._copy(state if isinstance(state, tuple) else (state,))
        else:
            raise PickleError(f"it has the operation {name}, which plain weights do not need")

    def _pop(self, count: int) -> list[Any]:
        if len(self.stack) - (self._marks[-1] if self._marks else 0) < count:
            raise PickleError("the pickle is damaged (a value is missing)")
        values = self.stack[-count:]
        del self.stack[-count:]
        return values

    def _pop_to_mark(self) -> list[Any]:
        mark = self._marks.pop()
        values = self.stack[mark:]
        del self.stack[mark:]
        return values

    def _call(self, function: Any, arguments: Any) -> Any:
        """Return the outline of what a function would return."""
        name = function.name if isinstance(function, Global) else type(function).__name__
        if name in TENSORS:
            self.tensors.append(_tensor(*arguments[:4]))
            return self.tensors[-1]
        if name == PARAMETER and isinstance(arguments[0], TensorOutline):
            return arguments[0]
        if name == MAPPING and arguments == ():
            return {}
        if name in BESIDE and isinstance(arguments, tuple) and BESIDE[name](arguments):
            return Opaque(self._copy(arguments), name)
        raise PickleError(f"it calls {name}, which plain weights do not need")

    def _copy(self, values: tuple[Any, ...]) -> int:
        """Count what a call copies, and return it: a pickle can pass the same long value to many calls."""
        sized = (str, bytes, list, tuple, dict)
        length = sum(len(v) if isinstance(v, sized) else v.length if isinstance(v, Opaque) else 0 for v in values)
        self._copied += length
        if self._copied > MAX_COPIED:
            raise PickleError("its calls would need more memory than the file explains")
        return length


def _set_items(mapping: dict[Any, Any], values: list[Any]) -> None:
    """Set items of a mapping; keys are plain values, because the hash of a deeply nested tuple ends the process."""
    for key, value in zip(values[::2], values[1::2], strict=True):
        if not isinstance(key, _SCALARS):
            raise PickleError("a key of a mapping is no plain value")
        mapping[key] = value


def _storage(reference: Any) -> Storage:
    word, kind, key, _, elements, *view = reference
    if not (word == "storage" and isinstance(kind, Global) and isinstance(key, str) and is_count(elements)):
        raise PickleError("it refers to an object that is no storage of numbers")
    if view not in ([], [None]):
        raise PickleError("a storage is a part of another one")
    return Storage(kind.name, key, elements)


def _tensor(storage: Any, offset: Any, size: Any, stride: Any) -> TensorOutline:
    dimensions = isinstance(size, tuple) and isinstance(stride, tuple) and len(size) == len(stride) <= MAX_DIMENSIONS
    if not (dimensions and isinstance(storage, Storage) and all(map(is_count, (offset, *size, *stride)))):
        raise PickleError("a tensor has no valid storage, size or strides")
    return TensorOutline(storage, offset, size, stride)
