"""The seam between HTTP bodies and rows, and what several dialects share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..fault import WRONG_TYPE, Fault, unfit
from ..forms import Form, parse
from ..wire import JSON

if TYPE_CHECKING:
    from onnxport.artifacts import Signature

    from ..answers import Answer
    from ..forms import Asked
    from ..settings import Answer as Wanted
    from ..wire import Exchange


@dataclass(slots=True)  # not frozen: made for every request (ADR 0010)
class Request:
    """What a body asks for.

    Attributes:
        rows: The rows.
        more: What the dialect wants to remember until the answer.
    """

    rows: Asked
    more: Any = None


@dataclass(slots=True)  # not frozen: made for every request (ADR 0010)
class Reply:
    """An answer as a dialect writes it.

    Attributes:
        body: The body.
        content_type: Its type.
        headers: Further header lines.
    """

    body: bytes
    content_type: bytes = JSON
    headers: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replier:
    """What a dialect must know about the model that answered.

    Attributes:
        name: The model.
        version: Its release; `None` where the endpoint answered and no release is loaded.
        digest: The release's digest, or empty.
        signature: Inputs and outputs, or `None`.
        wanted: What other servers' dialects answer a row with.
        wrap: Member that holds the Azure ML route's list, or `None`.
    """

    name: str
    version: int | None
    digest: str
    signature: Signature | None
    wanted: Wanted
    wrap: str | None


class Dialect(Protocol):
    """How the callers of one kind of server speak."""

    def read(self, exchange: Exchange) -> Request | Fault:
        """What the body asks for."""
        ...

    def write(self, request: Request, answer: Answer, replier: Replier) -> Reply | Fault:
        """The answer's body."""
        ...

    def refuse(self, exchange: Exchange, fault: Fault) -> None:
        """The caller is told why not, as the server would whose dialect this is."""
        ...


def json_document(exchange: Exchange) -> dict[str, Any] | Fault:
    """The JSON object in the body."""
    document = parse(exchange.body)
    if type(document) is dict or isinstance(document, Fault):
        return document
    return unfit("wrong-form", "a JSON object expected", "$")


def wrong_content_type(exchange: Exchange) -> Fault | None:
    """A fault unless the body is declared as JSON in UTF-8, and not compressed."""
    given = exchange.headers.get(b"content-type", b"")
    if b"content-encoding" in exchange.headers:
        return Fault(status=WRONG_TYPE, code="wrong-encoding", message="compressed bodies are not taken")
    if given == JSON:
        return None
    kind, _, parameters = given.decode("latin-1").lower().partition(";")
    fine = parameters.replace(" ", "").replace('"', "") in {"", "charset=utf-8"}
    if kind.strip() == "application/json" and fine:
        return None
    return Fault(
        status=WRONG_TYPE,
        code="wrong-content-type",
        message=f"the body must be application/json, found {kind.strip() or 'no content type'}",
    )


def strange_members(document: dict[str, Any], allowed: frozenset[str], path: str = "$") -> Fault | None:
    """A fault for members that the form does not have."""
    if allowed.issuperset(document):
        return None
    strange = [name for name in document if name not in allowed]
    return unfit("unknown-member", f"unknown member {strange[0]!r}", path, unknown=strange)


_SPLIT = frozenset({"columns", "index", "data"})


def split_form(split: dict[str, Any], path: str, pairs: int) -> Form | Fault:
    """`{"columns": […], "index": […], "data": [[…]]}`; without columns the rows are in the model's order."""
    if fault := strange_members(split, _SPLIT, path):
        return fault
    if "data" not in split:
        return unfit("wrong-form", "a member 'data' expected", path)
    pairs += len(split)
    if "columns" not in split:
        return rows_form(split["data"], f"{path}.data", pairs)
    return Form("split", split["data"], path, pairs, split["columns"])


def rows_form(rows: Any, path: str, pairs: int) -> Form | Fault:  # ruff: ignore[ANN401] - any JSON value
    """An array of records, or of arrays in the model's order."""
    if not isinstance(rows, list):
        return unfit("wrong-form", "an array of rows expected", path)
    return Form("records" if rows and isinstance(rows[0], dict) else "lists", rows, path, pairs)
