"""Messages to and from the child process."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnxport.validation.wire import read_message, write_message


def through(array: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    write_message(stream, {"op": "run"}, {"a": array})
    stream.seek(0)
    header, found = read_message(stream)
    assert header == {"op": "run"}
    return found["a"]


@given(
    arrays.arrays(st.sampled_from([np.float32, np.float64, np.int64, np.bool_]), arrays.array_shapes(min_side=0))
)
def test_arrays_arrive_with_dtype_shape_and_every_bit(array: np.ndarray) -> None:
    found = through(array)
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert found.tobytes() == array.tobytes()


@given(st.lists(st.text()))
def test_strings_arrive_as_they_are(texts: list[str]) -> None:
    array = np.array(texts, dtype=object).reshape(-1, 1)
    assert through(array).tolist() == array.tolist()


@given(st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text()))
def test_objects_arrive_as_they_are(values: list[object]) -> None:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    assert repr(through(array).tolist()) == repr(values)


def test_what_is_no_plain_value_is_not_sent() -> None:
    stream = io.BytesIO()
    with pytest.raises(TypeError, match="complex"):
        write_message(stream, {}, {"a": np.array([1j], dtype=object)})
    assert stream.getvalue() == b""


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "a", "dtype": "O", "shape": [1], "size": 8},
        {"name": "a", "dtype": "V8", "shape": [1], "size": 8},
        {"name": "a", "dtype": "M8[s]", "shape": [1], "size": 8},
        {"name": "a", "dtype": [["x", "O"]], "shape": [1], "size": 8},
        {"name": "a", "dtype": "<f8", "shape": [7], "size": 8},
        {"name": "a", "dtype": "<f8", "shape": "one", "size": 8},
        {"name": "a", "dtype": "object", "shape": [1], "size": 8},
        {"dtype": "<f8"},
    ],
)
def test_what_no_child_of_ours_writes_is_no_message(entry: dict[str, Any]) -> None:
    """Pointers from a stranger would be the worst of answers."""
    head = json.dumps({"header": {}, "arrays": [entry]}).encode()
    with pytest.raises((ValueError, LookupError, TypeError)):
        read_message(io.BytesIO(struct.pack("<Q", len(head)) + head + bytes(8)))


def test_a_header_without_end_is_no_message() -> None:
    with pytest.raises(ValueError, match="header"):
        read_message(io.BytesIO(struct.pack("<Q", 1 << 60)))


def test_a_cut_message_is_the_end() -> None:
    stream = io.BytesIO()
    write_message(stream, {}, {"a": np.zeros(10)})
    cut = io.BytesIO(stream.getvalue()[:-1])
    with pytest.raises(EOFError):
        read_message(cut)
