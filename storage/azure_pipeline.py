"""What all of Azure's clients have in common: how long they wait, and how their texts are shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import Unreachable

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineResponse

    from .access import Patience

LONGEST_PAUSE_SECONDS = 60
_ERRORS = 400
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_SECRET = re.compile(r"\?[^\s'\")]*")


def refuse_long_pause(response: PipelineResponse[Any, Any]) -> None:
    """Nothing happens, or the request ends: Azure asks for a longer pause than anybody waits at a command line.

    azure-core sleeps for whatever `Retry-After` says, an hour too.

    Raises:
        Unreachable: The pause is longer than `LONGEST_PAUSE_SECONDS`.
    """
    asked = response.http_response.headers.get("Retry-After", "")
    status = response.http_response.status_code
    if status >= _ERRORS and asked.isdecimal() and int(asked) > LONGEST_PAUSE_SECONDS:
        raise Unreachable(
            f"Azure is overloaded ({status}) and asks to wait {asked} seconds",
            hint=f"Run the same command again in {int(asked) // 60 + 1} minutes.",
        )


def bounded(patience: Patience) -> dict[str, Any]:
    """The options of any azure-core pipeline that keep its waits within `patience`."""
    return {
        "connection_timeout": patience.connect_seconds,
        "read_timeout": patience.read_seconds,
        "retry_total": patience.attempts - 1,
        "retry_connect": patience.attempts - 1,
        "retry_read": patience.attempts - 1,
        "retry_status": patience.attempts - 1,
        "retry_backoff_factor": patience.pause_seconds,
        "raw_response_hook": refuse_long_pause,
    }


def one_line(text: str) -> str:
    """`text` as part of a message: one line, without colours and without what follows a `?` in a URL."""
    plain = " ".join(_SECRET.sub("?…", _ANSI.sub("", text)).split())
    return plain[:300]
