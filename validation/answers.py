"""What source and graph say to the same rows: outputs where they answer, reasons where they refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnxport.artifacts import SourceGone

from .host import GraphAborted

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxport.artifacts import Outputs, Predict, Rows

    Mask = NDArray[np.bool_]

MAX_CALLS: Final = 4_096
"""Calls that may be spent on one batch before the rest of a part that raises counts as refused."""
FEW_CALLS: Final = 256
"""Likewise where the plan says already that the source raises for such rows."""
MAX_ABORTS: Final = 8
"""Likewise for rows that take the runtime down: each costs a new process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one side says to `n` rows.

    Attributes:
        outputs: Output name to array, a row for each accepted row, in order; empty when none is accepted.
        accepted: Shape `(n,)`: which rows were answered.
        reasons: Row number to what the side raised.
        aborted: The rows that took the runtime down.
        presumed: How many rows were refused together and, as the calls were spent, not one by one.
    """

    outputs: Outputs
    accepted: Mask
    reasons: dict[int, str] = field(default_factory=dict)
    aborted: tuple[int, ...] = ()
    presumed: int = 0

    def at(self, rows: Mask) -> Outputs:
        """The outputs for `rows`, shape `(n,)`, all of them accepted."""
        wanted = rows[self.accepted]
        return {name: values[wanted] for name, values in self.outputs.items()}


@dataclass(slots=True)
class _Asking:
    predict: Predict
    rows: Rows
    most: int
    parts: list[Outputs] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    aborted: list[int] = field(default_factory=list)
    calls: int = 0
    presumed: int = 0

    def ask(self, start: int, stop: int) -> None:
        """Rows `start` to `stop` are answered, or refused one by one: a refusing batch is halved."""
        self.calls += 1
        try:
            outputs = self.predict(self.rows.take(slice(start, stop)))
            self.parts.append(_checked(outputs, stop - start))
        except SourceGone:
            raise
        except Exception as error:  # ruff: ignore[BLE001] - a model may raise anything for rows that it does not accept
            self._refused(start, stop, error)

    def _refused(self, start: int, stop: int, error: Exception) -> None:
        count = stop - start
        aborts = isinstance(error, GraphAborted)
        spent = self.calls >= self.most or (aborts and len(self.aborted) >= MAX_ABORTS)
        if count == 1 or spent:
            text = _sentence(error)
            self.reasons.update(dict.fromkeys(range(start, stop), text))
            self.presumed += count if count > 1 else 0
            if aborts:
                self.aborted.extend(range(start, stop))
            return
        middle = (start + stop) // 2
        self.ask(start, middle)
        self.ask(middle, stop)


class UnequalRows(ValueError):
    """A model answered with another number of rows than it was asked."""


def ask(predict: Predict, rows: Rows, most: int = MAX_CALLS) -> Answers:
    """What `predict` says to `rows`; the rows that it refuses are found by halving, in about `most` calls.

    Raises:
        SourceGone: There is no model any more.
    """
    asking = _Asking(predict, rows, most)
    with np.errstate(all="ignore"):  # extreme probes overflow on purpose; what counts is the answer
        if len(rows):
            asking.ask(0, len(rows))
    accepted = np.ones(len(rows), dtype=np.bool_)
    accepted[list(asking.reasons)] = False
    return Answers(
        outputs=join(asking.parts),
        accepted=accepted,
        reasons=asking.reasons,
        aborted=tuple(asking.aborted),
        presumed=asking.presumed,
    )


def join(parts: list[Outputs]) -> Outputs:
    """The outputs of `parts`, one below the other."""
    if len(parts) == 1:
        return parts[0]
    names = list(dict.fromkeys(name for part in parts for name in part))
    return {name: _stack([part[name] for part in parts if name in part]) for name in names}


def _stack(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    if any(array.dtype.kind in "OUS" for array in arrays):
        arrays = [array.astype(object) for array in arrays]
    return np.concatenate(arrays)


def _checked(outputs: Outputs, rows: int) -> Outputs:
    for name, values in outputs.items():
        if values.ndim == 0 or len(values) != rows:
            raise UnequalRows(f"output {name!r} has shape {values.shape} for {rows} rows")
    return outputs


def _sentence(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:160]}"
