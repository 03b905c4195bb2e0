"""Pickles that would run code, write files or eat memory: each would do its harm if the guard let it."""

from __future__ import annotations

import gzip
import os
import pickle
import pickletools
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
from onnxport.artifacts import UntrustedModel, UsageError
from onnxport.sources import SourceAccess, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Models


class Runs:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> Any:
        return self._call


MARKER = "harm-was-done"
TOUCH = f"touch {MARKER}"


def _global(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def _call(module: str, name: str, *arguments: str) -> bytes:
    """A protocol-0 pickle that calls `module.name` with texts."""
    texts = b"".join(b"V" + argument.encode() + b"\n" for argument in arguments)
    return _global(module, name) + b"(" + texts + b"tR."


def _stack_global(module: str, name: str) -> bytes:
    """A protocol-4 pickle that names `module.name`, dots in `name` included."""
    return b"\x80\x04" + b"".join(_short(text) for text in (module, name)) + b"\x93."


def _short(text: str) -> bytes:
    data = text.encode()
    return b"\x8c" + bytes([len(data)]) + data


HARMFUL: dict[str, bytes] = {
    "os.system": _call("os", "system", TOUCH),
    "posix.system": _call("posix", "system", TOUCH),
    "nt name of os": _call("nt", "system", TOUCH),
    "builtins.eval": _call("builtins", "eval", f"open('{MARKER}','w')"),
    "python 2 name of eval": _call("__builtin__", "eval", f"open('{MARKER}','w')"),
    "builtins.exec": _call("builtins", "exec", f"open('{MARKER}','w')"),
    "builtins.open": _call("builtins", "open", MARKER, "w"),
    "builtins.__import__": _call("builtins", "__import__", "antigravity"),
    "io.open": _call("io", "open", MARKER, "w"),
    "pathlib": _call("pathlib", "Path", MARKER),
    "runpy": _call("runpy", "run_path", MARKER),
    "subprocess": _call("subprocess", "getoutput", TOUCH),
    "pty": _call("pty", "spawn", TOUCH),
    "timeit": _call("timeit", "timeit", f"open('{MARKER}','w')"),
    "pickle.loads": _call("pickle", "loads", "x"),
    "pickle in C": _call("_pickle", "loads", "x"),
    "joblib.load": _call("joblib", "load", MARKER),
    "numpy.load": _call("numpy", "load", MARKER),
    "numpy.memmap": _call("numpy", "memmap", MARKER),
    "numpy.fromfile": _call("numpy", "fromfile", MARKER),
    "numpy runstring": _call("numpy.testing._private.utils", "runstring", f"open('{MARKER}','w')", "x"),
    "numpy ufunc by name": _call("numpy._core", "_ufunc_reconstruct", "os", "system"),
    "numpy f2py": _call("numpy.f2py.crackfortran", "myeval", f"open('{MARKER}','w')"),
    "pandas.read_pickle": _call("pandas", "read_pickle", MARKER),
    "pandas.eval": _call("pandas", "eval", "1"),
    "scikit-learn's downloads": _call("sklearn.datasets", "fetch_openml", "x"),
    "scikit-learn's file loader": _call("sklearn.datasets", "load_svmlight_file", MARKER),
    "scikit-learn's tests": _call("sklearn.utils._testing", "create_memmap_backed_data", "x"),
    "scikit-learn's function": _call("sklearn.base", "clone", "x"),
    "scikit-learn's import of os": _global("sklearn.utils._joblib", "os") + b".",
    "an estimator's constructor": _call("sklearn.linear_model._logistic", "LogisticRegression"),
    "an estimator that holds a file": _call("xgboost.core", "Booster", MARKER),
    "operator": _call("operator", "attrgetter", "system"),
    "functools.partial": _global("functools", "partial") + b".",
    "getattr": _call("builtins", "getattr", "x", "__class__"),
    "types.CodeType": _global("types", "CodeType") + b".",
    "marshal": _call("marshal", "loads", "x"),
    "ctypes": _call("ctypes", "CDLL", MARKER),
    "a walk along attributes": _stack_global("sklearn.base", "warnings.sys.modules"),
    "a walk from an allowed class": _stack_global("xgboost.core", "Booster.__init__.__globals__"),
    "the guard's own class": _global("onnxport.sources.guarded_pickle", "GuardedUnpickler") + b".",
    "an instance by INST": b"(V" + TOUCH.encode() + b"\nios\nsystem\n.",
    "an instance by OBJ": b"(" + _global("os", "system") + b"V" + TOUCH.encode() + b"\no.",
    "an extension code": b"\x82\x01.",
    "a persistent id": b"Pmarker\n.",
    "a reconstructor for a foreign class": _global("copyreg", "_reconstructor")
    + b"("
    + _global("numpy", "ndarray")
    + _global("builtins", "object")
    + b"NtR.",
    "an instance of what may only be held": _global("numpy", "ndarray") + b")\x81.",
    "memory by bytearray": _global("builtins", "bytearray") + b"(J\xff\xff\xff\x7ftR.",
    "memory by an array": _global("numpy._core.multiarray", "_reconstruct")
    + b"("
    + _global("numpy", "ndarray")
    + b"(J\xff\xff\xff\x7ftVb\ntR.",
}
HARMFUL["a class that is changed"] = (
    _global("sklearn.linear_model._logistic", "LogisticRegression")
    + b"(N(Vpredict\n"
    + _global("builtins", "list")
    + b"dtb."
)


def _refuses(path: str, access: SourceAccess) -> None:
    with pytest.raises(UntrustedModel) as refused:
        load(path, access)
    assert path in refused.value.message
    assert not Path(MARKER).exists()


@pytest.mark.parametrize("harm", HARMFUL, ids=str)
def test_a_hostile_pickle_is_refused_before_it_acts(harm: str, pickles: SourceAccess) -> None:
    Path("model.pkl").write_bytes(HARMFUL[harm])
    _refuses("model.pkl", pickles)


@pytest.mark.parametrize("protocol", range(6))
def test_reduce_is_refused_in_every_protocol(protocol: int, pickles: SourceAccess) -> None:
    Path("model.pkl").write_bytes(pickle.dumps({"model": Runs(os.system, TOUCH)}, protocol=protocol))
    _refuses("model.pkl", pickles)


@pytest.mark.parametrize("compress", [0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_reduce_is_refused_inside_joblib_files(compress: Any, pickles: SourceAccess) -> None:
    joblib.dump({"model": Runs(os.system, TOUCH)}, "model.joblib", compress=compress)
    _refuses("model.joblib", pickles)


def _in_an_array(evil: Runs) -> Any:
    array = np.empty(1, dtype=object)
    array[0] = evil
    return array


@pytest.mark.parametrize(
    "hide",
    [
        _in_an_array,
        lambda evil: _in_an_array(_in_an_array(evil)),
        lambda evil: {"model": {"deep": [(_in_an_array(evil),)]}},
    ],
)
def test_reduce_is_refused_inside_object_arrays(hide: Callable[[Runs], Any], pickles: SourceAccess) -> None:
    joblib.dump(hide(Runs(os.system, TOUCH)), "model.joblib")
    _refuses("model.joblib", pickles)


def test_reduce_is_refused_inside_an_estimator(models: Models, pickles: SourceAccess) -> None:
    from sklearn.base import clone

    poisoned = clone(models.logistic)
    poisoned.coef_ = Runs(os.system, TOUCH)
    joblib.dump(poisoned, "model.joblib")
    _refuses("model.joblib", pickles)


def test_reduce_is_refused_where_pandas_or_a_booster_is_forged(pickles: SourceAccess) -> None:
    Path("model.pkl").write_bytes(
        _global("xgboost.core", "Booster") + b")\x81}(Vhandle\n" + _call("os", "system", TOUCH)[:-1] + b"ub."
    )
    _refuses("model.pkl", pickles)


def test_the_harm_is_real() -> None:
    """What the other tests rely on: without the guard these files do act."""
    pickle.loads(HARMFUL["posix.system"])
    assert Path(MARKER).exists()


def test_the_table_of_harm_holds_readable_pickles() -> None:
    """A malformed pickle would be refused for the wrong reason."""
    for data in HARMFUL.values():
        assert list(pickletools.genops(data))


def test_a_forged_object_dtype_is_refused(pickles: SourceAccess) -> None:
    """With the object flag off, numpy would take the bytes that follow for pointers."""
    state = _global("numpy", "dtype") + b"(VO8\nI00\nI01\ntR(I3\nV|\nNNNI-1\nI-1\nI0\ntb."
    Path("model.pkl").write_bytes(state)
    _refuses("model.pkl", pickles)


@pytest.mark.parametrize("opener", [gzip.compress])
def test_a_compression_bomb_is_refused(opener: Callable[[bytes], bytes], pickles: SourceAccess) -> None:
    bomb = opener(bytes(300 << 20))
    assert len(bomb) < 1 << 20
    Path("model.joblib").write_bytes(bomb)
    _refuses("model.joblib", pickles)


def test_a_truncated_compressed_file_is_refused(models: Models, pickles: SourceAccess) -> None:
    for compress in ("zlib", "gzip", "bz2", "xz"):
        joblib.dump(models.logistic, "model.joblib", compress=(compress, 3))
        data = Path("model.joblib").read_bytes()
        Path("model.joblib").write_bytes(data[: len(data) // 2])
        with pytest.raises(UsageError, match=r"model\.joblib"):
            load("model.joblib", pickles)


def test_an_array_that_announces_more_than_there_is_is_refused(pickles: SourceAccess) -> None:
    joblib.dump(np.arange(1000.0), "model.joblib")
    data = Path("model.joblib").read_bytes()
    Path("model.joblib").write_bytes(data.replace(struct.pack("<H", 1000), struct.pack("<H", 60000), 1))
    with pytest.raises(UsageError, match="ends early"):
        load("model.joblib", pickles)


def test_a_class_of_the_users_own_is_refused_until_its_module_is_allowed(own_module: str) -> None:
    import importlib

    joblib.dump(importlib.import_module(own_module).Constant(), "model.joblib")
    with pytest.raises(UntrustedModel, match=r"house\.encoders\.Constant") as refused:
        load("model.joblib", SourceAccess(allow_pickle=True))
    assert "--allow-module" in refused.value.hint
    allowed = SourceAccess(allow_pickle=True, allow_modules=("house",))
    assert type(load("model.joblib", allowed).model).__name__ == "Constant"


def test_a_module_that_is_not_allowed_is_not_imported(own_module: str, pickles: SourceAccess) -> None:
    import sys

    Path("model.pkl").write_bytes(_global(own_module, "Constant") + b".")
    _refuses("model.pkl", pickles)
    assert own_module not in sys.modules


def test_an_allowed_module_opens_no_door_to_what_it_imports(own_module: str) -> None:
    Path("model.pkl").write_bytes(_call(own_module, "system", TOUCH))
    _refuses("model.pkl", SourceAccess(allow_pickle=True, allow_modules=(own_module,)))


def test_an_allowed_module_is_not_a_prefix_of_names(own_module: str) -> None:
    Path("model.pkl").write_bytes(_global(own_module, "Constant") + b".")
    _refuses("model.pkl", SourceAccess(allow_pickle=True, allow_modules=("house.enc",)))


def test_an_allowed_module_is_not_walked_along_its_attributes(own_module: str) -> None:
    Path("model.pkl").write_bytes(_stack_global(own_module, "Constant.fit"))
    _refuses("model.pkl", SourceAccess(allow_pickle=True, allow_modules=(own_module,)))
