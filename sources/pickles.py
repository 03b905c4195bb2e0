"""Opens pickles and joblib files, by onnxport's allow-list only.

The list is enforced while the pickle is read, on every global that it names and every call that it makes, nested
pickles included. There is no scan beforehand: joblib writes raw arrays between the opcodes, which scanners cannot
step over, and a list that is enforced needs no forecast. Nothing of `joblib` itself runs: older versions of it read
nested pickles with Python's own, unguarded one.
"""

from __future__ import annotations

import bz2
import copyreg
import gzip
import io
import lzma
import pickle
import warnings
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from onnxport.artifacts import UntrustedModel, UsageError

from .trust import is_users, use_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .access import SourceAccess

_MIN_EXPANDED = 256 << 20
_MAX_RATIO = 200
"""A compressed model may grow to 200 times its size (or to 256 MiB): trees shrink about 5 times, bombs 1,000 times."""

_COMPRESSED: tuple[tuple[bytes, Callable[[BinaryIO], BinaryIO]], ...] = (
    (b"\x1f\x8b", lambda file: cast("BinaryIO", gzip.GzipFile(fileobj=file))),
    (b"BZh", lambda file: cast("BinaryIO", bz2.BZ2File(file))),
    (b"\xfd7zXZ", lambda file: cast("BinaryIO", lzma.LZMAFile(file))),
    (b"\x5d\x00", lambda file: cast("BinaryIO", lzma.LZMAFile(file))),
)


def open_pickle(data: bytes, name: str, access: SourceAccess) -> Any:  # ruff: ignore[ANN401] - whatever the pickle holds
    """The object in the pickle or joblib file `data`; `name` says in errors which one was read.

    Raises:
        UntrustedModel: Pickles are not allowed (nothing was read then), or this one names what no model needs.
        UsageError: It is no pickle, or a damaged one.
    """
    if not access.allow_pickle:
        raise UntrustedModel(
            f"{name} is a pickle: opening it runs code that the file brings along",
            hint="If you trust where it comes from, say --allow-pickle; or save the model with skops, "
            "or an XGBoost model with save_model('model.ubj').",
        )
    if not data:
        raise UsageError(f"{name} is empty", hint="Write the model again, then name the new file.")
    plain = _expand(data, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # version and deprecation warnings of the libraries
            return _Guarded(plain, access).load()
    except (UntrustedModel, UsageError):
        raise
    except ModuleNotFoundError as error:
        raise UsageError(f"{name} needs the module {error.name!r}, which is not installed here") from error
    except Exception as error:
        raise UsageError(
            f"{name} is not a model file that can be opened: {type(error).__name__}: {_short(error)}",
            hint="It is no pickle, it is damaged, or other package versions wrote it.",
        ) from error


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or "no details"


def _expand(data: bytes, name: str) -> BinaryIO:
    limit = max(_MIN_EXPANDED, _MAX_RATIO * len(data))
    try:
        if data.startswith(b"\x04\x22\x4d\x18"):
            raise UsageError(f"{name} is compressed with lz4", hint="Save it with compress='zlib', or not at all.")
        if data[:1] == b"\x78":
            plain = zlib.decompressobj().decompress(data, limit + 1)
        else:
            opener = next((opener for magic, opener in _COMPRESSED if data.startswith(magic)), None)
            if opener is None:
                return io.BytesIO(data)
            plain = opener(io.BytesIO(data)).read(limit + 1)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise UsageError(f"{name} is damaged: {_short(error)}", hint="Write or download it again.") from error
    if len(plain) > limit:
        raise UntrustedModel(
            f"{name} grows to more than {limit >> 20} MiB when it is expanded: no model does that"
        )
    return io.BytesIO(plain)


class _JoblibArray:
    """Stands where joblib writes an array beside the pickle; its state is what joblib wrote about it."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: str
    subclass: type
    numpy_array_alignment_bytes: int | None = None


class _Guarded(pickle._Unpickler):  # ruff: ignore[SLF001] - the one in C cannot be told what may be called
    """Unpickler that names, makes and calls only what `trust` allows."""

    dispatch = dict(pickle._Unpickler.dispatch)  # ruff: ignore[SLF001] - as above

    def __init__(self, file: BinaryIO, access: SourceAccess) -> None:
        super().__init__(file)
        self._source = file
        self._access = access
        self._callable: set[int] = {id(_JoblibArray)}
        self._makable: set[int] = {id(_JoblibArray)}

    def find_class(self, module: str, name: str, /) -> Any:  # ruff: ignore[ANN401] - types and functions
        """What `module.name` is, if a model may name it.

        Raises:
            UntrustedModel: It may not; nothing was imported.
        """
        if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return _JoblibArray
        use = use_of(module, name, self._access)
        if use is None:
            raise _refused(f"names {module}.{name}")
        found = super().find_class(module, name)
        if use == "estimator":
            if not _is_estimator(found):
                raise _refused(f"names {module}.{name}, which is no estimator")
            use = "make"
        if is_users(module, self._access) and not is_users(str(getattr(found, "__module__", "")), self._access):
            raise _refused(f"names {module}.{name}, which comes from elsewhere")
        if use == "call":
            self._callable.add(id(found))
        if use in {"call", "make"}:
            self._makable.add(id(found))
        return found

    def load_reduce(self) -> None:
        """Call what is on the stack, if it may be called."""
        function, arguments = self.stack[-2:]
        if id(function) not in self._callable:
            raise _refused(f"calls {_spelled(function)}")
        if function is copyreg._reconstructor and id(arguments[0]) not in self._makable:  # type: ignore[attr-defined]  # ruff: ignore[SLF001] - protocols 0 and 1
            raise _refused(f"makes a {_spelled(arguments[0])}")
        super().load_reduce()  # type: ignore[misc]

    def load_newobj(self) -> None:
        """Make an instance, if one may be made."""
        self._check_makable(self.stack[-2])
        super().load_newobj()  # type: ignore[misc]

    def load_newobj_ex(self) -> None:
        """Make an instance, if one may be made."""
        self._check_makable(self.stack[-3])
        super().load_newobj_ex()  # type: ignore[misc]

    def _check_makable(self, kind: object) -> None:
        if id(kind) not in self._makable:
            raise _refused(f"makes a {_spelled(kind)}")

    def load_build(self) -> None:
        """Give an instance its state; put a joblib array in the place of what stood for it."""
        target = self.stack[-2]
        if isinstance(target, type) or callable(getattr(target, "__globals__", None)):
            raise _refused(f"changes {_spelled(target)}")
        super().load_build()  # type: ignore[misc]
        if isinstance(target, np.dtype) and not target.fields and not target.subdtype:
            _check_dtype(target)
        if isinstance(target, _JoblibArray):
            self.stack[-1] = self._array(target)

    def load_forbidden(self) -> None:
        """Refuse opcodes that no model needs."""
        raise _refused("uses an opcode that no model needs")

    def _array(self, wrapper: _JoblibArray) -> Any:  # ruff: ignore[ANN401] - an array, or what stands in an object array
        if not isinstance(wrapper.dtype, np.dtype) or wrapper.subclass is not np.ndarray:
            raise _refused("holds an array of an unknown kind")
        if wrapper.dtype.hasobject:
            return _Guarded(self._source, self._access).load()
        if wrapper.numpy_array_alignment_bytes is not None:
            self._source.read(self._source.read(1)[0])
        shape = tuple(int(length) for length in wrapper.shape)
        size = int(np.prod(shape, dtype=object)) * wrapper.dtype.itemsize
        data = self._source.read(size)
        if size < 0 or len(data) != size:
            raise EOFError("an array ends early")
        flat = np.frombuffer(bytearray(data), dtype=wrapper.dtype)
        array = flat.reshape(shape[::-1]).T if wrapper.order == "F" else flat.reshape(shape)
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.NEWOBJ[0]] = load_newobj
    dispatch[pickle.NEWOBJ_EX[0]] = load_newobj_ex
    dispatch[pickle.BUILD[0]] = load_build
    dispatch.update(
        dict.fromkeys(
            (
                code[0]
                for code in (
                    pickle.EXT1,
                    pickle.EXT2,
                    pickle.EXT4,
                    pickle.INST,
                    pickle.OBJ,
                    pickle.PERSID,
                    pickle.BINPERSID,
                )
            ),
            load_forbidden,
        )
    )


def _is_estimator(found: object) -> bool:
    from sklearn.base import BaseEstimator  # ruff: ignore[PLC0415] - loads only when a scikit-learn model is opened

    return isinstance(found, type) and issubclass(found, BaseEstimator)


def _check_dtype(dtype: np.dtype[Any]) -> None:
    """A pickled dtype must have the flags of its kind: with others, numpy would take bytes for object pointers."""
    if dtype.kind not in "biufcSUO" or dtype.flags != np.dtype(dtype.str).flags:
        raise _refused(f"holds an array of a forged dtype {dtype}")


def _spelled(thing: object) -> str:
    return f"{getattr(thing, '__module__', '?')}.{getattr(thing, '__qualname__', type(thing).__name__)}"


def _refused(what: str) -> UntrustedModel:
    return UntrustedModel(
        f"the pickle {what}, which is not on onnxport's list of what a model may hold",
        hint="If that is your own class or function, allow its module by name with --allow-module; else do not open "
        "this file.",
    )
