"""Asks a Prometheus, or what speaks like one, for the value of an expression now."""

from __future__ import annotations

import http.client
import json
import math
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from onnxport.artifacts import Unreachable, UsageError

DEFAULT_TIMEOUT_SECONDS: Final = 30.0
_MOST_BYTES: Final = 64 << 20
_BLOCK: Final = 1 << 16
_SHOWN: Final = 200
_LOCAL: Final = {"localhost", "127.0.0.1", "::1"}
_AGAIN: Final = "Check the URL (--prometheus), the network and the proxy, then run the same command again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One series of an answer.

    Attributes:
        labels: Its labels by name.
        value: Its value now.
    """

    labels: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """Where metrics are asked for.

    Attributes:
        url: `http://HOST:9090`, with the path below which `/api/v1` lies.
        token: Sent as a bearer token, over https only; `None`: none is sent.
        timeout_seconds: How long one question may take, from its first byte to the last of the answer.
    """

    url: str
    token: str | None = None
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS

    def __post_init__(self) -> None:
        """Refuse what cannot be asked.

        Raises:
            UsageError: The URL is none, or the token would be sent in plain text.
        """
        try:
            parts = urlsplit(self.url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            parts, host = urlsplit(""), None
        if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
            raise UsageError(
                f"{self.url!r} is no URL of a Prometheus", hint="For example --prometheus http://127.0.0.1:9090."
            )
        if self.token is not None and parts.scheme != "https" and host not in _LOCAL:
            raise UsageError(
                f"a token is sent over https only, and {self.url} is not",
                hint="Use https, or leave the token out.",
            )

    def query(self, expression: str) -> list[Sample]:
        """Every series of `expression` with its value now.

        Raises:
            Unreachable: Nobody answers in time, the answer is an error, is none of Prometheus's, or is partial.
        """
        status, body = self._post("/api/v1/query", urlencode({"query": expression}).encode())
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if not isinstance(document, dict) or "status" not in document:
            raise self._odd(status, body)
        if status != http.client.OK or document["status"] != "success":
            said = str(document.get("error") or document.get("errorType") or status)[:_SHOWN]
            raise Unreachable(f"Prometheus at {self.url} refuses the question ({status}): {said}", hint=_AGAIN)
        if document.get("warnings"):
            said = "; ".join(map(str, document["warnings"]))[:_SHOWN]
            raise Unreachable(
                f"Prometheus at {self.url} answers in part only: {said}",
                hint="A verdict on part of the data would be a guess: wait until its stores answer again.",
            )
        try:
            return _samples(document["data"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._odd(status, body) from error

    def _post(self, path: str, body: bytes) -> tuple[int, bytes]:
        request = urllib.request.Request(  # ruff: ignore[S310] - http or https, see above
            self.url.rstrip("/") + path, body, {"Content-Type": "application/x-www-form-urlencoded"}
        )
        if self.token is not None:
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        deadline = time.monotonic() + self.timeout_seconds
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_seconds) as response:  # ruff: ignore[S310] - see above
                return int(response.status), self._read(response, deadline)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(_BLOCK)
        except urllib.error.URLError as error:
            raise Unreachable(f"Prometheus at {self.url} does not answer: {error.reason}", hint=_AGAIN) from error
        except (OSError, http.client.HTTPException) as error:
            said = str(error) or type(error).__name__
            raise Unreachable(f"the answer of Prometheus at {self.url} broke off: {said}", hint=_AGAIN) from error

    def _read(self, response: http.client.HTTPResponse, deadline: float) -> bytes:
        data = bytearray()
        while block := response.read1(_BLOCK):
            data += block
            if len(data) > _MOST_BYTES or time.monotonic() > deadline:
                raise Unreachable(
                    f"Prometheus at {self.url} answers without end: {len(data)} bytes so far",
                    hint="Ask for fewer models, or a shorter window.",
                )
        if response.length:  # `read1` is content with less than what was promised
            raise http.client.IncompleteRead(bytes(data[:0]), response.length)
        return bytes(data)

    def _odd(self, status: int, body: bytes) -> Unreachable:
        shown = " ".join(body[:_SHOWN].decode(errors="replace").split())
        return Unreachable(
            f"what answers at {self.url} ({status}) is no Prometheus: {shown or 'an empty answer'}",
            hint="A sign-in page or a proxy answers like this; --prometheus takes the URL above /api/v1.",
        )


def _samples(data: Any) -> list[Sample]:  # ruff: ignore[ANN401] - any JSON value
    if data["resultType"] != "vector":
        raise ValueError(data["resultType"])
    found: list[Sample] = []
    for one in data["result"]:
        value = float(one["value"][1])
        if not math.isfinite(value):
            raise ValueError("a count that is no number")
        found.append(Sample(labels={str(key): str(text) for key, text in one["metric"].items()}, value=value))
    return found
