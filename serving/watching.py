"""Aliases followed as they move: a new release is pulled, verified, proven and warm before it answers."""

from __future__ import annotations

import asyncio
import ctypes
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from onnxport.artifacts import OnnxportError, ReleaseRef, Unreachable

from .loading import fetch, fetch_to, load, read_folder
from .logs import log
from .metrics import RELEASE, SWAPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxport.artifacts import Manifest
    from onnxport.releases import Releases

    from .copies import Copies
    from .loading import Loaded, Verified
    from .metrics import Metrics
    from .models import Model, Served

_INFO, _WARNING, _ERROR = 20, 30, 40
RETRY_SECONDS: Final = 60.0
"""After which a release that was refused is tried again: what was damaged may have been mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a look at the store found.

    Attributes:
        loaded: A release that may take over; `None` where the one that answers is still right.
        stale: Whether the store did not answer.
        problem: Why the newest release does not answer; empty when it does, or may.
    """

    loaded: Loaded | None = None
    stale: bool = False
    problem: str = ""


class Watcher:
    """Keeps one model at the release that its reference means."""

    def __init__(
        self, model: Model, releases: Releases, *, copies: Copies | None, metrics: Metrics, poll_seconds: float
    ) -> None:
        self._model = model
        self._ref = ReleaseRef.parse(model.settings.reference)
        self._releases = releases
        self._copies = copies
        self._metrics = metrics
        self._poll = poll_seconds
        self._refused: tuple[int, str] | None = None
        self._refused_why = ""
        self._retry_at = 0.0

    async def watch(self, serve: Callable[[Loaded], Served]) -> None:
        """Looks for ever; `serve` makes a loaded release ready to answer."""
        while True:
            await self.look(serve)
            await asyncio.sleep(self._poll)

    async def look(self, serve: Callable[[Loaded], Served]) -> None:
        """One look at the store: a new release takes over, between two turns of the loop."""
        model = self._model
        try:
            found = await asyncio.to_thread(self._find)
        except OnnxportError as error:
            found = Found(stale=model.served is not None, problem=error.message)
        if found.problem and found.problem != model.problem:
            log(_WARNING, "the newest release does not answer", model=model.name, reason=found.problem)
        if found.loaded is not None:
            before, model.served = model.served, serve(found.loaded)
            self._took_over(before, model.served)
            del before
            await asyncio.to_thread(_give_back_memory)
        model.stale, model.problem = found.stale, found.problem

    def _find(self) -> Found:
        try:
            manifest = self._releases.resolve(self._ref)
        except Unreachable as error:
            return self._from_copy(error)
        self._model.manifest = manifest
        key = (manifest.model.version, manifest.digest)
        if self._current() == key:
            self._refused = None
            return Found()
        if self._refused == key and time.monotonic() < self._retry_at:
            return Found(problem=self._refused_why)
        try:
            loaded = load(self._verified(manifest))
        except Unreachable:
            raise
        except OnnxportError as error:
            return self._refuse(key, error)
        self._remember(manifest)
        return Found(loaded=loaded)

    def _from_copy(self, reason: Unreachable) -> Found:
        """What answered here last, while the store is down."""
        if self._model.served is not None:
            return Found(stale=True, problem=f"the store does not answer: {reason.message}")
        folder = self._copies.last(self._ref) if self._copies is not None else None
        if folder is None:
            raise reason
        verified = read_folder(folder)
        self._model.manifest = verified.manifest
        loaded = load(verified)
        return Found(loaded=loaded, stale=True, problem=f"the store does not answer: {reason.message}")

    def _verified(self, manifest: Manifest) -> Verified:
        if self._copies is not None:
            return fetch_to(self._releases, manifest, self._copies.folder(manifest))
        return fetch(self._releases, ReleaseRef(name=manifest.model.name, version=manifest.model.version))

    def _remember(self, manifest: Manifest) -> None:
        if self._copies is None:
            return
        try:
            self._copies.remember(self._ref, manifest)
        except OSError as error:
            log(_WARNING, "no local copy is kept", model=self._model.name, reason=str(error))

    def _refuse(self, key: tuple[int, str], error: OnnxportError) -> Found:
        if self._refused != key:
            self._metrics.counter(SWAPS, model=self._model.name, result="refused").add()
        self._refused, self._retry_at = key, time.monotonic() + RETRY_SECONDS
        self._refused_why = f"refused {self._ref.name}:{key[0]}: {error.message}"
        log(_ERROR, "a release is refused", model=self._ref.name, version=key[0], reason=error.message)
        return Found(problem=self._refused_why)

    def _current(self) -> tuple[int, str] | None:
        served = self._model.served
        if served is None:
            return None
        manifest = served.loaded.manifest
        return manifest.model.version, manifest.digest

    def _took_over(self, before: Served | None, after: Served) -> None:
        self._refused = None
        self._metrics.counter(SWAPS, model=self._model.name, result="done").add()
        for served, value in ((before, 0.0), (after, 1.0)):
            if served is not None:
                manifest = served.loaded.manifest
                labels = {"model": manifest.model.name, "version": str(manifest.model.version)}
                self._metrics.counter(RELEASE, **labels, digest=manifest.digest).set(value)
        log(
            _INFO,
            "a release answers",
            model=self._model.name,
            release=after.loaded.reference,
            before=before.loaded.reference if before is not None else None,
        )


def _give_back_memory() -> None:
    """What the release before held goes back to the system, where glibc keeps it otherwise."""
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        return
