"""Graphs of other converters: what is wrong in them fails and is explained, what is right passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnxport.artifacts import Missing, ParityReport, Rows, Tolerance
from onnxport.validation import DEFAULT, CheckOptions, check

from tests.validation import models

NAMES = [f"c{index}" for index in range(6)]
INFINITE = ("infinite: the source refuses infinite values, the graph does not",)
OPSETS = {"": 17, "ai.onnx.ml": 3}


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    values = random.normal(size=(2_000, 6))
    values[:, 0] = 1e6 + 1e4 * values[:, 0]
    noise = random.normal(size=2_000) * 0.3
    return values, (values[:, 1] + values[:, 2] * values[:, 3] + noise > 0).astype(int)


def rows_of(values: np.ndarray) -> Rows:
    return Rows(columns={name: values[:, index] for index, name in enumerate(NAMES)})


def checked(model: Any, converted: Any, values: np.ndarray, options: CheckOptions | None = None) -> ParityReport:
    signature = models.matrix_signature(NAMES, models.CLASSIFIED)

    def source(rows: Rows) -> dict[str, np.ndarray]:
        matrix = np.stack([rows.columns[name] for name in NAMES], axis=1)
        return {"label": model.predict(matrix).astype(np.int64), "probabilities": model.predict_proba(matrix)}

    artifact = models.artifact_of(converted, signature, accepted=INFINITE)
    return check(source, artifact, rows_of(values), options)


def converted_by_skl2onnx(model: Any) -> Any:
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
    from skl2onnx import to_onnx, update_registered_converter
    from skl2onnx.common.data_types import FloatTensorType
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
    from xgboost import XGBClassifier

    update_registered_converter(
        XGBClassifier,
        "XGBClassifier",
        calculate_linear_classifier_output_shapes,
        convert_xgboost,
        options={"nocl": [True, False], "zipmap": [True, False]},
    )
    types = [("features", FloatTensorType([None, 6]))]
    return to_onnx(model, initial_types=types, options={"zipmap": False}, target_opset=OPSETS)


def test_a_scaler_in_float32_before_xgboost_fails_and_is_explained(data: tuple[np.ndarray, np.ndarray]) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from xgboost import XGBClassifier

    values, labels = data
    model = make_pipeline(StandardScaler(), XGBClassifier(n_estimators=40, max_depth=4, n_jobs=1)).fit(
        values, labels
    )
    report = checked(model, converted_by_skl2onnx(model), values)
    assert not report.passed
    assert report.worst > 0.1
    assert any(
        "Scaler" in sentence and "in float32 before its trees" in sentence for sentence in report.explanation
    )


def test_probabilities_that_the_runtime_rounds_are_told_apart_from_wrong_ones(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    from xgboost import XGBClassifier

    values, labels = data
    model = XGBClassifier(n_estimators=60, max_depth=5, n_jobs=1).fit(values, labels)
    converted = converted_by_skl2onnx(model)
    report = checked(model, converted, values)
    assert not report.passed
    assert report.worst < 2.4e-7
    assert "steps of 6e-8" in report.explanation[0]
    assert not any("Do not raise the tolerance" in sentence for sentence in report.explanation)
    wider = DEFAULT.model_copy(update={"probabilities": Tolerance(atol=2.4e-7, rtol=1e-5)})
    assert checked(model, converted, values, CheckOptions(tolerances=wider)).passed


def test_a_forest_that_forgets_where_missing_values_go_fails_and_is_explained(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    from sklearn.ensemble import RandomForestClassifier

    values, labels = data
    values = values.astype(np.float32)
    values[np.random.default_rng(1).random(values.shape) < 0.05] = np.nan
    model = RandomForestClassifier(15, max_depth=5, random_state=0).fit(values, labels)
    report = checked(model, converted_by_skl2onnx(model), values)
    assert not report.passed
    assert any("missing" in sentence for sentence in report.explanation[:2])


def test_a_bare_forest_passes(data: tuple[np.ndarray, np.ndarray]) -> None:
    """The signature forbids missing values: there the converter is exact but for ties of votes."""
    from sklearn.tree import DecisionTreeClassifier

    values, labels = data
    values = values.astype(np.float32)
    model = DecisionTreeClassifier(max_depth=6, random_state=0).fit(values, labels)
    converted = converted_by_skl2onnx(model)
    signature = models.matrix_signature(NAMES, models.CLASSIFIED)
    inputs = tuple(column.model_copy(update={"missing": Missing(allowed=False)}) for column in signature.inputs)

    def source(rows: Rows) -> dict[str, np.ndarray]:
        matrix = np.stack([rows.columns[name] for name in NAMES], axis=1)
        return {"label": model.predict(matrix).astype(np.int64), "probabilities": model.predict_proba(matrix)}

    artifact = models.artifact_of(converted, signature.model_copy(update={"inputs": inputs}), accepted=INFINITE)
    report = check(source, artifact, rows_of(values))
    assert report.passed, report.explanation
    assert report.probes["threshold"] > 60
