from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from onnxport.artifacts import Rows, UsageError
from onnxport.sources import frame_of, read_sample, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable

FRAME = pd.DataFrame(
    {"n": [1.5, np.nan, 3.0], "größe x": [1, 2, 3], "s": ["a", None, "c"], "b": [True, False, True]}
)


def _write_jsonl(path: Path) -> None:
    FRAME.to_json(path, orient="records", lines=True, force_ascii=False)


WRITERS: dict[str, Callable[[Path], Any]] = {
    "parquet": FRAME.to_parquet,
    "csv": lambda path: FRAME.to_csv(path, index=False),
    "jsonl": _write_jsonl,
    "feather": FRAME.to_feather,
    "arrow": FRAME.to_feather,
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_format_gives_the_same_rows(suffix: str) -> None:
    WRITERS[suffix](Path(f"sample.{suffix}"))
    frame = read_sample(Path(f"sample.{suffix}"))
    assert rows_of(frame).records() == rows_of(FRAME).records()


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_limit_gives_the_first_rows(suffix: str) -> None:
    WRITERS[suffix](Path(f"sample.{suffix}"))
    assert read_sample(Path(f"sample.{suffix}"), limit=2)["größe x"].tolist() == [1, 2]


def test_a_limit_reads_across_row_groups() -> None:
    pd.DataFrame({"n": range(1000)}).to_parquet("sample.parquet", row_group_size=100)
    assert read_sample(Path("sample.parquet"), limit=250)["n"].tolist() == list(range(250))


def test_an_index_with_a_name_becomes_a_column() -> None:
    FRAME.set_index("größe x").to_parquet("sample.parquet")
    assert "größe x" in read_sample(Path("sample.parquet")).columns


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_file_of_another_format_is_refused_by_name(suffix: str) -> None:
    Path(f"sample.{suffix}").write_bytes(b"\x93NUMPY\x00\xff\xfe\x80" * 20)
    with pytest.raises(UsageError, match=rf"sample\.{suffix}"):
        read_sample(Path(f"sample.{suffix}"))


@pytest.mark.parametrize("suffix", [*WRITERS, "ndjson", "pq"])
def test_an_empty_file_is_refused(suffix: str) -> None:
    Path(f"sample.{suffix}").touch()
    with pytest.raises(UsageError, match="is empty"):
        read_sample(Path(f"sample.{suffix}"))


@pytest.mark.parametrize("suffix", ["parquet", "csv", "feather"])
def test_a_sample_without_rows_is_refused(suffix: str) -> None:
    none = FRAME.iloc[:0]
    {"parquet": none.to_parquet, "feather": none.to_feather}.get(
        suffix, lambda path: none.to_csv(path, index=False)
    )(f"sample.{suffix}")
    with pytest.raises(UsageError, match="no rows"):
        read_sample(Path(f"sample.{suffix}"))


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(UsageError, match="no file"):
        read_sample(Path("sample.parquet"))


def test_a_suffix_that_nobody_reads_is_refused_with_those_that_are() -> None:
    Path("sample.xlsx").touch()
    with pytest.raises(UsageError, match=r"\.parquet"):
        read_sample(Path("sample.xlsx"))


def test_columns_of_one_name_are_refused() -> None:
    import pyarrow as pa
    from pyarrow import feather

    feather.write_feather(pa.table([[1], [2]], names=["a", "a"]), "sample.arrow")
    with pytest.raises(UsageError, match="one name"):
        read_sample(Path("sample.arrow"))


def test_a_line_of_json_that_is_no_object_is_refused() -> None:
    Path("sample.jsonl").write_text('{"a": 1}\n[1]\n')
    with pytest.raises(UsageError, match="line 2"):
        read_sample(Path("sample.jsonl"))


@pytest.mark.parametrize(
    ("series", "dtype", "values"),
    [
        (pd.Series([1.5, np.nan], dtype="float32"), "float32", [1.5, None]),
        (pd.Series([1, 2], dtype="int16"), "int16", [1, 2]),
        (pd.Series([True, False]), "bool", [True, False]),
        (pd.Series([1, 2], dtype="Int64"), "int64", [1, 2]),
        (pd.Series([1, None], dtype="Int64"), "float64", [1.0, None]),
        (pd.Series([True, None], dtype="boolean"), "float64", [1.0, None]),
        (pd.Series([True, False], dtype="boolean"), "bool", [True, False]),
        (pd.Series([0.5, None], dtype="Float64"), "float64", [0.5, None]),
        (pd.Series(["a", None], dtype="str"), "object", ["a", None]),
        (pd.Series(["a", pd.NA], dtype="string"), "object", ["a", None]),
        (pd.Series(["a", np.nan], dtype="object"), "object", ["a", None]),
        (pd.Series(["a", None], dtype="category"), "object", ["a", None]),
        (pd.Series([3, None], dtype="object").astype("category"), "object", [3, None]),
    ],
)
def test_every_dtype_has_its_plain_column(series: Any, dtype: str, values: list[Any]) -> None:
    rows = rows_of(pd.DataFrame({"x": series}))
    assert rows.columns["x"].dtype == np.dtype(dtype)
    assert [record["x"] for record in rows.records()] == values


@pytest.mark.parametrize(
    "series", [pd.Series(pd.to_datetime(["2024-01-01"])), pd.Series([pd.Timedelta(1)]), pd.Series([1 + 2j])]
)
def test_what_is_no_feature_is_refused_by_column(series: Any) -> None:
    with pytest.raises(UsageError, match="'when'"):
        rows_of(pd.DataFrame({"when": series}))


def test_rows_come_back_as_they_were() -> None:
    rows = Rows(
        columns={
            "f": np.array([1.5, np.nan], dtype=np.float32),
            "i": np.array([1, 2]),
            "b": np.array([True, False]),
            "s": np.array(["x", None], dtype=object),
        }
    )
    again = rows_of(frame_of(rows))
    assert {name: column.dtype for name, column in again.columns.items()} == {
        name: column.dtype for name, column in rows.columns.items()
    }
    assert again.records() == rows.records()
