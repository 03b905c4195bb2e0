"""The first step at which source and graph part is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.validation import CheckOptions, check

from tests.validation import models

if TYPE_CHECKING:
    from onnxport.artifacts import Rows

F32 = np.float32


def steps_of(case: Any) -> dict[str, Any]:
    mean, scale = case.scale

    def centred(rows: Rows) -> np.ndarray:
        return np.stack([rows.columns[name] for name in case.names], axis=1) - mean

    return {
        "pipeline.centre": centred,
        "pipeline.scale": lambda rows: centred(rows) / scale,
        "pipeline.model": lambda rows: case.source(rows)["probabilities"],
    }


def test_the_first_step_that_differs_is_named_with_both_values(scaled: Any) -> None:
    damaged = models.with_constant(scaled.model, "scale", scaled.scale[1] * (1 + 1e-6))
    report = check(scaled.source, scaled.artifact(damaged), scaled.sample, CheckOptions(steps=steps_of(scaled)))
    said = report.explanation[0]
    assert "first part at step pipeline.scale" in said
    assert "The step before it, pipeline.centre, agrees." in said
    assert "'scaled' (float64)" in said


def test_a_step_in_float32_is_named(scaled: Any) -> None:
    damaged = models.scaled_graph(scaled.trees, *(value.astype(F32) for value in scaled.scale))
    report = check(scaled.source, scaled.artifact(damaged), scaled.sample, CheckOptions(steps=steps_of(scaled)))
    assert any(
        "first part at step pipeline.centre" in sentence and "(float32)" in sentence
        for sentence in report.explanation
    )


def test_damage_in_the_trees_leaves_the_steps_before_them_in_peace(scaled: Any) -> None:
    leaf = scaled.trees.leaf * F32(1.01)
    damaged = models.scaled_graph(models.replace(scaled.trees, leaf=leaf), *scaled.scale)
    report = check(scaled.source, scaled.artifact(damaged), scaled.sample, CheckOptions(steps=steps_of(scaled)))
    assert any("first part at step pipeline.model" in sentence for sentence in report.explanation)


def test_a_step_that_raises_is_told(scaled: Any) -> None:
    def broken(_rows: Rows) -> np.ndarray:
        raise RuntimeError("no such step")

    damaged = models.with_constant(scaled.model, "scale", scaled.scale[1] * 1.01)
    options = CheckOptions(steps={"pipeline.broken": broken})
    report = check(scaled.source, scaled.artifact(damaged), scaled.sample, options)
    assert any("Step pipeline.broken of the source raises" in sentence for sentence in report.explanation)
