"""Random small models on random data: the check passes, or the exporter refuses; there is nothing in between."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnxport.artifacts import PostProcessing, Refusal, SourceModel, SourceReference
from onnxport.exporters import ExportOptions, export
from onnxport.sources import rows_of, scorer
from onnxport.validation import CheckOptions, check
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, QuantileTransformer, StandardScaler
from xgboost import XGBClassifier, XGBRegressor

FEW = {"n_jobs": 1, "random_state": 0}
SCALERS = [StandardScaler, MinMaxScaler, lambda: QuantileTransformer(n_quantiles=20)]
ENCODERS = [
    lambda: OneHotEncoder(handle_unknown="ignore"),
    lambda: OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5, sparse_output=False),
    lambda: OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
]
MODELS = [
    lambda: XGBClassifier(n_estimators=8, max_depth=3, **FEW),
    lambda: XGBRegressor(n_estimators=8, max_depth=3, **FEW),
    lambda: RandomForestClassifier(n_estimators=6, max_depth=4, **FEW),
    lambda: GradientBoostingRegressor(n_estimators=6, random_state=0),
    lambda: HistGradientBoostingClassifier(max_iter=6, random_state=0),
    LogisticRegression,
    Ridge,
    lambda: CalibratedClassifierCV(XGBClassifier(n_estimators=4, max_depth=2, **FEW), method="isotonic", cv=2),
]


@st.composite
def fitted(draw: st.DrawFn) -> tuple[Any, pd.DataFrame]:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = draw(st.integers(80, 160))
    scale = 10.0 ** draw(st.integers(-3, 7))
    frame = pd.DataFrame(random.normal(scale, scale, size=(rows, 3)), columns=["f3", "f1", "Umsatz in €"])
    frame["count"] = random.integers(0, 9, rows)
    frame["region"] = random.choice(["nord", "süd", "ost", ""], rows)
    frame.iloc[random.integers(0, rows, draw(st.integers(0, 10))), 0] = np.nan
    numbers = make_pipeline(
        SimpleImputer(strategy=draw(st.sampled_from(["mean", "median"]))), draw(st.sampled_from(SCALERS))()
    )
    columns = make_column_transformer(
        (numbers, ["f3", "f1", "Umsatz in €", "count"]),
        (draw(st.sampled_from(ENCODERS))(), ["region"]),
        sparse_threshold=draw(st.sampled_from([0.0, 0.3, 1.0])),
    )
    model = make_pipeline(columns, draw(st.sampled_from(MODELS))())
    target = random.integers(0, 2, rows)
    target[:4] = [0, 1, 0, 1]
    return model.fit(frame, target), frame


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(fitted())
def test_a_random_model_is_proven_or_refused(drawn: tuple[Any, pd.DataFrame]) -> None:
    model, frame = drawn
    reference = SourceReference(uri="model.joblib", kind="joblib", sha256="0" * 64)
    source = SourceModel(reference=reference, model=model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        artifact = export(source, frame, ExportOptions())
        if isinstance(artifact, Refusal):
            assert artifact.reason
            assert artifact.instead
            return
        predict = scorer(source, frame, artifact.conversion.signature, PostProcessing())
        report = check(predict, artifact, rows_of(frame), CheckOptions(threshold_rows=3000))
    assert report.passed, report.explanation
