"""The comparison that every verdict rests on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnxport.validation.compare import (
    COMPLEMENT,
    agree,
    allowances,
    differences,
    kind_of,
    labels_agree,
    missing_agrees,
)

numbers = st.floats(allow_nan=True, allow_infinity=True)
finite = st.floats(min_value=-1e30, max_value=1e30)
parts = st.floats(min_value=0, max_value=1e3)


def one(value: float) -> np.ndarray:
    return np.array([value])


@given(numbers, parts, parts)
def test_every_value_agrees_with_itself_at_any_tolerance(value: float, atol: float, rtol: float) -> None:
    assert agree(one(value), one(value), atol, rtol).all()


@given(numbers, numbers)
def test_without_tolerance_only_equal_values_agree(left: float, right: float) -> None:
    equal = left == right or (np.isnan(left) and np.isnan(right))
    assert agree(one(left), one(right), 0, 0)[0] == equal


@given(finite, finite, parts, parts)
def test_the_allowed_difference_is_absolute_plus_relative_to_the_source(
    left: float, right: float, atol: float, rtol: float
) -> None:
    assert agree(one(left), one(right), atol, rtol)[0] == (abs(right - left) <= atol + rtol * abs(left))


@pytest.mark.parametrize(
    ("source", "onnx", "agrees"),
    [
        (1.0, 1.5, True),
        (1.0, np.nextafter(1.5, 2), False),
        (-1.0, -1.5, True),
        (-1.0, -1.5000001, False),
        (100.0, 125.25, True),
        (100.0, 125.3, False),
        (125.3, 100.0, True),
        (0.0, 0.25, True),
        (0.0, 0.2500001, False),
    ],
)
def test_the_edge_of_the_tolerance_is_inside(source: float, onnx: float, agrees: bool) -> None:
    assert agree(one(source), one(onnx), 0.25, 0.25)[0] == agrees


@pytest.mark.parametrize("other", [0.0, 1e300, -np.inf, np.nan])
def test_an_infinity_agrees_with_itself_only_however_wide_the_tolerance(other: float) -> None:
    assert not agree(one(np.inf), one(other), 1e308, 1e308)[0]
    assert not agree(one(other), one(np.inf), 1e308, 1e308)[0]
    assert agree(one(np.inf), one(np.inf), 0, 0)[0]
    assert agree(one(-np.inf), one(-np.inf), 0, 0)[0]


@given(finite)
def test_missing_agrees_with_missing_and_with_no_number(value: float) -> None:
    assert not agree(one(np.nan), one(value), 1e308, 1)[0]
    assert not agree(one(value), one(np.nan), 1e308, 1)[0]


def test_differences_are_taken_in_float64() -> None:
    source = np.array([1.0], dtype=np.float32)
    assert differences(source, np.array([1 + 1e-12]))[0] == pytest.approx(1e-12, rel=1e-3)


def test_float32_is_not_the_limit_of_differences_of_float32() -> None:
    most = np.finfo(np.float32).max
    assert differences(np.array([-most]), np.array([most])).tolist() == [2 * float(most)]


def test_what_is_allowed_of_float32_is_not_rounded_to_float32() -> None:
    assert allowances(np.array([1], dtype=np.float32), 0, 0.1).tolist() == [0.1]


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_, object])
def test_numbers_are_compared_whatever_array_holds_them(dtype: type) -> None:
    source, onnx = np.array([0, 1], dtype=dtype), np.array([1, 1], dtype=dtype)
    assert differences(source, onnx).tolist() == [1, 0]
    assert allowances(source, 0.5, 0.25).tolist() == [0.5, 0.75]
    assert missing_agrees(source, onnx).tolist() == [True, True]


def test_a_difference_beyond_float64_is_infinite_without_a_warning() -> None:
    assert differences(one(-1.5e308), one(1.5e308))[0] == np.inf


def test_differences_are_infinite_where_one_side_is_missing() -> None:
    found = differences(np.array([np.nan, 1, np.nan, np.inf]), np.array([1, np.nan, np.nan, -np.inf]))
    assert found.tolist() == [np.inf, np.inf, 0, np.inf]


def test_what_is_allowed_of_an_infinite_source_is_the_absolute_part() -> None:
    assert allowances(np.array([np.inf, -np.inf, np.nan, -2.0]), 0.5, 0.25).tolist() == [0.5, 0.5, 0.5, 1.0]


@pytest.mark.parametrize("compared", [differences, labels_agree, missing_agrees])
@pytest.mark.parametrize("shape", [(2,), (1, 1), (3,), (1, 3)])
def test_nothing_is_broadcast(compared: object, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        compared(np.ones((1,)) if shape != (3,) else np.ones((3, 1)), np.ones(shape))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.ones(1, np.float32), "float"),
        (np.ones(1, np.float64), "float"),
        (np.ones(1, np.int32), "integer"),
        (np.ones(1, np.uint8), "integer"),
        (np.ones(1, np.bool_), "bool"),
        (np.array(["a"]), "string"),
        (np.array(["a"], dtype=object), "string"),
    ],
)
def test_kinds_do_not_depend_on_width(values: np.ndarray, kind: str) -> None:
    assert kind_of(values) == kind


def test_labels_of_one_kind_and_another_width_agree() -> None:
    assert labels_agree(np.array([1, 2], np.int32), np.array([1, 3], np.int64)).tolist() == [True, False]
    assert labels_agree(np.array(["a", "bb"]), np.array(["a", "b"], dtype=object)).tolist() == [True, False]


@pytest.mark.parametrize("dtype", [np.float64, object])
def test_a_missing_label_agrees_with_a_missing_label(dtype: type) -> None:
    labels = np.array([1.0, np.nan], dtype=dtype)
    assert labels_agree(labels, labels.copy()).all()


def test_a_missing_label_is_no_number() -> None:
    assert labels_agree(np.array([np.nan, 1.0]), np.array([1.0, np.nan])).tolist() == [False, False]


@pytest.mark.parametrize("other", [np.array([1.0]), np.array([True]), np.array(["1"], dtype=object)])
def test_labels_of_different_kinds_never_agree(other: np.ndarray) -> None:
    assert (~labels_agree(np.array([1]), other)).all()


def test_labels_keep_their_shape() -> None:
    pair = np.array([["a", "b"], ["c", "d"]], dtype=object)
    assert labels_agree(pair, pair).shape == (2, 2)


def test_missing_agrees_only_where_both_or_neither_are_missing() -> None:
    source, onnx = np.array([np.nan, np.nan, 1, 1]), np.array([np.nan, 1, np.nan, 2])
    assert missing_agrees(source, onnx).tolist() == [True, False, False, True]


def test_the_slack_of_a_complement_is_two_steps_of_float32_below_one() -> None:
    assert 2 * (1 - float(np.nextafter(np.float32(1), np.float32(0)))) == COMPLEMENT
