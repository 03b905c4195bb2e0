"""Which columns of a sample are the model's features, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxport.artifacts import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onnxport.artifacts import SourceModel
    from pandas import DataFrame


def select_features(source: SourceModel, frame: DataFrame, features: Sequence[str] | None) -> DataFrame:
    """Exactly the model's feature columns of `frame`, in the model's order.

    The model's names count: those of its bundle or signature, of the Booster, `feature_names_in_`. A model without
    names takes `features`, or all of `frame` when it has as many columns as the model has features.

    Raises:
        UsageError: A column is missing, `features` contradicts the model, or nobody says what the features are.
    """
    own = source.feature_columns or _spelled(source.model, model_names(source.model), frame)
    count = feature_count(source.model)
    if own is None:
        own = tuple(features) if features else _by_count(frame, count)
    elif features and set(features) != set(own):
        raise UsageError(
            f"--features names {_list(features)}; the model has {_list(own)}",
            hint="Leave --features out: the model knows its columns.",
        )
    _check(own, count)
    missing = [name for name in own if name not in frame.columns]
    if missing:
        raise UsageError(
            f"the sample lacks {len(missing)} of the model's {len(own)} columns: {_list(missing)}; "
            f"it has {_list(list(frame.columns))}",
            hint="Give a sample with every column that the model was trained on, under the same name.",
        )
    return frame.loc[:, list(own)]


def model_names(model: Any) -> tuple[str, ...] | None:  # ruff: ignore[ANN401] - any estimator or Booster
    """The names of the columns that `model` was trained on, in order; `None` where it knows none."""
    readers: tuple[Callable[[], Any], ...] = (
        lambda: model.feature_names,
        lambda: model.feature_names_in_,
        lambda: model.get_booster().feature_names,
        lambda: _unless_made_up(model.feature_name(), "Column_"),  # LightGBM
        lambda: _unless_made_up(model.feature_names_, ""),  # CatBoost
    )
    for read in readers:
        try:
            names = read()
        except Exception:  # ruff: ignore[BLE001, S112] - libraries raise whatever they like where there are no names
            continue
        if names is not None and len(names):
            return tuple(str(name) for name in names)
    return None


def feature_count(model: Any) -> int | None:  # ruff: ignore[ANN401] - any estimator or Booster
    """How many features `model` was trained on; `None` where it does not say."""
    readers: tuple[Callable[[], Any], ...] = (
        lambda: len(model.feature_names_),  # CatBoost, which counts 0 features after load_model
        lambda: model.n_features_in_,
        lambda: int(model.num_features()),  # XGBoost
        lambda: int(model.num_feature()),  # LightGBM
    )
    for read in readers:
        try:
            return int(read())
        except Exception:  # ruff: ignore[BLE001, S112] - libraries raise whatever they like where there is no count
            continue
    return None


def _unless_made_up(names: list[str], prefix: str) -> list[str] | None:
    """`names`, unless the library made them up for data without any: `prefix` and a number."""
    return None if names == [f"{prefix}{index}" for index in range(len(names))] else names


def _spelled(
    model: Any,  # ruff: ignore[ANN401] - any estimator or Booster
    names: tuple[str, ...] | None,
    frame: DataFrame,
) -> tuple[str, ...] | None:
    """`names` as `frame` spells them: LightGBM keeps underscores for blanks."""
    if names is None or not any(base.__module__.startswith("lightgbm.") for base in type(model).__mro__):
        return names
    blank = {str(column).replace(" ", "_"): str(column) for column in frame.columns if " " in str(column)}
    return tuple(name if name in frame.columns else blank.get(name, name) for name in names)


def _by_count(frame: DataFrame, count: int | None) -> tuple[str, ...]:
    if count is not None and count == len(frame.columns):
        return tuple(str(name) for name in frame.columns)
    wanted = "an unknown number of" if count is None else str(count)
    raise UsageError(
        f"the model knows no column names and takes {wanted} features; the sample has {len(frame.columns)}",
        hint="Name the feature columns in the model's order with --features.",
    )


def _check(names: Sequence[str], count: int | None) -> None:
    if len(set(names)) != len(names):
        raise UsageError(f"the features name a column twice: {_list(names)}")
    if count is not None and len(names) != count:
        raise UsageError(
            f"the model takes {count} features; {len(names)} are named: {_list(names)}",
            hint="Name exactly the model's columns, in its order, with --features.",
        )


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(repr(str(name)) for name in names[:20])
    return f"{shown} and {len(names) - 20} more" if len(names) > 20 else shown  # ruff: ignore[PLR2004] - readable on a screen
