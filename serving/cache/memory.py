"""Answers that this process gave before: ten times cheaper than scoring, where callers repeat themselves."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    Row = tuple[bytes, ...]
    """A row's outputs as JSON fragments, in the order of the signature."""

LOOKUP_US: Final = 2.0
"""What looking up and keeping a row costs, microseconds (hash, dict, and its share of evictions)."""
_ENTRY_BYTES: Final = 400
_WINDOW: Final = 2_048
_PAUSE: Final = 16 * _WINDOW


class Memory:
    """The answers that were used last, by tenant and feature vector; bounded in bytes.

    With `scored_us` it watches itself: when a window of lookups saved less time than it cost, it looks away for a
    while, then tries again.
    """

    def __init__(self, megabytes: float, vector_bytes: int, scored_us: float | None = None) -> None:
        self._most: Final = int(megabytes * (1 << 20) / (_ENTRY_BYTES + vector_bytes))
        self._entries: OrderedDict[tuple[bytes, bytes], Row] = OrderedDict()
        self._scored_us = scored_us
        self._asked = 0
        self._hits = 0
        self._away = 0

    def awake(self) -> bool:
        """Whether looking pays at the moment."""
        if self._away:
            self._away -= 1
            return False
        return self._most > 0

    def find(self, tenant: bytes, keys: Sequence[bytes]) -> list[Row] | None:
        """The answers to all rows, or `None`."""
        entries = self._entries
        found: list[Row] = []
        self._asked += len(keys)
        for key in keys:
            row = entries.get((tenant, key))
            if row is None:
                self._judge()
                return None
            found.append(row)
        for key in keys:
            entries.move_to_end((tenant, key))
        self._hits += len(keys)
        return found

    def keep(self, tenant: bytes, keys: Sequence[bytes], rows: Sequence[Row]) -> None:
        """The answers are there for the next who asks the same."""
        entries = self._entries
        for key, row in zip(keys, rows, strict=True):
            entries[tenant, key] = row
        while len(entries) > self._most:
            entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)

    def _judge(self) -> None:
        if self._scored_us is None or self._asked < _WINDOW:
            return
        if self._hits * self._scored_us < self._asked * LOOKUP_US:
            self._away = _PAUSE
            self._entries.clear()
        self._asked = self._hits = 0
