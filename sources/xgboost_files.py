"""Opens XGBoost's own model files, JSON and UBJSON."""

from __future__ import annotations

import json
from typing import Any

from onnxport.artifacts import UsageError

from .ubjson import MalformedUbjson, decode
from .xgboost_check import Inconsistent, check_model


def open_xgboost(data: bytes, name: str, kind: str | None = None) -> Any:  # ruff: ignore[ANN401] - a Booster or a wrapper
    """The model in `data`: a `Booster`, or the wrapper when `XGBClassifier` and the like wrote the file.

    A file says itself who wrote it: the wrappers leave the attribute `scikit_learn`. What they are loaded as decides
    whether early stopping counts and whether there are labels, so it follows the writer; `kind` is the class
    where somebody else recorded it: `Booster`, `XGBClassifier`, ….

    Raises:
        UsageError: It is no XGBoost model, it is truncated, or its parts contradict each other.
    """
    import xgboost  # ruff: ignore[PLC0415] - loads only when such a file is opened

    learner = _read(data, name)
    wrapper = getattr(xgboost, kind) if kind else _wrapper(learner["attributes"]) or xgboost.Booster
    try:
        with xgboost.config_context(verbosity=0):
            model = wrapper()
            model.load_model(bytearray(data))
    except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
        raise _no_model(name, str(error).partition("\n")[0][:200]) from error
    return model


def _read(data: bytes, name: str) -> dict[str, Any]:
    if not data:
        raise _no_model(name, "it is empty")
    try:
        return check_model(_document(data))
    except json.JSONDecodeError as error:
        raise _no_model(name, f"it is no complete JSON: {error}") from error
    except UnicodeDecodeError as error:
        raise _no_model(name, "it is neither JSON nor UBJSON") from error
    except MalformedUbjson as error:
        raise _no_model(name, f"it is no complete UBJSON: {error}") from error
    except RecursionError as error:
        raise _no_model(name, "it is nested too deeply") from error
    except Inconsistent as error:
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
        f"{name} is not an XGBoost model file: {reason}",
        hint="Write it with Booster.save_model('model.ubj') (or .json), or download it again.",
    )
