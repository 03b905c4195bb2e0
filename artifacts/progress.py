"""How long work says how far it is: a hook that is passed in, so that no stage knows a screen."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of work as it goes on."""

    def step(self, name: str, done: int, total: int | None) -> None:
        """`done` of `total` units of `name` are done; `total` is `None` where nobody knows."""
        ...


class Silent:
    """Progress that nobody watches."""

    def step(self, name: str, done: int, total: int | None) -> None:
        """Nothing happens."""
