"""Bad input: each its own clear error and exit code, and nothing is written."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


class Marker:
    """Unpickling this writes a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("ran"),)


def refused(done: Any, code: int, *said: str) -> None:
    assert done.code == code, done.err
    message = done.document["error"]["message"]
    for text in said:
        assert text in message, message
    assert "Traceback" not in done.err
    assert not Path("store").exists()
    assert not Path("kept").exists()


@pytest.fixture
def export(legacy: Any, onnxport: Callable[..., Any]) -> Callable[..., Any]:
    def call(source: object, *options: object, sample: object = None) -> Any:
        rows = legacy.sample if sample is None else sample
        arguments = ["export", source, "--name", "model", "--sample", rows, "--store", "store", "--out", "kept"]
        return onnxport(*arguments, "--json", *options)

    return call


def test_a_pickle_is_not_opened_without_consent(export: Callable[..., Any]) -> None:
    Path("model.joblib").write_bytes(pickle.dumps(Marker()))
    refused(export("model.joblib"), 5, "model.joblib")
    assert not Path("ran").exists()


def test_a_hostile_pickle_is_not_opened_with_consent_either(export: Callable[..., Any]) -> None:
    Path("model.joblib").write_bytes(pickle.dumps(Marker()))
    refused(export("model.joblib", "--allow-pickle"), 5, "pathlib")
    assert not Path("ran").exists()


def test_a_missing_column_is_named(legacy: Any, export: Callable[..., Any]) -> None:
    pd.read_parquet(legacy.sample).drop(columns=["amount", "sentiment_score"]).to_parquet("rows.parquet")
    refused(export(legacy.booster, sample="rows.parquet"), 2, "'amount'", "'sentiment_score'")


def test_an_empty_sample_is_refused(legacy: Any, export: Callable[..., Any]) -> None:
    pd.read_parquet(legacy.sample).head(0).to_parquet("rows.parquet")
    refused(export(legacy.booster, sample="rows.parquet"), 2, "rows.parquet")


def test_a_sample_that_is_not_there_is_refused(legacy: Any, export: Callable[..., Any]) -> None:
    refused(export(legacy.booster, sample="nowhere.parquet"), 2, "nowhere.parquet")


def test_a_text_file_named_json_is_no_model(export: Callable[..., Any]) -> None:
    Path("model.json").write_text("hello")
    refused(export("model.json"), 2, "model.json")


def test_an_empty_file_is_no_model(export: Callable[..., Any]) -> None:
    Path("model.ubj").write_bytes(b"")
    refused(export("model.ubj"), 2, "model.ubj")


def test_a_truncated_ubj_is_no_model(legacy: Any, export: Callable[..., Any]) -> None:
    import xgboost

    whole = xgboost.Booster(model_file=str(legacy.booster)).save_raw("ubj")
    Path("model.ubj").write_bytes(bytes(whole[: len(whole) // 2]))
    refused(export("model.ubj"), 2, "model.ubj")


def test_a_source_that_is_not_there_is_refused(export: Callable[..., Any]) -> None:
    refused(export("nowhere.ubj"), 2, "nowhere.ubj")


def test_an_unknown_store_scheme_is_refused(legacy: Any, export: Callable[..., Any]) -> None:
    refused(export(legacy.booster, "--store", "s3://bucket/models"), 2, "s3")


def test_a_name_that_cannot_name_a_model_is_refused_first(legacy: Any, export: Callable[..., Any]) -> None:
    refused(export(legacy.booster, "--name", "../model"), 2, "'../model'")


def test_a_model_that_is_not_supported_is_refused_with_its_step(legacy: Any, export: Callable[..., Any]) -> None:
    import joblib
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler
    from xgboost import XGBClassifier

    frame = pd.read_parquet(legacy.sample)
    pipeline = make_pipeline(
        StandardScaler(),
        FunctionTransformer(pd.DataFrame.rank, check_inverse=False).set_output(transform="pandas"),
        XGBClassifier(n_estimators=2),
    )
    numbers = frame[["amount", "days_to_close"]].fillna(0.0)
    pipeline.set_output(transform="pandas").fit(numbers, frame["target_win"])
    joblib.dump(pipeline, "model.joblib")
    done = export("model.joblib", "--allow-pickle")
    assert done.code in {4, 5}, done.err
    assert "functiontransformer" in done.document["error"]["message"].lower() or done.code == 5


def test_a_store_that_does_not_answer_exits_6_in_bounded_time(
    legacy: Any,
    export: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "bm90IGEga2V5")
    done = export(legacy.booster, "--store", "http://127.0.0.1:9/account/container", "--out", "elsewhere")
    refused(done, 6, "127.0.0.1:9")
