"""`/invocations` of MLflow's scoring server: its four forms of rows, its answer, its errors.

Follows `mlflow/pyfunc/scoring_server` of mlflow 3: errors are `{"error_code", "message"}` under the code's status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from ..fault import WRONG_TYPE, Fault, unfit
from ..forms import Form
from ..outputs import array
from ..wire import TEXT
from .dialect import Reply, Request, json_document, rows_form, split_form, strange_members, wrong_content_type

if TYPE_CHECKING:
    from ..answers import Answer
    from ..wire import Exchange
    from .dialect import Replier

_FORMS: Final = ("dataframe_split", "dataframe_records", "instances", "inputs")
_CODES: Final = {
    400: (400, "BAD_REQUEST"),
    401: (401, "UNAUTHENTICATED"),
    403: (403, "PERMISSION_DENIED"),
    404: (404, "RESOURCE_DOES_NOT_EXIST"),
    413: (413, "BAD_REQUEST"),
    422: (400, "BAD_REQUEST"),
    429: (429, "REQUEST_LIMIT_EXCEEDED"),
    503: (503, "TEMPORARILY_UNAVAILABLE"),
}


class Mlflow:
    """`dataframe_split`, `dataframe_records`, `instances` or `inputs`; `{"predictions": […]}` comes back."""

    def read(self, exchange: Exchange) -> Request | Fault:
        """The rows, in any of the four forms."""
        if fault := wrong_content_type(exchange):
            return fault
        document = json_document(exchange)
        if isinstance(document, Fault):
            return document
        given = [name for name in _FORMS if name in document]
        if len(given) != 1:
            names = ", ".join(_FORMS)
            return unfit("wrong-form", f"the input must be an object with exactly one of {names}", "$")
        if document.get("params"):
            return unfit("unknown-member", "the model takes no params", "$.params", unknown=["params"])
        if fault := strange_members(document, frozenset({given[0], "params"})):
            return fault
        form = self._form(given[0], document[given[0]], len(document))
        return form if isinstance(form, Fault) else Request(form)

    def write(self, request: Request, answer: Answer, replier: Replier) -> Reply | Fault:
        """`{"predictions": […]}`, a value for each row."""
        del request
        fragments = answer.chosen(replier.wanted)
        return fragments if isinstance(fragments, Fault) else Reply(b'{"predictions":%b}' % array(fragments))

    def refuse(self, exchange: Exchange, fault: Fault) -> None:
        """`{"error_code": …, "message": …}`; a content type that is not taken is told in plain text."""
        if fault.status == WRONG_TYPE:
            exchange.answer(WRONG_TYPE, fault.message.encode(), TEXT)
            return
        status, code = _CODES.get(fault.status, (fault.status, "INTERNAL_ERROR"))
        message = fault.message if fault.path == "$" else f"{fault.path}: {fault.message}"
        exchange.answer(status, orjson.dumps({"error_code": code, "message": message}), headers=fault.header_lines)

    @staticmethod
    def _form(name: str, value: Any, pairs: int) -> Form | Fault:  # ruff: ignore[ANN401] - any JSON value
        path = f"$.{name}"
        if name == "dataframe_split":
            if isinstance(value, dict):
                return split_form(value, path, pairs)
            return unfit("wrong-form", "an object with columns and data expected", path)
        if name == "dataframe_records":
            return Form("records", value, path, pairs)
        if name == "inputs" and isinstance(value, dict):
            return Form("columns", value, path, pairs)
        return rows_form(value, path, pairs)
