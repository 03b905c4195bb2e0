"""Opens and writes XGBoost's own model files, JSON and UBJSON."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

from onnxport.artifacts import UnsupportedModel, UsageError

from .ubjson import MalformedUbjson, decode
from .xgboost_check import Inconsistent, check_model

_OLD_BINARY = b"binf"
"""How the binary form begins that XGBoost wrote before 2.1."""


def open_xgboost(data: bytes, name: str, kind: str | None = None) -> Any:  # ruff: ignore[ANN401] - Booster or wrapper
    """The model in `data`: a `Booster`, or the wrapper when `XGBClassifier` and the like wrote the file.

    A file says who wrote it: the wrappers leave the attribute `scikit_learn`. What it is loaded as decides
    whether early stopping counts and whether there are labels, so it follows the writer; `kind` is the class
    where somebody else recorded it: `Booster`, `XGBClassifier`, ….

    Raises:
        UsageError: It is no XGBoost model, it is truncated, or its parts contradict each other.
    """
    import xgboost  # ruff: ignore[PLC0415] - loads only when such a file is opened

    attributes = _checked(data, name)
    wrapper = getattr(xgboost, kind) if kind else _wrapper(attributes) or xgboost.Booster
    try:
        with xgboost.config_context(verbosity=0):
            model = wrapper()
            model.load_model(bytearray(data))
    except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
        raise _no_model(name, str(error).partition("\n")[0][:200]) from error
    return model


def save_xgboost(model: Any) -> bytes:  # ruff: ignore[ANN401] - any estimator or Booster
    """XGBoost's own file of `model`, UBJSON; `open_xgboost` opens it as what it was, a Booster or a wrapper.

    Raises:
        UnsupportedModel: It is no model of XGBoost alone, or the file would forget what counts as missing.
    """
    import xgboost  # ruff: ignore[PLC0415] - loads only when such a file is written

    if isinstance(model, xgboost.Booster):
        return bytes(model.save_raw("ubj"))
    if not isinstance(model, xgboost.XGBModel):
        raise UnsupportedModel(
            f"{type(model).__qualname__} is no model of XGBoost alone: no booster answers as it does",
            hint="Leave --with-source out: the graph answers alone.",
        )
    if not math.isnan(model.missing):
        raise UnsupportedModel(
            f"{model.missing} counts as missing for this model, which XGBoost's own file does not keep",
            hint="Leave --with-source out: the graph answers alone.",
        )
    with tempfile.TemporaryDirectory(prefix="onnxport-") as folder:
        path = Path(folder) / "model.ubj"
        model.save_model(path)
        return path.read_bytes()


def check_snapshot(state: Any, name: str) -> None:  # ruff: ignore[ANN401] - whatever a pickle held
    """The state of a pickled `Booster` is one that XGBoost can read without harm.

    Raises:
        UsageError: It is not.
    """
    handle = state.get("handle") if isinstance(state, dict) else None
    if handle is None:
        return
    if not isinstance(handle, bytes | bytearray) or not handle.startswith(b"{"):
        raise UsageError(
            f"{name} holds a Booster in a form that XGBoost has given up",
            hint="Open it with the XGBoost that wrote it, and save it with save_model('model.ubj').",
        )
    _checked(bytes(handle), name, inside="Model")


def _checked(data: bytes, name: str, inside: str | None = None) -> dict[str, Any]:
    """The attributes of the model in `data`, below the key `inside` where there is one."""
    if not data:
        raise _no_model(name, "it is empty")
    if data.startswith(_OLD_BINARY):
        raise _no_model(
            name, "it has the binary form that XGBoost has given up: open it with the one that wrote it"
        )
    try:
        document = _document(data)
        return check_model(document[inside] if inside else document)
    except json.JSONDecodeError as error:
        raise _no_model(name, f"it is no complete JSON: {error}") from error
    except UnicodeDecodeError as error:
        raise _no_model(name, "it is neither JSON nor UBJSON") from error
    except MalformedUbjson as error:
        raise _no_model(name, f"it is no complete UBJSON: {error}") from error
    except RecursionError as error:
        raise _no_model(name, "it is nested too deeply") from error
    except (Inconsistent, KeyError, TypeError) as error:
        raise _no_model(name, str(error)) from error


def _document(data: bytes) -> Any:  # ruff: ignore[ANN401] - any JSON value
    binary = data[:1] == b"{" and data[1:2] in {b"L", b"l", b"i", b"U", b"I"}
    return decode(data) if binary else json.loads(data)


def _wrapper(attributes: dict[str, Any]) -> Any:  # ruff: ignore[ANN401] - a class of xgboost
    import xgboost  # ruff: ignore[PLC0415] - loads only when such a file is opened

    wrappers = {
        "classifier": xgboost.XGBClassifier,
        "regressor": xgboost.XGBRegressor,
        "ranker": xgboost.XGBRanker,
    }
    try:
        return wrappers.get(json.loads(attributes["scikit_learn"])["_estimator_type"])
    except (KeyError, TypeError, ValueError):
        return None


def _no_model(name: str, reason: str) -> UsageError:
    return UsageError(
        f"{name} is not an XGBoost model: {reason}",
        hint="Write it with Booster.save_model('model.ubj') (or .json), or download it again.",
    )
