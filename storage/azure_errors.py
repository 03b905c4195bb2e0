"""When a request to Azure Blob storage is tried again, and what is said when that did not help."""

from __future__ import annotations

import random
import re
import time
from typing import TYPE_CHECKING, TypeVar

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from onnxport.artifacts import Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from .access import Patience

T = TypeVar("T")

_PASSING = {408, 429, 500, 502, 503, 504}
_LONGEST_PAUSE_SECONDS = 10.0


class Retrying:
    """Requests are tried a bounded number of times, with growing pauses or those that the service asks for.

    The SDK's own policy is off: it does not try again after 429, and pauses for up to a minute.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience

    def __call__(self, request: Callable[[], T]) -> T:
        """What `request` answers, at the latest at the last try.

        Raises:
            AzureError: It failed in a way that another try does not help, or it was the last try.
        """
        for attempt in range(1, self._patience.attempts):
            try:
                return request()
            except AzureError as error:
                if not _may_pass(error):
                    raise
                time.sleep(self._pause(attempt, error))
        return request()

    def _pause(self, attempt: int, error: AzureError) -> float:
        jitter = random.uniform(0.5, 1.5)  # ruff: ignore[S311] - spreads load, guards nothing
        pause = self._patience.pause_seconds * 2 ** (attempt - 1) * jitter
        response = getattr(error, "response", None)
        asked = response.headers.get("Retry-After", "") if response is not None else ""
        return min(float(asked) if asked.isdecimal() else pause, _LONGEST_PAUSE_SECONDS)


def _may_pass(error: AzureError) -> bool:
    if isinstance(error, IncompleteReadError):  # an HttpResponseError too, of status 200
        return True
    if isinstance(error, HttpResponseError):
        return error.status_code in _PASSING or error_code(error) == "ContainerBeingDeleted"
    return isinstance(error, (ServiceRequestError, ServiceResponseError))


def error_code(error: AzureError) -> str:
    """The service's own name for what went wrong, or empty."""
    response = getattr(error, "response", None)
    return "" if response is None else str(response.headers.get("x-ms-error-code") or "")


def unreachable(url: str, error: AzureError) -> Unreachable:
    """What to raise for `error` of a store at `url`: it names status and code, and shows no secret."""
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if isinstance(error, ClientAuthenticationError) or status in {401, 403}:
        return Unreachable(
            f"the store {url} refuses access: {_described(error)}",
            hint="Check that key or SAS are of this account and not expired, or sign in (`az login`) as somebody "
            "with the role Storage Blob Data Contributor (Reader, for reading).",
        )
    if status is None:
        return Unreachable(
            f"the store {url} cannot be reached: {_described(error)}",
            hint="Check the URL, the network and proxies, then run the same command again.",
        )
    return Unreachable(
        f"the store {url} does not do as asked: {_described(error)}",
        hint="Run the same command again: it goes on where this one stopped.",
    )


def _described(error: AzureError) -> str:
    """Status and code, or the error's first line without what follows a `?`, where a SAS stands."""
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        return f"{error.status_code} {error_code(error) or error.reason or ''}".strip()
    return re.sub(r"\?[^\s'\")]*", "?…", str(error.message).strip().split("\n", maxsplit=1)[0])
