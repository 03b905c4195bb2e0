"""Small seeded data of every kind that XGBoost takes."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 2_000


def table(seed: int = 0, *, gaps: float = 0.0, columns: tuple[str, ...] = tuple("abcdef")) -> pd.DataFrame:
    """Normal columns of several scales, float32; a share of `gaps` missing in every other column."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(ROWS, len(columns))) * (10.0 ** np.arange(-2, len(columns) - 2))
    values[:, 1] = np.round(values[:, 1] * 3)
    if gaps:
        holes = rng.random(values.shape) < gaps
        holes[:, ::2] = False
        values[holes] = np.nan
    return pd.DataFrame(values.astype(np.float32), columns=list(columns))


def signal(frame: pd.DataFrame, seed: int = 1) -> np.ndarray:
    """A noisy score for each row, of unit scale."""
    rng = np.random.default_rng(seed)
    numbers = pd.DataFrame({name: _number(frame[name]) for name in frame.columns})
    scaled = (numbers - numbers.mean()) / (numbers.std() + 1e-9)
    weights = np.random.default_rng(3).normal(size=len(frame.columns))
    total = scaled.fillna(0.3).to_numpy() @ weights
    total += np.sin(3 * scaled.fillna(0).to_numpy()[:, 0])
    return np.asarray(total / (np.std(total) + 1e-9) + rng.normal(size=len(frame)) * 0.3)


def _number(column: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes
        return pd.Series(np.sin(codes.to_numpy() * 12.9898) * 3, index=column.index)
    return column.astype("float64")


def binary(frame: pd.DataFrame, share: float = 0.5) -> np.ndarray:
    """Classes 0 and 1, a `share` of them 1."""
    score = signal(frame)
    return (score > np.quantile(score, 1 - share)).astype(int)


def several(frame: pd.DataFrame, classes: int = 4) -> np.ndarray:
    """Classes 0, 1, … of about equal size."""
    score = signal(frame)
    return np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score)


def positive(frame: pd.DataFrame) -> np.ndarray:
    """Positive targets."""
    return np.exp(np.clip(signal(frame), -3, 3))


def targets(frame: pd.DataFrame) -> np.ndarray:
    """Three targets of different scale."""
    return np.stack([signal(frame), positive(frame) * 10, -signal(frame, 5)], axis=1)


def flags(frame: pd.DataFrame) -> np.ndarray:
    """Three yes-or-no targets."""
    return np.stack([binary(frame), binary(frame, 0.2), signal(frame, 5) > 0], axis=1).astype(int)


def categorical(
    seed: int = 0,
    *,
    sizes: tuple[int, ...] = (3, 12),
    integers: int = 9,
    gaps: float = 0.08,
    name: str = "stage",
    suffix: str = "",
) -> pd.DataFrame:
    """Two numbers, string categories of the given sizes in shuffled order, one column of integer categories."""
    rng = np.random.default_rng(seed)
    frame = table(seed, gaps=0.1, columns=("x", "y"))
    for index, size in enumerate(sizes):
        words = [f"{name} {number}{suffix}" for number in range(size)]
        rng.shuffle(words)
        codes = rng.integers(0, size, ROWS)
        codes[rng.random(ROWS) < gaps] = -1
        frame[f"{name}{index}"] = pd.Categorical.from_codes(codes, words)
    if integers:
        codes = rng.integers(0, integers, ROWS)
        codes[rng.random(ROWS) < gaps] = -1
        frame["number"] = pd.Categorical.from_codes(codes, [7 * value - 20 for value in range(integers)])
    return frame


def cox(frame: pd.DataFrame) -> np.ndarray:
    """Survival times, negative where censored."""
    return positive(frame) * np.where(np.arange(len(frame)) % 3, 1, -1)


def big_integers(scale: int, offset: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Columns of large integers."""

    def convert(frame: pd.DataFrame) -> pd.DataFrame:
        whole = (frame.rank() * scale + offset).astype("int64")
        return whole.set_axis(list(frame.columns), axis=1)

    return convert


def mixed_types(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(
        a=frame["a"] > 0,
        b=frame["b"].astype("int8"),
        c=(frame["c"] * 5).astype("int32"),
        d=frame["d"].astype("float64"),
    )


def nullable(frame: pd.DataFrame) -> pd.DataFrame:
    gaps = np.arange(len(frame)) % 5 == 0
    return frame.assign(
        a=(frame["a"] > 0).astype("boolean").mask(gaps),
        b=frame["b"].astype("Int64").mask(gaps),
        c=frame["c"].astype("Float64").mask(gaps),
        d=(frame["d"].abs() % 50).round().astype("UInt8"),
    )


def arrow(frame: pd.DataFrame) -> pd.DataFrame:
    gaps = np.arange(len(frame)) % 5 == 0
    return frame.assign(
        a=(frame["a"] > 0).astype("bool[pyarrow]"),
        b=frame["b"].astype("int64[pyarrow]").mask(gaps),
        c=frame["c"].astype("float64[pyarrow]"),
    )


def marked(value: float) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """`value` in the place of a fifth of the values."""

    def convert(frame: pd.DataFrame) -> pd.DataFrame:
        rng = np.random.default_rng(0)
        return frame.mask(rng.random(frame.shape) < 0.2, value)

    return convert


def seed_of(name: str) -> int:
    """A number for each case."""
    return zlib.crc32(name.encode())
