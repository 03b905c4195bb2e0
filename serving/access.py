"""Who may ask for what: API keys known by their digest, and Entra ID tokens."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from onnxport.artifacts import digest_bytes

from .fault import FORBIDDEN, TOO_MANY, UNAUTHORIZED, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .settings import Security
    from .tokens import Tokens

_MOST_CALLERS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks.

    Attributes:
        name: Stands in logs.
        models: The models that it may use; `*` is all of them.
    """

    name: str
    models: frozenset[str]


ANYBODY: Final = Principal(name="anybody", models=frozenset({"*"}))


class Access:
    """Decides by a request's headers."""

    def __init__(self, security: Security, tokens: Tokens | None) -> None:
        self._keys = {
            key.sha256: Principal(name=key.name, models=frozenset(key.models)) for key in security.api_keys
        }
        self._tokens = tokens
        self.open: Final = not self._keys and tokens is None

    def principal(self, headers: Mapping[bytes, bytes]) -> Principal | Fault:
        """Who asks: an API key in `x-api-key`, or a key or token in `authorization: Bearer …`."""
        if self.open:
            return ANYBODY
        secret = headers.get(b"x-api-key", b"")
        scheme, _, rest = headers.get(b"authorization", b"").partition(b" ")
        if not secret and scheme.lower() == b"bearer":
            secret = rest.strip()
        if not secret:
            return _unknown("no API key and no token was sent")
        found = self._keys.get(digest_bytes(secret))
        if found is not None:
            return found
        if self._tokens is None or secret.count(b".") != 2:  # ruff: ignore[PLR2004] - header, claims, signature
            return _unknown("the API key is not known")
        return self._tokens.principal(secret)


def may_use(principal: Principal, model: str) -> Fault | None:
    """A fault unless `principal` may use `model`."""
    if "*" in principal.models or model in principal.models:
        return None
    return Fault(status=FORBIDDEN, code="forbidden", message=f"{principal.name} may not use {model}")


def _unknown(reason: str) -> Fault:
    return Fault(status=UNAUTHORIZED, code="unauthorized", message=reason)


class Rates:
    """Requests a second, a bucket for each caller; it holds twice that for bursts."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_second
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, caller: str) -> Fault | None:
        """A fault when `caller` asks too often."""
        if not self._rate:
            return None
        now, full = self._clock(), 2 * self._rate
        level, since = self._buckets.pop(caller, (full, now))
        level = min(full, level + (now - since) * self._rate)
        self._buckets[caller] = (max(0.0, level - 1), now)
        if len(self._buckets) > _MOST_CALLERS:
            self._buckets.popitem(last=False)
        if level >= 1:
            return None
        message = f"more than {self._rate:g} requests a second"
        return Fault(status=TOO_MANY, code="too-many-requests", message=message, retry_after=1)
