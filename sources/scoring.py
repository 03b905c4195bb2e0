"""The source model's own answer: what the graph must reproduce."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from onnxport.artifacts import Column, Outputs, PostProcessing, Rows, UnsupportedModel

from .selecting import model_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from onnxport.artifacts import OutputTensor, Predict, Signature, SourceModel


def scorer(source: SourceModel, frame: pd.DataFrame, signature: Signature, post: PostProcessing) -> Predict:
    """The source's own answer, an output for each of the signature's; `frame` gives the training data's dtypes.

    Rows reach the model as the data frame that its scoring script would build: the columns of `frame`, in order
    and with its dtypes wherever the values have them. A category that `frame` does not know is a missing value. An
    empty batch has an empty answer: scikit-learn itself refuses one.

    Raises:
        UnsupportedModel: The model has no such outputs.
    """
    for output in signature.outputs:
        method = _METHODS.get(output.name)
        if method is None or not hasattr(source.model, method):
            raise UnsupportedModel(
                f"{type(source.model).__qualname__} has no answer for the output {output.name!r}",
                hint=f"Outputs are {', '.join(_METHODS)}.",
            )
    return _Scorer(source=source, likes=_likes(frame), signature=signature, post=post)


_METHODS: Mapping[str, str] = {"label": "predict", "probabilities": "predict_proba", "prediction": "predict"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scorer:
    source: SourceModel
    likes: Mapping[str, _Like]
    signature: Signature
    post: PostProcessing

    def __call__(self, rows: Rows, /) -> Outputs:
        rows = rows.select(self.likes)
        if len(rows) == 0:
            return {output.name: _empty(output) for output in self.signature.outputs}
        data = _data(rows, self.likes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return {output.name: self.answer(output, data) for output in self.signature.outputs}

    def answer(self, output: OutputTensor, data: pd.DataFrame) -> Column:
        """One output for a data frame as a scoring script would build it."""
        model = self.source.model
        if _is_booster(model):
            answer = _ask_booster(model, data)
        else:
            method = getattr(model, _METHODS[output.name])
            answer = _quietly(method, data.to_numpy() if _nameless_xgboost(model, data) else data)
        answer = np.asarray(answer)
        if output.name == "label":
            return _label(answer, output)
        return answer if self.post.clip is None else np.clip(answer, *self.post.clip)


def on_frames(source: SourceModel, frame: pd.DataFrame, signature: Signature) -> Callable[[pd.DataFrame], Column]:
    """The source's own predictor on data frames as its scoring script builds them, for one output.

    That is `predict_proba` where the signature has probabilities, else `predict`.
    """
    wanted = [output for output in signature.outputs if output.name != "label"] or signature.outputs
    scorer = _Scorer(source=source, likes=_likes(frame), signature=signature, post=PostProcessing())
    return lambda data: scorer.answer(wanted[0], data)


def steps(source: SourceModel, frame: pd.DataFrame) -> dict[str, Callable[[Rows], Column]]:
    """What each transforming step of a scikit-learn pipeline gives, `(n, k)` each, in order of computation.

    Empty for models that are no pipeline. `frame` gives the training data's dtypes.
    """
    model = source.model
    if not hasattr(model, "named_steps"):
        return {}
    likes = _likes(frame)
    return {
        f"pipeline.{name}": _Step(pipeline=model[: index + 1], likes=likes)
        for index, (name, step) in enumerate(model.steps[:-1])
        if step is not None and step != "passthrough"
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    pipeline: Any
    likes: Mapping[str, _Like]

    def __call__(self, rows: Rows, /) -> Column:
        values = _quietly(self.pipeline.transform, _data(rows.select(self.likes), self.likes))
        return np.asarray(values.toarray() if hasattr(values, "toarray") else values)


def _ask_booster(booster: Any, data: pd.DataFrame) -> Any:  # ruff: ignore[ANN401] - a Booster, an array
    import xgboost  # ruff: ignore[PLC0415] - loads only for Boosters

    names = model_names(booster)
    if names is None and _all_numbers(data):
        matrix = xgboost.DMatrix(data.to_numpy())
    else:
        matrix = xgboost.DMatrix(
            data if names else data.set_axis(range(data.shape[1]), axis=1), enable_categorical=True
        )
    return _quietly(booster.predict, matrix)


def _quietly(method: Any, data: Any) -> Any:  # ruff: ignore[ANN401] - any model's method and data
    if "xgboost" not in type(getattr(method, "__self__", None)).__module__:
        return method(data)
    import xgboost  # ruff: ignore[PLC0415] - loads only for XGBoost's models

    with xgboost.config_context(verbosity=0):
        return method(data)


def _nameless_xgboost(model: Any, data: pd.DataFrame) -> bool:  # ruff: ignore[ANN401] - any estimator
    """XGBoost refuses names that it was not trained with; scikit-learn only warns."""
    return hasattr(model, "get_booster") and model_names(model) is None and _all_numbers(data)


def _is_booster(model: Any) -> bool:  # ruff: ignore[ANN401] - any estimator or Booster
    return not hasattr(model, "get_params") and type(model).__module__.startswith("xgboost")


def _all_numbers(data: pd.DataFrame) -> bool:
    return all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in data.dtypes)


def _label(answer: Column, output: OutputTensor) -> Column:
    """Labels in the output's shape and dtype: CatBoost gives those of several classes as a column."""
    answer = answer.reshape(len(answer)) if output.shape == (None,) else answer
    if output.dtype == "string":
        labels = np.empty(answer.shape, dtype=object)
        labels[...] = [str(label) for label in answer.tolist()]
        return labels
    return answer.astype(output.dtype)


def _empty(output: OutputTensor) -> Column:
    shape = tuple(0 if length is None else length for length in output.shape)
    return np.empty((0, *shape[1:]), dtype=object if output.dtype == "string" else output.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Like:
    """What the values of one column become on their way into the source.

    Attributes:
        dtype: The dtype of the training data.
        mark: How it writes a missing object: encoders tell `None` from NaN.
        categories: The categories that it knows; empty where it has none.
    """

    dtype: Any
    mark: Any = None
    categories: frozenset[Any] = frozenset()


def _likes(frame: pd.DataFrame) -> dict[str, _Like]:
    return {str(name): _like(frame[name]) for name in frame.columns}


def _like(series: pd.Series[Any]) -> _Like:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _Like(dtype=dtype, categories=frozenset(dtype.categories.tolist()))
    gone = series[series.isna()] if dtype == "object" else series.iloc[:0]
    return _Like(dtype=dtype, mark=None if gone.empty else gone.iloc[0])


def _data(rows: Rows, likes: Mapping[str, _Like]) -> pd.DataFrame:
    """The rows as the data frame that a scoring script would build: with the dtypes of the training data."""
    return pd.DataFrame({name: _values(rows.columns[name], like) for name, like in likes.items()})


def _values(values: Column, like: _Like) -> Any:  # ruff: ignore[ANN401] - numpy's or pandas' array
    """`values` with the dtype of `like` wherever that changes no value."""
    dtype = like.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        known = [value if value in like.categories else None for value in values.tolist()]
        return pd.Categorical(known, dtype=dtype)
    if dtype == "object":
        return _objects([like.mark if value is None else value for value in values.tolist()])
    if pd.api.types.is_string_dtype(dtype):
        texts = [None if value is None else str(value) for value in values.tolist()]
        return pd.array(texts, dtype=dtype)
    if values.dtype == object:
        values = np.array([np.nan if value is None else value for value in values.tolist()], dtype=np.float64)
    if isinstance(dtype, pd.api.extensions.ExtensionDtype):
        return _nullable(values, dtype)
    return _plain(values, dtype)


def _objects(values: list[Any]) -> pd.Series[Any]:
    """`values` as they are: from an array of objects a data frame would make a column of strings."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return pd.Series(column, dtype=object)


def _nullable(values: Column, dtype: pd.api.extensions.ExtensionDtype) -> Any:  # ruff: ignore[ANN401] - likewise
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=bool)
    try:
        return pd.Series(np.where(missing, 0, values)).astype(dtype).mask(missing).array
    except (TypeError, ValueError):  # infinite, or no whole number
        return values


def _plain(values: Column, dtype: np.dtype[Any]) -> Column:
    if values.dtype == dtype:
        return values
    with np.errstate(over="ignore", invalid="ignore"):
        cast = values.astype(dtype)
    return cast if dtype.kind == "f" or (cast == values).all() else values
