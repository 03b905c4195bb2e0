from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import xgboost
from onnxport.artifacts import (
    InputColumn,
    Missing,
    OutputTensor,
    PostProcessing,
    Rows,
    Signature,
    SourceModel,
    SourceReference,
    UnsupportedModel,
    UsageError,
)
from onnxport.sources import rows_of, scorer

from .conftest import FEATURES

if TYPE_CHECKING:
    from onnxport.artifacts import Dtype, Predict

    from .conftest import Models

PREDICTION = OutputTensor(name="prediction", dtype="float32", shape=(None,))
LABEL = OutputTensor(name="label", dtype="int64", shape=(None,), classes=(0, 1))
PROBABILITIES = OutputTensor(name="probabilities", dtype="float32", shape=(None, 2), classes=(0, 1))


def _signature(columns: list[str], *outputs: OutputTensor) -> Signature:
    dtype: Dtype = "float32"
    inputs = tuple(
        InputColumn(
            name=name, tensor="features", dtype=dtype, shape=(None, len(columns)), missing=Missing(allowed=True)
        )
        for name in columns
    )
    return Signature(layout="matrix", inputs=inputs, outputs=outputs)


def _scorer(
    model: Any, frame: pd.DataFrame, *outputs: OutputTensor, clip: tuple[float, float] | None = None
) -> Predict:
    reference = SourceReference(uri="model", kind="joblib", sha256="0" * 64)
    source = SourceModel(reference=reference, model=model)
    return scorer(source, frame, _signature(list(frame.columns), *outputs), PostProcessing(clip=clip))


def test_a_booster_answers_as_booster_predict_does(models: Models, table: pd.DataFrame) -> None:
    rows = table[FEATURES]
    answer = _scorer(models.booster, rows, PREDICTION)(rows_of(rows))["prediction"]
    assert answer.dtype == np.float32
    assert np.array_equal(answer, models.booster.predict(xgboost.DMatrix(rows)))


@pytest.mark.parametrize("kind", ["classifier", "calibrated", "pipeline"])
def test_a_classifier_answers_with_its_labels_and_probabilities(
    kind: str, models: Models, table: pd.DataFrame
) -> None:
    rows, model = table[FEATURES], getattr(models, kind)
    answer = _scorer(model, rows, LABEL, PROBABILITIES)(rows_of(rows))
    assert answer["label"].dtype == np.int64
    assert np.array_equal(answer["label"], model.predict(rows))
    assert np.array_equal(answer["probabilities"], model.predict_proba(rows))


def test_a_regressor_answers_in_its_own_precision(models: Models, table: pd.DataFrame) -> None:
    from sklearn.linear_model import LinearRegression

    rows = table[FEATURES].fillna(0)
    linear = LinearRegression().fit(rows, table["risk"])
    assert _scorer(linear, rows, PREDICTION)(rows_of(rows))["prediction"].dtype == np.float64
    assert _scorer(models.regressor, rows, PREDICTION)(rows_of(rows))["prediction"].dtype == np.float32


def test_string_labels_stay_strings(table: pd.DataFrame) -> None:
    from sklearn.tree import DecisionTreeClassifier

    names = np.where(table["won"] == 1, "gewonnen", "verloren")
    model = DecisionTreeClassifier(max_depth=2).fit(table[["f1", "f3"]], names)
    label = OutputTensor(name="label", dtype="string", shape=(None,), classes=("gewonnen", "verloren"))
    answer = _scorer(model, table[["f1", "f3"]], label)(rows_of(table[["f1", "f3"]]))["label"]
    assert answer.dtype == object
    assert answer.tolist() == model.predict(table[["f1", "f3"]]).tolist()


def test_rows_are_found_by_name(models: Models, table: pd.DataFrame) -> None:
    rows = rows_of(table[FEATURES])
    backwards = Rows(columns=dict(reversed(list(rows.columns.items()))))
    predict = _scorer(models.booster, table[FEATURES], PREDICTION)
    assert np.array_equal(predict(rows)["prediction"], predict(backwards)["prediction"])


def test_a_missing_column_is_an_error(models: Models, table: pd.DataFrame) -> None:
    predict = _scorer(models.booster, table[FEATURES], PREDICTION)
    with pytest.raises(UsageError, match="'f1'"):
        predict(rows_of(table[FEATURES[:-1]]))


@pytest.mark.parametrize("output", [PREDICTION, PROBABILITIES, LABEL])
def test_an_empty_batch_has_an_empty_answer_of_the_right_shape(
    output: OutputTensor, models: Models, table: pd.DataFrame
) -> None:
    model = models.regressor if output is PREDICTION else models.calibrated
    answer = _scorer(model, table[FEATURES], output)(rows_of(table[FEATURES]).take(slice(0, 0)))[output.name]
    assert answer.shape == ((0, 2) if output is PROBABILITIES else (0,))


def test_clipping_bounds_scores_and_keeps_nan() -> None:
    class Passing:
        def predict(self, rows: pd.DataFrame) -> Any:
            return rows["x"].to_numpy()

    frame = pd.DataFrame({"x": [-1.0, 0.5, 2.0, np.nan]})
    answer = _scorer(Passing(), frame, PREDICTION, clip=(0, 1))(rows_of(frame))["prediction"]
    assert np.array_equal(answer, [0.0, 0.5, 1.0, np.nan], equal_nan=True)


def test_an_output_that_the_model_does_not_have_is_refused(models: Models, table: pd.DataFrame) -> None:
    with pytest.raises(UnsupportedModel, match="probabilities"):
        _scorer(models.regressor, table[FEATURES], PROBABILITIES)


def test_what_the_model_raises_comes_through(models: Models, table: pd.DataFrame) -> None:
    rows = rows_of(table[FEATURES])
    infinite = rows_of(table[FEATURES].fillna(0)).with_columns({"f1": np.full(len(rows), np.inf)})
    with pytest.raises(ValueError, match="infinity"):
        _scorer(models.logistic, table[FEATURES], LABEL)(infinite)


class Recorder:
    """An estimator that keeps the frame that it was asked about."""

    asked: pd.DataFrame

    def predict(self, rows: pd.DataFrame) -> Any:
        self.asked = rows
        return np.zeros(len(rows), dtype=np.float32)


def _asked(frame: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    recorder = Recorder()
    _scorer(recorder, frame, PREDICTION)(rows)
    return recorder.asked


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([1.5, 2.5], dtype="float32"),
        pd.Series([1.5, np.nan], dtype="float64"),
        pd.Series([1, 2], dtype="int64"),
        pd.Series([1, 2], dtype="int8"),
        pd.Series([True, False]),
        pd.Series([1, None], dtype="Int64"),
        pd.Series([0.5, None], dtype="Float64"),
        pd.Series([True, None], dtype="boolean"),
        pd.Series(["a", None], dtype="str"),
        pd.Series(["a", None], dtype="object"),
        pd.Series(["a", np.nan], dtype="object"),
        pd.Series(["b", "a"], dtype=pd.CategoricalDtype(["b", "a", "unused"], ordered=True)),
        pd.Series([3, 1], dtype="category"),
    ],
    ids=lambda series: str(series.dtype),
)
def test_rows_reach_the_model_with_the_dtypes_of_its_data(series: Any) -> None:
    frame = pd.DataFrame({"x": series})
    pd.testing.assert_frame_equal(_asked(frame, rows_of(frame)), frame)


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("int64", [0.5, 1.0]),
        ("int64", [np.nan, 1.0]),
        ("int64", [np.inf, 1.0]),
        ("bool", [2, 0]),
        ("Int64", [0.5, 1.0]),
    ],
)
def test_a_value_that_the_dtype_cannot_hold_keeps_its_own(dtype: str, values: list[float]) -> None:
    frame = pd.DataFrame({"x": pd.Series([1, 0], dtype=dtype)})
    asked = _asked(frame, Rows(columns={"x": np.array(values)}))
    assert np.array_equal(asked["x"].to_numpy(dtype=float), values, equal_nan=True)


def test_an_unknown_category_is_a_missing_value() -> None:
    frame = pd.DataFrame({"x": pd.Series(["a", "b"], dtype="category")})
    asked = _asked(frame, Rows(columns={"x": np.array(["b", "never seen"], dtype=object)}))
    assert asked["x"].cat.codes.tolist() == [1, -1]


def test_categories_answer_as_in_the_frame_that_trained_them(table: pd.DataFrame) -> None:
    random = np.random.default_rng(2)
    frame = pd.DataFrame(
        {
            "n": table["f1"],
            "c": pd.Series(random.choice(["x", "y", "z", None], 600), dtype="category"),
        }
    )
    model = xgboost.XGBRegressor(n_estimators=3, enable_categorical=True, n_jobs=1).fit(frame, table["risk"])
    booster = model.get_booster()
    rows = rows_of(frame)
    expected = model.predict(frame)
    assert np.array_equal(_scorer(model, frame, PREDICTION)(rows)["prediction"], expected)
    assert np.array_equal(_scorer(booster, frame, PREDICTION)(rows)["prediction"], expected)
    head = frame.head(5)
    assert np.array_equal(_scorer(booster, head, PREDICTION)(rows.take(slice(0, 5)))["prediction"], expected[:5])


def test_a_model_without_names_answers_whatever_the_columns_are_called(table: pd.DataFrame) -> None:
    rows = table[FEATURES]
    matrix = rows.to_numpy()
    wrapper = xgboost.XGBRegressor(n_estimators=3, n_jobs=1).fit(matrix, table["risk"])
    expected = wrapper.predict(matrix)
    for model in (wrapper, wrapper.get_booster()):
        assert np.array_equal(_scorer(model, rows, PREDICTION)(rows_of(rows))["prediction"], expected)


def test_nothing_is_written_to_the_screen(
    models: Models, table: pd.DataFrame, capfd: pytest.CaptureFixture[str]
) -> None:
    from sklearn.linear_model import LinearRegression

    rows = table[FEATURES].fillna(0)
    nameless = LinearRegression().fit(rows.to_numpy(), table["risk"])  # warns when it is given names
    _scorer(nameless, rows, PREDICTION)(rows_of(rows))
    _scorer(models.classifier, rows, LABEL, PROBABILITIES)(rows_of(rows))
    assert capfd.readouterr() == ("", "")
