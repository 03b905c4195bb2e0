"""The wire format written from arrays is what protobuf itself reads."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnxport.exporters.wire import (
    Chunks,
    Strings,
    little_endian,
    packed_floats,
    packed_integers,
    repeated_strings,
    varint,
)

_INTS, _FLOATS, _STRINGS = 8, 7, 9  # fields of onnx.AttributeProto


def read_back(field: int, body: Chunks) -> onnx.AttributeProto:
    chunks = Chunks()
    chunks.embed(field, body)
    return onnx.AttributeProto.FromString(chunks.join())


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integers_of_any_size_are_read_back(values: list[int]) -> None:
    assert list(read_back(_INTS, packed_integers(np.array(values, dtype=np.int64))).ints) == values


@pytest.mark.parametrize("largest", [1, 127, 128, 2**14, 2**40])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_long_arrays_of_integers_are_read_back(largest: int, dtype: type) -> None:
    top = min(largest, np.iinfo(dtype).max)
    values = np.random.default_rng(0).integers(0, top, 140_000, endpoint=True).astype(dtype)
    assert np.array_equal(read_back(_INTS, packed_integers(values)).ints, values)


def test_floats_are_read_back_to_the_last_bit() -> None:
    values = np.array([0.0, -0.0, 1e-45, 3.4e38, np.inf, -np.inf, 0.1], dtype=np.float32)
    assert (
        np.array(read_back(_FLOATS, packed_floats(values)).floats, dtype=np.float32).tobytes() == values.tobytes()
    )


@pytest.mark.parametrize("count", [0, 1, 11, 12, 13, 200_000])
@pytest.mark.parametrize("used", [1, 2, 3, 7])
def test_repeated_strings_are_read_back(count: int, used: int) -> None:
    table = ("LEAF", "BRANCH_LT", "é", "", "x" * 200, "f", "g")
    codes = np.random.default_rng(0).integers(0, used, count).astype(np.uint8)
    body = repeated_strings(_STRINGS, Strings(table=table, codes=codes))
    found = onnx.AttributeProto.FromString(body.join()).strings
    assert [text.decode() for text in found] == [table[code] for code in codes]


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**35])
def test_a_number_has_the_shortest_form(value: int) -> None:
    assert len(varint(value)) == max(1, (value.bit_length() + 6) // 7)


def test_what_is_written_is_as_long_as_was_said_before() -> None:
    values = np.array([0, 127, 128, 2**14 - 1, 2**14, 2**31 - 1], dtype=np.int32)
    table = Strings(table=("a", "bb"), codes=np.array([0, 1, 1, 0], dtype=np.uint8))
    for body in (
        packed_integers(values),
        packed_integers(-values),
        packed_integers(values[:4]),
        repeated_strings(_STRINGS, table),
        packed_floats(np.ones(3, dtype=np.float32)),
    ):
        assert len(body.join()) == body.size


def test_numbers_in_another_byte_order_are_written_least_significant_byte_first() -> None:
    values = np.array([[1.5, -2.0]], dtype=">f8")
    assert little_endian(values).join() == values.astype("<f8").tobytes()
