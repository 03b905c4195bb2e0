"""Numbers as integers in the same order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnxport.validation.ordinals import apart, from_ordinals, midpoints, to_ordinals

floats = st.floats(allow_nan=False)
narrow = st.floats(allow_nan=False, width=32)
ranks = st.integers(-(2**62), 2**62) | st.integers(-(0x7FF0000000000000), 0x7FF0000000000000)


@given(st.lists(floats, min_size=1))
def test_float64_survives_the_round_trip(values: list[float]) -> None:
    array = np.array(values)
    assert (from_ordinals(to_ordinals(array), array.dtype) == array).all()


@given(st.lists(narrow, min_size=1))
def test_float32_survives_the_round_trip(values: list[float]) -> None:
    array = np.array(values, dtype=np.float32)
    back = from_ordinals(to_ordinals(array), array.dtype)
    assert back.dtype == np.float32
    assert (back == array).all()


@given(floats, floats)
def test_the_order_is_kept(left: float, right: float) -> None:
    first, second = to_ordinals(np.array([left, right])).tolist()
    assert (left < right) == (first < second)


@given(narrow.filter(lambda value: abs(value) < 3e38))
def test_one_more_is_the_next_float(value: float) -> None:
    array = np.array([value], dtype=np.float32)
    assert from_ordinals(to_ordinals(array) + 1, array.dtype)[0] == np.nextafter(array, np.float32(np.inf))[0]


def test_beyond_the_infinities_there_are_only_infinities() -> None:
    far = np.array([2**62 + 2**61, -(2**62) - 2**61])
    assert from_ordinals(far, np.dtype(np.float32)).tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint16])
def test_integers_are_their_own_rank_and_stay_in_their_range(kind: Any) -> None:
    values = np.array([0, 1, 100], dtype=kind)
    assert from_ordinals(to_ordinals(values), values.dtype).tolist() == [0, 1, 100]
    assert from_ordinals(np.array([2**62]), np.dtype(np.int8)).tolist() == [127]


@given(ranks, ranks)
def test_midpoints_lie_between_and_never_overflow(left: int, right: int) -> None:
    low, high = sorted((left, right))
    middle = int(midpoints(np.array([low]), np.array([high]))[0])
    assert middle == (low + high) // 2
    assert bool(apart(np.array([left]), np.array([right]))[0]) == (high - low > 1)
