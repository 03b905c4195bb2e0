"""Does the scoring service answer for a release? Asked before anything that it replaces is removed."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any, Final
from urllib.parse import urlsplit

from onnxport.artifacts import ReleaseRef, UsageError

_SECONDS: Final = 10.0
_MOST_BYTES: Final = 1 << 20


def why_not_served(url: str | None, reference: str) -> str:
    """Why it is not certain that the service at `url` answers for `reference`, `NAME@ALIAS`; empty where it is.

    Raises:
        UsageError: `url` or `reference` is none.
    """
    wanted = ReleaseRef.parse(reference)
    if url is None:
        return "nobody says where the scoring service is (services.onnx_serving.url)"
    if urlsplit(url).scheme not in {"http", "https"}:
        raise UsageError(f"services.onnx_serving.url is no URL: {url!r}")
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health/ready", timeout=_SECONDS) as answer:  # ruff: ignore[S310] - http or https
            found = json.loads(answer.read(_MOST_BYTES))
    except urllib.error.HTTPError as error:
        error.close()
        return f"the scoring service at {url} is not ready ({error.code})"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"the scoring service at {url} does not answer: {getattr(error, 'reason', error)}"
    return _why_not(found, wanted, url)


def _why_not(found: Any, wanted: ReleaseRef, url: str) -> str:  # ruff: ignore[ANN401] - any JSON value
    models = found.get("models") if isinstance(found, dict) else None
    state = models.get(wanted.name) if isinstance(models, dict) else None
    if not isinstance(state, dict):
        return f"the scoring service at {url} does not serve {wanted.name}"
    if not state.get("ready"):
        return (
            f"the scoring service at {url} has no release of {wanted.name}: {state.get('problem') or 'not ready'}"
        )
    if str(state.get("reference")) != str(wanted):
        return f"the scoring service at {url} serves {state.get('reference')}, not {wanted}"
    return ""
