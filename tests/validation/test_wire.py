"""Messages to and from the child process."""

from __future__ import annotations

import io

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


def test_a_cut_message_is_the_end() -> None:
    stream = io.BytesIO()
    write_message(stream, {}, {"a": np.zeros(10)})
    cut = io.BytesIO(stream.getvalue()[:-1])
    with pytest.raises(EOFError):
        read_message(cut)
