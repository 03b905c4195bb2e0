"""Reads a pickle by the names in `trust`: what it may name, make and call, and nothing else."""

from __future__ import annotations

import copyreg
import pickle
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import numpy as np
from onnxport.artifacts import UntrustedModel

from .trust import is_users, use_of

if TYPE_CHECKING:
    from .access import SourceAccess

_RECONSTRUCTOR: Any = copyreg._reconstructor  # type: ignore[attr-defined]  # ruff: ignore[SLF001] - protocols 0 and 1
_FORBIDDEN = (pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.INST, pickle.OBJ, pickle.PERSID, pickle.BINPERSID)
# The one in C cannot be told what may be called.
_Unpickler = pickle._Unpickler  # ruff: ignore[SLF001]  # pyright: ignore[reportPrivateUsage]
_PLAIN_KINDS = "biufcSUO"


class JoblibArray:
    """Stands where joblib writes an array beside the pickle; its state is what joblib wrote about it."""

    dtype: Any
    shape: Any
    order: Any
    subclass: Any
    numpy_array_alignment_bytes: Any = None


class GuardedUnpickler(_Unpickler):
    """An unpickler that names, makes and calls only what `trust` allows."""

    stack: list[Any]
    dispatch: ClassVar[dict[int, Any]] = dict(_Unpickler.dispatch)

    def __init__(self, file: BinaryIO, name: str, access: SourceAccess) -> None:
        super().__init__(file)
        self._source = file
        self._name = name
        self._access = access
        self._callable: dict[int, Any] = {}
        self._makable: dict[int, Any] = {id(JoblibArray): JoblibArray}

    def find_class(self, module: str, name: str) -> Any:  # ruff: ignore[ANN401] - types and functions
        """What the pickle names, if a model may name it.

        Raises:
            UntrustedModel: It may not; nothing was imported.
        """
        named = f"names {module}.{name}"
        if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return JoblibArray
        use = use_of(module, name, self._access)
        if use is None:
            raise self._refused(named)
        found = super().find_class(module, name)
        if use == "estimator" and not _is_estimator(found):
            raise self._refused(f"{named}, which is no estimator")
        origin = str(getattr(found, "__module__", ""))
        if is_users(module, self._access) and not is_users(origin, self._access):
            raise self._refused(f"{named}, which comes from elsewhere")
        if use == "call":
            self._callable[id(found)] = found
        if use != "hold":
            self._makable[id(found)] = found
        return found

    def load_reduce(self) -> None:
        """Call what is on the stack, if it may be called."""
        function, arguments = self.stack[-2:]
        if id(function) not in self._callable:
            raise self._refused(f"calls {_spelled(function)}")
        if function is _RECONSTRUCTOR:
            self._check_makable(arguments[0])
        if function in {bytes, bytearray} and arguments and isinstance(arguments[0], int):
            raise self._refused("asks for memory that it does not fill")
        if getattr(function, "__name__", "") == "_reconstruct" and arguments[1] != (0,):
            raise self._refused("asks for memory that it does not fill")
        super().load_reduce()  # type: ignore[misc]

    def load_newobj(self) -> None:
        """Make an instance, if one may be made."""
        self._check_makable(self.stack[-2])
        super().load_newobj()  # type: ignore[misc]

    def load_newobj_ex(self) -> None:
        """Make an instance, if one may be made."""
        self._check_makable(self.stack[-3])
        super().load_newobj_ex()  # type: ignore[misc]

    def load_build(self) -> None:
        """Give an instance its state; put a joblib array in the place of what stood for it."""
        state, target = self.stack[-1], self.stack[-2]
        if isinstance(target, type) or hasattr(target, "__globals__"):
            raise self._refused(f"changes {_spelled(target)}")
        if type(target).__module__ == "xgboost.core":
            _check_booster(state, self._name)
        super().load_build()  # type: ignore[misc]
        if isinstance(target, np.dtype):
            self._check_dtype(target)
        if isinstance(target, JoblibArray):
            self.stack[-1] = self._array(target)

    def load_forbidden(self) -> None:
        """Refuse opcodes that no model needs.

        Raises:
            UntrustedModel: Always.
        """
        raise self._refused("uses an opcode that no model needs")

    def _check_makable(self, kind: object) -> None:
        if id(kind) not in self._makable:
            raise self._refused(f"makes a {_spelled(kind)}")

    def _check_dtype(self, dtype: np.dtype[Any]) -> None:
        """A pickled dtype has the flags of its kind: with others, numpy would take bytes for object pointers."""
        if dtype.fields or dtype.subdtype:
            forged = dtype.hasobject
        else:
            forged = dtype.kind not in _PLAIN_KINDS or dtype.flags != np.dtype(dtype.str).flags
        if forged:
            raise self._refused(f"holds an array of a forged dtype {dtype}")

    def _array(self, wrapper: JoblibArray) -> Any:  # ruff: ignore[ANN401] - an array, or what stands in an object array
        if not isinstance(wrapper.dtype, np.dtype) or wrapper.subclass is not np.ndarray:
            raise self._refused("holds an array of an unknown kind")
        if wrapper.dtype.hasobject:
            return GuardedUnpickler(self._source, self._name, self._access).load()
        if wrapper.numpy_array_alignment_bytes is not None:
            self._source.read(self._source.read(1)[0])
        shape = tuple(int(length) for length in wrapper.shape)
        size = int(np.prod(shape, dtype=object)) * wrapper.dtype.itemsize
        data = self._source.read(max(size, 0))
        if len(data) != size or min(shape, default=0) < 0:
            raise EOFError("an array ends early")
        flat = np.frombuffer(bytearray(data), dtype=wrapper.dtype)
        array = flat.reshape(shape[::-1]).T if wrapper.order == "F" else flat.reshape(shape)
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    def _refused(self, what: str) -> UntrustedModel:
        return UntrustedModel(
            f"{self._name} is a pickle that {what}: that is not on onnxport's list of what a model may hold",
            hint="If that is your own class or function, allow its module by name with --allow-module; "
            "else do not open this file.",
        )

    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.NEWOBJ[0]] = load_newobj
    dispatch[pickle.NEWOBJ_EX[0]] = load_newobj_ex
    dispatch[pickle.BUILD[0]] = load_build
    dispatch.update(dict.fromkeys((code[0] for code in _FORBIDDEN), load_forbidden))


def _is_estimator(found: object) -> bool:
    from sklearn.base import BaseEstimator  # ruff: ignore[PLC0415] - loads only when a scikit-learn model is opened

    return isinstance(found, type) and issubclass(found, BaseEstimator)


def _check_booster(state: Any, name: str) -> None:  # ruff: ignore[ANN401] - whatever the pickle held
    from .xgboost_files import check_snapshot  # ruff: ignore[PLC0415] - loads only when an XGBoost model is opened

    check_snapshot(state, name)


def _spelled(thing: object) -> str:
    return f"{getattr(thing, '__module__', '?')}.{getattr(thing, '__qualname__', type(thing).__name__)}"
