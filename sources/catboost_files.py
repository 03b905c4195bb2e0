"""Opens CatBoost's own model files: they run no code, but its reader trusts every number in them."""

from __future__ import annotations

import json
from typing import Any

from onnxport.artifacts import UsageError

_MAGIC = b"CBM1"
_CLASSES = "class_params"
"""The metadata that classifiers alone leave in their files."""
_LINKED = frozenset({"Poisson", "RMSEWithUncertainty", "Tweedie"})
"""Losses whose regressors answer something else than sums of leaves."""


def open_catboost(data: bytes, name: str) -> Any:  # ruff: ignore[ANN401] - a CatBoost model
    """The model in `data`: a `CatBoostClassifier` where the file names classes, else a `CatBoostRegressor`.

    A file does not say which class wrote it, but which loss it was trained with: the regressor is given it, so
    that it answers as the one that wrote the file (after a bare `CatBoostRegressor().load_model` a Poisson
    regressor answers logarithms). Rankers and the base class answer as the regressor of another loss does.

    A damaged file may take the process down: `onnxport.pipelines` opens such files in one of their own.

    Raises:
        UsageError: It is no CatBoost model.
    """
    import catboost  # ruff: ignore[PLC0415] - loads only when such a file is opened

    if not data.startswith(_MAGIC):
        raise _no_model(name, "it does not begin as one")

    try:
        return _opened(data)
    except (catboost.CatBoostError, ValueError) as error:
        raise _no_model(name, str(error).partition("\n")[0][:200]) from error


def _opened(data: bytes) -> Any:  # ruff: ignore[ANN401] - a CatBoost model
    import catboost  # ruff: ignore[PLC0415] - likewise

    facts = dict(catboost.CatBoost().load_model(blob=data).get_metadata())
    if _CLASSES in facts:
        return catboost.CatBoostClassifier().load_model(blob=data)
    loss = json.loads(facts.get("params", "{}")).get("loss_function", {}).get("type", "")
    known = {"loss_function": loss} if loss in _LINKED else {}
    return catboost.CatBoostRegressor(**known).load_model(blob=data)


def _no_model(name: str, reason: str) -> UsageError:
    return UsageError(
        f"{name} is not a CatBoost model: {reason}",
        hint="Write it with save_model('model.cbm'), or download it again.",
    )
