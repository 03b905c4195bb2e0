"""The engine: proven alike first, then the faster one; what was asked for is done or refused."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from onnxport.artifacts import SOURCE_FILE, ParityFailed, ReleaseRef, UnsupportedModel, UsageError
from onnxport.pipelines.scoring import choice, engines
from onnxport.sources import open_xgboost, save_xgboost

from tests.scoring.conftest import FEATURES, export_job, make_frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.scoring.conftest import Shop


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    make_frame(2000).to_parquet(tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


def test_a_release_carries_its_booster_on_request_only(shop: Shop) -> None:
    for name, carried in (("risk", True), ("plain", False)):
        manifest = shop.releases.resolve(ReleaseRef.parse(name))
        assert any(entry.name == SOURCE_FILE for entry in manifest.files) is carried


@pytest.mark.parametrize("engine", ["onnx", "xgboost"])
def test_both_engines_give_the_models_own_answer(
    shop: Shop, score: Callable[..., Any], rows: Path, engine: str
) -> None:
    scored = score("risk", rows, engine=engine)
    assert (scored.manifest.engine.name, scored.manifest.engine.why) == (engine, "asked for")
    found = pd.read_parquet(rows.parent / "out.parquet")["prediction"]
    np.testing.assert_allclose(found, shop.risk.predict(make_frame(2000)[list(FEATURES)]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("faster", ["onnx", "xgboost"])
def test_the_faster_engine_is_chosen_and_the_manifest_says_why(
    score: Callable[..., Any], rows: Path, monkeypatch: pytest.MonkeyPatch, faster: str
) -> None:
    speeds = itertools.cycle([2000, 1000] if faster == "onnx" else [1000, 2000])
    monkeypatch.setattr(choice, "_speed", lambda *_: next(speeds))
    engine = score("risk", rows).manifest.engine
    assert engine.name == faster
    assert engine.proven_rows > 2000
    assert "both answer alike; 2,000 rows/s on one thread against 1,000" in engine.why


def test_an_engine_that_answers_otherwise_is_left_out_or_refused(
    score: Callable[..., Any], rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Off(engines.BoosterEngine):
        def __call__(self, rows: Any, /) -> Any:
            return {name: values + 0.01 for name, values in super().__call__(rows).items()}

    monkeypatch.setattr(engines, "BoosterEngine", Off)
    engine = score("risk", rows).manifest.engine
    assert engine.name == "onnx"
    assert "left out: prediction of row 0" in engine.why
    with pytest.raises(ParityFailed, match="the engine xgboost cannot be used: prediction of row 0"):
        score("risk", rows, out="other.parquet", engine="xgboost")


def test_an_engine_that_differs_on_the_data_alone_is_left_out(
    score: Callable[..., Any], rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Off(engines.BoosterEngine):
        def __call__(self, rows: Any, /) -> Any:
            outputs = super().__call__(rows)
            if len(rows) > 1000:
                outputs["prediction"][1000] += 1
            return outputs

    monkeypatch.setattr(engines, "BoosterEngine", Off)
    engine = score("risk", rows).manifest.engine
    assert engine.name == "onnx"
    assert "prediction differs in 1 of 2000 rows, at most 1, first in row 1000" in engine.why


def test_without_the_booster_xgboost_is_refused_with_the_way_to_get_it(
    score: Callable[..., Any], rows: Path
) -> None:
    with pytest.raises(UsageError) as refused:
        score("plain", rows, engine="xgboost")
    assert "the release carries no source.ubj" in refused.value.message
    assert "--with-source" in refused.value.hint


def test_without_xgboost_the_graph_answers(
    score: Callable[..., Any], rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda _: None)
    assert score("risk", rows).manifest.engine.why == "xgboost is not installed"


@pytest.mark.parametrize("kind", ["binary", "three classes", "early stopping", "dart", "booster"])
def test_the_booster_in_the_release_answers_as_its_model(kind: str) -> None:
    import xgboost
    from onnxport.artifacts import Refusal, SourceModel, SourceReference
    from onnxport.exporters import ExportOptions, export
    from onnxport.sources import rows_of

    frame = make_frame(600)
    data, target = frame[list(FEATURES)], frame["amount"].fillna(0)
    options: dict[str, Any] = {"n_estimators": 15, "max_depth": 3, "n_jobs": 1, "random_state": 0}
    if kind in {"binary", "three classes"}:
        labels = np.digitize(target, [0.2] if kind == "binary" else [-0.5, 0.5])
        model: Any = xgboost.XGBClassifier(**options).fit(data, labels)
    elif kind == "early stopping":
        model = xgboost.XGBRegressor(**options, early_stopping_rounds=1, learning_rate=1.5)
        model.fit(data, target, eval_set=[(data[::-1], target)], verbose=False)
        assert model.best_iteration < 14
    else:
        booster = "dart" if kind == "dart" else "gbtree"
        model = xgboost.XGBRegressor(**options, booster=booster).fit(data, target)
        model = model.get_booster() if kind == "booster" else model
    reference = SourceReference(uri="model.ubj", kind="xgboost", sha256="0" * 64)
    artifact = export(SourceModel(reference=reference, model=model), data, ExportOptions())
    assert not isinstance(artifact, Refusal)
    conversion = artifact.conversion
    engine = engines.BoosterEngine(save_xgboost(model), conversion.signature, conversion.plan.post)
    found = engine(rows_of(data))
    from onnxport.validation import LocalGraph, outputs_agree

    graph = LocalGraph(artifact.model, conversion.signature)(rows_of(data))
    assert outputs_agree(graph, found, replace_tolerances()) == ()


def replace_tolerances() -> Any:
    """The default tolerances, with no scaled part: the answers here are near one."""
    from onnxport.validation import default_tolerances

    default = default_tolerances()
    return default.model_copy(update={"prediction": default.prediction.model_copy(update={"scaled": False})})


def test_what_no_file_of_xgboost_keeps_is_refused() -> None:
    import xgboost
    from sklearn.linear_model import LinearRegression

    data = make_frame(50)[list(FEATURES)].fillna(0)
    with pytest.raises(UnsupportedModel, match="LinearRegression is no model of XGBoost alone"):
        save_xgboost(LinearRegression().fit(data, data["amount"]))
    with pytest.raises(UnsupportedModel, match="0 counts as missing"):
        save_xgboost(xgboost.XGBRegressor(n_estimators=1, missing=0).fit(data, data["amount"]))


def test_the_file_opens_as_what_it_was(shop: Shop) -> None:
    import xgboost

    assert isinstance(open_xgboost(save_xgboost(shop.plain), "x"), xgboost.XGBClassifier)
    assert type(open_xgboost(save_xgboost(shop.plain.get_booster()), "x")) is xgboost.Booster


def test_a_booster_that_answers_otherwise_is_not_published(shop: Shop) -> None:
    from onnxport.artifacts import Silent
    from onnxport.exporters import ExportOptions
    from onnxport.pipelines.convert import convert
    from onnxport.pipelines.limits import Limits
    from onnxport.pipelines.opened import open_source
    from onnxport.pipelines.proof import prove
    from onnxport.pipelines.publish import publish
    from onnxport.sources import SourceAccess
    from onnxport.validation import CheckOptions

    source, sample = str(shop.folder / "risk.ubj"), shop.folder / "sample.parquet"
    with open_source(source, sample, SourceAccess()) as opened:
        artifact = convert(opened, ExportOptions())
        proof = prove(opened, artifact, CheckOptions(), Silent())
    other = shop.risk.get_booster()[:5].save_raw("ubj")
    with pytest.raises(ParityFailed, match="XGBoost's own predictor does not answer its golden rows"):
        publish("risk", artifact, proof, replace(shop.releases), limits=Limits(), booster=bytes(other))


def test_a_release_without_the_booster_is_another_one_than_with_it(shop: Shop) -> None:
    from onnxport.artifacts import Silent
    from onnxport.pipelines.export import export

    releases = [
        export(export_job(shop.folder, "plain", "twice", with_source=with_source), shop.releases, Silent()).release
        for with_source in (False, True, True)
    ]
    assert [release.manifest.model.version for release in releases] == [1, 2, 2]
    assert [release.created for release in releases] == [True, True, False]
