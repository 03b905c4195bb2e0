"""Counters and histograms in memory that the workers share: a few increments a request, one sum a scrape."""

from __future__ import annotations

import json
import mmap
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

from onnxport.artifacts.metric_names import (
    BUCKETS,
    CACHE,
    COST,
    DURATION,
    FALLBACK,
    PREDICTIONS,
    REFUSED,
    RELEASE,
    RESPONSES,
    SHADOW,
    SWAPS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BUCKETS",
    "CACHE",
    "COST",
    "DURATION",
    "FALLBACK",
    "PREDICTIONS",
    "REFUSED",
    "RELEASE",
    "RESPONSES",
    "SHADOW",
    "SWAPS",
    "Counter",
    "Histogram",
    "Metrics",
    "Regions",
]

HELP: Final = {
    DURATION: "From the whole request to its answer, seconds.",
    PREDICTIONS: "Rows that were answered.",
    REFUSED: "Requests that were refused, by reason.",
    RESPONSES: "Answers by HTTP status.",
    CACHE: "Rows looked up, by tier and result.",
    COST: "What a row costs: scored, found in memory, asked of Redis; in microseconds.",
    FALLBACK: "Requests passed to the Azure ML endpoint, by result.",
    SWAPS: "Releases that took over, and those that were refused.",
    SHADOW: "Rows compared with the Azure ML endpoint, by result.",
    RELEASE: "1 for the release that answers.",
}
_KINDS: Final = {DURATION: "histogram", COST: "gauge", RELEASE: "gauge"}
_REGION: Final = 1 << 20
_WORD: Final = 8


class Counter:
    """A number that grows, or a gauge that is set."""

    __slots__ = ("_at", "_view")

    def __init__(self, view: memoryview[float], at: int) -> None:
        self._view = view
        self._at = at

    def add(self, amount: float = 1.0) -> None:
        """The number is `amount` larger."""
        self._view[self._at] += amount

    def set(self, value: float) -> None:
        """The gauge is `value`."""
        self._view[self._at] = value


class Histogram:
    """Durations, counted by bucket, and their sum."""

    __slots__ = ("_at", "_view")

    def __init__(self, view: memoryview[float], at: int) -> None:
        self._view = view
        self._at = at

    def observe(self, seconds: float) -> None:
        """One more duration."""
        view, at = self._view, self._at
        view[at + bisect_left(BUCKETS, seconds)] += 1
        view[at + len(BUCKETS) + 1] += seconds


class Regions:
    """Shared memory for the metrics of each worker, made before they fork.

    A worker that is started again goes on in the region of the one before: counters never fall.
    A region holds the bytes that are used, then entries of: length of the key and number of values, the key as
    JSON, the values as doubles.
    """

    def __init__(self, workers: int) -> None:
        self.maps: Final = [mmap.mmap(-1, _REGION) for _ in range(workers)]


class Metrics:
    """The metrics of this worker, and the sum over all of them."""

    def __init__(self, regions: Regions, worker: int = 0) -> None:
        self._regions = regions
        self._map = regions.maps[worker]
        self._words = memoryview(self._map).cast("Q")
        self._view = memoryview(self._map).cast("d")
        self._index = {key: at for key, at, _ in _entries(self._map)}
        self._children: dict[tuple[Any, ...], Counter] = {}

    def counter(self, name: str, **labels: str) -> Counter:
        """The counter or gauge `name` with these labels."""
        key = (name, *labels.values())
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = Counter(*self._place(name, labels, 1))
        return found

    def histogram(self, name: str, **labels: str) -> Histogram:
        """The histogram `name` with these labels."""
        return Histogram(*self._place(name, labels, len(BUCKETS) + 2))

    def expose(self) -> bytes:
        """All workers' metrics in the Prometheus text format 0.0.4."""
        sums: dict[str, dict[str, list[float]]] = {}
        for region in self._regions.maps:
            for key, at, count in _entries(region):
                name, labels = json.loads(key)
                values = list(memoryview(region).cast("d")[at : at + count])
                series = sums.setdefault(name, {})
                text = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items())
                series[text] = _merged(name, series.get(text), values)
        lines = [line for name in sorted(sums) for line in _lines(name, sums[name])]
        return ("\n".join(lines) + "\n").encode()

    def _place(self, name: str, labels: dict[str, str], count: int) -> tuple[memoryview[float], int]:
        key = json.dumps([name, labels])
        at = self._index.get(key)
        if at is None:
            at = self._append(key, count)
        if at is None:  # the region is full: counted, but not exposed
            return memoryview(bytearray(count * _WORD)).cast("d"), 0
        self._index[key] = at
        return self._view, at

    def _append(self, key: str, count: int) -> int | None:
        data = key.encode()
        data += b" " * (-len(data) % _WORD)
        start = self._words[0] or _WORD
        end = start + _WORD + len(data) + count * _WORD
        if end > _REGION:
            return None
        self._map[start + _WORD : start + _WORD + len(data)] = data
        self._words[start // _WORD] = len(data) << 32 | count
        self._words[0] = end  # the entry is there from now on
        return (start + _WORD + len(data)) // _WORD


def _entries(region: mmap.mmap) -> Iterator[tuple[str, int, int]]:
    """Key, place in doubles, and number of values of each entry."""
    words = memoryview(region).cast("Q")
    at, end = _WORD, words[0]
    while at < end:
        head = words[at // _WORD]
        size, count = head >> 32, head & 0xFFFFFFFF
        key = region[at + _WORD : at + _WORD + size].decode().rstrip()
        yield key, (at + _WORD + size) // _WORD, count
        at += _WORD + size + count * _WORD


def _merged(name: str, one: list[float] | None, other: list[float]) -> list[float]:
    if one is None:
        return other
    combine = max if _KINDS.get(name) == "gauge" else float.__add__
    return [combine(left, right) for left, right in zip(one, other, strict=True)]


def _lines(name: str, series: dict[str, list[float]]) -> Iterator[str]:
    kind = _KINDS.get(name, "counter")
    yield f"# HELP {name} {HELP[name]}"
    yield f"# TYPE {name} {kind}"
    for labels, values in sorted(series.items()):
        if kind != "histogram":
            yield f"{name}{{{labels}}} {_number(values[0])}"
            continue
        comma = "," if labels else ""
        total = 0.0
        for edge, count in zip((*map(str, BUCKETS), "+Inf"), values, strict=False):
            total += count
            yield f'{name}_bucket{{{labels}{comma}le="{edge}"}} {_number(total)}'
        yield f"{name}_count{{{labels}}} {_number(total)}"
        yield f"{name}_sum{{{labels}}} {_number(values[-1])}"


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
