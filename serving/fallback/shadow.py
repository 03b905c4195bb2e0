"""A share of the answers compared with the Azure ML endpoint's, off the hot path."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
from onnxport.artifacts import digest_bytes

from ..fault import Fault
from ..logs import log
from ..metrics import SHADOW
from ..outputs import LABEL, PREDICTION, PROBABILITIES

if TYPE_CHECKING:
    from onnxport.artifacts import Manifest

    from ..answers import Answer
    from ..forms import Frame
    from ..metrics import Metrics
    from .endpoint import Endpoint

_MOST: Final = 8
_SAMPLES: Final = 5


class Shadow:
    """Compares; when the endpoint is slower than the requests come, the others are let go."""

    def __init__(self, endpoint: Endpoint, share: float, metrics: Metrics) -> None:
        self._endpoint = endpoint
        self._share = share
        self._metrics = metrics
        self._chance = random.Random().random  # ruff: ignore[S311] - a sample, no secret
        self._tasks: set[asyncio.Task[None]] = set()

    def wanted(self) -> bool:
        """Whether this request is one of the share."""
        return self._chance() < self._share

    def compare(self, manifest: Manifest, frame: Frame | Fault, answer: Answer) -> None:
        """The endpoint is asked the same, later; disagreement is counted and a few samples logged."""
        if isinstance(frame, Fault):
            return
        if len(self._tasks) >= _MOST:
            self._count(manifest, "dropped", len(frame[1]))
            return
        task = asyncio.get_running_loop().create_task(self._compare(manifest, frame, answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """No comparison is left."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _compare(self, manifest: Manifest, frame: Frame, answer: Answer) -> None:
        ours = answer.chosen(self._endpoint.answer)
        theirs = await self._endpoint.ask(frame, manifest.signature.columns, "shadow")
        if isinstance(ours, Fault) or isinstance(theirs, Fault):
            self._count(manifest, "failed", len(frame[1]))
            return
        pairs = list(zip(ours, theirs.fragments(self._endpoint.answer), strict=True))
        wrong = [number for number, pair in enumerate(pairs) if not _agree(manifest, self._endpoint.answer, *pair)]
        self._count(manifest, "agree", len(pairs) - len(wrong))
        self._count(manifest, "disagree", len(wrong))
        for number in wrong[:_SAMPLES]:
            one, other = pairs[number]
            log(
                logging.WARNING,
                "the endpoint answers otherwise",
                model=manifest.model.name,
                version=manifest.model.version,
                row=digest_bytes(orjson.dumps(frame[1][number]))[:16],
                onnx=orjson.loads(one),
                azureml=orjson.loads(other),
            )

    def _count(self, manifest: Manifest, result: str, rows: int) -> None:
        if rows:
            version = str(manifest.model.version)
            self._metrics.counter(SHADOW, model=manifest.model.name, version=version, result=result).add(rows)


def _agree(manifest: Manifest, kind: str, ours: bytes, theirs: bytes) -> bool:
    """Whether the endpoint's value is within the release's tolerance of ours; labels must be equal."""
    one, other = orjson.loads(ours), orjson.loads(theirs)
    if kind == LABEL or isinstance(one, str):
        return bool(one == other and isinstance(one, str) == isinstance(other, str))
    name = PREDICTION if kind == PREDICTION else PROBABILITIES
    tolerance = manifest.parity.tolerances.for_output(name)
    left, right = _numbers(one), _numbers(other)
    if left is None or right is None or left.shape != right.shape:
        return False
    allowed = tolerance.atol + tolerance.rtol * np.abs(right)
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    return bool((same | (np.abs(left - right) <= allowed)).all())


def _numbers(value: Any) -> np.ndarray[Any, np.dtype[np.float64]] | None:  # ruff: ignore[ANN401] - any JSON value
    try:
        return np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None
