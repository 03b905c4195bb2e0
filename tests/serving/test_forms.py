"""Rows in JSON bodies: what is no JSON is said to be none, and names that stand twice are found at any depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from onnxport.serving.fault import Fault
from onnxport.serving.features import Features, Table
from onnxport.serving.forms import Form, parse

from tests.serving.support import quote

if TYPE_CHECKING:
    from tests.serving.conftest import Running

ROW = ["red", 1, True, 0.25]
NAMES = ["colour", "count", "urgent", "weight"]
RECORD = dict(zip(NAMES, ROW, strict=True))


@pytest.fixture
def features() -> Features:
    conversion = quote().conversion
    return Features(conversion.signature, conversion.plan)


def test_what_pythons_json_writes_for_floats_is_read() -> None:
    assert parse(b"[NaN, 1]") == [None, 1]
    assert parse(b"[Infinity, -Infinity]") == [float("inf"), float("-inf")]


@pytest.mark.parametrize("body", [b"[NaN", b"[Infinity, ]", b'{"a": NaN' + b"[" * 5_000, b"nan", b"\xffNaN"])
def test_broken_json_with_such_floats_is_broken(body: bytes) -> None:
    found = parse(body)
    assert isinstance(found, Fault)
    assert (found.status, found.code) == (400, "broken-json")


@pytest.mark.parametrize(
    ("form", "names", "rows"),
    [
        (Form("record", RECORD, "$", 0), NAMES, [ROW]),
        (Form("records", [RECORD, RECORD], "$", 0), NAMES, [ROW, ROW]),
        (Form("records", [], "$", 0), [], []),
        (Form("split", [ROW], "$", 0, NAMES), NAMES, [ROW]),
        (Form("lists", [ROW], "$", 0), None, [ROW]),
        (Form("columns", {name: [value] for name, value in RECORD.items()}, "$", 0), NAMES, [ROW]),
    ],
    ids=lambda value: value.kind if isinstance(value, Form) else "",
)
def test_every_form_becomes_names_and_rows_for_a_server_that_knows_the_model(
    form: Form, names: list[str] | None, rows: list[Any]
) -> None:
    assert form.frame() == (names, rows)


@pytest.mark.parametrize(
    "form",
    [
        Form("record", [1], "$.record", 0),
        Form("records", [RECORD, {}], "$.records", 0),
        Form("records", [1], "$.records", 0),
        Form("split", [], "$.split", 0, None),
        Form("columns", {"a": [1], "b": [1, 2]}, "$.inputs", 0),
        Form("columns", {"a": 1}, "$.inputs", 0),
    ],
)
def test_rows_that_are_not_alike_are_no_frame(form: Form) -> None:
    found = form.frame()
    assert isinstance(found, Fault)
    assert (found.code, found.path) == ("wrong-form", form.path)


def test_a_colon_in_a_value_is_no_member_that_stands_twice(features: Features) -> None:
    form = Form("split", [ROW], "$.data", 2, NAMES)
    body = b'{"index":["a:b"],"data":[["red",1,true,0.25]]}'
    assert isinstance(form.table(features, body), Table)


def test_a_body_that_is_too_deep_to_look_for_doubles_in_is_refused(service: Running) -> None:
    """orjson reads 1,024 levels, the standard library fewer: nothing is taken unseen."""
    deep = "[" * 1_000 + '"a:b"' + "]" * 1_000
    body = f'{{"dataframe_split":{{"columns":{NAMES},"index":{deep},"data":[["red",1,true,0.25]]}}}}'.replace(
        "'", '"'
    )
    reply = service.ask("/invocations/quote", body.encode())
    assert reply.status == 400
    assert "nested too deeply" in reply.json["message"]
