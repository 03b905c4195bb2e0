"""The scoring route of an Azure ML online endpoint.

Follows azureml-inference-server-http 1.x: errors are `{"message": …}`, and a header tells whether scoring failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from ..fault import BAD_REQUEST, INTERNAL, UNFIT, Fault, unfit
from ..outputs import array
from ..wire.exchange import clean_id
from .dialect import Reply, Request, json_document, rows_form, split_form, strange_members

if TYPE_CHECKING:
    from ..answers import Answer
    from ..forms import Form
    from ..wire import Exchange
    from .dialect import Replier

_FORMS: Final = ("input_data", "input", "data")
_FINE: Final = b"x-ms-run-function-failed: False\r\n"
_FAILED: Final = b"x-ms-run-function-failed: True\r\n"


class AzureMl:
    """`{"input_data": {"columns", "data"}}`, `{"input": […]}` or `{"data": […]}`; a list comes back."""

    def read(self, exchange: Exchange) -> Request | Fault:
        """The rows, in any of the three forms; as there, the content type does not matter."""
        document = json_document(exchange)
        if isinstance(document, Fault):
            return document
        given = [name for name in document if name in _FORMS]
        if len(given) != 1:
            return unfit("wrong-form", f"one of {', '.join(_FORMS)} expected", "$")
        if len(document) > 1 and (fault := strange_members(document, frozenset(given))):
            return fault
        form = self._form(document[given[0]], f"$.{given[0]}")
        more = _ids(exchange)
        return form if isinstance(form, Fault) else Request(form, more)

    def write(self, request: Request, answer: Answer, replier: Replier) -> Reply | Fault:
        """A list, a value for each row; in a member of its own where the settings name one."""
        fragments = answer.chosen(replier.wanted)
        if isinstance(fragments, Fault):
            return fragments
        body = array(fragments)
        if replier.wrap is not None:
            body = b"{%b:%b}" % (orjson.dumps(replier.wrap), body)
        return Reply(body, headers=_FINE + request.more)

    def refuse(self, exchange: Exchange, fault: Fault) -> None:
        """`{"message": …}`; what does not fit is a bad request there."""
        status = BAD_REQUEST if fault.status == UNFIT else fault.status
        headers = (_FAILED if status >= INTERNAL else _FINE) + _ids(exchange) + fault.header_lines
        message = fault.message if fault.path == "$" else f"{fault.path}: {fault.message}"
        exchange.answer(status, orjson.dumps({"message": message}), headers=headers)

    @staticmethod
    def _form(value: Any, path: str) -> Form | Fault:  # ruff: ignore[ANN401] - any JSON value
        if isinstance(value, dict):
            return split_form(value, path, 1)
        return rows_form(value, path, 1)


def _ids(exchange: Exchange) -> bytes:
    """The ids under which callers of Azure ML find a request again."""
    headers = exchange.headers
    client = clean_id(headers.get(b"x-ms-client-request-id"))
    request = clean_id(headers.get(b"x-ms-request-id")) or client or exchange.request_id
    lines = b"x-ms-request-id: %b\r\n" % request
    return lines + (b"x-ms-client-request-id: %b\r\n" % client if client else b"")
