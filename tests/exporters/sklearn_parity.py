"""Source against graph: rows like those of training, missing values, extremes, and how far they are apart."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from exporting import exported, session
from onnxport.artifacts import MATRIX_TENSOR, OnnxArtifact

ATOL = RTOL = 1e-5
_PROBED = 12  # columns that unusual values are placed into


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How far source and graph are apart.

    Attributes:
        rows: Rows that both answered.
        wrong: Rows out of tolerance or with another label.
        worst: Largest difference of a number, relative to 1 + |reference|.
    """

    rows: int
    wrong: int
    worst: float


def feeds(artifact: OnnxArtifact, frame: pd.DataFrame) -> dict[str, Any]:
    """What the graph is given for the rows of `frame`, by the signature alone."""
    signature = artifact.conversion.signature
    columns = {}
    for column in signature.inputs:
        values = frame[column.name]
        if column.dtype == "string":
            texts = values.astype(object).where(values.notna(), column.missing.encoding)
            columns[column.tensor] = texts.to_numpy(dtype=object)[:, None]
        else:
            columns[column.tensor] = (
                values.astype(object).where(values.notna(), np.nan).to_numpy(dtype=column.dtype)[:, None]
            )
    if signature.layout == "matrix":
        dtype = signature.inputs[0].dtype
        return {
            MATRIX_TENSOR: np.ascontiguousarray(
                frame[list(signature.columns)].to_numpy(dtype=dtype, na_value=np.nan)
            )
        }
    return columns


def answers(model: Any, frame: pd.DataFrame, artifact: OnnxArtifact) -> dict[str, Any]:
    """The source's own answer for each of the graph's outputs."""
    methods = {"label": "predict", "probabilities": "predict_proba", "prediction": "predict"}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return {
            output.name: np.asarray(getattr(model, methods[output.name])(frame))
            for output in artifact.conversion.signature.outputs
        }


def probes(frame: pd.DataFrame, artifact: OnnxArtifact, seed: int = 0) -> list[pd.DataFrame]:
    """Small frames, one for each unusual value, which stands in another column in every row."""
    rng = np.random.default_rng(seed)
    columns = artifact.conversion.signature.inputs[:_PROBED]
    extreme = not any(entry.startswith("extreme differs") for entry in artifact.conversion.plan.accepted)
    values = [_unusual(frame[column.name], allowed=column.missing.allowed, extreme=extreme) for column in columns]
    found = []
    for place in range(max(map(len, values))):
        base = frame.iloc[rng.integers(len(frame), size=len(columns))].reset_index(drop=True)
        for row, (column, own) in enumerate(zip(columns, values, strict=True)):
            if own:
                base[column.name] = _placed(base[column.name], row, own[place % len(own)])
        found.append(base)
    return found


def _placed(column: pd.Series[Any], row: int, value: Any) -> pd.Series[Any]:
    values = column.tolist()
    values[row] = value
    try:
        return pd.Series(values, index=column.index, dtype=column.dtype)
    except (TypeError, ValueError, OverflowError):
        return column


def _unusual(column: pd.Series[Any], *, allowed: bool, extreme: bool) -> list[Any]:
    gone = column[column.isna()]
    missing = [np.nan if gone.empty else gone.iloc[0]] if allowed else []
    if isinstance(column.dtype, pd.CategoricalDtype):
        return missing
    if column.dtype.kind == "f":
        usual = [*missing, *_neighbours(column), 0.0, -0.0, 1e-45, -1.5, np.inf, -np.inf]
        return [*usual, 1e6, -1e6, 1e15, -1e15] if extreme else usual
    if column.dtype.kind in "iu":
        return [0, 1, -1, 2**24 + 1]
    if column.dtype.kind == "b":
        return [True, False]
    return [*missing, "", "never seen before", " ", "é"]


def _neighbours(column: pd.Series[Any]) -> list[float]:
    value = float(column.dropna().iloc[0])
    single = np.float32(value)
    return [float(np.nextafter(single, np.float32(sign * np.inf))) for sign in (-1, 1)] + [float(single)]


def compare(model: Any, sample: pd.DataFrame, rows: pd.DataFrame) -> Compared:
    """`model` against its graph on `rows` and on what `probes` adds."""
    artifact = exported(model, sample)
    running = session(artifact.model)
    total, wrong, worst = 0, 0, 0.0
    for index, frame in enumerate([rows, rows.iloc[:1], *probes(rows, artifact)]):
        try:
            expected = answers(model, frame, artifact)
        except Exception:  # the source does not accept such rows: nothing to compare
            if index == 0:
                raise
            continue
        found = dict(zip(expected, running.run(list(expected), feeds(artifact, frame)), strict=True))
        bad = np.zeros(len(frame), dtype=bool)
        for name, reference in expected.items():
            result = found[name]
            assert result.shape == reference.shape, (name, result.shape, reference.shape)
            if name == "label":
                same = (
                    result.astype(str) == reference.astype(str) if result.dtype == object else result == reference
                )
                bad |= ~same.reshape(len(frame), -1).all(axis=1)
            else:
                off = _apart(result.astype(float), reference.astype(float))
                bad |= (off > 1).reshape(len(frame), -1).any(axis=1)
                worst = max(worst, float(off.max(initial=0.0)))
        total += len(frame)
        wrong += int(bad.sum())
    empty = running.run(None, feeds(artifact, rows.iloc[:0]))
    assert all(len(output) == 0 for output in empty)
    return Compared(rows=total, wrong=wrong, worst=worst * ATOL)


def _apart(result: Any, reference: Any) -> Any:
    """The difference in units of what is allowed: NaN equals NaN, an infinity itself."""
    with np.errstate(invalid="ignore"):
        off = np.abs(result - reference) / (ATOL + RTOL * np.abs(reference))
    same = (result == reference) | (np.isnan(result) & np.isnan(reference))
    return np.where(same, 0.0, np.where(np.isnan(off), np.inf, off))
