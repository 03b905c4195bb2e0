"""An Azure ML online endpoint that serves the source model: asked within a deadline, behind a breaker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import orjson

from ..breaker import Breaker
from ..fault import OFTEN, UNAVAILABLE, Fault, unfit
from ..metrics import FALLBACK
from ..outputs import Rendered
from .client import HttpClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from onnxport.artifacts import Manifest

    from ..forms import Frame
    from ..metrics import Metrics
    from ..settings import Endpoint as EndpointSettings

    GetToken = Callable[[], Awaitable[str]]

_OK: Final = 200
_REFUSED: Final = frozenset({400, 413, 415, 422})


class Endpoint:
    """Asks one endpoint, and reads its answer.

    Attributes:
        answer: What its list of answers holds.
    """

    def __init__(
        self, model: str, settings: EndpointSettings, metrics: Metrics, token: GetToken | None = None
    ) -> None:
        self.answer: Final = settings.answer
        self._model = model
        self._settings = settings
        self._metrics = metrics
        self._token = token
        self._client = HttpClient(settings.url)
        self._breaker = Breaker()

    def stands_in_for(self, manifest: Manifest | None) -> bool:
        """Whether it may answer for this release: it serves its source, or is declared compatible."""
        if self._settings.compatible:
            return True
        return manifest is not None and self._settings.source_sha256 == manifest.source.sha256

    async def ask(self, frame: Frame, order: Sequence[str] | None, purpose: str = "fallback") -> Rendered | Fault:
        """The endpoint's answer to the rows, or why there is none.

        Args:
            frame: Column names, or `None`, and rows.
            order: The model's columns, for rows without names.
            purpose: `fallback` or `shadow`, as it is counted.
        """
        result, found = await self._asked(frame, order)
        self._metrics.counter(FALLBACK, model=self._model, purpose=purpose, result=result).add()
        return found

    def close(self) -> None:
        """No connection is kept."""
        self._client.close()

    async def _asked(self, frame: Frame, order: Sequence[str] | None) -> tuple[str, Rendered | Fault]:
        if not self._breaker.allows():
            return "skipped", _no_answer("the endpoint has failed several times in a row")
        names, rows = frame
        columns = names if names is not None else order
        split = {"columns": columns, "index": list(range(len(rows))), "data": rows}
        body = orjson.dumps({"input_data": split if columns is not None else rows})
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                response = await self._client.post(body, await self._headers())
        except TimeoutError:
            self._breaker.failed()
            return "timeout", _no_answer(f"the endpoint did not answer in {self._settings.timeout_seconds:g} s")
        except OSError as error:
            self._breaker.failed()
            return "failed", _no_answer(f"the endpoint cannot be reached: {error}")
        if response.status in _REFUSED:
            self._breaker.succeeded()
            return "refused", unfit("endpoint-refused", "the endpoint does not take these rows", "$")
        found = _read(response.body, len(rows), self.answer) if response.status == _OK else None
        if found is None:
            self._breaker.failed()
            return "failed", _no_answer(f"the endpoint answered {response.status} with something else")
        self._breaker.succeeded()
        return "answered", found

    async def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self._settings.auth == "key" and self._settings.key:
            headers["authorization"] = f"Bearer {self._settings.key}"
        elif self._token is not None:
            headers["authorization"] = f"Bearer {await self._token()}"
        if self._settings.deployment:
            headers["azureml-model-deployment"] = self._settings.deployment
        return headers


def _no_answer(reason: str) -> Fault:
    message = f"neither ONNX nor the Azure ML endpoint answers: {reason}"
    return Fault(status=UNAVAILABLE, code="no-answer", message=message, retry_after=OFTEN)


def _read(body: bytes, rows: int, name: str) -> Rendered | None:
    """A value for each row: a list, a list as a string of JSON, or the one list in an object."""
    try:
        found: Any = orjson.loads(body)
        if isinstance(found, str):
            found = orjson.loads(found)
    except orjson.JSONDecodeError:
        return None
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        found = lists[0] if len(lists) == 1 else None
    if not isinstance(found, list) or len(found) != rows:
        return None
    return Rendered.of_fragments({name: [orjson.dumps(value) for value in found]})
