"""A sample is read in blocks, and every block is as the whole file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from onnxport.artifacts import UsageError, concatenate
from onnxport.sources import frame_of, open_sample, read_sample, rows_of, sample_of
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 70_000
"""Rows of a file that is read in three blocks."""
LATE = 69_000
"""A row of its last block."""


def _late(early: Any, late: Any, dtype: Any = None) -> pd.Series[Any]:
    return pd.Series([early] * LATE + [late] * (LONG - LATE), dtype=dtype)


FRAME = pd.DataFrame(
    {
        "float": np.arange(LONG) / 7,
        "integer, missing late": _late(3, None, "float64"),
        "bool, missing late": _late(early=True, late=None, dtype=object),
        "text, missing late": _late("a", None),
        "text, missing first": _late(None, "z"),
        "half as late": np.where(np.arange(LONG) < LATE, 1.0, 0.5),
        "integer": np.arange(LONG),
    }
)


def _write_jsonl(path: Path) -> None:
    FRAME.to_json(path, orient="records", lines=True, double_precision=15)


WRITERS: dict[str, Callable[[Path], Any]] = {
    "parquet": FRAME.to_parquet,
    "csv": lambda path: FRAME.to_csv(path, index=False),
    "jsonl": _write_jsonl,
    "arrow": FRAME.to_feather,
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_block_has_the_dtypes_of_the_whole_file(suffix: str) -> None:
    WRITERS[suffix](Path(f"sample.{suffix}"))
    sample = open_sample(Path(f"sample.{suffix}"))
    blocks = list(sample.blocks())
    assert len(blocks) == 3
    assert all(block.dtypes.equals(sample.frame.dtypes) for block in blocks)
    assert rows_of(sample.frame).names == tuple(FRAME.columns)


@pytest.mark.parametrize("suffix", WRITERS)
def test_the_rows_of_the_blocks_are_those_of_the_file(suffix: str) -> None:
    WRITERS[suffix](Path(f"sample.{suffix}"))
    sample = open_sample(Path(f"sample.{suffix}"))
    rows = concatenate(list(sample.rows(list(FRAME.columns))))
    assert len(rows) == sample.length == LONG
    assert rows.take([0, LATE - 1, LATE, LONG - 1]).records() == (
        rows_of(FRAME).take([0, LATE - 1, LATE, LONG - 1]).records()
    )


@pytest.mark.parametrize("suffix", WRITERS)
def test_the_frame_is_small_and_shows_what_stands_late(suffix: str) -> None:
    WRITERS[suffix](Path(f"sample.{suffix}"))
    frame = open_sample(Path(f"sample.{suffix}")).frame
    assert len(frame) < 4_096 + 2 * len(FRAME.columns)
    assert frame["text, missing late"].isna().any()
    assert frame["text, missing first"].notna().any()


def test_a_file_can_be_read_again() -> None:
    FRAME.to_parquet("sample.parquet")
    sample = open_sample(Path("sample.parquet"))
    assert [len(block) for block in sample.blocks()] == [len(block) for block in sample.blocks()]


def test_numbers_before_the_first_text_of_a_csv_column_are_texts_as_they_were_written() -> None:
    pd.DataFrame({"code": ["007"] * LATE + ["x"] * (LONG - LATE)}).to_csv("sample.csv", index=False)
    sample = open_sample(Path("sample.csv"))
    assert sample.frame["code"].iloc[0] == "007"
    assert {value for block in sample.blocks() for value in block["code"]} == {"007", "x"}


def test_bools_before_numbers_of_a_csv_column_are_texts() -> None:
    pd.DataFrame({"flag": ["True"] * LATE + ["2"] * (LONG - LATE)}).to_csv("sample.csv", index=False)
    assert set(read_sample(Path("sample.csv"))["flag"]) == {"True", "2"}


def test_a_key_of_json_lines_that_comes_late_is_missing_before() -> None:
    lines = ['{"a": 1}'] * LATE + ['{"a": 2, "b": "x"}'] * 2
    Path("sample.jsonl").write_text("\n".join(lines))
    sample = open_sample(Path("sample.jsonl"))
    rows = concatenate(list(sample.rows(["a", "b"])))
    assert rows.take([0, LATE]).records() == [{"a": 1, "b": None}, {"a": 2, "b": "x"}]


def test_categories_of_all_row_groups_are_joined_in_their_order() -> None:
    groups = [["b", "a"], ["c", "b"]]
    schema = pa.schema([("x", pa.dictionary(pa.int32(), pa.string()))])
    with parquet.ParquetWriter("sample.parquet", schema) as writer:
        for group in groups:
            writer.write_table(pa.table({"x": pa.array(group * LATE).dictionary_encode()}, schema=schema))
    blocks = list(open_sample(Path("sample.parquet")).blocks())
    assert all(block["x"].dtype.categories.tolist() == ["b", "a", "c"] for block in blocks)
    assert blocks[-1]["x"].tolist()[-2:] == ["c", "b"]


def test_nullable_integers_are_floats_in_every_block_when_one_is_missing() -> None:
    pd.DataFrame({"n": _late(1, None, "Int64")}).to_parquet("sample.parquet")
    rows = list(open_sample(Path("sample.parquet")).rows(["n"]))
    assert {part.columns["n"].dtype for part in rows} == {np.dtype(np.float64)}


@pytest.mark.parametrize("suffix", WRITERS)
def test_no_block_follows_the_limit(suffix: str) -> None:
    WRITERS[suffix](Path(f"sample.{suffix}"))
    sample = open_sample(Path(f"sample.{suffix}"), limit=33_000)
    assert sample.length == sum(map(len, sample.blocks())) == 33_000


def test_an_arrow_stream_is_read_as_an_arrow_file() -> None:
    table = pa.Table.from_pandas(FRAME)
    with pa.OSFile("sample.arrow", "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    assert open_sample(Path("sample.arrow")).length == LONG


def test_a_file_that_is_damaged_further_down_is_refused_by_name() -> None:
    FRAME.to_parquet("sample.parquet", row_group_size=30_000)
    data = bytearray(Path("sample.parquet").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4_000] = b"\x00" * 4_000
    Path("sample.parquet").write_bytes(data)
    with pytest.raises(UsageError, match=r"sample\.parquet cannot be read as parquet"):
        open_sample(Path("sample.parquet"))


def test_a_file_that_goes_away_is_refused_when_it_is_read_again() -> None:
    FRAME.to_parquet("sample.parquet")
    sample = open_sample(Path("sample.parquet"))
    Path("sample.parquet").unlink()
    with pytest.raises(UsageError, match=r"sample\.parquet"):
        list(sample.blocks())


def test_rows_in_memory_are_one_block() -> None:
    rows = rows_of(FRAME)
    (again,) = sample_of(frame_of(rows)).rows(["float"])
    assert again.columns["float"].tolist() == FRAME["float"].tolist()
