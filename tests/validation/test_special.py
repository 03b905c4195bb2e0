"""Generated rows hold what they promise, within what a column can hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnxport.artifacts import InputColumn, Missing, Rows, Signature
from onnxport.validation.special import LONG, Probe, placed, shuffled, special_probes


def column(name: str, dtype: Any, *, missing: bool = True, categories: Any = None) -> InputColumn:
    encoding = "nan" if dtype != "string" else ""
    return InputColumn(
        name=name,
        tensor=name,
        dtype=dtype,
        shape=(None, 1),
        categories=categories,
        missing=Missing(allowed=missing, encoding=encoding),
    )


BASE = Rows(
    columns={
        "float": np.array([0.5, 1.5, np.nan], np.float32),
        "whole": np.array([1.0, 2.0, 3.0]),
        "count": np.array([1, 2, 3]),
        "flag": np.array([True, False, True]),
        "code": np.array([1, 2, 1], np.int8),
        "text": np.array(["a", "b", None], dtype=object),
    }
)
SIGNATURE = Signature(
    layout="columns",
    inputs=(
        column("float", "float32"),
        column("whole", "float64"),
        column("count", "float32", missing=False),
        column("flag", "bool", missing=False),
        column("code", "int64", missing=False, categories=(1, 2)),
        column("text", "string", categories=("a", "b", "c")),
    ),
    outputs=(),
)


@pytest.fixture(scope="module")
def probes() -> dict[str, Rows]:
    made: list[Probe] = list(special_probes(BASE, SIGNATURE, np.random.default_rng(0)))
    assert len({probe.kind for probe in made}) == len(made)
    return {probe.kind: probe.rows for probe in made}


def test_all_kinds_are_there(probes: dict[str, Rows]) -> None:
    assert set(probes) == {
        "missing",
        "all-missing",
        "infinite",
        "extreme",
        "denormal",
        "zero",
        "large-integer",
        "category",
        "unseen-category",
        "empty-string",
        "long-string",
        "shuffled",
    }


def test_columns_keep_their_dtype_wherever_no_missing_value_forbids_it(probes: dict[str, Rows]) -> None:
    for kind, rows in probes.items():
        for name, values in rows.columns.items():
            assert values.dtype == BASE.columns[name].dtype, (kind, name)


def test_a_missing_value_is_placed_where_the_signature_allows_one(probes: dict[str, Rows]) -> None:
    rows = probes["missing"]
    assert np.isnan(rows.columns["whole"]).sum() >= 1
    assert None in rows.columns["text"].tolist()
    assert not np.isnan(rows.columns["count"].astype(float)).any()


def test_all_missing_has_one_row_with_nothing(probes: dict[str, Rows]) -> None:
    rows = probes["all-missing"]
    assert np.isnan(rows.columns["float"][0])
    assert np.isnan(rows.columns["whole"][0])
    assert rows.columns["text"][0] is None


def test_infinities_and_numbers_beyond_float32_are_placed(probes: dict[str, Rows]) -> None:
    rows = probes["infinite"]
    assert {np.inf, -np.inf} <= set(rows.columns["float"].tolist())
    assert {1e39, -1e300, np.inf} <= set(rows.columns["whole"].tolist())


def test_integers_beyond_float32_are_placed_into_whole_columns(probes: dict[str, Rows]) -> None:
    rows = probes["large-integer"]
    assert 2**53 + 1 in rows.columns["count"].tolist()
    assert float(2**24 + 1) in rows.columns["whole"].tolist()
    assert np.nanmax(np.abs(rows.columns["float"])) < 2


def test_negative_zero_keeps_its_sign(probes: dict[str, Rows]) -> None:
    zeros = probes["zero"].columns["float"]
    assert np.signbit(zeros[zeros == 0]).any()


def test_categories_of_the_model_and_unseen_ones_are_placed(probes: dict[str, Rows]) -> None:
    assert {"a", "b", "c"} <= set(probes["category"].columns["text"].tolist())
    assert {True, False} <= set(probes["category"].columns["flag"].tolist())
    unseen = set(probes["unseen-category"].columns["text"].tolist())
    assert {"onnxport-unseen", "A", "a "} <= unseen
    assert 3 in probes["unseen-category"].columns["code"].tolist()
    assert probes["empty-string"].columns["text"].tolist() == [""]
    assert probes["long-string"].columns["text"].tolist() == [LONG]


def test_shuffled_rows_take_each_column_from_the_base() -> None:
    rows = shuffled(BASE, 50, np.random.default_rng(0))
    assert len(rows) == 50
    assert set(rows.columns["count"].tolist()) == {1, 2, 3}


def test_integers_make_room_for_a_missing_value() -> None:
    rows = placed(BASE, [("count", np.nan), ("count", 7)], np.random.default_rng(0))
    assert rows.columns["count"].dtype == np.float64
    assert np.isnan(rows.columns["count"][0])
    assert rows.columns["count"][1] == 7
    assert BASE.columns["count"].dtype == np.int64
