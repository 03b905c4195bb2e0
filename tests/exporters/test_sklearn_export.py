"""What an exported scikit-learn model says about itself, and how one is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from exporting import REFERENCE, exported, refusal, session
from onnxport.artifacts import SourceModel, UsageError
from onnxport.exporters import ExportOptions
from onnxport.exporters.from_sklearn import export
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import DBSCAN
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn_data import NUMBERS, TEXTS, TRAINED, frame
from sklearn_parity import compare, feeds
from xgboost import XGBClassifier


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return frame()


@pytest.fixture(scope="module")
def scaled(data: pd.DataFrame) -> Pipeline:
    model = make_pipeline(StandardScaler(), XGBClassifier(n_estimators=40, max_depth=6, random_state=0, n_jobs=1))
    return model.fit(data[NUMBERS][:TRAINED], data["win"][:TRAINED])


@pytest.fixture(scope="module")
def mixed(data: pd.DataFrame) -> Pipeline:
    encoder = ColumnTransformer(
        [("texts", OneHotEncoder(handle_unknown="ignore"), TEXTS)], remainder="passthrough"
    )
    model = make_pipeline(encoder, XGBClassifier(n_estimators=10, random_state=0, n_jobs=1))
    return model.fit(data[[*NUMBERS, *TEXTS]][:TRAINED], data["win"][:TRAINED])


def test_a_scaler_of_large_numbers_before_xgboost_leaves_no_row_out_of_tolerance(
    scaled: Pipeline, data: pd.DataFrame
) -> None:
    compared = compare(scaled, data[NUMBERS][:TRAINED], data[NUMBERS])
    assert compared.wrong == 0
    assert compared.worst < 1e-6


def test_a_float32_scaler_would_be_wrong_on_the_same_rows(scaled: Pipeline, data: pd.DataFrame) -> None:
    """The comparison can fail: what other converters do is off on some rows."""
    single = StandardScaler().fit(data[NUMBERS][:TRAINED])
    rows = data[NUMBERS].to_numpy(dtype=np.float32)
    shifted = (rows - single.mean_.astype(np.float32)) / single.scale_.astype(np.float32)
    off = scaled[-1].predict_proba(shifted) - scaled.predict_proba(data[NUMBERS])
    assert (np.abs(off) > 1e-5).any(axis=1).sum() > 5


def test_numbers_enter_as_one_matrix_of_float64(scaled: Pipeline, data: pd.DataFrame) -> None:
    signature = exported(scaled, data[NUMBERS][:TRAINED]).conversion.signature
    assert signature.layout == "matrix"
    assert signature.columns == tuple(NUMBERS)
    assert {column.dtype for column in signature.inputs} == {"float64"}
    assert [output.name for output in signature.outputs] == ["label", "probabilities"]


def test_strings_enter_as_strings_under_their_own_names(mixed: Pipeline, data: pd.DataFrame) -> None:
    signature = exported(mixed, data[[*NUMBERS, *TEXTS]][:TRAINED]).conversion.signature
    assert signature.layout == "columns"
    assert [column.tensor for column in signature.inputs] == [*NUMBERS, *TEXTS]
    city = signature.inputs[-1]
    assert (city.dtype, city.shape, city.missing.allowed) == ("string", (None, 1), True)
    assert city.missing.encoding not in set(data["city"])


def test_the_plan_names_every_step_with_its_precision(scaled: Pipeline, data: pd.DataFrame) -> None:
    plan = exported(scaled, data[NUMBERS][:TRAINED]).conversion.plan
    found = {step.path: (step.estimator.rpartition(".")[2], step.precision) for step in plan.steps}
    assert found["model.standardscaler"] == ("StandardScaler", "float64")
    assert found["model.xgbclassifier"] == ("XGBClassifier", "float32")
    assert plan.exporter == "sklearn"


def test_columns_say_whether_the_source_takes_missing_values(data: pd.DataFrame) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression())
    rows = data[["amount", "f3"]][:TRAINED]
    refusing = exported(model.fit(rows, data["win"][:TRAINED]), rows).conversion.signature
    forest = RandomForestClassifier(4, random_state=0).fit(data[NUMBERS][:TRAINED], data["win"][:TRAINED])
    taking = exported(forest, data[NUMBERS][:TRAINED]).conversion.signature
    assert [column.missing.allowed for column in refusing.inputs] == [False, False]
    assert all(column.missing.allowed for column in taking.inputs)


def test_the_plan_accepts_only_what_the_source_refuses(scaled: Pipeline, data: pd.DataFrame) -> None:
    plan = exported(scaled, data[NUMBERS][:TRAINED]).conversion.plan
    assert any(entry.startswith("infinite:") for entry in plan.accepted)
    assert not any(entry.startswith("missing") for entry in plan.accepted)


@pytest.mark.parametrize("classes", [["no", "yes"], [2, 7], [1.0, 2.0], [False, True]], ids=str)
def test_labels_are_the_models_own_classes(classes: list[Any], data: pd.DataFrame) -> None:
    rows, target = data[["f3", "f1"]][:TRAINED], np.array(classes)[data["win"][:TRAINED]]
    model = LogisticRegression().fit(rows, target)
    artifact = exported(model, rows)
    found = session(artifact.model).run(["label"], feeds(artifact, rows))[0]
    assert found.tolist() == model.predict(rows).tolist()
    assert artifact.conversion.signature.outputs[0].classes == tuple(classes)


def test_one_row_answers_as_in_a_batch(mixed: Pipeline, data: pd.DataFrame) -> None:
    rows = data[[*NUMBERS, *TEXTS]][TRAINED : TRAINED + 50]
    artifact = exported(mixed, data[[*NUMBERS, *TEXTS]][:TRAINED])
    running = session(artifact.model)
    whole = running.run(["probabilities"], feeds(artifact, rows))[0]
    alone = [running.run(["probabilities"], feeds(artifact, rows.iloc[[index]]))[0] for index in range(len(rows))]
    np.testing.assert_array_equal(whole, np.concatenate(alone))


_TWICE = """
import sys; sys.path.insert(0, sys.argv[1])
from sklearn_data import NUMBERS, TEXTS, TRAINED, frame
from exporting import exported
from sklearn_wholes import cases
data = frame()
model, columns, target = cases()["calibrated pipeline of mixed columns"]
model.fit(data[columns][:TRAINED], data[target][:TRAINED])
print(exported(model, data[columns][:TRAINED]).conversion.sha256)
"""


def test_two_processes_write_the_same_bytes() -> None:
    folder = str(Path(__file__).parent)
    digests = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _TWICE, folder], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert digests[0] == digests[1]
    assert len(digests[0].strip()) == 64


def test_the_oldest_runtime_bounds_the_opset(scaled: Pipeline, data: pd.DataFrame) -> None:
    source = SourceModel(reference=REFERENCE, model=scaled)
    artifact = export(source, data[NUMBERS][:TRAINED], ExportOptions(runtime="onnxruntime>=1.14"))
    assert artifact.conversion.graph.opsets[""] == 18  # type: ignore[union-attr]
    assert onnxruntime.InferenceSession(artifact.model, providers=["CPUExecutionProvider"])  # type: ignore[union-attr]


class Doubled(StandardScaler):
    """A scaler that does something else."""

    def transform(self, X: Any, copy: bool | None = None) -> Any:  # ruff: ignore[N803] - scikit-learn's own name
        return 2 * super().transform(X, copy)


class Plain(StandardScaler):
    """A scaler by another name."""


class Unknown(TransformerMixin, BaseEstimator):
    """A transformer of the project's own."""

    def fit(self, X: Any, y: Any = None) -> Unknown:  # ruff: ignore[ARG002, N803] - scikit-learn's own names
        return self

    def transform(self, X: Any) -> Any:  # ruff: ignore[N803] - scikit-learn's own name
        return X


def _refused(step: Any, data: pd.DataFrame) -> Any:
    rows = data[["amount", "f3"]][:TRAINED]
    return refusal(Pipeline([("step", step), ("last", Ridge())]).fit(rows, data["value"][:TRAINED]), rows)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (FunctionTransformer(lambda x: x + 1), "code of the project's own"),
        (FunctionTransformer(np.cumsum), "code of the project's own"),
        (Doubled(), "Doubled changes transform of StandardScaler"),
        (Unknown(), "Unknown has no exact converter"),
    ],
    ids=["lambda", "numpy function of whole columns", "overridden", "own class"],
)
def test_a_step_without_an_exact_converter_is_refused_with_path_and_way_out(
    step: Any, reason: str, data: pd.DataFrame
) -> None:
    refused = _refused(step, data)
    assert refused.step == "model.step"
    assert reason in refused.reason
    assert refused.instead


def test_a_subclass_that_changes_nothing_is_its_parent(data: pd.DataFrame) -> None:
    rows = data[["amount", "f3"]]
    model = make_pipeline(Plain(), Ridge()).fit(rows[:TRAINED], data["value"][:TRAINED])
    assert compare(model, rows[:TRAINED], rows[TRAINED:]).wrong == 0


def test_probabilities_of_support_vectors_are_refused_with_the_way_out(data: pd.DataFrame) -> None:
    rows = data[["f3", "f1"]][:TRAINED]
    with pytest.warns(FutureWarning, match="probability"):
        model = SVC(probability=True).fit(rows, data["win"][:TRAINED])
    assert "CalibratedClassifierCV" in refusal(model, rows).instead


def test_a_model_without_predict_is_refused(data: pd.DataFrame) -> None:
    rows = data[["f3", "f1"]][:TRAINED]
    assert "no predict" in refusal(DBSCAN().fit(rows), rows).reason


def test_a_sample_with_other_columns_is_a_usage_error(scaled: Pipeline, data: pd.DataFrame) -> None:
    source = SourceModel(reference=REFERENCE, model=scaled)
    with pytest.raises(UsageError, match="the sample has 'f1'"):
        export(source, data[NUMBERS[::-1]][:TRAINED], ExportOptions())


def test_dates_are_refused_by_column(data: pd.DataFrame) -> None:
    rows = pd.DataFrame({"when": pd.to_datetime(data["epoch"][:TRAINED], unit="s")})
    model = LogisticRegression().fit(data[["f3"]][:TRAINED].to_numpy(), data["win"][:TRAINED])
    assert refusal(model, rows).step == "column 'when'"


def test_a_class_that_a_fold_has_not_seen_is_refused(data: pd.DataFrame) -> None:
    rows, target = data[["f3", "f1"]][:TRAINED], data["class"][:TRAINED]
    model = CalibratedClassifierCV(LogisticRegression(), cv=3).fit(rows, target)
    seen = LogisticRegression().fit(rows[target != 2], target[target != 2])
    model.calibrated_classifiers_[1].estimator = seen
    refused = refusal(model, rows)
    assert refused.step == "model.calibrated_classifiers_[1]"


def test_the_digest_and_the_packages_stand_in_the_conversion(scaled: Pipeline, data: pd.DataFrame) -> None:
    conversion = exported(scaled, data[NUMBERS][:TRAINED]).conversion
    assert {"onnx", "scikit-learn", "xgboost"} <= set(conversion.packages)
    assert json.loads(conversion.to_bytes())["sha256"] == conversion.sha256
