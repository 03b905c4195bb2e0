"""After some failures in a row nobody is asked for a while: waiting for what does not answer helps no caller."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

FAILURES: Final = 3
SECONDS: Final = 2.0


class Breaker:
    """Opens for two seconds after three failures in a row; then one request tries, and what it finds decides."""

    def __init__(
        self, failures: int = FAILURES, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = failures
        self._seconds = seconds
        self._clock = clock
        self._failures = 0
        self._closed_at = 0.0

    def allows(self) -> bool:
        """Whether to ask; while it is open, one request each two seconds may try."""
        if self._failures < self._most:
            return True
        now = self._clock()
        if now < self._closed_at:
            return False
        self._closed_at = now + self._seconds
        return True

    def succeeded(self) -> None:
        """An answer came."""
        self._failures = 0

    def failed(self) -> None:
        """None came."""
        self._failures += 1
        if self._failures >= self._most:
            self._closed_at = self._clock() + self._seconds
