"""What the differences themselves say: a shift, a factor, a clip, exchanged columns, a tree too few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .compare import differences, labels_agree
from .questions import LABEL, PROBABILITIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .evidence import Kept

    Numbers = NDArray[np.float64]

ENOUGH: Final = 5
ROUNDING: Final = 2.4e-7
"""Four steps of float32 just below 1."""
FEW: Final = 64
MOST_SCORES: Final = 50
_CLOSE: Final = 1e-4
_MOST_CLASSES: Final = 6
_DEEPEST: Final = 8.0
"""Log-odds beyond which a float32 probability says too little about its margin."""


def rounded(failing: Kept) -> NDArray[np.bool_]:
    """The rows that are off by no more than float32 rounds numbers near 1, in probabilities alone, `(n,)`."""
    source, onnx = failing.source.get(PROBABILITIES), failing.onnx.get(PROBABILITIES)
    if source is None or onnx is None or source.shape != onnx.shape:
        return np.zeros(len(failing), dtype=np.bool_)
    small = differences(source, onnx).reshape(len(failing), -1).max(axis=1) <= ROUNDING
    if LABEL in failing.source and LABEL in failing.onnx:
        small &= labels_agree(failing.source[LABEL], failing.onnx[LABEL])
    return np.asarray(small, dtype=np.bool_)


def rounding_sentence(rows: int, total: int) -> str:
    """What to make of rows that are off by rounding alone."""
    return (
        f"{rows} of {total} failing rows looked at are off by {ROUNDING:.2g} at most, at small probabilities: the "
        "graph rounds them to steps of 6e-8, as ONNX Runtime's LOGISTIC and Sigmoid do. Compute 1 / (1 + exp(-x)) "
        "in the graph instead; where events this rare do not matter, allow it by name: `probabilities: {atol: "
        "2.4e-7}` in a tolerance file."
    )


def pattern_sentences(failing: Kept, holding: Kept | None) -> Iterator[str]:
    """A sentence for each pattern in the differences; the most telling first."""
    for name in failing.source:
        if name != LABEL and name in failing.onnx and failing.source[name].shape == failing.onnx[name].shape:
            yield from _score_patterns(name, failing, holding)
    if LABEL in failing.source and LABEL in failing.onnx:
        yield from _label_pattern(failing)


def _score_patterns(name: str, failing: Kept, holding: Kept | None) -> Iterator[str]:
    source, onnx = failing.source[name].astype(np.float64), failing.onnx[name].astype(np.float64)
    exchanged = _exchanged_columns(source, onnx)
    if exchanged:
        yield exchanged
        return
    left, right = _clear(name, source, onnx)
    if len(left) < ENOUGH:
        return
    clipped = _clipped(name, source, onnx)
    if clipped:
        yield clipped
        return
    everywhere = holding is None or len(holding) < len(failing) // 10
    yield from _regular(name, left, right, everywhere=everywhere)


def _regular(name: str, left: Numbers, right: Numbers, *, everywhere: bool) -> Iterator[str]:
    where = _scale_of(name)
    off = right - left
    spread = float(np.abs(left).mean()) + 1e-300
    if everywhere and _constant(off, spread):
        yield (
            f"Every row is off by the same {off.mean():+.4g} in {where}: look at the base score or the intercept "
            "of the graph."
        )
        return
    big = np.abs(left) > spread * 1e-3
    ratio = right[big] / left[big]
    if everywhere and len(ratio) >= ENOUGH and _constant(ratio, 1.0) and abs(float(ratio.mean()) - 1) > _CLOSE:
        yield (
            f"Every row is {ratio.mean():.4g} times the source's {where}: look at a learning rate, a scale, or a "
            "sum that became an average."
        )


def tree_count_sentences(failing: Kept) -> Iterator[str]:
    """Whether the differences are few values, as the leaves of one tree are: if nothing else was found."""
    for name, scores in failing.source.items():
        if name == LABEL or name not in failing.onnx or scores.shape != failing.onnx[name].shape:
            continue
        left, right = _clear(name, scores, failing.onnx[name])
        if len(left) < 2 * FEW:
            continue
        steps = np.unique(np.round((right - left) / (float(np.abs(left).mean()) + 1e-300), 4))
        if 1 < len(steps) <= FEW:
            yield (
                f"The differences in {_scale_of(name)} take only {len(steps)} different values, as the leaves of "
                "a single tree do: look for a tree that is left out, doubled or weighted differently."
            )


def _scale_of(name: str) -> str:
    return "log-odds" if name == PROBABILITIES else name


def _clear(name: str, source: NDArray[Any], onnx: NDArray[Any]) -> tuple[Numbers, Numbers]:
    """The margins of both sides for the rows whose margins can be told."""
    left, right = margins(name, source), margins(name, onnx)
    clear = (np.abs(left) < margin_limit(name)) & (np.abs(right) < margin_limit(name))
    return left[clear], right[clear]


def _constant(values: Numbers, scale: float) -> bool:
    middle = float(np.median(values))
    return bool(np.abs(values - middle).max() <= _CLOSE * max(abs(middle), 1e-3 * scale)) and middle != 0


def margin_limit(name: str) -> float:
    """Up to which size the margins of an output can be told from its scores."""
    return _DEEPEST if name == PROBABILITIES else np.inf


def margins(name: str, scores: NDArray[Any]) -> Numbers:
    """What trees add up to: log-odds of the last class, or the score itself, `(n,)`."""
    last = (scores if scores.ndim == 1 else scores[:, -1]).astype(np.float64)
    if name != PROBABILITIES:
        return last
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(last / (1 - last))


def _exchanged_columns(source: Numbers, onnx: Numbers) -> str:
    if source.ndim == 1 or not 1 < source.shape[1] <= MOST_SCORES:
        return ""
    match = [
        int(np.argmin([_distance(onnx[:, column], source[:, other]) for other in range(source.shape[1])]))
        for column in range(source.shape[1])
    ]
    permuted = sorted(match) == list(range(len(match))) and match != list(range(len(match)))
    if not permuted or _distance(onnx, source[:, match]) > _CLOSE:
        return ""
    moved = [
        f"column {column} holds the source's column {other}"
        for column, other in enumerate(match)
        if column != other
    ]
    return (
        f"The columns of the scores are exchanged: {', '.join(moved[:_MOST_CLASSES])}. Look at the order of the "
        "classes."
    )


def _distance(left: Numbers, right: Numbers) -> float:
    off = differences(right, left)
    return float(np.median(off)) if np.isfinite(off).all() else np.inf


def _clipped(name: str, source: Numbers, onnx: Numbers) -> str:
    values, counts = np.unique(onnx if onnx.ndim == 1 else onnx[:, -1], return_counts=True)
    held = values[counts >= max(ENOUGH, len(source) // 20)]
    if not len(held) or counts[counts >= max(ENOUGH, len(source) // 20)].sum() < 0.95 * len(source):
        return ""
    last = source if source.ndim == 1 else source[:, -1]
    shown = onnx if onnx.ndim == 1 else onnx[:, -1]
    beyond = all(
        (last[shown == value] > value).all() or (last[shown == value] < value).all() for value in held.tolist()
    )
    if not beyond or len(held) > 2:  # ruff: ignore[PLR2004] - a clip has two ends
        return ""
    ends = " and ".join(f"{value:.6g}" for value in held.tolist())
    return (
        f"All failing rows answer exactly {ends} where the source goes beyond: the graph clips {name}, the source "
        "does not."
    )


def _label_pattern(failing: Kept) -> Iterator[str]:
    wrong = ~labels_agree(failing.source[LABEL], failing.onnx[LABEL])
    scores = failing.source.get(PROBABILITIES)
    answers = failing.onnx.get(PROBABILITIES)
    if not wrong.any() or scores is None or answers is None or scores.shape != answers.shape:
        return
    if differences(scores, answers)[wrong].max(initial=0.0) <= _CLOSE:
        row = int(np.flatnonzero(wrong)[0])
        yield (
            f"The probabilities agree and only labels differ (source {failing.source[LABEL][row]!r}, graph "
            f"{failing.onnx[LABEL][row]!r} at {scores[row].tolist()}): look at how the graph turns scores into "
            "labels, its threshold and its list of classes."
        )
