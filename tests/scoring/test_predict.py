"""Every row is answered once, as the model itself answers it, in the order of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from onnxport.artifacts import IntegrityError, UsageError, digest_file
from onnxport.pipelines.scoring import csv_format, formats
from pyarrow import feather, parquet

from tests.scoring.conftest import FEATURES, make_frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.scoring.conftest import Shop


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a few thousand rows have several parts."""
    monkeypatch.setattr(formats, "TARGET_ROWS", 1000)
    monkeypatch.setattr(formats, "_HUGE", 2000)
    monkeypatch.setattr(csv_format, "TARGET_BYTES", 20_000)


def write(frame: pd.DataFrame, path: Path) -> Path:
    match path.suffix:
        case ".parquet":
            frame.to_parquet(path, row_group_size=700)
        case ".csv":
            frame.to_csv(path, index=False)
        case ".feather":
            feather.write_feather(frame, str(path), chunksize=300)
        case _:
            table = pa.Table.from_pandas(frame, preserve_index=False)
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
                writer.write_table(table, max_chunksize=5000)
    return path


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv", "rows.feather", "rows.arrow"])
def test_each_row_has_the_models_own_answer_in_every_format(
    shop: Shop, score: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    frame = make_frame(4000)
    scored = score("risk", write(frame, tmp_path / name))
    found = pd.read_parquet(tmp_path / "out.parquet")
    assert list(found.columns) == ["id", "note", "prediction"]
    assert found["id"].tolist() == frame["id"].tolist()
    assert found["note"].tolist() == frame["note"].tolist()
    expected = shop.risk.predict(frame[list(FEATURES)])
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5, atol=1e-6)
    assert scored.manifest.rows == 4000
    assert len(list(tmp_path.iterdir())) == 3, "the work folder is gone"


def test_probabilities_have_a_column_for_each_class(shop: Shop, score: Callable[..., Any], tmp_path: Path) -> None:
    frame = make_frame(500)
    score("plain", write(frame, tmp_path / "rows.parquet"))
    found = pd.read_parquet(tmp_path / "out.parquet")
    assert list(found.columns) == ["id", "note", "label", "probabilities_0", "probabilities_1"]
    expected = shop.plain.predict_proba(frame[list(FEATURES)])
    np.testing.assert_allclose(found[["probabilities_0", "probabilities_1"]], expected, rtol=1e-5, atol=1e-6)
    assert found["label"].tolist() == shop.plain.predict(frame[list(FEATURES)]).tolist()


def test_columns_are_found_by_name_in_any_order_and_type(
    shop: Shop, score: Callable[..., Any], tmp_path: Path
) -> None:
    frame = make_frame(300).fillna(0).round(0)
    mixed = frame[["f1", "id", "f3", "days open", "amount"]].astype(
        {"f1": "int16", "f3": "float64", "days open": "Int64", "amount": "float16"}
    )
    mixed.to_parquet(tmp_path / "rows.parquet")
    score("risk", tmp_path / "rows.parquet")
    found = pd.read_parquet(tmp_path / "out.parquet")["prediction"]
    np.testing.assert_allclose(found, shop.risk.predict(frame[list(FEATURES)]), rtol=1e-5, atol=1e-6)


def test_a_partitioned_folder_keeps_what_its_folders_say(score: Callable[..., Any], tmp_path: Path) -> None:
    for year in (2025, 2026):
        folder = tmp_path / "data" / f"year={year}" / "kind=a b"
        folder.mkdir(parents=True)
        write(make_frame(900, seed=year), folder / "rows.parquet")
    (tmp_path / "data" / "_SUCCESS").touch()
    scored = score("risk", tmp_path / "data", out="out")
    found = parquet.read_table(tmp_path / "out")
    assert found.num_rows == 1800
    assert found["year"].to_pylist() == [2025] * 900 + [2026] * 900
    assert set(found["kind"].to_pylist()) == {"a b"}
    assert [file.rows for file in scored.manifest.files] == [900, 900]


def test_the_manifest_says_what_was_scored_by_what(score: Callable[..., Any], tmp_path: Path) -> None:
    path = write(make_frame(1500), tmp_path / "rows.parquet")
    score("risk", path)
    from onnxport.pipelines.scoring.record import ScoringManifest

    manifest = ScoringManifest.parse((tmp_path / "out.parquet.manifest.json").read_bytes(), name="manifest")
    assert (manifest.task.release.name, manifest.task.release.version) == ("risk", 1)
    assert manifest.inputs[0].sha256 == digest_file(path)
    assert manifest.inputs[0].rows == manifest.files[0].rows == 1500
    assert manifest.files[0].sha256 == digest_file(tmp_path / "out.parquet")
    assert [column.name for column in manifest.columns] == ["id", "note", "prediction"]
    assert manifest.created_by == "tests"


def test_chosen_columns_are_kept_features_too(score: Callable[..., Any], tmp_path: Path) -> None:
    path = write(make_frame(100), tmp_path / "rows.parquet")
    score("risk", path, ids=["f3", "id"], prefix="risk_")
    found = pd.read_parquet(tmp_path / "out.parquet")
    assert list(found.columns) == ["f3", "id", "risk_prediction"]
    np.testing.assert_array_equal(found["f3"], make_frame(100)["f3"])


def test_no_rows_give_a_file_without_rows(score: Callable[..., Any], tmp_path: Path) -> None:
    scored = score("risk", write(make_frame(3).head(0).astype({"note": "string"}), tmp_path / "rows.parquet"))
    assert scored.manifest.rows == 0
    assert pd.read_parquet(tmp_path / "out.parquet").columns.tolist() == ["id", "note", "prediction"]


def test_quoted_line_breaks_in_csv_split_no_record(score: Callable[..., Any], tmp_path: Path) -> None:
    frame = make_frame(3000)
    frame["note"] = [f'a "quoted"\nbreak, {number}' * (1 + number % 3) for number in range(len(frame))]
    scored = score("risk", write(frame, tmp_path / "rows.csv"))
    assert scored.manifest.rows == 3000
    assert pd.read_parquet(tmp_path / "out.parquet")["note"].tolist() == frame["note"].tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns=["f3", "amount"]), "missing columns: 'amount', 'f3'"),
        (lambda frame: frame.assign(f1="text"), "'f1' is string, the model takes float32"),
        (lambda frame: frame.assign(prediction=1), "the answers have the names of columns that are kept"),
    ],
    ids=["missing", "wrong type", "name of an answer"],
)
def test_columns_that_do_not_fit_are_refused_with_the_list(
    score: Callable[..., Any], tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    path = tmp_path / "rows.parquet"
    change(make_frame(50)).to_parquet(path)
    with pytest.raises(UsageError) as refused:
        score("risk", path)
    assert message in refused.value.message.replace("large_string", "string")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["rows.parquet"]


def test_an_unknown_column_to_keep_is_refused(score: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column 'key' to keep"):
        score("risk", write(make_frame(50), tmp_path / "rows.parquet"), ids=["key"])


def test_text_in_a_number_column_of_a_csv_is_refused_with_its_place(
    score: Callable[..., Any], tmp_path: Path
) -> None:
    path = write(make_frame(500), tmp_path / "rows.csv")
    path.write_text(path.read_text().replace("row 400", "row 400\n7,x,1,1,1,bad"))
    with pytest.raises(UsageError, match=r"rows\.csv.*'x'"):
        score("risk", path)


@pytest.mark.parametrize("content", [b"", b"no parquet at all"], ids=["empty", "wrong"])
def test_a_file_that_is_none_is_refused(score: Callable[..., Any], tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rows.parquet").write_bytes(content)
    with pytest.raises(UsageError, match=r"rows\.parquet"):
        score("risk", tmp_path / "rows.parquet")


def test_files_with_other_types_are_refused_before_a_row_is_scored(
    score: Callable[..., Any], tmp_path: Path
) -> None:
    first = write(make_frame(50), tmp_path / "a.parquet")
    second = write(make_frame(50).astype({"id": "string"}), tmp_path / "b.parquet")
    with pytest.raises(UsageError, match=r"b\.parquet: columns to keep have other types"):
        score("risk", first, second)


def test_a_release_that_answers_otherwise_here_scores_nothing(
    score: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onnxport.pipelines.scoring import choice

    real = choice.open_engine

    def off(*arguments: Any) -> Callable[[Any], Any]:
        engine = real(*arguments)
        return lambda rows: {name: values + 1 for name, values in engine(rows).items()}

    monkeypatch.setattr(choice, "open_engine", off)
    with pytest.raises(IntegrityError, match="does not answer its golden rows"):
        score("risk", write(make_frame(50), tmp_path / "rows.parquet"))
    assert not (tmp_path / "out.parquet").exists()
