"""The product's own JSON: records by name in, every output out, with the release that gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from ..fault import unfit
from ..forms import Form
from .dialect import Reply, Request, json_document, strange_members, wrong_content_type

if TYPE_CHECKING:
    from ..answers import Answer
    from ..fault import Fault
    from ..wire import Exchange
    from .dialect import Replier

_ONE: Final = frozenset({"record"})
_MANY: Final = frozenset({"records"})


class Product:
    """`{"record": {…}}`, or in batches `{"records": [{…}, …]}`."""

    def __init__(self, *, batch: bool) -> None:
        self._batch = batch
        self._templates: dict[tuple[str, ...], bytes] = {}

    def read(self, exchange: Exchange) -> Request | Fault:
        """The record, or the records."""
        if fault := wrong_content_type(exchange):
            return fault
        document = json_document(exchange)
        if not isinstance(document, dict):
            return document
        if fault := strange_members(document, _MANY if self._batch else _ONE):
            return fault
        if self._batch:
            return self._records(document)
        if "record" not in document:
            return unfit("wrong-form", "a member 'record' expected", "$")
        return Request(Form("record", document["record"], "$.record", 1))

    def write(self, request: Request, answer: Answer, replier: Replier) -> Reply:
        """Who answered, and an object of all outputs for each row."""
        del request
        names = answer.rendered.names
        template = self._templates.get(names) or self._template(names)
        rows = [template % row for row in zip(*(answer.fragments(name) for name in names), strict=True)]
        head = orjson.dumps(
            {
                "model": replier.name,
                "version": replier.version,
                "digest": replier.digest or None,
                "served_by": answer.served_by,
            }
        )[:-1]
        if self._batch:
            return Reply(b'%b,"predictions":[%b]}' % (head, b",".join(rows)))
        return Reply(b'%b,"prediction":%b}' % (head, rows[0]))

    def refuse(self, exchange: Exchange, fault: Fault) -> None:
        """`{"error": {"code", "message", "path", "details"}}` under the fault's own status."""
        exchange.refuse(fault)

    @staticmethod
    def _records(document: dict[str, Any]) -> Request | Fault:
        if "records" not in document:
            return unfit("wrong-form", "a member 'records' expected", "$")
        return Request(Form("records", document["records"], "$.records", 1))

    def _template(self, names: tuple[str, ...]) -> bytes:
        members = b",".join(b"%b:%%b" % orjson.dumps(name).replace(b"%", b"%%") for name in names)
        template = self._templates[names] = b"{%b}" % members
        return template
