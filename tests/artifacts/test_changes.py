"""Which differences of two signatures break callers."""

from __future__ import annotations

from typing import Any

import pytest
from onnxport.artifacts import InputColumn, Missing, OutputTensor, Signature
from onnxport.artifacts.changes import signature_changes


def column(name: str, **other: Any) -> InputColumn:
    fields: dict[str, Any] = {
        "name": name,
        "tensor": name,
        "dtype": "float32",
        "shape": (None, 1),
        "missing": Missing(allowed=True, encoding="nan"),
    }
    return InputColumn(**(fields | other))


def signature(*columns: InputColumn, output: str = "prediction", **other: Any) -> Signature:
    fields: dict[str, Any] = {"name": output, "dtype": "float32", "shape": (None,)}
    return Signature(layout="columns", inputs=columns, outputs=(OutputTensor(**(fields | other)),))


BEFORE = signature(column("a"), column("b", dtype="string", categories=("x", "y")))


def breaking(after: Signature) -> list[str]:
    return [change.what for change in signature_changes(BEFORE, after) if change.breaking]


def test_equal_signatures_have_no_changes() -> None:
    assert signature_changes(BEFORE, BEFORE) == ()


@pytest.mark.parametrize(
    ("after", "what"),
    [
        (signature(column("a")), "input 'b'"),
        (signature(*BEFORE.inputs, column("c")), "input 'c'"),
        (signature(column("a", dtype="string"), BEFORE.inputs[1]), "input 'a'"),
        (signature(column("a", missing=Missing(allowed=False)), BEFORE.inputs[1]), "input 'a'"),
        (signature(column("a"), column("b", dtype="string", categories=("x",))), "input 'b'"),
        (signature(*BEFORE.inputs, output="probabilities"), "output 'prediction'"),
        (signature(*BEFORE.inputs, dtype="float64"), "output 'prediction'"),
        (signature(*BEFORE.inputs, shape=(None, 2)), "output 'prediction'"),
    ],
)
def test_what_callers_would_notice_breaks_them(after: Signature, what: str) -> None:
    assert breaking(after) == [what]


@pytest.mark.parametrize(
    "after",
    [
        signature(BEFORE.inputs[1], BEFORE.inputs[0]),
        signature(column("a", dtype="float64"), BEFORE.inputs[1]),
        signature(column("a"), column("b", dtype="string", categories=("x", "y", "z"))),
    ],
    ids=["order", "wider number", "new category"],
)
def test_what_callers_do_not_notice_is_said_without_alarm(after: Signature) -> None:
    assert signature_changes(BEFORE, after)
    assert breaking(after) == []
