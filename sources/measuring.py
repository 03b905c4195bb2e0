"""What a model answers on rows, and how good that is: over all of them, and by the values of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .estimators import is_classifier
from .metrics import classification, regression

if TYPE_CHECKING:
    import pandas as pd

    from .recipe import Recipe

Numbers = np.ndarray[Any, np.dtype[Any]]

Segments = dict[str, dict[str, dict[str, float]]]
"""Column to value to metrics; each also has `rows`, the number of held-out rows."""


def answers(recipe: Recipe, model: Any, rows: pd.DataFrame) -> Numbers:  # ruff: ignore[ANN401] - an estimator
    """Probabilities `(n, classes)` or predictions `(n,)` of the model, float64, clipped as the recipe says."""
    found = model.predict_proba(rows) if is_classifier(recipe) else model.predict(rows)
    numbers = np.asarray(found, dtype=np.float64)
    return numbers if recipe.clip is None else numbers.clip(*recipe.clip)


def measured(recipe: Recipe, model: Any, target: Numbers, found: Numbers) -> dict[str, float]:  # ruff: ignore[ANN401] - as above
    """The metrics of the model's `answers` on rows with `target`, shape `(n,)`."""
    return classification(target, found, model.classes_) if is_classifier(recipe) else regression(target, found)


def by_segment(recipe: Recipe, model: Any, frame: pd.DataFrame, found: Numbers) -> Segments:  # ruff: ignore[ANN401] - as above
    """The metrics for each value of the recipe's segments.

    Args:
        recipe: Names the columns.
        model: The estimator.
        frame: Those columns and the target; its index counts from 0.
        found: The model's `answers` on its rows.
    """
    segments: Segments = {}
    for column in recipe.segments:
        groups = frame.groupby(column, dropna=False, sort=True, observed=True)
        segments[column] = {
            _shown(value): {
                "rows": float(len(rows)),
                **measured(recipe, model, rows[recipe.target].to_numpy(), found[rows.index.to_numpy()]),
            }
            for value, rows in groups
        }
    return segments


def _shown(value: object) -> str:
    return "(missing)" if value is None or value != value else str(value)  # ruff: ignore[PLR0124] - NaN
