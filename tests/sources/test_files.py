from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import pytest
import skops.io
from onnxport.artifacts import SourceModel, UntrustedModel, UsageError, digest_file
from onnxport.sources import SourceAccess, fetch, load

from .conftest import FEATURES

if TYPE_CHECKING:
    from .conftest import Models


def _bundle(models: Models) -> dict[str, Any]:
    return {"model": models.calibrated, "feature_columns": FEATURES}


def test_a_bundle_gives_its_model_and_its_columns(models: Models, pickles: SourceAccess) -> None:
    joblib.dump(_bundle(models), "bundle.joblib")
    source = load("bundle.joblib", pickles)
    assert type(source.model) is type(models.calibrated)
    assert source.feature_columns == tuple(FEATURES)


def test_a_bundle_may_name_its_columns_with_a_pandas_index(
    models: Models, pickles: SourceAccess, table: Any
) -> None:
    joblib.dump({"model": models.logistic, "feature_columns": table[FEATURES].columns}, "bundle.joblib")
    assert load("bundle.joblib", pickles).feature_columns == tuple(FEATURES)


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3), ("zlib", 3)])
def test_joblib_files_open_in_every_compression(
    compress: Any, models: Models, pickles: SourceAccess, table: Any
) -> None:
    joblib.dump(models.calibrated, "model.joblib", compress=compress)
    rows = table[FEATURES]
    assert (load("model.joblib", pickles).model.predict_proba(rows) == models.calibrated.predict_proba(rows)).all()


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_open_in_every_protocol(protocol: int, models: Models, pickles: SourceAccess, table: Any) -> None:
    Path("model.pkl").write_bytes(pickle.dumps(models.calibrated, protocol=protocol))
    rows = table[FEATURES]
    assert (load("model.pkl", pickles).model.predict_proba(rows) == models.calibrated.predict_proba(rows)).all()


@pytest.mark.parametrize("protocol", range(2, 6))
def test_joblib_files_open_in_every_protocol(
    protocol: int, models: Models, pickles: SourceAccess, table: Any
) -> None:
    joblib.dump(models.pipeline, "model.joblib", protocol=protocol)
    rows = table[FEATURES]
    assert (load("model.joblib", pickles).model.predict(rows) == models.pipeline.predict(rows)).all()


@pytest.mark.parametrize("name", ["model.json", "model.ubj"])
def test_a_file_that_a_booster_saved_is_a_booster(name: str, models: Models, plain: SourceAccess) -> None:
    models.booster.save_model(name)
    source = load(name, plain)
    assert type(source.model).__name__ == "Booster"
    assert source.reference.kind == "xgboost"


@pytest.mark.parametrize(("kind", "name"), [("classifier", "XGBClassifier"), ("regressor", "XGBRegressor")])
@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_a_file_that_a_wrapper_saved_is_that_wrapper(
    kind: str, name: str, suffix: str, models: Models, plain: SourceAccess
) -> None:
    getattr(models, kind).save_model(f"model.{suffix}")
    assert type(load(f"model.{suffix}", plain).model).__name__ == name


@pytest.mark.parametrize("kind", ["calibrated", "pipeline", "classifier"])
def test_a_skops_file_needs_no_permission(kind: str, models: Models, plain: SourceAccess, table: Any) -> None:
    model = getattr(models, kind)
    skops.io.dump(model, "model.skops")
    rows = table[FEATURES]
    assert (load("model.skops", plain).model.predict_proba(rows) == model.predict_proba(rows)).all()


def test_the_reference_names_the_file_without_its_folder_and_digests_its_bytes(
    models: Models, plain: SourceAccess, tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "model.ubj"
    path.parent.mkdir()
    models.booster.save_model(path)
    reference = load(str(path), plain).reference
    assert (reference.uri, reference.sha256) == ("model.ubj", digest_file(path))


@pytest.mark.parametrize("name", ["model.joblib", "model.pkl"])
def test_without_permission_a_pickle_is_not_even_read(name: str, plain: SourceAccess) -> None:
    Path(name).write_bytes(b"")
    with pytest.raises(UntrustedModel, match="runs code") as refused:
        load(name, plain)
    assert "--allow-pickle" in refused.value.hint


@pytest.mark.parametrize("name", ["model.joblib", "model.pkl", "model.skops", "model.json", "model.ubj"])
@pytest.mark.parametrize("content", [b"", b"hello, this is text\n", b"\x00\x01\x02\x03", b"{", b"[1, 2]"])
def test_what_is_no_model_file_is_refused_by_name(name: str, content: bytes, pickles: SourceAccess) -> None:
    Path(name).write_bytes(content)
    with pytest.raises(UsageError, match=name) as refused:
        load(name, pickles)
    assert refused.value.hint


@pytest.mark.parametrize("name", ["bundle.joblib", "bundle.pkl"])
def test_a_truncated_pickle_is_refused_wherever_it_ends(name: str, models: Models, pickles: SourceAccess) -> None:
    whole = io.BytesIO()
    joblib.dump(_bundle(models), whole)
    data = whole.getvalue()
    for end in range(1, len(data) - 1, len(data) // 40):
        Path(name).write_bytes(data[:end])
        with pytest.raises((UsageError, UntrustedModel), match=name):
            load(name, pickles)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"estimator": 1}, "without 'model'"),
        ({}, "without 'model'"),
        ({"model": [1, 2]}, "no predict"),
        ([1, 2], "no predict"),
    ],
)
def test_a_pickle_without_a_model_is_refused(content: Any, says: str, pickles: SourceAccess) -> None:
    joblib.dump(content, "bundle.joblib")
    with pytest.raises(UsageError, match=says):
        load("bundle.joblib", pickles)


@pytest.mark.parametrize("columns", ["amount", [], [1, 2], ["a", "a"], 7])
def test_a_bundle_with_columns_that_are_none_is_refused(
    columns: Any, models: Models, pickles: SourceAccess
) -> None:
    joblib.dump({"model": models.logistic, "feature_columns": columns}, "bundle.joblib")
    with pytest.raises(UsageError, match="feature_columns"):
        load("bundle.joblib", pickles)


def test_a_missing_file_and_an_unknown_suffix_are_told_apart(plain: SourceAccess) -> None:
    Path("model.txt").touch()
    with pytest.raises(UsageError, match="no file or folder"):
        load("model.ubj", plain)
    with pytest.raises(UsageError, match=r"suffix '\.txt'"):
        load("model.txt", plain)


def test_fetch_leaves_the_file_in_the_new_folder(models: Models, plain: SourceAccess) -> None:
    models.booster.save_model("model.ubj")
    reference = fetch("model.ubj", Path("out"), plain)
    assert digest_file(Path("out/model.ubj")) == reference.sha256


def test_fetch_leaves_nothing_behind_of_what_it_refuses(plain: SourceAccess) -> None:
    Path("model.ubj").write_bytes(b"nothing")
    with pytest.raises(UsageError):
        fetch("model.ubj", Path("out"), plain)
    assert not Path("out").exists()


def test_fetch_does_not_write_over_what_is_there(models: Models, plain: SourceAccess) -> None:
    models.booster.save_model("model.ubj")
    Path("out").mkdir()
    Path("out/mine.txt").touch()
    with pytest.raises(UsageError, match="not empty"):
        fetch("model.ubj", Path("out"), plain)
    assert Path("out/mine.txt").exists()


def test_opening_prints_nothing(models: Models, pickles: SourceAccess, capfd: pytest.CaptureFixture[str]) -> None:
    joblib.dump(_bundle(models), "bundle.joblib")
    opened: SourceModel = load("bundle.joblib", pickles)
    assert opened.model is not None
    assert capfd.readouterr() == ("", "")
